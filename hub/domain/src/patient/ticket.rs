//! What an answer changes about tickets and months.

use shikaku_schemas::event::{
    CommissionedTicket, Event, NotCommissionedObserved, PersonDetails, Ticket,
};
use shikaku_schemas::value::{AsOf, Month, Validity};

use super::command::RecordVerification;
use super::evolve::rank;
use super::qualification::find;
use super::reading::{Half, Reading};
use super::state::PatientState;

/// Decides about the tickets of one answer.
pub(super) struct Tickets<'a> {
    pub(super) command: &'a RecordVerification,
    pub(super) as_of: AsOf,
}

impl Tickets<'_> {
    /// Tickets of every half that is valid here, each once: of two in one answer that differ, the same one
    /// counts whichever stood first. A half that is 未委託, lost or contradictory teaches none.
    pub(super) fn seen(
        &self,
        state: &PatientState,
        reading: &Reading<'_>,
    ) -> Vec<CommissionedTicket> {
        let mut tickets: Vec<CommissionedTicket> = Vec::new();
        let told = reading
            .halves
            .iter()
            .filter(|half| half.decisive && half.validity == Validity::Valid)
            .filter(|half| !half.is_insurance())
            .flat_map(|half| self.of_half(state, half));
        for ticket in told {
            match tickets.iter_mut().find(|seen| seen.key() == ticket.key()) {
                Some(seen) if rank(&content(&ticket)) > rank(&content(seen)) => *seen = ticket,
                Some(_) => {}
                None => tickets.push(ticket),
            }
        }
        tickets
    }

    fn of_half(&self, state: &PatientState, half: &Half<'_>) -> Vec<CommissionedTicket> {
        let Some(record) = half.record else {
            return Vec::new();
        };
        let qualification_id = half
            .numbers
            .as_ref()
            .and_then(|numbers| find(state, numbers))
            .map(|known| known.id);
        record
            .tickets
            .iter()
            .map(|ticket| CommissionedTicket {
                qualification_id,
                payer_number: record.numbers.payer_number.clone(),
                recipient_number: record.numbers.recipient_number.clone(),
                welfare_office: record.issuer_name.clone(),
                ticket: ticket.clone(),
                confirmed_on: self.command.answer.confirmed_on,
                method: self.command.answer.method,
            })
            .collect()
    }

    /// Arrived, revised, or nothing. A ticket that arrives behind a newer 未委託 has that said again after it.
    pub(super) fn see(&self, state: &PatientState, seen: CommissionedTicket) -> Vec<Event> {
        let facility = Some(&self.command.facility.code);
        let month = state.month(facility, seen.ticket.treatment_month);
        let waiting = month.filter(|month| month.announced);
        let stays_waiting = seen.ticket.institution_matches
            && waiting.is_some_and(|month| month.waiting_as_of >= Some(self.as_of));
        let notice = waiting
            .filter(|_| stays_waiting)
            .and_then(|month| month.notice.clone())
            .map(Event::NotCommissionedObserved);
        let Some(index) = state.ticket_index(facility, &seen.key()) else {
            return std::iter::once(Event::CommissionedTicketArrived(seen))
                .chain(notice)
                .collect();
        };
        let known = &state.tickets[index];
        let changed = content(&known.content) != content(&seen);
        let newer = self.as_of > known.as_of
            || (self.as_of == known.as_of
                && rank(&content(&seen)) > rank(&content(&known.content)));
        let back = known.withdrawn
            || (waiting.is_some() && seen.ticket.institution_matches && !stays_waiting);
        if newer && (changed || back) {
            std::iter::once(Event::CommissionedTicketRevised(seen))
                .chain(notice)
                .collect()
        } else {
            Vec::new()
        }
    }

    /// The index of a ticket that is known just so.
    pub(super) fn repeated(&self, state: &PatientState, seen: &CommissionedTicket) -> Option<u32> {
        let index = state.ticket_index(Some(&self.command.facility.code), &seen.key())?;
        let same = content(&state.tickets[index].content) == content(seen);
        same.then(|| u32::try_from(index).ok()).flatten()
    }

    /// 未委託 as news: once for a month, and again only after a ticket of that month.
    pub(super) fn not_commissioned(
        &self,
        state: &PatientState,
        half: &Half<'_>,
        person: &PersonDetails,
    ) -> Option<Event> {
        let month = Month::of(self.command.answer.confirmed_on);
        let known = state.month(Some(&self.command.facility.code), month);
        let outdated = known.is_some_and(|known| known.commissioned_as_of > Some(self.as_of));
        let told = known.is_some_and(|known| known.announced);
        (!outdated && !told).then(|| {
            Event::NotCommissionedObserved(NotCommissionedObserved {
                month,
                welfare_office: half.record.and_then(|record| record.issuer_name.clone()),
                person: person.clone(),
                confirmed_on: self.command.answer.confirmed_on,
                method: self.command.answer.method,
            })
        })
    }
}

/// What a ticket says, without when and how it was seen.
fn content(ticket: &CommissionedTicket) -> (&Option<String>, &Ticket) {
    (&ticket.welfare_office, &ticket.ticket)
}
