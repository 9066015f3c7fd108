//! One batch of `LOG` applied: open, fold, tell, seal, and commit as one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bytes::Bytes;
use shikaku_schemas::event::{Event, EventHead, SealedEvent};
use shikaku_schemas::feed::{FeedBody, FeedVariant, RecordView, ce_id, tell};
use shikaku_schemas::group::Group;
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{EventId, FacilityCode, Position, RecordId};
use uuid::Uuid;

use crate::ModelsOptions;
use crate::keys::{KeyRing, RecordKey};
use crate::log::StoreIdentity;
use crate::publish::outgoing;
use crate::run::Cause;
use crate::sealed::{body_place, lookup, open_event, open_view, row_place};
use crate::store::{
    Advance, Change, Checkpoint, History, OutboxRow, ParkedRow, Place, Queued, RowChange, Store,
};

/// The event that destroys a record's key; its own payload can't be opened any more.
const RECORD_ERASED: &str = "record-erased";

/// Why a batch was not applied.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Something is away or another instance was quicker: start again from the checkpoint.
    Wait(Cause),
    /// The rows do not follow from the log: all is read again.
    Rebuild(History, &'static str),
    /// This version can't go on. Says why, without personal data.
    Stop(String),
}

impl<E: Into<Cause>> From<E> for Trouble {
    fn from(cause: E) -> Self {
        Self::Wait(cause.into())
    }
}

/// One event of `LOG`, its payload still sealed.
pub(crate) struct LogEvent {
    pub(crate) event: SealedEvent,
    /// As it came.
    pub(crate) payload: Bytes,
}

/// What one projection folds with. Holds no rows between batches.
pub(crate) struct Applier {
    pub(crate) variant: FeedVariant,
    pub(crate) group: Group,
    pub(crate) store: Store,
    pub(crate) keys: KeyRing,
    pub(crate) lookup_key: SealKey,
    /// Where it stands; read from the store at the start of each following.
    pub(crate) checkpoint: Checkpoint,
    /// The history of what is being applied.
    identity: Option<StoreIdentity>,
    /// Last feed sequence given out, by facility.
    pub(crate) counters: BTreeMap<FacilityCode, u64>,
    /// Records set aside.
    pub(crate) parked: HashSet<RecordId>,
    /// Messages that a feed already has while this database was lost: their numbers count.
    pub(crate) anchors: HashMap<Uuid, u64>,
    /// Records known.
    pub(crate) records: u64,
}

/// What a batch works on.
#[derive(Default)]
struct Work {
    views: HashMap<RecordId, RecordView>,
    /// Records whose row does not open. They are set aside; the others go on.
    unreadable: HashSet<RecordId>,
    keys: HashMap<RecordId, RecordKey>,
    touched: BTreeSet<RecordId>,
    counted: BTreeSet<FacilityCode>,
    change: Change,
}

impl Applier {
    pub(crate) fn new(
        options: &ModelsOptions,
        variant: FeedVariant,
        store: Store,
        keys: KeyRing,
        checkpoint: Checkpoint,
    ) -> Self {
        Self {
            variant,
            group: options.group.clone(),
            store,
            keys,
            lookup_key: options.lookup_key.clone(),
            checkpoint,
            identity: None,
            counters: BTreeMap::new(),
            parked: HashSet::new(),
            anchors: HashMap::new(),
            records: 0,
        }
    }

    /// Applies events that follow the checkpoint without a gap.
    ///
    /// # Errors
    /// [`Trouble::Stop`] after everything before the unknown event was applied.
    pub(crate) async fn batch(
        &mut self,
        mut events: Vec<LogEvent>,
        identity: Option<StoreIdentity>,
    ) -> Result<(), Trouble> {
        let unknown = events
            .iter()
            .map(|log| &log.event.head)
            .position(|head| !Event::is_known(&head.kind, head.schema_version));
        let stop = unknown.map(|at| {
            let head = &events[at].event.head;
            Trouble::Stop(format!(
                "event type {:?} of version {} at position {} is not known to this version",
                head.kind, head.schema_version, head.position
            ))
        });
        events.truncate(unknown.unwrap_or(events.len()));
        self.identity = self.checkpoint.identity.or(identity);
        if let Some(last) = events.last() {
            let advance = Advance {
                from: self.checkpoint.position,
                to: last.event.head.position,
                event_id: Some(last.event.head.event_id),
                identity,
            };
            let work = self.fold(&events).await?;
            if planted(Mutant::TellBeforeCommit) {
                self.tell_before_commit(&work).await?;
            }
            self.commit(advance, work).await?;
        }
        stop.map_or(Ok(()), Err)
    }

