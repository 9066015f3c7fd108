//! From the events of one record to its row.

use std::cmp::max;

use jiff::Timestamp;
use jiff::civil::Date;
use shikaku_schemas::event::{
    CommissionedTicket, Event, EventHead, NotCommissionedObserved, PersonDetails, TicketKey,
    TicketRequested, TicketSourcedOffline, Verified,
};
use shikaku_schemas::value::{
    AsOf, FacilityCode, InquiryId, Method, Month, ObservationId, PatientNumber, Position, RecordId,
};

use super::{CalendarRow, CalendarTicket, Chore, MonthState, OfflineTicket, Requested};
use crate::patient::Origin;
use crate::settlement::SettlementTicket;

/// One ticket as it was told, whichever month and facility it is of: sightings name it by its place.
struct Ticket {
    facility: Option<FacilityCode>,
    content: CommissionedTicket,
    arrived_at: Timestamp,
    revised: u32,
    revised_at: Option<Timestamp>,
    withdrawn_at: Option<Timestamp>,
    last_seen: Position,
    /// The runs that brought it, changed it, and showed it last.
    arrived_run: Option<InquiryId>,
    revised_run: Option<InquiryId>,
}

/// One record, as a run is settled.
pub struct RecordOfRun {
    /// Its tickets of the month.
    pub tickets: Vec<SettlementTicket>,
    /// Answers of the run about it.
    pub answers: usize,
    /// Whether it is 未委託.
    pub waits: bool,
}

/// Folds the events of one record, in order.
pub struct CalendarFold {
    facility: FacilityCode,
    month: Month,
    patient: Option<PatientNumber>,
    person: PersonDetails,
    tickets: Vec<Ticket>,
    /// Told by the present observation, and not yet by which run; and whether it is new.
    fresh: (Option<ObservationId>, Vec<(usize, bool)>),
    /// How many answers of each run were about this record.
    answers: Vec<InquiryId>,
    /// Events taken note of.
    version: u64,
    waiting_since: Option<Date>,
    waiting_as_of: Option<AsOf>,
    commissioned_as_of: Option<AsOf>,
    waiting_office: Option<String>,
    offline: Vec<(Timestamp, TicketSourcedOffline)>,
    requested: Vec<Requested>,
    erased: bool,
}

impl CalendarFold {
    /// Of one facility and month.
    pub fn new(facility: FacilityCode, month: Month) -> Self {
        Self {
            facility,
            month,
            patient: None,
            person: PersonDetails::default(),
            tickets: Vec::new(),
            fresh: (None, Vec::new()),
            answers: Vec::new(),
            version: 0,
            waiting_since: None,
            waiting_as_of: None,
            commissioned_as_of: None,
            waiting_office: None,
            offline: Vec::new(),
            requested: Vec::new(),
            erased: false,
        }
    }

    /// Takes note of one event. Those of other facilities count where the order of the record's tickets does.
    pub fn record(&mut self, head: &EventHead, event: &Event) {
        self.version = head.stream_version;
        let here = head.facility.as_ref() == Some(&self.facility);
        match event {
            Event::PatientFirstSeen(first) => self.person = first.person.clone(),
            Event::PatientNumbered(told) => self.patient = Some(told.patient_number.clone()),
            Event::CommissionedTicketArrived(ticket) | Event::CommissionedTicketRevised(ticket) => {
                self.ticket(head, ticket);
            }
            Event::CommissionedTicketWithdrawn(gone) => {
                if let Some(at) = self.place(head.facility.as_ref(), &gone.key) {
                    self.tickets[at].withdrawn_at = Some(head.recorded_at);
                }
            }
            Event::NotCommissionedObserved(notice) if here => self.wait(head, notice),
            Event::Verified(verified) => self.verify(head, verified, here),
            Event::TicketSourcedOffline(told)
                if here && told.ticket.ticket.treatment_month == self.month =>
            {
                self.offline.push((head.recorded_at, told.clone()));
            }
            Event::TicketRequested(told) if here => self.request(head, told),
            Event::RecordErased(_) => self.erased = true,
            _ => {}
        }
    }

    fn place(&self, facility: Option<&FacilityCode>, key: &TicketKey) -> Option<usize> {
        self.tickets
            .iter()
            .position(|known| known.facility.as_ref() == facility && known.content.key() == *key)
    }

