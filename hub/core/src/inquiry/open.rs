//! Which inquiries are under way.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use shikaku_domain::inquiry::{InquiryProcess, InquiryState, evolve};
use shikaku_ledger::{Ledger, LedgerError, StoredEvent};
use shikaku_schemas::event::Event;
use shikaku_schemas::group::Group;
use shikaku_schemas::task::{Task, TaskBody, TicketQuestion};
use shikaku_schemas::value::{FacilityCode, InquiryId, InquiryKind, StreamId};

/// One inquiry under way.
struct Open {
    process: InquiryProcess,
    facility: FacilityCode,
    requested_at: Timestamp,
    told: bool,
}

/// All of them.
#[derive(Default)]
pub(super) struct OpenInquiries(BTreeMap<InquiryId, Open>);

impl OpenInquiries {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes note of events, in order. Those of other streams are skipped without opening them.
    pub(super) async fn record(
        &mut self,
        ledger: &Ledger,
        events: &[StoredEvent],
    ) -> Result<(), LedgerError> {
        let of_inquiries: Vec<_> = events
            .iter()
            .filter(|event| inquiry(&event.head.stream).is_some())
            .cloned()
            .collect();
        if of_inquiries.is_empty() {
            return Ok(());
        }
        for opened in ledger.open_events(&of_inquiries).await? {
            let (Some(id), Some(event)) = (inquiry(&opened.head.stream), &opened.event) else {
                continue;
            };
            if let (Event::InquiryRequested(_), Some(facility)) = (event, &opened.head.facility) {
                self.0.entry(id).or_insert_with(|| Open {
                    process: InquiryProcess::default(),
                    facility: facility.clone(),
                    requested_at: opened.head.recorded_at,
                    told: false,
                });
            }
            if let Some(open) = self.0.get_mut(&id) {
                evolve(&mut open.process, event);
                let state = open.process.state;
                if state.is_over() || state == InquiryState::Uncertain {
                    self.0.remove(&id);
                }
            }
        }
        Ok(())
    }

    /// Tasks of inquiries that no terminal has confirmed and that were not told in this life of the hub.
    pub(super) fn untold(&self, group: &Group, answer_timeout: Duration) -> Vec<Task> {
        self.0
            .values()
            .filter(|open| !open.told && open.process.state == InquiryState::Requested)
            .filter_map(|open| open.task(group, answer_timeout))
            .collect()
    }

    /// It was told.
    pub(super) fn told(&mut self, inquiry: InquiryId) {
        if let Some(open) = self.0.get_mut(&inquiry) {
            open.told = true;
        }
    }

    /// What was told is lost.
    pub(super) fn tell_again(&mut self) {
        for open in self.0.values_mut() {
            open.told = false;
        }
    }

    /// Single inquiries of which nothing was heard for longer than `patience`.
    pub(super) fn silent_since(&self, now: Timestamp, patience: Duration) -> Vec<InquiryId> {
        self.0
            .iter()
            .filter(|(_, open)| open.is_single())
            .filter(|(_, open)| {
                open.requested_at
                    .checked_add(patience)
                    .is_ok_and(|end| end < now)
            })
            .map(|(id, _)| *id)
            .collect()
    }
}

impl Open {
    fn is_single(&self) -> bool {
        self.process
            .requested
            .as_ref()
            .is_some_and(|asked| asked.kind == InquiryKind::Ticket)
    }

    /// Always for the same terminal, so that a task told twice is one task: the first that is configured.
    fn task(&self, group: &Group, answer_timeout: Duration) -> Option<Task> {
        let asked = self
            .process
            .requested
            .as_ref()
            .filter(|_| self.is_single())?;
        let terminal = group.facility(&self.facility)?.terminals.first()?;
        Some(Task {
            inquiry: asked.inquiry,
            facility: self.facility.clone(),
            device: terminal.id.clone(),
            requested_at: self.requested_at,
            deadline: self.requested_at.checked_add(answer_timeout).ok()?,
            resume: None,
            body: TaskBody::Ticket(TicketQuestion {
                payer_number: asked.payer_number.clone()?,
                recipient_number: asked.recipient_number.clone()?,
                birth_date: asked.birth_date?,
                confirmed_on: asked.on,
            }),
        })
    }
}

fn inquiry(stream: &StreamId) -> Option<InquiryId> {
    stream.as_str().strip_prefix("inquiry-")?.parse().ok()
}
