//! Requests that existing programs made by themselves, through their virtual terminals.
//!
//! The terminal adapter forwarded them, and nobody here sends them again: all that is told of one is recorded as an
//! inquiry of that program. Whatever is heard of it first opens it.

use jiff::civil::Date;
use shikaku_schemas::event::{Event, InquiryRequested};
use shikaku_schemas::observation::{Progress, RequestForwarded};
use shikaku_schemas::oqs::Family;
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{InquiryKind, Month};

use super::decide::{decide, evolve};
use super::state::{InquiryCommand, InquiryProcess, InquiryRejection, InquiryState};

/// Why it was asked: a program does not say more.
const PURPOSE: &str = "既存プログラムの照会 / existing program";

/// What one step of a forwarded request makes of its inquiry. `on` is the day it was heard.
///
/// # Errors
/// The rule that forbids it, as for inquiries of our own; and a function that no inquiry is of.
pub fn forwarded(
    process: &InquiryProcess,
    told: &RequestForwarded,
    terminal: &str,
    on: Date,
) -> Result<Vec<Event>, InquiryRejection> {
    let mut process = process.clone();
    let mut events = Vec::new();
    if process.state == InquiryState::Unknown {
        let asked = requested(told, terminal, on).ok_or(InquiryRejection::NeverRequested)?;
        events = decide(&process, InquiryCommand::Request(asked))?;
        events.iter().for_each(|event| evolve(&mut process, event));
    }
    let Some(command) = command(told, terminal) else {
        return Ok(events);
    };
    match decide(&process, command) {
        Ok(more) => events.extend(more),
        Err(rejection) if events.is_empty() => return Err(rejection),
        // It began before we heard of it.
        Err(_) => {}
    }
    Ok(events)
}

fn command(told: &RequestForwarded, terminal: &str) -> Option<InquiryCommand> {
    match told.progress.progress {
        // The result of a program's job goes to the program; its people are recorded beside, and answer nobody here.
        Progress::Received => Some(InquiryCommand::RecordAnswer {
            inquiry: Some(told.progress.inquiry),
            validity: None,
            record: None,
            part_of: None,
        }),
        _ => InquiryCommand::from_progress(&told.progress, terminal),
    }
}

fn requested(told: &RequestForwarded, terminal: &str, on: Date) -> Option<InquiryRequested> {
    let question = told.question.as_deref();
    let ticket = match question {
        Some(TaskBody::Ticket(ticket)) => Some(ticket),
        _ => None,
    };
    Some(InquiryRequested {
        inquiry: told.progress.inquiry,
        kind: kind(told)?,
        requested_by: told.program.clone(),
        purpose: PURPOSE.to_owned(),
        payer_number: ticket.map(|ticket| ticket.payer_number.clone()),
        recipient_number: ticket.map(|ticket| ticket.recipient_number.clone()),
        birth_date: ticket.map(|ticket| ticket.birth_date),
        on: ticket.map_or(on, |ticket| ticket.confirmed_on),
        month: month(question),
        record: None,
        question: told.question.clone(),
        repeats: None,
        terminal: Some(terminal.to_owned()),
        program: Some(told.program.clone()),
    })
}

fn month(question: Option<&TaskBody>) -> Option<Month> {
    match question {
        Some(TaskBody::Commissioned(asked)) => Some(asked.month),
        _ => None,
    }
}

fn kind(told: &RequestForwarded) -> Option<InquiryKind> {
    let mut families = Family::ALL.into_iter();
    let with_treatments = matches!(
        told.question.as_deref(),
        Some(TaskBody::DrugInfo(asked)) if asked.with_treatments
    );
    Some(
        match families.find(|known| known.prefix() == told.function)? {
            Family::Single => InquiryKind::Ticket,
            Family::Bulk => InquiryKind::Bulk,
            Family::Commissioned => InquiryKind::Commissioned,
            Family::HomeVisit => InquiryKind::HomeVisit,
            Family::Online => InquiryKind::Online,
            Family::Registration | Family::BulkRegistration => InquiryKind::Reference,
            Family::Drugs if with_treatments => InquiryKind::TreatmentInfo,
            Family::Drugs => InquiryKind::DrugInfo,
            Family::Checkups => InquiryKind::CheckupInfo,
        },
    )
}
