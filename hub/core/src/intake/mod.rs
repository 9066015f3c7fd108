//! Observations and evidence from the broker into the sequencer, and the answers back.
//!
//! A message is acknowledged after the commit, never before; a spool is answered for duplicates too. Many
//! messages are under way at once, so that the sequencer always has a batch to commit.

mod read;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use lru::LruCache;
use shikaku_broker::{AckKind, Acker, Broker, Message, Messages, Pull};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::observation::{CommitOutcome, Committed};
use shikaku_schemas::value::ObservationId;
use shikaku_schemas::{subject, topology};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Cause;
use crate::parked::Parked;
use crate::sequencer::{Announcement, Queue, Reply, Work};
pub(crate) use read::Reader;
use read::{Origin, Read};

const PULL: usize = 256;
const HEARTBEAT: Duration = Duration::from_secs(5);
const EXPIRES: Duration = Duration::from_secs(30);
/// Messages read and not yet answered; the durable allows more.
const UNDER_WAY: usize = 1024;
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_AT_MOST: Duration = Duration::from_secs(2);
/// Evidence follows closely behind, or is published again by the spool.
const EVIDENCE_COMES: Duration = Duration::from_millis(500);
const LEDGER_COMES: Duration = Duration::from_secs(2);
/// Until what can't be read is tried again.
const UNREAD: Duration = Duration::from_secs(60);
/// A message that waits and was not met again for so long is gone: the stream may be another one now.
const GONE: Duration = UNREAD.saturating_mul(3);
/// As many as the durable lets wait.
const HELD: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");
/// What is under way at the end is still answered, if the ledger is quick.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Reads `OBSERVATIONS`.
pub(crate) struct Intake {
    pub(crate) broker: Broker,
    pub(crate) queue: Queue,
    pub(crate) reader: Reader,
    pub(crate) parked: Parked,
    /// Answers that nobody's message waits for: a parked observation decided anew.
    pub(crate) announcements: mpsc::Receiver<Announcement>,
    pub(crate) held: Held,
}

type Answers = FuturesUnordered<BoxFuture<'static, ()>>;

impl Intake {
    /// Reads until `cancel`; a broker that is away or was wiped is only waited for.
    pub(crate) async fn run(mut self, cancel: CancellationToken) -> Result<(), Cause> {
        let mut answers = Answers::new();
        let mut pause = PAUSE;
        while !cancel.is_cancelled() {
            let ended = self.follow(&mut answers, &mut pause, &cancel).await;
            if let Err(error) = ended {
                metrics::counter!("shikaku_hub_intake_restarts_total").increment(1);
                tracing::warn!(%error, "intake begins to pull again");
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_AT_MOST),
            }
        }
        let rest = async { while answers.next().await.is_some() {} };
        if tokio::time::timeout(LAST_ANSWERS, rest).await.is_err() {
            tracing::warn!("the rest is published again by the spools");
        }
        self.broker.flush().await?;
        Ok(())
    }

    async fn follow(
        &mut self,
        answers: &mut Answers,
        pause: &mut Duration,
        cancel: &CancellationToken,
    ) -> Result<(), Cause> {
        let mut connections = self.broker.connections.clone();
        connections.mark_unchanged();
        let mut messages = self.pull().await?;
        // The stream may be another one now.
        held(&self.held).clear();
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                _ = connections.changed() => return Err("the broker was away".into()),
                Some(()) = answers.next(), if !answers.is_empty() => {}
                Some(announcement) = self.announcements.recv() => self.announce(&announcement).await,
                message = messages.next(), if answers.len() < UNDER_WAY => {
                    let message = message.ok_or("the pull ended")??;
                    *pause = PAUSE;
                    if let Some(answer) = self.take(message).await? {
                        answers.push(answer);
                    }
                }
            }
        }
    }

    async fn pull(&self) -> Result<Messages, Cause> {
        let pull = Pull {
            batch: PULL,
            heartbeat: HEARTBEAT,
            expires: EXPIRES,
        };
        let (stream, durable) = (topology::OBSERVATIONS, topology::INTAKE);
        Ok(self.broker.messages(stream, durable, pull).await?)
    }

    /// Puts one message into the queue, in the order of the stream, and gives what remains to be done.
    async fn take(&self, message: Message) -> Result<Option<BoxFuture<'static, ()>>, Cause> {
        let read = self
            .reader
            .read(&message.subject, message.headers.as_ref(), &message.payload);
        let acker = message.acker;
        let Read {
            origin,
            answers,
            work,
        } = read;
        let Some(work) = work else {
            // A chunk that does not open is nobody's observation: the spool still has the bytes.
            metrics::counter!("shikaku_hub_intake_unreadable_chunks_total").increment(1);
            tracing::error!(
                "an evidence chunk does not open; it is dropped, the spool keeps the bytes"
            );
            acker.settle(AckKind::Term, false).await?;
            return Ok(None);
        };
        let row = match &work {
            Work::Unjudged(unjudged) => Some(unjudged.observation_id),
            Work::Observation(seen) => Some(seen.observation_id),
            _ => None,
        };
        let reply = self
            .queue
            .put(work)
            .await
            .ok_or("the sequencer has stopped")?;
        if planted(Mutant::AckBeforeCommit) {
            acker.settle(AckKind::Ack, false).await?;
        }
        if let (true, Some(origin), Some(id)) =
            (planted(Mutant::AnswerBeforeCommit), &origin, answers)
        {
            committed(&self.broker, origin, id, CommitOutcome::Recorded).await?;
        }
        let answer = Answer {
            broker: self.broker.clone(),
            parked: self.parked.clone(),
            acker,
            origin,
            answers: answers.or(row),
            row,
            sequence: message.place.map(|place| place.sequence),
            held: self.held.clone(),
        };
        Ok(Some(Box::pin(async move {
            if let Err(error) = answer.give(reply).await {
                tracing::warn!(%error, "an answer was not given; the message comes again");
            }
        })))
    }

    async fn announce(&self, announcement: &Announcement) {
        let origin = Origin {
            facility: announcement.facility.clone(),
            source: announcement.source.clone(),
            device: announcement.device.clone(),
        };
        let told = committed(
            &self.broker,
            &origin,
            announcement.observation_id,
            announcement.outcome,
        )
        .await;
        if let Err(error) = told {
            tracing::warn!(%error, "a spool was not told about a parked observation");
        }
    }
}

