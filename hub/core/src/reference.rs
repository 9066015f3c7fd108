//! 照会番号 that are registered without anybody asking for it: after a check that came without one.
//!
//! Follows the ledger: whoever was verified or got a chart number is put before the sequencer, which knows the
//! record and asks for what is missing, under ids that the same registration always gets. So nothing is
//! registered twice, whenever the hub stops; a registration that was refused stays so until a person asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use shikaku_domain::FacilityFacts;
use shikaku_domain::patient::{self, Human, Origin};
use shikaku_ledger::{Ledger, LedgerError, StoredEvent};
use shikaku_schemas::clock::Clock;
use shikaku_schemas::command::{CommandEnvelope, CommandReply, RegisterReference};
use shikaku_schemas::group::{Facility, Group, ReferenceNumberRule};
use shikaku_schemas::value::{FacilityCode, PersonId, Position, RecordId, StreamId, jst_day};

use crate::commands::refused;
use crate::error::Cause;
use crate::follow::{self, Follower};
use crate::query::Queries;
use crate::sequencer::{Queue, Registration, Reply, Work, numbered_inquiry, unavailable};

/// What may make a registration due: each answer about somebody ends with the first, charts bring the second, and a
/// link makes the chart number of one record that of another.
const KINDS: &[&str] = &["verified", "patient-numbered", LINKED];
const LINKED: &str = "person-linked";
/// What a hub that was killed may have left undone is looked for this far back.
const LOOK_BACK: Duration = Duration::from_secs(60 * 60);
/// Records that are put before the sequencer at once.
const AT_ONCE: usize = 64;

/// Who registers by itself, and all that are missing when somebody says so.
#[derive(Clone)]
pub(crate) struct References {
    pub(crate) ledger: Ledger,
    pub(crate) queries: Queries,
    pub(crate) queue: Queue,
    pub(crate) group: Group,
    /// Rows of one job.
    pub(crate) rows: usize,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Follower for References {
    const WORDS: &'static str = "who lacks a reference number is looked for again";

    async fn follow(&mut self) -> Result<(), Cause> {
        let mut committed = self.ledger.committed();
        let mut position = follow::look_back(&self.ledger, LOOK_BACK).await?;
        loop {
            let page = follow::page(&self.ledger, KINDS, position).await?;
            self.consider(&page.events).await?;
            position = page.upto;
            if !page.is_full && self.ledger.head().await?.position == position {
                let changed = committed.changed().await;
                changed.map_err(|_| "the writer is gone")?;
            }
        }
    }
}

impl References {
    async fn consider(&self, page: &[StoredEvent]) -> Result<(), Cause> {
        let mut touched: BTreeSet<(RecordId, &FacilityCode)> = page
            .iter()
            .filter_map(|event| Some((event.head.patient?, event.head.facility.as_ref()?)))
            .filter(|(_, facility)| self.group.facility(facility).is_some_and(registers))
            .collect();
        self.add_linked(page, &mut touched).await?;
        let touched: Vec<_> = touched.into_iter().collect();
        for some in touched.chunks(AT_ONCE) {
            let mut answers = Vec::with_capacity(some.len());
            for (record, facility) in some {
                let due = Registration::Due {
                    facility: (*facility).clone(),
                    record: *record,
                };
                answers.push(self.put(due).await?);
            }
            for answer in answers {
                // Whoever can't be read or recorded is looked at again with the next answer about them.
                if let Reply::Unavailable = answer.await? {
                    return Err("a registration could not be recorded yet".into());
                }
            }
        }
        Ok(())
    }

    /// Whoever is linked with those touched; and whom a link was made of, wherever registrations are made.
    async fn add_linked<'a>(
        &'a self,
        page: &[StoredEvent],
        touched: &mut BTreeSet<(RecordId, &'a FacilityCode)>,
    ) -> Result<(), Cause> {
        let facilities = self.group.facilities.iter();
        let registering: Vec<_> = facilities.filter(|place| registers(place)).collect();
        let links = page.iter().filter(|event| event.head.kind == LINKED);
        let persons: BTreeSet<PersonId> = links
            .filter_map(|event| {
                event
                    .head
                    .stream
                    .as_str()
                    .strip_prefix("person-")?
                    .parse()
                    .ok()
            })
            .map(PersonId)
            .collect();
        for person in persons {
            for record in self.linked(person).await? {
                touched.extend(registering.iter().map(|place| (record, &place.code)));
            }
        }
        let records: Vec<_> = touched.iter().map(|(record, _)| *record).collect();
        let persons = self.queries.persons(&records).await?;
        let mut linked = BTreeMap::new();
        for person in persons.values() {
            if !linked.contains_key(person) {
                linked.insert(*person, self.linked(*person).await?);
            }
        }
        for (record, facility) in touched.clone() {
            let others = persons.get(&record).and_then(|person| linked.get(person));
            touched.extend(
                others
                    .into_iter()
                    .flatten()
                    .map(|record| (*record, facility)),
            );
        }
        Ok(())
    }

