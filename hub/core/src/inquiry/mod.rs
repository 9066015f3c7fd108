//! Inquiries on their way: each becomes one task for one terminal, and none is forgotten.
//!
//! The ledger says what is open and which terminal it was given to; `TASKS` is only how it is told. After a restart
//! or a wiped broker every inquiry that no terminal has confirmed is told again under the same id, to the same
//! terminal, which knows by its journal what it sent. Nothing is ever requested twice: a job whose terminal falls
//! silent is gone on with at another one by its 受付番号, and one whose 受付番号 is dead is asked under a new id.

mod open;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shikaku_broker::{Broker, HeaderMap, NATS_MESSAGE_ID, Outgoing};
use shikaku_ledger::Ledger;
use shikaku_schemas::clock::Clock;
use shikaku_schemas::group::Group;
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::subject;
use shikaku_schemas::task::Task;
use shikaku_schemas::value::{InquiryId, Position};
use tokio::sync::watch;

use crate::JobOptions;
use crate::error::Cause;
use crate::follow::{self, Follower};
use crate::medical;
use crate::sequencer::{Queue, Reply, Work};
use crate::terminals::Terminals;
use open::{Limits, OpenInquiries};

const POLL: Duration = Duration::from_millis(250);
/// The terminal's own time-out comes first. Only when nothing at all is heard does the hub speak.
const SILENCE: Duration = Duration::from_secs(60);
/// Until an inquiry is looked at again whose turn can't be taken.
const REST: Duration = Duration::from_secs(60);
/// How far before the last event open inquiries are looked for: longer than a 受付番号 lives.
const LOOK_BACK: Duration = Duration::from_secs(40 * 24 * 60 * 60);
/// A job of which nothing was heard for so many pauses between two polls is gone on with elsewhere.
const POLLS_MISSED: u32 = 5;

/// Events of inquiries.
const KINDS: &[&str] = &[
    "inquiry-requested",
    "inquiry-submitted",
    "inquiry-accepted",
    "inquiry-polled",
    "inquiry-answered",
    "inquiry-rejected",
    "inquiry-timed-out",
    "inquiry-uncertain",
    "inquiry-resolved",
];

/// Tells terminals what to ask, and watches the deadlines.
pub(crate) struct Inquiries {
    pub(crate) ledger: Ledger,
    pub(crate) broker: Broker,
    pub(crate) queue: Queue,
    pub(crate) group: Group,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) answer_timeout: Duration,
    pub(crate) jobs: JobOptions,
    pub(crate) terminals: Terminals,
    /// Counts how often `TASKS` had to be made.
    pub(crate) tasks_made: watch::Receiver<u64>,
}

impl Follower for Inquiries {
    const WORDS: &'static str = "open inquiries are read again";