    fn ticket(&mut self, head: &EventHead, ticket: &CommissionedTicket) {
        let (at, is_new) = match self.place(head.facility.as_ref(), &ticket.key()) {
            Some(at) => {
                let known = &mut self.tickets[at];
                known.revised += u32::from(known.content.ticket != ticket.ticket);
                known.revised_at = Some(head.recorded_at);
                known.content = ticket.clone();
                known.withdrawn_at = None;
                known.last_seen = head.position;
                (at, false)
            }
            None => {
                self.tickets.push(Ticket {
                    facility: head.facility.clone(),
                    content: ticket.clone(),
                    arrived_at: head.recorded_at,
                    revised: 0,
                    revised_at: None,
                    withdrawn_at: None,
                    last_seen: head.position,
                    arrived_run: None,
                    revised_run: None,
                });
                (self.tickets.len() - 1, true)
            }
        };
        if self.fresh.0 != head.observation_id {
            self.fresh = (head.observation_id, Vec::new());
        }
        self.fresh.1.push((at, is_new));
        if self.is_of_month(at) {
            let as_of = Origin::from(head).as_of_or(ticket.confirmed_on);
            self.commissioned_as_of = max(self.commissioned_as_of, Some(as_of));
        }
    }

    /// Whether a ticket is of this facility and month.
    fn is_of_month(&self, at: usize) -> bool {
        let known = &self.tickets[at];
        known.facility.as_ref() == Some(&self.facility)
            && known.content.ticket.treatment_month == self.month
            && known.content.ticket.institution_matches
    }

    fn wait(&mut self, head: &EventHead, notice: &NotCommissionedObserved) {
        if notice.month != self.month {
            return;
        }
        let as_of = Origin::from(head).as_of_or(notice.confirmed_on);
        self.forget_wait_that_ended();
        self.waiting_as_of = max(self.waiting_as_of, Some(as_of));
        let since = self.waiting_since.get_or_insert(notice.confirmed_on);
        *since = notice.confirmed_on.min(*since);
        if notice.welfare_office.is_some() {
            self.waiting_office.clone_from(&notice.welfare_office);
        }
    }

    fn verify(&mut self, head: &EventHead, verified: &Verified, here: bool) {
        if verified.method == Method::LocalCopy {
            return;
        }
        if verified.person.name.is_some() {
            self.person = verified.person.clone();
        }
        let as_of = Origin::from(head).as_of_or(verified.confirmed_on);
        self.answers.extend(verified.inquiry);
        let (of, told) = std::mem::take(&mut self.fresh);
        let told = if of == head.observation_id {
            told
        } else {
            Vec::new()
        };
        for (at, is_new) in &told {
            match is_new {
                true => self.tickets[*at].arrived_run = verified.inquiry,
                false => self.tickets[*at].revised_run = verified.inquiry,
            }
        }
        let again = verified.sightings.tickets.iter();
        let again = again.filter_map(|at| usize::try_from(*at).ok());
        for at in told.into_iter().map(|(at, _)| at).chain(again) {
            let Some(known) = self.tickets.get_mut(at) else {
                continue;
            };
            known.last_seen = head.position;
            if self.is_of_month(at) {
                self.commissioned_as_of = max(self.commissioned_as_of, Some(as_of));
            }
        }
        let waits = verified
            .qualifications
            .iter()
            .any(|half| half.validity == shikaku_schemas::value::Validity::NotCommissioned);
        if here && waits && Month::of(verified.confirmed_on) == self.month {
            self.forget_wait_that_ended();
            self.waiting_as_of = max(self.waiting_as_of, Some(as_of));
            self.waiting_since.get_or_insert(verified.confirmed_on);
        }
    }

    /// Since when somebody waits is told of this wait, not of one that a ticket ended.
    fn forget_wait_that_ended(&mut self) {
        if !self.is_waiting() {
            self.waiting_since = None;
        }
    }

    fn request(&mut self, head: &EventHead, told: &TicketRequested) {
        if told.month != self.month {
            return;
        }
        self.requested.push(Requested {
            by: told.requested_by.clone(),
            at: head.recorded_at,
        });
    }

    /// Of two statements of the same second 未委託 counts, because it is the one that hides numbers.
    pub fn is_waiting(&self) -> bool {
        self.waiting_as_of.is_some() && self.waiting_as_of >= self.commissioned_as_of
    }

    /// What a settlement of `run` has to know, whatever is shown: the tickets of the month, how many of the run's
    /// answers were about this record, and whether it is 未委託.
    pub fn for_settlement(&self, record: RecordId, run: InquiryId) -> RecordOfRun {
        let tickets = (0..self.tickets.len()).filter(|at| !self.erased && self.is_of_month(*at));
        let tickets = tickets.map(|at| {
            let known = &self.tickets[at];
            SettlementTicket {
                record,
                record_version: self.version,
                key: known.content.key(),
                last_seen: known.last_seen,
                withdrawn: known.withdrawn_at.is_some(),
                arrived: known.arrived_run == Some(run),
                revised: known.revised_run == Some(run),
            }
        });
        RecordOfRun {
            tickets: tickets.collect(),
            answers: self.answers.iter().filter(|of| **of == run).count(),
            waits: !self.erased && self.is_waiting(),
        }
    }

