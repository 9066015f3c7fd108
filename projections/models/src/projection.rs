//! One projection: follows `LOG` from its checkpoint, for ever.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use shikaku_broker::Broker;
use shikaku_schemas::feed::FeedVariant;
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::value::Position;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::apply::{Applier, LogEvent, Trouble};
use crate::log::{LogMessage, LogReader};
use crate::publish::last_told;
use crate::run::ModelsError;
use crate::status::StatusBoard;
use crate::store::History;

const PAUSE: Duration = Duration::from_millis(250);
/// How long a log may end before the checkpoint without growing or saying that it will: then the ledger itself must
/// have been put back, and nobody said so.
const REFILL: Duration = Duration::from_secs(30);

/// One projection and where it tells how it goes.
pub(crate) struct Projection {
    pub(crate) variant: FeedVariant,
    pub(crate) broker: Broker,
    pub(crate) applier: Applier,
    pub(crate) status: StatusBoard,
    /// Rung after every batch: the outbox may have grown.
    pub(crate) grown: Arc<Notify>,
    /// Since when the log ends before the checkpoint, and where.
    short_since: Option<(tokio::time::Instant, u64)>,
    /// What the log held, or was to hold, when following began: whoever has reached it is ready, however fast the log
    /// runs on.
    begun_at: u64,
}

impl Projection {
    pub(crate) fn new(
        variant: FeedVariant,
        broker: Broker,
        applier: Applier,
        status: StatusBoard,
        grown: Arc<Notify>,
    ) -> Self {
        Self {
            variant,
            broker,
            applier,
            status,
            grown,
            short_since: None,
            begun_at: 0,
        }
    }

