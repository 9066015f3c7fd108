//! Which halves a person has: the ticket's own word first, then what is known of insurance for that day,
//! then what the records of the answer show.

use shikaku_schemas::event::Ticket;
use shikaku_schemas::observation::OqsAnswer;
use shikaku_schemas::value::{Coverage, Method, Month, TicketUse, Validity};

use super::reading::{Half, Reading};
use super::state::{KnownQualification, PatientState};

/// The coverage of an answer, `state` already knowing what the answer told.
pub(super) fn coverage(
    reading: &Reading<'_>,
    answer: &OqsAnswer,
    state: &PatientState,
) -> Coverage {
    let assistance = || reading.halves.iter().filter(|half| half.is_assistance());
    let insurance = || reading.halves.iter().filter(|half| half.is_insurance());
    if assistance().next().is_none() {
        return if insurance().next().is_some() {
            Coverage::InsuranceOnly
        } else {
            Coverage::Unknown
        };
    }
    let month = Month::of(answer.confirmed_on);
    if let Some(told) = assistance().find_map(|half| told_by_ticket(half, month)) {
        return told;
    }
    let assisted = assistance().any(|half| !half.is_lost());
    if insurance().next().is_some() {
        let all_ended = insurance().all(Half::is_lost);
        return if all_ended && assisted {
            Coverage::AssistanceOnly
        } else {
            Coverage::Combined
        };
    }
    if answer.method != Method::LocalCopy && insured_on_day(state, answer) {
        return Coverage::Combined;
    }
    match answer.method {
        Method::Card | Method::HomeVisit | Method::Online => Coverage::AssistanceOnly,
        _ => Coverage::Unknown,
    }
}

fn insured_on_day(state: &PatientState, answer: &OqsAnswer) -> bool {
    state
        .qualifications
        .iter()
        .filter(|known| KnownQualification::is_insurance(known))
        .any(|known| known.covers(answer.confirmed_on))
}

/// 単独・併用別, else 社会保険状況; a ticket of the day's month and of this institution speaks first.
fn told_by_ticket(half: &Half<'_>, month: Month) -> Option<Coverage> {
    if half.validity != Validity::Valid {
        return None;
    }
    let mut tickets: Vec<&Ticket> = half.record?.tickets.iter().collect();
    tickets.sort_by_key(|ticket| (ticket.treatment_month != month, !ticket.institution_matches));
    let use_of = |ticket: &&Ticket| match (ticket.usage, ticket.social_insurance) {
        (Some(TicketUse::Combined), _) | (None, Some(true)) => Some(Coverage::Combined),
        (Some(TicketUse::Sole), _) | (None, Some(false)) => Some(Coverage::AssistanceOnly),
        (None, None) => None,
    };
    tickets.iter().find_map(use_of)
}
