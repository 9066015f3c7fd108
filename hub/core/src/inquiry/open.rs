//! Which inquiries are under way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use shikaku_domain::inquiry::{InquiryProcess, InquiryState, REPEATS_AT_MOST, evolve};
use shikaku_ledger::{Ledger, LedgerError, Opened, StoredEvent};
use shikaku_schemas::event::Event;
use shikaku_schemas::group::Group;
use shikaku_schemas::task::{Task, TaskBody, TicketQuestion};
use shikaku_schemas::value::{FacilityCode, InquiryId, RecordId};

use crate::follow;
use crate::sequencer::next_of;

/// One inquiry under way.
pub(super) struct Open {
    pub(super) process: InquiryProcess,
    pub(super) facility: FacilityCode,
    pub(super) requested_at: Timestamp,
    /// Since when the terminal could have said something: told, or told before this life of the hub.
    pub(super) since: Timestamp,
    /// Whether it was told in this life of the hub.
    pub(super) told: bool,
    /// The terminal that was told to go on with the job, and when.
    pub(super) resumed: Option<(String, Timestamp)>,
}

/// All of them.
#[derive(Default)]
pub(super) struct OpenInquiries {
    open: BTreeMap<InquiryId, Open>,
    /// How often the question of an inquiry had been asked before it.
    repeats: BTreeMap<InquiryId, u32>,
    /// Jobs whose 受付番号 is dead and that nobody has asked anew yet.
    lapsed: BTreeMap<InquiryId, u32>,
    /// Inquiries of which something can't be read. Whether they were sent, nobody knows: so they are not sent again.
    left_alone: BTreeSet<InquiryId>,
    /// Inquiries whose next turn can't be taken, and until when they are left alone.
    resting: BTreeMap<InquiryId, Timestamp>,
}

impl OpenInquiries {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Takes note of events of inquiries, in order. `now` is when this life of the hub learns of them.
    pub(super) async fn record(
        &mut self,
        ledger: &Ledger,
        events: &[StoredEvent],
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let opened = follow::open(ledger, events).await?;
        for head in &opened.unreadable {
            self.left_alone.extend(head.stream.as_inquiry());
        }
        for opened in &opened.events {
            if let Some(id) = opened.head.stream.as_inquiry() {
                self.note(id, opened, now);
            }
        }
        for id in &self.left_alone {
            self.open.remove(id);
            self.lapsed.remove(id);
        }
        // Asked anew it was: only what became of that can't be read.
        let left_alone = &self.left_alone;
        self.lapsed
            .retain(|id, _| !left_alone.contains(&next_of(*id)));
        Ok(())
    }

    fn note(&mut self, id: InquiryId, opened: &Opened, now: Timestamp) {
        let Some(event) = &opened.event else {
            return;
        };
        self.resting.remove(&id);
        if let (Event::InquiryRequested(asked), Some(facility)) = (event, &opened.head.facility)
            // What a program asked by itself is at its terminal already, and is never asked by us.
            && asked.program.is_none()
        {
            if let Some(before) = asked.repeats {
                self.lapsed.remove(&before);
                self.resting.remove(&before);
                let times = self.repeats.get(&before).copied().unwrap_or_default();
                self.repeats.insert(id, times + 1);
            }
            self.open.entry(id).or_insert_with(|| Open {
                process: InquiryProcess::default(),
                facility: facility.clone(),
                requested_at: opened.head.recorded_at,
                since: opened.head.recorded_at.max(now),
                told: false,
                resumed: None,
            });
        }
        let Some(open) = self.open.get_mut(&id) else {
            return;
        };
        evolve(&mut open.process, event);
        let is_job = open.job().is_some();
        let state = open.process.state;
        if is_job && state == InquiryState::Rejected && open.process.lapsed {
            let times = self.repeats.get(&id).copied().unwrap_or_default();
            self.lapsed.insert(id, times);
        }
        // An uncertain job is heard of again when its terminal comes back.
        if state.is_over() || (state == InquiryState::Uncertain && !is_job) {
            self.open.remove(&id);
        }
    }