    async fn follow(&mut self) -> Result<(), Cause> {
        let mut committed = self.ledger.committed();
        let mut open = OpenInquiries::default();
        let mut position = follow::look_back(&self.ledger, LOOK_BACK).await?;
        loop {
            position = self.catch_up(&mut open, position).await?;
            self.repeat(&mut open).await?;
            self.tell(&mut open).await?;
            self.resume(&mut open).await?;
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
}

impl Inquiries {
    /// Events of other streams are not even read.
    async fn catch_up(
        &self,
        open: &mut OpenInquiries,
        mut position: Position,
    ) -> Result<Position, Cause> {
        loop {
            let page = follow::page(&self.ledger, KINDS, position).await?;
            open.record(&self.ledger, &page.events, self.clock.now())
                .await?;
            position = page.upto;
            if !page.is_full {
                break;
            }
        }
        let jobs: Vec<_> = open.at_terminals(&self.group).collect();
        let jobs = jobs.iter();
        let jobs = jobs.map(|(id, facility, device)| (*id, *facility, device.as_str()));
        self.terminals.under_way(jobs);
        Ok(position)
    }

    fn limits(&self) -> Limits {
        Limits {
            answer_timeout: self.answer_timeout,
            jobs_per_terminal: self.jobs.per_terminal,
        }
    }

    async fn tell(&self, open: &mut OpenInquiries) -> Result<(), Cause> {
        let now = self.clock.now();
        for task in open.untold(&self.group, &self.limits(), now) {
            let inquiry = task.inquiry;
            if task.deadline <= now || self.hand_out(open, task, now).await? {
                open.told(inquiry, now);
            }
        }
        Ok(())
    }

    /// Whether a task was handed out, or is withdrawn for good.
    async fn hand_out(
        &self,
        open: &mut OpenInquiries,
        task: Task,
        now: Timestamp,
    ) -> Result<bool, Cause> {
        let inquiry = task.inquiry;
        let record = open.record_of(inquiry);
        let permitted = match medical::permitted(&self.ledger, task, record, now).await {
            Err(error) if error.is_unreadable() => {
                self.rest(open, inquiry)?;
                return Ok(false);
            }
            permitted => permitted?,
        };
        let rule = match permitted {
            Ok(task) => {
                self.publish(&task).await?;
                return Ok(true);
            }
            Err(rule) => rule,
        };
        let withdraw = Work::Withdraw { inquiry, rule };
        let is_recorded = self.record(open, inquiry, withdraw).await?;
        if is_recorded {
            tracing::warn!(inquiry.id = %inquiry, rule, "an inquiry may not be handed out any more");
        }
        Ok(is_recorded)
    }

    async fn publish(&self, task: &Task) -> Result<(), Cause> {
        let subject = subject::task(&task.facility, "terminal", &task.device, task.body.kind());
        let mut headers = HeaderMap::new();
        let id = match &task.resume {
            None => format!("{}/{}", task.inquiry, task.device),
            Some(_) => format!("{}/{}/resume", task.inquiry, task.device),
        };
        headers.insert(NATS_MESSAGE_ID, id);
        let message = Outgoing {
            subject,
            headers,
            payload: serde_json::to_vec(task)?.into(),
        };
        self.broker.store(message).await?;
        let place = (task.facility.clone(), task.device.clone());
        self.terminals.told(place, self.clock.now());
        Ok(())
    }

    /// A job whose terminal is silent is gone on with at another one of its facility. Where there is none it is told
    /// once to the same, whose adapter may have lost its journal; one that knows of it goes on asking as it did.
    async fn resume(&self, open: &mut OpenInquiries) -> Result<(), Cause> {
        let now = self.clock.now();
        let patience = self.jobs.poll * POLLS_MISSED;
        let mut resumed = Vec::new();
        for (id, job) in open.accepted() {
            let resumed_at = job.resumed.as_ref().map(|(_, at)| *at);
            let since = resumed_at.map_or(job.since, |at| job.since.max(at));
            let silent = self.terminals.is_job_silent(id, since, patience, now);
            let device = job.device(&self.group);
            let Some(facility) = self.group.facility(&job.facility).filter(|_| silent) else {
                continue;
            };
            let chosen = self.terminals.choose(facility, device.as_deref(), now);
            let told_last = job.resumed.as_ref().map(|(device, _)| device);
            let Some(chosen) = chosen.filter(|it| Some(it) != told_last) else {
                continue;
            };
            if let Some(task) = job.resume(chosen.clone(), &self.limits(), now) {
                let is_other = Some(&chosen) != device.as_ref();
                tracing::warn!(inquiry.id = %id, terminal = %chosen, is_other, "a job's terminal is silent; it is told to go on with it");
                metrics::counter!("shikaku_hub_jobs_resumed_total").increment(1);
                self.publish(&task).await?;
                resumed.push((id, chosen));
            }
        }
        for (id, device) in resumed {
            open.resumed(id, device, now);
        }
        Ok(())
    }

    async fn repeat(&self, open: &mut OpenInquiries) -> Result<(), Cause> {
        for (inquiry, times) in open.take_lapsed(self.clock.now()) {
            tracing::warn!(inquiry.id = %inquiry, times, "a job's 受付番号 is dead; it is asked anew");
            let again = Work::Again { inquiry, times };
            if !self.record(open, inquiry, again).await? {
                open.still_lapsed(inquiry, times);
            }
        }
        Ok(())
    }

    async fn expire(&self, open: &mut OpenInquiries) -> Result<(), Cause> {
        let patience = self.answer_timeout + SILENCE + self.terminals.late();
        let mut silent = open.silent_since(self.clock.now(), patience);
        silent.retain(|_| !planted(Mutant::NeverOverdue));
        for inquiry in silent {
            if self.record(open, inquiry, Work::Overdue(inquiry)).await? {
                tracing::warn!(inquiry.id = %inquiry, "nothing was heard of an inquiry; a person looks");
            }
        }
        Ok(())
    }

    /// Whether an inquiry's turn is recorded. One whose turn can't be rests, and the others do not wait for it.
    async fn record(
        &self,
        open: &mut OpenInquiries,
        inquiry: InquiryId,
        turn: Work,
    ) -> Result<bool, Cause> {
        let is_recorded = self.put(turn).await? != Reply::Unreadable;
        if !is_recorded {
            self.rest(open, inquiry)?;
        }
        Ok(is_recorded)
    }

    fn rest(&self, open: &mut OpenInquiries, inquiry: InquiryId) -> Result<(), Cause> {
        tracing::warn!(inquiry.id = %inquiry, "an inquiry's turn can't be taken; it is tried again later");
        open.rest(inquiry, self.clock.now().checked_add(REST)?);
        Ok(())
    }

    async fn put(&self, work: Work) -> Result<Reply, Cause> {
        let answer = self.queue.put(work).await;
        match answer.ok_or("the sequencer has stopped")?.await? {
            Reply::Unavailable => Err("an inquiry's turn could not be recorded yet".into()),
            reply => Ok(reply),
        }
    }
}
