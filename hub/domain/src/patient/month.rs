//! What people tell of a month's ticket, and what a settlement takes away.

use shikaku_schemas::event::{
    CommissionedTicketWithdrawn, Event, TicketKey, TicketRequested, TicketSourcedOffline,
};
use shikaku_schemas::value::{FacilityCode, InquiryId};

use super::command::PatientRejection;
use super::state::PatientState;

/// A ticket that two complete runs no longer showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawTicket {
    /// The facility that was told of it.
    pub facility: FacilityCode,
    /// Which.
    pub key: TicketKey,
    /// The runs.
    pub runs: Vec<InquiryId>,
}

/// Nothing, where it is gone already or was never known there.
pub(super) fn withdraw(state: &PatientState, order: WithdrawTicket) -> Vec<Event> {
    let known = state
        .ticket_index(Some(&order.facility), &order.key)
        .is_some_and(|at| !state.tickets[at].withdrawn);
    match known {
        true => vec![Event::CommissionedTicketWithdrawn(
            CommissionedTicketWithdrawn {
                key: order.key,
                runs: order.runs,
            },
        )],
        false => Vec::new(),
    }
}

/// A ticket told by paper or telephone changes no qualification; the calendar compares it with what comes.
pub(super) fn add(
    state: &PatientState,
    told: TicketSourcedOffline,
) -> Result<Vec<Event>, PatientRejection> {
    known(state)?;
    Ok(vec![Event::TicketSourcedOffline(told)])
}

/// A request filed with the welfare office.
pub(super) fn request(
    state: &PatientState,
    told: TicketRequested,
) -> Result<Vec<Event>, PatientRejection> {
    known(state)?;
    Ok(vec![Event::TicketRequested(told)])
}

fn known(state: &PatientState) -> Result<(), PatientRejection> {
    match state.seen {
        true => Ok(()),
        false => Err(PatientRejection::RecordUnknown),
    }
}