    /// Follows until `cancel`.
    ///
    /// # Errors
    /// [`ModelsError::Stopped`] at once when an event's type or its version is not known to this program.
    pub(crate) async fn run(mut self, cancel: CancellationToken) -> Result<(), ModelsError> {
        let name = self.variant.to_string();
        loop {
            let trouble = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                trouble = self.follow() => trouble,
            };
            self.status.update(&name, |status| status.ready = false);
            match trouble {
                Trouble::Stop(reason) => {
                    tracing::error!(projection = name, reason, "projection stopped");
                    metrics::counter!("shikaku_projection_stops_total", "projection" => name.clone())
                        .increment(1);
                    let position = self.applier.position();
                    self.status.update(&name, |status| {
                        status.position = position;
                        status.stopped = Some(reason.clone());
                    });
                    return Err(ModelsError::Stopped { name, reason });
                }
                Trouble::Rebuild(of, reason) => self.rebuild(of, reason).await,
                Trouble::Wait(cause) => {
                    tracing::warn!(projection = name, %cause, "projection waits");
                }
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn rebuild(&mut self, of: History, reason: &'static str) {
        let name = self.variant.to_string();
        let told = self.applier.position();
        tracing::error!(
            projection = name,
            reason,
            projection.position = told.0,
            "rows do not follow from the log: rebuilding from the first event"
        );
        metrics::counter!("shikaku_projection_rebuilds_total", "projection" => name).increment(1);
        let applier = &self.applier;
        match applier.store.begin_rebuild(of, &applier.checkpoint).await {
            Ok(true) => {}
            Ok(false) => tracing::info!("another instance was quicker"),
            Err(error) => tracing::error!(%error, "the rebuild could not begin; tried again"),
        }
    }

    /// Follows until something goes wrong.
    async fn follow(&mut self) -> Trouble {
        match self.follow_or_fail().await {
            Ok(never) => match never {},
            Err(trouble) => trouble,
        }
    }

    async fn follow_or_fail(&mut self) -> Result<std::convert::Infallible, Trouble> {
        self.applier.reload().await?;
        let from = self.applier.position().0.max(1);
        let mut reader = LogReader::open(&self.broker, from).await?;
        self.check_history(&reader)?;
        self.begun_at = reader.filled;
        self.applier.store.aim(Position(reader.filled)).await?;
        if self.applier.position() == Position::default() && self.applier.counters.is_empty() {
            self.applier.anchors = self.anchors().await?;
        }
        for record in self.applier.store.parked().await? {
            if self.applier.retry(record).await? {
                tracing::info!(projection = %self.variant, "a record set aside is through");
            }
        }
        self.progress(reader.last);
        loop {
            let messages = reader.batch().await?;
            let head = messages
                .last()
                .map_or(0, |last| last.sequence + last.pending);
            self.apply(messages).await?;
            self.progress(head);
        }
    }

    /// Messages that the feed holds last, by id: asked only when this database is empty.
    async fn anchors(&self) -> Result<HashMap<Uuid, u64>, Trouble> {
        let mut anchors = HashMap::new();
        for facility in &self.applier.group.facilities {
            if let Some(last) = last_told(&self.broker, self.variant, &facility.code).await? {
                anchors.insert(last.ce_id, last.feed_sequence);
            }
        }
        Ok(anchors)
    }

    fn check_history(&mut self, log: &LogReader) -> Result<(), Trouble> {
        let checkpoint = &self.applier.checkpoint;
        if let (Some(ours), Some(theirs)) = (checkpoint.identity, log.identity)
            && ours != theirs
        {
            return Err(Trouble::Rebuild(
                History::Other,
                "the log is of another store or epoch",
            ));
        }
        if log.last >= checkpoint.position.0 {
            self.short_since = None;
            return Ok(());
        }
        let (since, before) = *self
            .short_since
            .get_or_insert_with(|| (tokio::time::Instant::now(), log.last));
        if log.last > before {
            self.short_since = None;
        }
        if log.filled >= checkpoint.position.0 || log.last > before || since.elapsed() < REFILL {
            return Err(Trouble::Wait(
                "the log ends before the checkpoint: waiting for its refill".into(),
            ));
        }
        self.short_since = None;
        // No ledger goes back within an epoch: what was told stays told.
        Err(Trouble::Rebuild(
            History::Same,
            "the checkpoint lies behind the log's end",
        ))
    }

    /// Applies what follows the checkpoint; a message at the checkpoint must be the event applied there.
    async fn apply(&mut self, messages: Vec<LogMessage>) -> Result<(), Trouble> {
        let mut expected = self.applier.position().0 + 1;
        let mut events = Vec::with_capacity(messages.len());
        let mut identity = None;
        for message in messages {
            let ours = self.applier.checkpoint.identity.or(identity);
            if ours.is_some() && message.identity.is_some() && message.identity != ours {
                return Err(Trouble::Rebuild(
                    History::Other,
                    "an event is of another store or epoch",
                ));
            }
            identity = identity.or(message.identity);
            let log = read(&message)?;
            if message.sequence + 1 == expected && events.is_empty() {
                let known = self.applier.checkpoint.event_id;
                if known.is_some_and(|id| id != log.event.head.event_id.0) {
                    return Err(Trouble::Rebuild(
                        History::Same,
                        "the event at the checkpoint is another one",
                    ));
                }
                if planted(Mutant::TakeTwice) {
                    events.push(log);
                }
            } else if message.sequence == expected {
                expected += 1;
                events.push(log);
            } else if message.sequence > expected && planted(Mutant::SkipAGap) {
                expected = message.sequence + 1;
                events.push(log);
            } else if message.sequence > expected {
                return Err(Trouble::Wait(
                    "the log has a gap: waiting for its refill".into(),
                ));
            }
        }
        self.applier.batch(events, identity).await
    }

    fn progress(&self, head: u64) {
        self.grown.notify_one();
        let name = self.variant.to_string();
        let position = self.applier.position();
        let parked = self.applier.parked.len();
        let records = self.applier.records;
        self.status.update(&name, |status| {
            status.position = position;
            status.head = Position(head.max(position.0));
            status.ready |= position.0 >= head.min(self.begun_at);
            status.parked_records = u64::try_from(parked).unwrap_or(u64::MAX);
            status.records = records;
        });
        #[expect(clippy::cast_precision_loss, reason = "a gauge; exact up to 2^53")]
        metrics::gauge!("shikaku_projection_position", "projection" => name).set(position.0 as f64);
    }
}

fn read(message: &LogMessage) -> Result<LogEvent, Trouble> {
    let event: shikaku_schemas::event::SealedEvent = serde_json::from_slice(&message.payload)
        .map_err(|_| {
            Trouble::Stop(format!(
                "message {} of the log has no envelope that this version knows",
                message.sequence
            ))
        })?;
    if event.head.position.0 != message.sequence {
        return Err(Trouble::Stop(format!(
            "message {} of the log says that it is at position {}",
            message.sequence, event.head.position
        )));
    }
    Ok(LogEvent {
        event,
        payload: message.payload.clone(),
    })
}