    /// Tries a record that was set aside again: a newer version may understand it. True when it is through.
    pub(crate) async fn retry(&mut self, record: RecordId) -> Result<bool, Trouble> {
        let mut events = Vec::new();
        for payload in self.store.queued(record).await? {
            let Ok(event) = serde_json::from_slice(&payload) else {
                return Ok(false);
            };
            events.push(LogEvent {
                event,
                payload: payload.into(),
            });
        }
        self.identity = self.checkpoint.identity;
        let before = (self.counters.clone(), self.records);
        self.parked.remove(&record);
        let mut work = self.fold(&events).await?;
        if self.parked.contains(&record) {
            (self.counters, self.records) = before;
            return Ok(false);
        }
        work.change.released.push(record);
        let advance = Advance {
            from: self.checkpoint.position,
            to: self.checkpoint.position,
            event_id: None,
            identity: None,
        };
        self.commit(advance, work).await?;
        Ok(true)
    }

    async fn fold(&mut self, events: &[LogEvent]) -> Result<Work, Trouble> {
        let mut work = self.load(events).await?;
        for log in events {
            let head = &log.event.head;
            let Some(record) = head.patient else {
                continue;
            };
            if head.kind == RECORD_ERASED {
                self.erase(record, &mut work);
            } else if self.parked.contains(&record) {
                work.change.queued.push(queued(record, log));
            } else if let Err(reason) = self.one(record, log, &mut work) {
                self.park(record, log, reason, &mut work);
            }
        }
        self.seal(&mut work)?;
        Ok(work)
    }

    async fn load(&self, events: &[LogEvent]) -> Result<Work, Trouble> {
        let records: BTreeSet<RecordId> = events
            .iter()
            .filter_map(|log| log.event.head.patient)
            .collect();
        let records: Vec<RecordId> = records.into_iter().collect();
        let keys = self.keys.keys(&records).await?;
        let mut work = Work::default();
        for (record, sealed) in self.store.rows(&records).await? {
            if let Some(RecordKey::Open(key)) = keys.get(&record) {
                match open_view(key, self.variant, record, &sealed) {
                    Ok(view) => drop(work.views.insert(record, view)),
                    Err(_) => drop(work.unreadable.insert(record)),
                }
            }
        }
        Ok(Work { keys, ..work })
    }