    /// Takes in another record of the same human, told to the end: what is newest of both counts.
    pub fn join(&mut self, other: Self) {
        if self.erased || other.erased {
            if self.erased {
                *self = other;
            }
            return;
        }
        self.patient = self.patient.take().or(other.patient);
        if self.person.name.is_none() {
            self.person = other.person;
        }
        self.tickets.extend(other.tickets);
        let since = [self.waiting_since, other.waiting_since];
        self.waiting_since = since.into_iter().flatten().min();
        self.waiting_as_of = max(self.waiting_as_of, other.waiting_as_of);
        self.commissioned_as_of = max(self.commissioned_as_of, other.commissioned_as_of);
        self.waiting_office = self.waiting_office.take().or(other.waiting_office);
        self.offline.extend(other.offline);
        self.requested.extend(other.requested);
    }

    /// Whether it has a ticket of this facility and month.
    pub fn has_ticket(&self) -> bool {
        (0..self.tickets.len()).any(|at| self.is_of_month(at))
    }

    /// The record's row; `None` when nothing speaks of its month here.
    pub fn finish(self, record: RecordId) -> Option<CalendarRow> {
        if self.erased {
            return None;
        }
        let of_month = (0..self.tickets.len()).filter(|at| self.is_of_month(*at));
        let of_month: Vec<&Ticket> = of_month.map(|at| &self.tickets[at]).collect();
        let state = match () {
            () if self.is_waiting() => MonthState::Waiting,
            () if of_month.iter().any(|it| it.withdrawn_at.is_none()) => MonthState::Arrived,
            () if !of_month.is_empty() => MonthState::Withdrawn,
            () if !self.offline.is_empty() || !self.requested.is_empty() => MonthState::Offline,
            () => return None,
        };
        let shown: Vec<&Ticket> = match state {
            MonthState::Waiting => Vec::new(),
            _ => of_month.clone(),
        };
        let offline: Vec<_> = self.offline.iter().map(|it| offline(it, &shown)).collect();
        let office = shown
            .iter()
            .rev()
            .find_map(|it| it.content.welfare_office.clone())
            .or_else(|| self.waiting_office.clone())
            .or_else(|| {
                self.offline
                    .iter()
                    .find_map(|(_, it)| it.ticket.welfare_office.clone())
            });
        Some(CalendarRow {
            record,
            patient: self.patient,
            name: self.person.name,
            waiting_since: self.waiting_since.filter(|_| state == MonthState::Waiting),
            welfare_office: office,
            phone: None,
            chores: chores(&shown, &offline),
            tickets: shown.into_iter().map(Ticket::shown).collect(),
            offline,
            requested: self.requested,
            state,
        })
    }
}

impl Ticket {
    fn shown(&self) -> CalendarTicket {
        let ticket = &self.content.ticket;
        CalendarTicket {
            kind: ticket.kind,
            treatment_type: ticket.treatment_type,
            valid_from: ticket.valid_from,
            valid_to: ticket.valid_to,
            arrived_at: self.arrived_at,
            revised: self.revised,
            revised_at: self.revised_at,
            withdrawn_at: self.withdrawn_at,
            inconsistent: ticket.inconsistent,
        }
    }
}

/// The online ticket of the same kind, once there is one, is what the told one is compared with.
fn offline((at, told): &(Timestamp, TicketSourcedOffline), shown: &[&Ticket]) -> OfflineTicket {
    let kind = told.ticket.ticket.kind;
    let same_kind = shown.iter().filter(|it| it.content.ticket.kind == kind);
    let closest = same_kind
        .map(|it| super::differences(told, &it.content))
        .min_by_key(Vec::len);
    OfflineTicket {
        source: told.source.clone(),
        entered_by: told.entered_by.clone(),
        reason: told.reason.clone(),
        entered_at: *at,
        kind,
        reconciled: closest.is_some(),
        differences: closest.unwrap_or_default(),
    }
}

fn chores(shown: &[&Ticket], offline: &[OfflineTicket]) -> Vec<Chore> {
    let live = || shown.iter().filter(|it| it.withdrawn_at.is_none());
    let mut chores = Vec::new();
    if live().any(|it| it.content.ticket.inconsistent) {
        chores.push(Chore::CheckSocialInsurance);
    }
    if offline.iter().any(|it| !it.differences.is_empty()) {
        chores.push(Chore::CompareOffline);
    }
    if !shown.is_empty() && live().next().is_none() {
        chores.push(Chore::AskOffice);
    }
    chores
}
