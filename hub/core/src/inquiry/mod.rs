//! Inquiries on their way: each becomes one task for one terminal, and none is forgotten.
//!
//! The ledger says what is open; `TASKS` is only how it is told. After a restart or a wiped broker every
//! inquiry that no terminal has confirmed is told again under the same id, to the same terminal, which
//! knows by its journal what it sent. Nothing is ever asked twice.

mod open;

use std::sync::Arc;
use std::time::Duration;

use shikaku_broker::{Broker, HeaderMap, NATS_MESSAGE_ID, Outgoing};
use shikaku_ledger::Ledger;
use shikaku_schemas::clock::Clock;
use shikaku_schemas::group::Group;
use shikaku_schemas::subject;
use shikaku_schemas::task::Task;
use shikaku_schemas::value::Position;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::Cause;
use crate::sequencer::{Queue, Work};
use open::OpenInquiries;

const PAGE: u32 = 500;
const POLL: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_secs(1);
/// The terminal's own time-out comes first. Only when nothing at all is heard does the hub speak.
const SILENCE: Duration = Duration::from_secs(60);
/// How far before the last event open inquiries are looked for: far longer than any may stay open.
const LOOK_BACK: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Tells terminals what to ask, and watches the deadlines.
pub(crate) struct Inquiries {
    pub(crate) ledger: Ledger,
    pub(crate) broker: Broker,
    pub(crate) queue: Queue,
    pub(crate) group: Group,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) answer_timeout: Duration,
    /// Counts how often `TASKS` had to be made.
    pub(crate) tasks_made: watch::Receiver<u64>,
}

impl Inquiries {
    /// Follows the ledger until `cancel`.
    pub(crate) async fn run(mut self, cancel: CancellationToken) -> Result<(), Cause> {
        while !cancel.is_cancelled() {
            let ended = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                ended = self.follow() => ended,
            };
            if let Err(error) = ended {
                metrics::counter!("shikaku_hub_inquiry_restarts_total").increment(1);
                tracing::warn!(%error, "open inquiries are read again");
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Ok(())
    }

    async fn follow(&mut self) -> Result<(), Cause> {
        let mut committed = self.ledger.committed();
        let (mut open, mut position) = self.recover().await?;
        loop {
            position = self.catch_up(&mut open, position).await?;
            self.tell(&mut open).await?;
            self.expire(&mut open).await?;
            metrics::gauge!("shikaku_hub_inquiries_open").set(open.len() as f64);
            tokio::select! {
                changed = committed.changed() => if changed.is_err() {
                    return Err("the writer is gone".into());
                },
                made = self.tasks_made.changed() => {
                    made?;
                    open.tell_again();
                }
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Reads backwards from the head, because an inquiry does not stay open for long.
    async fn recover(&self) -> Result<(OpenInquiries, Position), Cause> {
        let head = self.ledger.head().await?;
        let oldest = head.recorded_at.checked_sub(LOOK_BACK)?;
        let mut pages = Vec::new();
        let mut before = head.position.0;
        while before > 0 {
            let after = before.saturating_sub(u64::from(PAGE));
            let limit = u32::try_from(before - after).unwrap_or(PAGE);
            let page = self.ledger.read_page(Position(after), limit).await?;
            let reached = page
                .first()
                .is_none_or(|event| event.head.recorded_at < oldest);
            pages.push(page);
            before = after;
            if reached {
                break;
            }
        }
        let mut open = OpenInquiries::default();
        for page in pages.into_iter().rev() {
            open.record(&self.ledger, &page).await?;
        }
        Ok((open, head.position))
    }

    async fn catch_up(
        &self,
        open: &mut OpenInquiries,
        mut position: Position,
    ) -> Result<Position, Cause> {
        loop {
            let page = self.ledger.read_page(position, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(position);
            };
            position = last.head.position;
            open.record(&self.ledger, &page).await?;
        }
    }

    async fn tell(&self, open: &mut OpenInquiries) -> Result<(), Cause> {
        let now = self.clock.now();
        for task in open.untold(&self.group, self.answer_timeout) {
            if task.deadline > now {
                self.publish(&task).await?;
            }
            open.told(task.inquiry);
        }
        Ok(())
    }

    async fn publish(&self, task: &Task) -> Result<(), Cause> {
        let subject = subject::task(&task.facility, "terminal", &task.device, task.body.kind());
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, task.inquiry.to_string());
        let message = Outgoing {
            subject,
            headers,
            payload: serde_json::to_vec(task)?.into(),
        };
        self.broker.store(message).await?;
        Ok(())
    }

    async fn expire(&self, open: &mut OpenInquiries) -> Result<(), Cause> {
        let patience = self.answer_timeout + SILENCE;
        for inquiry in open.silent_since(self.clock.now(), patience) {
            let answer = self.queue.put(Work::Overdue(inquiry)).await;
            answer.ok_or("the sequencer has stopped")?.await?;
            tracing::warn!(inquiry.id = %inquiry, "nothing was heard of an inquiry; a person looks");
        }
        Ok(())
    }
}