    /// Applies one event of a record, or says why it can't be.
    fn one(
        &mut self,
        record: RecordId,
        log: &LogEvent,
        work: &mut Work,
    ) -> Result<(), &'static str> {
        let key = match work.keys.get(&record) {
            Some(RecordKey::Open(key)) => key.clone(),
            Some(RecordKey::Erased) => return Ok(()),
            None => return Err("the hub knows no key of this record"),
        };
        if work.unreadable.contains(&record) {
            return Err("its row does not open with its record's key");
        }
        let head = &log.event.head;
        let event = open_event(&key, &log.event)?;
        let view = work.views.entry(record).or_insert_with(|| {
            self.records += 1;
            RecordView::default()
        });
        work.touched.insert(record);
        for (facility, body) in tell(self.variant, &self.group, head, &event, view) {
            self.post(head, record, facility, &body, &key, work)?;
        }
        Ok(())
    }

    fn post(
        &mut self,
        head: &EventHead,
        record: RecordId,
        facility: FacilityCode,
        message: &FeedBody,
        key: &SealKey,
        work: &mut Work,
    ) -> Result<(), &'static str> {
        if head.position <= self.checkpoint.gate {
            return Ok(());
        }
        let epoch = self.identity.map_or(1, |identity| identity.epoch);
        let epoch = if planted(Mutant::KeepIds) { 1 } else { epoch };
        let ce_id = ce_id(head.event_id, self.variant, &facility, epoch);
        let plain = serde_json::to_vec(&message.body).map_err(|_| "a body can't be written")?;
        let counter = self.counters.entry(facility.clone()).or_default();
        *counter += 1 + u64::from(planted(Mutant::SkipFeedSequence) && *counter % 4 == 3);
        if let Some(known) = self.anchors.get(&ce_id).copied() {
            *counter = known;
            work.change
                .outbox
                .retain(|row| row.facility != facility || row.feed_sequence < known);
            work.change.renumbered.push((facility.clone(), known));
        }
        work.change.outbox.push(OutboxRow {
            feed_sequence: *counter,
            ce_id,
            kind: message.kind,
            record,
            // What waited goes behind what was told meanwhile, as its number does.
            position: head.position.max(self.checkpoint.position),
            recorded_at_us: head.recorded_at.as_microsecond(),
            body: key.seal(&body_place(self.variant, ce_id), &plain),
            facility: facility.clone(),
        });
        work.counted.insert(facility);
        Ok(())
    }

    fn park(&mut self, record: RecordId, log: &LogEvent, reason: &'static str, work: &mut Work) {
        let head = &log.event.head;
        tracing::error!(
            projection = %self.variant, position = head.position.0, reason,
            "an event can't be applied: its record is set aside"
        );
        metrics::counter!("shikaku_projection_parked_records_total", "projection" => self.variant.to_string())
            .increment(1);
        self.parked.insert(record);
        work.change.parked.push(ParkedRow {
            record,
            position: head.position,
            facility: head.facility.clone(),
            kind: head.kind.clone(),
            reason,
        });
        work.change.queued.push(queued(record, log));
    }

    fn erase(&mut self, record: RecordId, work: &mut Work) {
        self.keys.forget(record);
        self.parked.remove(&record);
        work.keys.insert(record, RecordKey::Erased);
        if work.views.remove(&record).is_some() || work.unreadable.remove(&record) {
            self.records = self.records.saturating_sub(1);
        }
        work.touched.remove(&record);
        work.change.parked.retain(|row| row.record != record);
        work.change.queued.retain(|event| event.record != record);
        work.change.erased.push(record);
    }

    /// Seals the rows of every record touched.
    fn seal(&self, work: &mut Work) -> Result<(), Trouble> {
        for record in &work.touched {
            let (Some(view), Some(RecordKey::Open(key))) =
                (work.views.get(record), work.keys.get(record))
            else {
                continue;
            };
            work.change.rows.push(RowChange {
                record: *record,
                sealed: key.seal(
                    &row_place(self.variant, *record),
                    &serde_json::to_vec(view)?,
                ),
            });
            work.change
                .places
                .extend(view.facilities.keys().map(|facility| {
                    Place {
                        facility: facility.clone(),
                        record: *record,
                        lookup: view
                            .patient
                            .as_ref()
                            .map(|number| lookup(&self.lookup_key, facility, &number.0).to_vec()),
                    }
                }));
        }
        work.change.counters = work
            .counted
            .iter()
            .map(|facility| (facility.clone(), self.counters[facility]))
            .collect();
        Ok(())
    }

    async fn commit(&mut self, advance: Advance, work: Work) -> Result<(), Trouble> {
        if !self.store.commit(&advance, work.change).await? {
            return Err(Trouble::Wait(
                "another instance moved the checkpoint".into(),
            ));
        }
        self.checkpoint.position = advance.to;
        self.checkpoint.event_id = advance
            .event_id
            .map(|EventId(id)| id)
            .or(self.checkpoint.event_id);
        self.checkpoint.identity = advance.identity.or(self.checkpoint.identity);
        Ok(())
    }

    /// What a planted fault does: past the outbox, and before it is there.
    async fn tell_before_commit(&self, work: &Work) -> Result<(), Cause> {
        for row in &work.change.outbox {
            let of = self.identity.ok_or("the log tells of no history")?;
            let key = work.keys.get(&row.record);
            let message = outgoing(self.variant, of, &row.pending(), key)?;
            self.keys.broker.store(message).await?;
        }
        Ok(())
    }

    /// Forgets what a failed batch did in memory.
    pub(crate) async fn reload(&mut self) -> Result<(), sqlx::Error> {
        self.checkpoint = self.store.checkpoint().await?;
        self.counters = self.store.counters().await?;
        self.parked = self.store.parked().await?.into_iter().collect();
        self.records = self.store.record_count().await?;
        Ok(())
    }

    /// Where it stands.
    pub(crate) fn position(&self) -> Position {
        self.checkpoint.position
    }
}

fn queued(record: RecordId, log: &LogEvent) -> Queued {
    Queued {
        position: log.event.head.position,
        record,
        event: log.payload.to_vec(),
    }
}