    /// Lapsed jobs that are asked anew, and how often each was already; those that were asked too often are dropped.
    pub(super) fn take_lapsed(&mut self, now: Timestamp) -> Vec<(InquiryId, u32)> {
        let all = std::mem::take(&mut self.lapsed);
        let (resting, lapsed): (BTreeMap<_, _>, BTreeMap<_, _>) =
            all.into_iter().partition(|(id, _)| self.rests(*id, now));
        self.lapsed = resting;
        let (again, given_up): (Vec<_>, Vec<_>) = lapsed
            .into_iter()
            .partition(|(_, times)| *times < REPEATS_AT_MOST);
        for (inquiry, times) in given_up {
            tracing::warn!(inquiry.id = %inquiry, times, "a job's 受付番号 died again; it is asked no more");
        }
        again
    }

    /// A lapsed job could not be asked anew.
    pub(super) fn still_lapsed(&mut self, inquiry: InquiryId, times: u32) {
        self.lapsed.insert(inquiry, times);
    }

    /// Leaves an inquiry alone until then, or until something is heard of it.
    pub(super) fn rest(&mut self, inquiry: InquiryId, until: Timestamp) {
        self.resting.insert(inquiry, until);
    }

    fn rests(&self, inquiry: InquiryId, now: Timestamp) -> bool {
        let until = self.resting.get(&inquiry);
        until.is_some_and(|until| now < *until)
    }

    /// Tasks of inquiries that no terminal has confirmed and that were not told in this life of the hub, oldest
    /// first; of jobs no more than `jobs_per_terminal` to one terminal.
    pub(super) fn untold(&self, group: &Group, limits: &Limits, now: Timestamp) -> Vec<Task> {
        let mut busy: BTreeMap<(&FacilityCode, String), usize> = BTreeMap::new();
        for open in self.open.values().filter(|open| open.is_at_a_terminal()) {
            if let Some(device) = open.device(group) {
                *busy.entry((&open.facility, device)).or_default() += 1;
            }
        }
        let mut waiting: Vec<_> = self
            .open
            .iter()
            .filter(|(id, open)| !open.told && !self.rests(**id, now))
            .map(|(_, open)| open)
            .filter(|open| open.process.state == InquiryState::Requested)
            .collect();
        waiting.sort_by_key(|open| open.requested_at);
        let mut tasks = Vec::new();
        for open in waiting {
            let Some(task) = open.task(group, limits, now) else {
                continue;
            };
            if task.body.is_job() {
                let jobs = busy.entry((&open.facility, task.device.clone()));
                let jobs = jobs.or_default();
                if *jobs >= limits.jobs_per_terminal {
                    continue;
                }
                *jobs += 1;
            }
            tasks.push(task);
        }
        tasks
    }

    /// The record that an inquiry is about.
    pub(super) fn record_of(&self, inquiry: InquiryId) -> Option<RecordId> {
        self.open.get(&inquiry)?.process.requested.as_ref()?.record
    }

    /// It was told.
    pub(super) fn told(&mut self, inquiry: InquiryId, now: Timestamp) {
        if let Some(open) = self.open.get_mut(&inquiry) {
            open.told = true;
            open.since = now;
        }
    }

    /// What was told is lost.
    pub(super) fn tell_again(&mut self) {
        for open in self.open.values_mut() {
            open.told = false;
            open.resumed = None;
        }
    }

    /// Another terminal was told to go on with it.
    pub(super) fn resumed(&mut self, inquiry: InquiryId, device: String, now: Timestamp) {
        if let Some(open) = self.open.get_mut(&inquiry) {
            open.resumed = Some((device, now));
        }
    }

