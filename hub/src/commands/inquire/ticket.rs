//! `inquire ticket`.

use shikaku_schemas::command::{self, Command};
use shikaku_schemas::value::{PatientNumber, PayerNumber, RecipientNumber};

use super::{ask, facility};
use crate::answer::Outcome;
use crate::cli::InquireTicket;
use crate::config::Config;
use crate::words;

/// One inquiry by ticket.
pub async fn run(config: &Config, ticket: InquireTicket, json: bool) -> Outcome {
    let wait = ticket.wait;
    let question = question(config, ticket)?;
    ask(config, Command::InquireTicket(question), wait, json).await
}

fn question(config: &Config, ticket: InquireTicket) -> anyhow::Result<command::InquireTicket> {
    let facility = facility(config, ticket.facility)?;
    let payer_number = ticket.payer.map(PayerNumber);
    if payer_number
        .as_ref()
        .is_some_and(|payer| !payer.is_well_formed())
    {
        eprintln!("{}: {}", words::WARN, words::BAD_PAYER);
    }
    Ok(command::InquireTicket {
        facility,
        payer_number,
        recipient_number: ticket.recipient.map(RecipientNumber),
        birth_date: ticket.birth_date,
        patient: ticket.patient.map(PatientNumber),
        on: ticket.on,
        purpose: ticket.purpose,
    })
}
