//! The publisher: says what the spool keeps until the hub answers.
//!
//! Evidence goes first, sealed and in chunks, then the observation, in windows whose acknowledgements are
//! awaited together. An acknowledgement of the broker lets nothing go: only the hub's answer on
//! `shikaku.committed…` does. What stays unanswered is said again after a growing pause, under a message id
//! that the broker's short duplicate window can't swallow (the hub's inbox recognises it for ever), but
//! not while the stream shows that nobody has consumed anything since: then it is still there.

mod outgoing;
mod unanswered;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use shikaku_broker::{Acknowledgement, Heards};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::observation::{CommitOutcome, Committed};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::subject;
use shikaku_schemas::topology::OBSERVATIONS;
use shikaku_schemas::value::{FacilityCode, ObservationId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::broker::{ACK_TIMEOUT, Broker};
use crate::spool::{Mark, Newest, Pending, Spool};
use outgoing::{Outgoing, prepare};
pub use outgoing::{chunk_binding, evidence_ref};
use unanswered::{StreamReading, Unanswered};

/// Whose spool it is, and how patient to be.
#[derive(Debug, Clone)]
pub struct PublisherOptions {
    /// The facility.
    pub facility: FacilityCode,
    /// Kind of adapter.
    pub source: String,
    /// The device.
    pub device: String,
    /// The group's key; chunks are sealed under a key derived from it.
    pub group_key: SealKey,
    /// When an unanswered entry is said again.
    pub again: Backoff,
    /// Unanswered entries at a time.
    pub unanswered: usize,
    /// Entries of one window of acknowledgements.
    pub window: usize,
    /// Bytes of one window.
    pub window_bytes: u64,
    /// Sets this run's message ids apart from an earlier run's; the start time will do.
    pub run: u64,
}

impl PublisherOptions {
    /// The usual patience: again after 5 s, growing to 5 minutes.
    pub fn new(
        facility: FacilityCode,
        source: &str,
        device: &str,
        group_key: SealKey,
        run: u64,
    ) -> Self {
        Self {
            facility,
            source: source.to_owned(),
            device: device.to_owned(),
            group_key,
            again: Backoff {
                first: Duration::from_secs(5),
                cap: Duration::from_secs(300),
            },
            unanswered: 1024,
            window: 128,
            window_bytes: 4 << 20,
            run,
        }
    }
}

const IDLE: Duration = Duration::from_secs(1);
const SUBSCRIBE_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(200),
    cap: Duration::from_secs(5),
};

/// Publishes until `cancel`; the window under way is finished first. No state of the broker ends it.
pub async fn run(
    broker: &Broker,
    spool: Arc<Spool>,
    options: &PublisherOptions,
    cancel: CancellationToken,
) {
    let mut publisher = Publisher {
        broker,
        spool,
        options,
        unanswered: Unanswered::default(),
        cursor: 0,
        freed: 0,
        healthy: true,
    };
    let mut failures = 0;
    while !cancel.is_cancelled() {
        match publisher.listen().await {
            Some(answers) => {
                failures = 0;
                publisher.follow(answers, &cancel).await;
            }
            None => failures += 1,
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(SUBSCRIBE_AGAIN.pause(failures)) => {}
        }
    }
}

struct Publisher<'a> {
    broker: &'a Broker,
    spool: Arc<Spool>,
    options: &'a PublisherOptions,
    unanswered: Unanswered,
    /// Sequence of the newest entry that was published at least once in this run.
    cursor: u64,
    freed: u64,
    healthy: bool,
}