    /// Inquiries whose terminal said nothing of them for longer than `patience`: a single one since it was asked,
    /// a job since it was told.
    pub(super) fn silent_since(&self, now: Timestamp, patience: Duration) -> Vec<InquiryId> {
        let late = |since: Timestamp| since.checked_add(patience).is_ok_and(|end| end < now);
        self.open
            .iter()
            .filter(|(id, _)| !self.rests(**id, now))
            .filter(|(_, open)| match (open.job(), open.process.state) {
                (None, _) => late(open.requested_at),
                (Some(_), InquiryState::Requested) => open.told && late(open.since),
                (Some(_), InquiryState::Submitted) => late(open.since),
                (Some(_), _) => false,
            })
            .map(|(id, _)| *id)
            .collect()
    }

    /// Jobs with a 受付番号.
    pub(super) fn accepted(&self) -> impl Iterator<Item = (InquiryId, &Open)> {
        self.open
            .iter()
            .filter(|(_, open)| {
                open.job().is_some() && open.process.state == InquiryState::Accepted
            })
            .map(|(id, open)| (*id, open))
    }

    /// Jobs that a terminal has now, and which.
    pub(super) fn at_terminals<'a>(
        &'a self,
        group: &'a Group,
    ) -> impl Iterator<Item = (InquiryId, &'a FacilityCode, String)> {
        self.open
            .iter()
            .filter(|(_, open)| open.is_at_a_terminal())
            .filter_map(|(id, open)| Some((*id, &open.facility, open.device(group)?)))
    }
}

/// What a task may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) answer_timeout: Duration,
    pub(super) jobs_per_terminal: usize,
}

impl Open {
    /// The question of a job.
    fn job(&self) -> Option<&TaskBody> {
        let asked = self.process.requested.as_ref()?;
        asked.question.as_deref().filter(|body| body.is_job())
    }

    fn is_at_a_terminal(&self) -> bool {
        let state = self.process.state;
        self.job().is_some()
            && (matches!(state, InquiryState::Submitted | InquiryState::Accepted)
                || (state == InquiryState::Requested && self.told))
    }

    /// The terminal that has it: of which it was heard last, else to which it was given.
    pub(super) fn device(&self, group: &Group) -> Option<String> {
        let resumed = self.resumed.as_ref().map(|(device, _)| device.clone());
        let given = || self.process.requested.as_ref()?.terminal.clone();
        // Older inquiries name none: the first that is configured.
        let first = || {
            Some(
                group
                    .facility(&self.facility)?
                    .terminals
                    .first()?
                    .id
                    .clone(),
            )
        };
        resumed
            .or_else(|| self.process.terminal.clone())
            .or_else(given)
            .or_else(first)
    }

    /// Always for the same terminal, so that a task told twice is one task.
    fn task(&self, group: &Group, limits: &Limits, now: Timestamp) -> Option<Task> {
        let body = self.body()?;
        // A job may have waited for a place at its terminal.
        let from = match body.is_job() {
            true => now,
            false => self.requested_at,
        };
        Some(Task {
            inquiry: self.process.requested.as_ref()?.inquiry,
            facility: self.facility.clone(),
            device: self.device(group)?,
            requested_at: self.requested_at,
            deadline: from.checked_add(limits.answer_timeout).ok()?,
            resume: None,
            body,
        })
    }

    /// Nothing is requested of `device`: it asks after the result.
    pub(super) fn resume(&self, device: String, limits: &Limits, now: Timestamp) -> Option<Task> {
        Some(Task {
            inquiry: self.process.requested.as_ref()?.inquiry,
            facility: self.facility.clone(),
            device,
            requested_at: self.requested_at,
            deadline: now.checked_add(limits.answer_timeout).ok()?,
            resume: Some(self.process.reception_number.clone()?),
            body: self.body()?,
        })
    }

    fn body(&self) -> Option<TaskBody> {
        let asked = self.process.requested.as_ref()?;
        if let Some(question) = &asked.question {
            return Some((**question).clone());
        }
        Some(TaskBody::Ticket(TicketQuestion {
            payer_number: asked.payer_number.clone()?,
            recipient_number: asked.recipient_number.clone()?,
            birth_date: asked.birth_date?,
            confirmed_on: asked.on,
        }))
    }
}
