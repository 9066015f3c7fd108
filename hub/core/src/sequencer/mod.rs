//! The one place that decides and commits.
//!
//! Takes what is queued, loads what it needs with one query each, decides in order on a working set in which
//! later items see earlier ones, commits it all at once, and answers every caller. States are kept between
//! batches, which is lawful because only the fenced writer changes them; any error throws them away.

mod answer;
mod case;
mod command;
mod context;
mod human;
mod job;
mod load;
mod medical;
mod needs;
mod observation;
mod queue;
mod registration;
mod row;
#[cfg(test)]
#[path = "../../tests/role/seen.rs"]
#[expect(dead_code, reason = "the role's tests use the rest")]
mod seen;
mod settle;
mod state;
#[cfg(test)]
mod tests;
mod verdict;
mod working_set;

use std::time::Duration;

use lru::LruCache;
use shikaku_ledger::{AppendError, Ledger, LedgerError, Writer};
use shikaku_schemas::value::{Position, StreamId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::HubError;
pub(crate) use command::bulk::FIRST_MONTH;
pub(crate) use command::{inquiry_made_by, numbered_after, numbered_inquiry};
pub(crate) use context::Context;
pub(crate) use job::next_of;
pub(crate) use queue::{Item, Queue, Reply, Unjudged, Work, unavailable};
pub(crate) use registration::Registration;
use state::Loaded;
pub(crate) use verdict::Announcement;
use verdict::Verdict;

/// Items in a batch at most.
const BATCH: usize = 256;
/// States kept between batches: some 10 kB each.
const KEPT: std::num::NonZeroUsize = std::num::NonZeroUsize::new(1024).expect("not zero");
/// How often the queue is given the chance to grow before a batch is begun.
const GATHER: usize = 64;
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_AT_MOST: Duration = Duration::from_secs(2);

/// Decides and commits.
pub(crate) struct Sequencer {
    writer: Writer,
    ledger: Ledger,
    context: Context,
    kept: LruCache<StreamId, Loaded>,
    announcements: mpsc::Sender<Announcement>,
}

/// Why a batch was not committed.
enum Failure {
    /// Another hub holds the ledger.
    Fenced,
    /// The ledger does not answer.
    Away,
    /// What was decided on had changed: fresh states may do better.
    Stale,
    /// Nobody knew what became of it; with the writer back where it stands, its repeat tells.
    Recovered,
    /// It will never go, with these items together.
    Never(&'static str),
    /// What one of the items is about can't be read: a later release wrote of it, or it was damaged.
    Unreadable,
}

impl Sequencer {
    /// A sequencer that owns the writer.
    pub(crate) fn new(
        writer: Writer,
        ledger: Ledger,
        context: Context,
        announcements: mpsc::Sender<Announcement>,
    ) -> Self {
        Self {
            writer,
            ledger,
            context,
            kept: LruCache::new(KEPT),
            announcements,
        }
    }

    /// Commits until `cancel`, then what is still queued.
    ///
    /// # Errors
    /// [`HubError::Fenced`]; items under way are answered by nobody, so their callers try elsewhere.
    pub(crate) async fn run(
        mut self,
        mut items: mpsc::Receiver<Item>,
        cancel: CancellationToken,
    ) -> Result<(), HubError> {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled(), if !items.is_closed() => items.close(),
                taken = items.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        break;
                    }
                    gather(&mut items, &mut batch).await;
                    metrics::histogram!("shikaku_hub_batch_items").record(batch.len() as f64);
                    metrics::gauge!("shikaku_hub_queue_depth").set(items.len() as f64);
                    self.commit(std::mem::take(&mut batch)).await?;
                }
            }
        }
        self.writer.close().await?;
        Ok(())
    }

    async fn commit(&mut self, items: Vec<Item>) -> Result<(), HubError> {
        let (works, replies): (Vec<_>, Vec<_>) = items
            .into_iter()
            .map(|item| (item.work, item.reply))
            .unzip();
        let answers = self.settle(works).await?;
        for (reply, answer) in replies.into_iter().zip(answers) {
            // Nobody waits any more: the inbox keeps the answer.
            drop(reply.send(answer));
        }
        Ok(())
    }

    /// An answer for each item. What can't be committed together is committed one by one, and what can't be
    /// committed alone is set aside; what can't be read waits.
    async fn settle(&mut self, works: Vec<Work>) -> Result<Vec<Reply>, HubError> {
        match self.persist(&works).await? {
            Ok(replies) => return Ok(replies),
            Err(Failure::Away) => return Ok(vec![Reply::Unavailable; works.len()]),
            Err(_) => {}
        }
        let mut answers = Vec::with_capacity(works.len());
        for work in works {
            answers.push(self.settle_one(work).await?);
        }
        Ok(answers)
    }

    async fn settle_one(&mut self, work: Work) -> Result<Reply, HubError> {
        let only = std::slice::from_ref(&work);
        let reason = match self.persist(only).await? {
            Ok(mut replies) => return Ok(replies.pop().unwrap_or(Reply::Unavailable)),
            Err(Failure::Never(reason)) => reason,
            // Nobody but us writes, so what contradicts the ledger each time always will.
            Err(Failure::Stale) => "contradicts-the-ledger",
            Err(Failure::Unreadable) => {
                metrics::counter!("shikaku_hub_items_unreadable_total").increment(1);
                return Ok(match work {
                    Work::Command(_) => Reply::Unavailable,
                    _ => Reply::Unreadable,
                });
            }
            Err(_) => return Ok(Reply::Unavailable),
        };
        metrics::counter!("shikaku_hub_items_unlawful_total").increment(1);
        tracing::error!(reason, "an item can't be committed");
        match (work.unjudged(reason), work) {
            (Some(unjudged), _) => self.set_aside(unjudged).await,
            (None, Work::Command(_)) => Ok(Reply::Command(crate::commands::refused(
                reason,
                crate::parked::message(reason),
            ))),
            (None, _) => Ok(Reply::Unreadable),
        }
    }

    /// Keeps an observation that can't be committed. What can't even be kept stays where it came from.
    async fn set_aside(&mut self, unjudged: Unjudged) -> Result<Reply, HubError> {
        let only = [Work::Unjudged(Box::new(unjudged))];
        Ok(match self.persist(&only).await? {
            Ok(mut replies) => replies.pop().unwrap_or(Reply::Unavailable),
            Err(Failure::Never(_) | Failure::Stale | Failure::Unreadable) => Reply::Unreadable,
            Err(_) => Reply::Unavailable,
        })
    }

    /// Tries with fresh states until it goes, or will not.
    async fn persist(&mut self, works: &[Work]) -> Result<Result<Vec<Reply>, Failure>, HubError> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let failure = match self.attempt(works).await {
                Ok(replies) => return Ok(Ok(replies)),
                Err(Failure::Fenced) => return Err(HubError::Fenced),
                Err(failure @ (Failure::Never(_) | Failure::Unreadable)) => {
                    return Ok(Err(failure));
                }
                Err(failure) => failure,
            };
            self.kept.clear();
            if attempt == ATTEMPTS {
                return Ok(Err(failure));
            }
            tokio::time::sleep(self.jitter(pause)).await;
            pause = (pause * 4).min(PAUSE_AT_MOST);
        }
        Ok(Err(Failure::Away))
    }

    async fn attempt(&mut self, works: &[Work]) -> Result<Vec<Reply>, Failure> {
        let loading = load::load(&self.ledger, &self.context, &mut self.kept, works);
        let mut set = loading.await.map_err(|error| unreadable(&error))?;
        let verdicts = self.context.decide(&mut set, works);
        let head = self.writer.head().position;
        if set.is_empty() {
            self.keep(set.finish(head).1);
            return Ok(verdicts.into_iter().map(|v| v.reply(head)).collect());
        }
        let (batch, states) = set.finish(head);
        let events = batch.events.len();
        match self.writer.append(batch).await {
            Ok(appended) => {
                metrics::counter!("shikaku_hub_events_total").increment(events as u64);
                self.keep(states);
                debug_assert_eq!(appended.last, Position(head.0 + events as u64));
                Ok(self.answer(verdicts, head))
            }
            Err(error) => Err(self.failed(error).await),
        }
    }

    fn answer(&self, verdicts: Vec<Verdict>, head: Position) -> Vec<Reply> {
        verdicts
            .into_iter()
            .map(|mut verdict| {
                for announcement in verdict.announcements.drain(..) {
                    if self.announcements.try_send(announcement).is_err() {
                        tracing::warn!("a spool is not told about a parked observation");
                    }
                }
                if let Some(news) = verdict.news.take() {
                    self.context.desks.tell(news);
                }
                if let Some((job, outcome)) = verdict.unit.take() {
                    self.context.jobs.committed(job, outcome);
                }
                verdict.reply(head)
            })
            .collect()
    }

    fn keep(&mut self, states: std::collections::HashMap<StreamId, Loaded>) {
        for (stream, loaded) in states {
            // What never was is known as quickly from the ledger, and would crowd out what is.
            if loaded.version > 0 {
                self.kept.put(stream, loaded);
            }
        }
    }

    async fn failed(&mut self, error: AppendError) -> Failure {
        metrics::counter!("shikaku_hub_append_failures_total").increment(1);
        match error {
            AppendError::Fenced => Failure::Fenced,
            AppendError::Conflict { .. }
            | AppendError::IdentityTaken
            | AppendError::AlreadyAnswered => {
                metrics::counter!("shikaku_hub_conflicts_total").increment(1);
                Failure::Stale
            }
            AppendError::Erased { .. } => Failure::Never("record-erased"),
            AppendError::Unlawful(_) => Failure::Never("unlawful"),
            AppendError::Unavailable(error) => unreadable(&error),
            AppendError::Ambiguous(_) => self.recover().await,
        }
    }

    /// Nothing is decided before the writer knows where it stands; the inbox then tells what happened.
    async fn recover(&mut self) -> Failure {
        let mut pause = PAUSE;
        loop {
            match self.writer.recover().await {
                Ok(_) => return Failure::Recovered,
                Err(AppendError::Fenced) => return Failure::Fenced,
                Err(error) => {
                    tracing::warn!(%error, "the last commit's outcome is not known yet");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_AT_MOST);
                }
            }
        }
    }

    fn jitter(&self, pause: Duration) -> Duration {
        let id = self.context.randomness.id(self.context.clock.now());
        pause / 2 + pause.mul_f64(f64::from(id.as_bytes()[15]) / 512.0)
    }
}

/// Lets those who were just answered ask again, so that the first of them does not get a commit of its own while
/// the others wait for it. An idle hub loses some microseconds.
async fn gather(items: &mut mpsc::Receiver<Item>, batch: &mut Vec<Item>) {
    for _ in 0..GATHER {
        let queued = items.len();
        tokio::task::yield_now().await;
        if items.len() == queued || batch.len() + queued >= BATCH {
            break;
        }
    }
    while batch.len() < BATCH {
        match items.try_recv() {
            Ok(item) => batch.push(item),
            Err(_) => break,
        }
    }
}

/// Whoever is about something else does not wait for what can't be read.
fn unreadable(error: &LedgerError) -> Failure {
    tracing::warn!(%error, "the ledger can't be read");
    match error.is_unreadable() {
        true => Failure::Unreadable,
        false => Failure::Away,
    }
}