impl Publisher<'_> {
    async fn listen(&self) -> Option<Heards> {
        let subject = subject::committed(
            &self.options.facility,
            &self.options.source,
            &self.options.device,
        );
        let subscribe = self.broker.subscribe(subject);
        match tokio::time::timeout(ACK_TIMEOUT, subscribe).await {
            Ok(Ok(answers)) => Some(answers),
            _ => None,
        }
    }

    /// Works until `cancel` or until the subscription ends.
    async fn follow(&mut self, mut answers: Heards, cancel: &CancellationToken) {
        let mut newest = self.spool.newest();
        let mut line = self.broker.line.clone();
        loop {
            self.report();
            let pause = self.work().await;
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                answer = answers.next() => match answer {
                    Some(answer) => self.take_answer(&answer.payload),
                    None => {
                        tracing::warn!("the subscription to answers ended");
                        return;
                    }
                },
                changed = newest.changed() => match changed {
                    Ok(()) => self.notice(*newest.borrow_and_update()),
                    Err(_) => return,
                },
                changed = line.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
            // Answers come in bursts: take what is there before looking for more to publish.
            while let Some(Some(answer)) = futures::FutureExt::now_or_never(answers.next()) {
                self.take_answer(&answer.payload);
            }
        }
    }

    fn notice(&mut self, newest: Newest) {
        if newest.freed != self.freed {
            // An entry behind the cursor waits again: look from the start.
            self.freed = newest.freed;
            self.cursor = 0;
        }
    }

    fn take_answer(&mut self, payload: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Committed>(payload) else {
            metrics::counter!("shikaku_spool_malformed_answers_total").increment(1);
            return;
        };
        self.unanswered.answered(&answer.observation_id);
        let mark = match answer.outcome {
            CommitOutcome::Parked => Mark::Parked,
            CommitOutcome::Recorded | CommitOutcome::NothingNew | CommitOutcome::Waiting => {
                Mark::Done
            }
        };
        if let Err(error) = self.spool.mark(&answer.observation_id, mark) {
            tracing::warn!(error = %error, "an answer could not be noted; the entry is said again");
        }
    }

    /// Publishes what is due, window by window, and says how long to wait for the next.
    async fn work(&mut self) -> Duration {
        let line = *self.broker.line.borrow();
        if !line.up {
            return IDLE;
        }
        let now = Instant::now();
        let mut window = Vec::new();
        if self.unanswered.any_due(now) || self.unanswered.generation() != line.generation {
            let reading = self.read_stream(line.generation).await;
            let Some(reading) = reading else {
                return self.failed("the stream can't be read");
            };
            self.unanswered
                .take_reading(reading, now, self.options.again);
            window = self.unanswered.due(now, self.options.window);
        }
        self.add_fresh(&mut window);
        if window.is_empty() {
            return self.unanswered.next_due(now).unwrap_or(IDLE).min(IDLE);
        }
        match self.publish(&window).await {
            0 => {
                self.healthy = true;
                Duration::ZERO
            }
            refused => {
                metrics::counter!("shikaku_spool_refused_total").increment(refused as u64);
                self.failed("the broker does not take observations")
            }
        }
    }

    fn failed(&mut self, what: &'static str) -> Duration {
        if std::mem::replace(&mut self.healthy, false) {
            tracing::warn!(
                reason = what,
                "the spool keeps what is seen and tries again"
            );
        }
        IDLE
    }

    fn add_fresh(&mut self, window: &mut Vec<Pending>) {
        let options = self.options;
        let room = options.unanswered.saturating_sub(self.unanswered.len());
        let limit = options.window.min(window.len() + room);
        let mut bytes: u64 = window.iter().map(|entry| entry.bytes).sum();
        while window.len() < limit {
            let Some(entry) = self.spool.pending_after(self.cursor, 1).first().copied() else {
                return;
            };
            bytes += entry.bytes;
            if bytes > options.window_bytes && !window.is_empty() {
                return;
            }
            self.cursor = entry.sequence;
            if !self.unanswered.contains(&entry.id) {
                window.push(entry);
            }
        }
    }

    async fn read_stream(&self, generation: u64) -> Option<StreamReading> {
        let stream = self.broker.stream(OBSERVATIONS);
        let info = tokio::time::timeout(ACK_TIMEOUT, stream).await.ok()?.ok()?;
        Some(StreamReading {
            generation,
            created: info.created_ns,
            consumed: info.last_sequence.saturating_sub(info.messages),
        })
    }

    /// Publishes one window; the number of entries that the broker did not take.
    async fn publish(&mut self, window: &[Pending]) -> usize {
        let outgoing = self.read_window(window).await;
        let mut handed_over = Vec::with_capacity(outgoing.len());
        // Handed over one after the other, so that evidence precedes its observation; awaited together.
        for message in outgoing {
            let id = message.id;
            handed_over.push((id, self.hand_over(message).await));
        }
        let waiting = handed_over
            .into_iter()
            .map(async |(id, future)| match future {
                Some(future) => (id, taken(future).await),
                None => (id, Taken::No),
            });
        let mut by_entry = HashMap::<ObservationId, Taken>::new();
        for (id, taken) in join_all(waiting).await {
            let entry = by_entry.entry(id).or_insert(Taken::Stored);
            *entry = (*entry).min(taken);
        }
        let now = Instant::now();
        let mut refused = 0;
        for entry in window {
            let taken = by_entry.get(&entry.id).copied().unwrap_or(Taken::No);
            refused += usize::from(taken == Taken::No);
            let stored = taken == Taken::Stored;
            if stored && planted(Mutant::LetGoWhenPublished) {
                let _ = self.spool.mark(&entry.id, Mark::Done);
            }
            self.unanswered
                .published(*entry, stored, now, self.options.again);
        }
        metrics::counter!("shikaku_spool_published_total")
            .increment((window.len() - refused) as u64);
        refused
    }

    /// Reads and seals off the async threads. An entry that does not open is set aside, never
    /// retried; one that the disk does not give now comes later.
    async fn read_window(&self, window: &[Pending]) -> Vec<Outgoing> {
        let spool = self.spool.clone();
        let options = self.options.clone();
        let entries: Vec<(Pending, u32)> = window
            .iter()
            .map(|entry| (*entry, self.unanswered.attempts(&entry.id)))
            .collect();
        let read = move || {
            let mut outgoing = Vec::new();
            for (pending, attempts) in entries {
                match spool.read(&pending.id) {
                    Ok(Some(entry)) => prepare(&options, entry, attempts, &mut outgoing),
                    Ok(None) => {}
                    Err(error) if !error.is_lasting() => {
                        tracing::warn!(observation.id = %pending.id, error = %error, "a spooled entry can't be read now; it is tried again");
                    }
                    Err(error) => {
                        tracing::error!(observation.id = %pending.id, error = %error, "a spooled entry can't be read");
                        metrics::counter!("shikaku_spool_damaged_total").increment(1);
                        let _ = spool.mark(&pending.id, Mark::Parked);
                    }
                }
            }
            outgoing
        };
        shikaku_disk::off_thread(self.spool.disk(), read)
            .await
            .unwrap_or_default()
    }

    async fn hand_over(&self, message: Outgoing) -> Option<Acknowledgement> {
        let publish = self.broker.send(message.message);
        tokio::time::timeout(ACK_TIMEOUT, publish).await.ok()?.ok()
    }

    fn report(&self) {
        let status = self.spool.status();
        let device = || self.options.device.clone();
        #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
        {
            metrics::gauge!("shikaku_spool_pending", "device" => device())
                .set(status.pending as f64);
            metrics::gauge!("shikaku_spool_parked", "device" => device()).set(status.parked as f64);
            metrics::gauge!("shikaku_spool_bytes", "device" => device()).set(status.bytes as f64);
        }
    }
}

/// What the broker did with a message, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Taken {
    /// Refused, or nobody knows.
    No,
    /// It heard this message id a moment ago and stored nothing.
    Duplicate,
    /// It is in the stream.
    Stored,
}

async fn taken(acknowledgement: Acknowledgement) -> Taken {
    match tokio::time::timeout(ACK_TIMEOUT, acknowledgement).await {
        Ok(Ok(stored)) if stored.duplicate => Taken::Duplicate,
        Ok(Ok(_)) => Taken::Stored,
        Err(_) => Taken::No,
        Ok(Err(error)) => {
            tracing::debug!(error = %error, "an observation was not taken");
            Taken::No
        }
    }
}