/// One message on its way.
struct Answer {
    broker: Broker,
    parked: Parked,
    acker: Box<dyn Acker>,
    origin: Option<Origin>,
    /// The id the spool knows.
    answers: Option<ObservationId>,
    /// The id the inbox knows.
    row: Option<ObservationId>,
    /// Where it stands in the stream.
    sequence: Option<u64>,
    held: Held,
}

/// Of what can't be read, the message that waits in the stream.
pub(crate) type Held = Arc<Mutex<LruCache<ObservationId, Waiting>>>;

/// Where it stands in the stream, and when it was met last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    sequence: u64,
    met: Instant,
}

pub(crate) fn nothing_held() -> Held {
    Arc::new(Mutex::new(LruCache::new(HELD)))
}

fn held(all: &Held) -> MutexGuard<'_, LruCache<ObservationId, Waiting>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the message of `row` that is met now is the one that waits.
fn waits(all: &Held, row: ObservationId, sequence: u64, met: Instant) -> bool {
    let mut all = held(all);
    let waiting = all.get_or_insert_mut(row, || Waiting { sequence, met });
    if waiting.sequence == sequence || met.duration_since(waiting.met) >= GONE {
        *waiting = Waiting { sequence, met };
    }
    waiting.sequence == sequence
}

impl Answer {
    async fn give(self, reply: oneshot::Receiver<Reply>) -> Result<(), Cause> {
        match reply.await {
            Ok(Reply::Committed { outcome, reason }) => self.committed(outcome, reason).await,
            Ok(Reply::EvidenceMissing) => self.later(EVIDENCE_COMES).await,
            Ok(Reply::Unavailable | Reply::Command(_)) => self.later(LEDGER_COMES).await,
            Ok(Reply::Unreadable) => self.held().await,
            // The sequencer is gone: the next one gets the message after the durable's ack_wait, or at once.
            Err(_) => self.later(Duration::ZERO).await,
        }
    }

    async fn later(self, delay: Duration) -> Result<(), Cause> {
        Ok(self.acker.settle(AckKind::Nak(Some(delay)), false).await?)
    }

    /// A spool says again, now and then, what it got no answer to, and each saying is a message. One of them waits here;
    /// as many as would wait in the end keep the durable from giving any other.
    async fn held(self) -> Result<(), Cause> {
        let is_first = match (self.row, self.sequence) {
            (Some(row), Some(sequence)) => waits(&self.held, row, sequence, Instant::now()),
            _ => true,
        };
        match is_first {
            true => self.later(UNREAD).await,
            false => Ok(self.acker.settle(AckKind::Term, false).await?),
        }
    }

    async fn committed(self, outcome: CommitOutcome, reason: Option<String>) -> Result<(), Cause> {
        let (Some(origin), Some(answers)) = (&self.origin, self.answers) else {
            return Ok(self.acker.settle(AckKind::Ack, false).await?);
        };
        let parked = outcome == CommitOutcome::Parked;
        if let (true, Some(row)) = (parked, self.row) {
            let reason = reason.as_deref().unwrap_or("unknown");
            let told = self
                .parked
                .tell(row, &origin.facility, Some(&origin.device), reason)
                .await;
            if let Err(error) = told {
                self.acker
                    .settle(AckKind::Nak(Some(LEDGER_COMES)), false)
                    .await?;
                return Err(error);
            }
        }
        committed(&self.broker, origin, answers, outcome).await?;
        let kind = if parked { AckKind::Term } else { AckKind::Ack };
        Ok(self.acker.settle(kind, false).await?)
    }
}

async fn committed(
    broker: &Broker,
    origin: &Origin,
    observation_id: ObservationId,
    outcome: CommitOutcome,
) -> Result<(), Cause> {
    let subject = subject::committed(&origin.facility, &origin.source, &origin.device);
    let answer = serde_json::to_vec(&Committed {
        observation_id,
        outcome,
    })?;
    Ok(broker.publish(subject, answer).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_gone_ends_none_that_come_after_it() {
        let row = ObservationId(uuid::Uuid::from_u128(1));
        let all = nothing_held();
        let begun = Instant::now();
        assert!(waits(&all, row, 700, begun));
        assert!(!waits(&all, row, 701, begun + UNREAD));
        // Met each time it is tried again, it stays the one that waits.
        for n in 1..10 {
            assert!(waits(&all, row, 700, begun + UNREAD * n));
            assert!(!waits(&all, row, 700 + u64::from(n), begun + UNREAD * n));
        }
        // The broker was wiped: its stream counts from the beginning.
        let wiped = begun + UNREAD * 9;
        assert!(!waits(&all, row, 1, wiped + UNREAD));
        assert!(waits(&all, row, 2, wiped + GONE));
        assert!(!waits(&all, row, 3, wiped + GONE));
        assert!(waits(&all, row, 2, wiped + GONE + UNREAD));
    }
}