    /// Of whom nothing can be read nobody is known; the others do not wait.
    async fn linked(&self, person: PersonId) -> Result<Vec<RecordId>, Cause> {
        match self.queries.records_of(person).await {
            Err(error) if error.is_unreadable() => {
                tracing::error!(%error, "the records of a person can't be told");
                Ok(Vec::new())
            }
            records => Ok(records?),
        }
    }

    async fn put(
        &self,
        registration: Registration,
    ) -> Result<tokio::sync::oneshot::Receiver<Reply>, Cause> {
        let put = self.queue.put(Work::Register(Box::new(registration))).await;
        Ok(put.ok_or("the sequencer has stopped")?)
    }

    /// Registers everybody of a facility whose number is missing, in jobs of as many as one may hold. The id of
    /// the reply is the first job's; without one, nothing was missing.
    pub(crate) async fn all_missing(
        &self,
        envelope: &CommandEnvelope,
        asked: &RegisterReference,
    ) -> CommandReply {
        let Some(facility) = self.group.facility(&asked.facility) else {
            return refused(
                "facility-unknown",
                crate::parked::message("facility-unknown"),
            );
        };
        if facility.terminals.is_empty() {
            return refused("no-terminal", crate::parked::message("no-terminal"));
        }
        match self.register_all(envelope, asked, facility).await {
            Ok(reply) => reply,
            Err(error) => {
                tracing::warn!(%error, "missing reference numbers could not be registered");
                unavailable()
            }
        }
    }

    async fn register_all(
        &self,
        envelope: &CommandEnvelope,
        asked: &RegisterReference,
        facility: &Facility,
    ) -> Result<CommandReply, Cause> {
        let missing = self.missing(facility).await?;
        let mut first = None;
        // Somebody may have two halves to register.
        let most = (self.rows / 2).max(1);
        for (chunk, n) in missing.chunks(most).zip(0..) {
            let inquiry = numbered_inquiry(envelope, n);
            let bulk = Registration::Bulk {
                inquiry,
                facility: facility.code.clone(),
                requested_by: envelope.by.clone(),
                purpose: asked.purpose.clone(),
                records: chunk.to_vec(),
            };
            match self.put(bulk).await?.await? {
                Reply::Committed { .. } => first.get_or_insert(inquiry.0),
                _ => return Err("a job of registrations could not be recorded".into()),
            };
        }
        Ok(CommandReply::Done {
            position: self.ledger.head().await?.position,
            id: first,
        })
    }

    /// Records of the facility with something missing, in a fixed order.
    async fn missing(&self, facility: &Facility) -> Result<Vec<RecordId>, Cause> {
        let facts = FacilityFacts::from(facility);
        let today = jst_day(self.clock.now());
        let known = self.records_of(&facility.code).await?;
        let mut missing = Vec::new();
        for some in known.chunks(follow::PAGE as usize) {
            let persons = self.queries.persons(some).await?;
            let streams: Vec<StreamId> = some.iter().copied().map(StreamId::patient).collect();
            for (_, events) in self.ledger.load_streams(&streams).await? {
                let opened = match self.ledger.open_events(&events).await {
                    Err(error) if error.is_unreadable() => {
                        passed_over(&error);
                        continue;
                    }
                    opened => opened?,
                };
                let told = opened
                    .iter()
                    .map(|event| (Origin::from(&event.head), event.event.as_ref()));
                let state = patient::replay(told);
                let Some(record) = opened.first().and_then(|event| event.head.patient) else {
                    continue;
                };
                let linked = match persons.contains_key(&record) {
                    true => self.queries.linked_states(facility, record).await,
                    false => Ok(Vec::new()),
                };
                let linked = match linked {
                    Err(error) if error.is_unreadable() => {
                        passed_over(&error);
                        continue;
                    }
                    linked => linked?,
                };
                let human = Human {
                    record: &state,
                    linked: linked.iter().collect(),
                };
                if !patient::missing_registrations(&human, &facts, today).is_empty() {
                    missing.push(record);
                }
            }
        }
        missing.sort_unstable();
        Ok(missing)
    }

    async fn records_of(&self, facility: &FacilityCode) -> Result<Vec<RecordId>, Cause> {
        let mut known = BTreeSet::new();
        let mut position = Position(0);
        loop {
            let page = self
                .ledger
                .read_kinds(position, &["verified"], follow::PAGE)
                .await?;
            let Some(last) = page.last() else {
                return Ok(known.into_iter().collect());
            };
            position = last.head.position;
            let of_facility = page
                .iter()
                .filter(|event| event.head.facility.as_ref() == Some(facility))
                .filter_map(|event| event.head.patient);
            known.extend(of_facility);
        }
    }
}

impl std::fmt::Debug for References {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("References(…)")
    }
}

fn passed_over(error: &LedgerError) {
    tracing::error!(%error, "a record can't be read; nothing is registered for it");
}

/// Whether a facility registers by itself.
pub(crate) fn registers(facility: &Facility) -> bool {
    facility.register_references
        && facility.reference_number != ReferenceNumberRule::None
        && !facility.terminals.is_empty()
}
