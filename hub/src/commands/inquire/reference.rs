//! `inquire reference`.

use shikaku_schemas::command::{self, Command};
use shikaku_schemas::value::PatientNumber;

use super::{ask, facility};
use crate::answer::Outcome;
use crate::cli::InquireReference;
use crate::config::Config;

/// Registers the chart number of one person, or of all who have none registered.
pub async fn run(config: &Config, asked: InquireReference, json: bool) -> Outcome {
    let question = command::RegisterReference {
        facility: facility(config, asked.facility)?,
        patient: asked.patient.map(PatientNumber),
        purpose: asked.purpose,
    };
    let command = Command::RegisterReference(question);
    ask(config, command, asked.wait, json).await
}
