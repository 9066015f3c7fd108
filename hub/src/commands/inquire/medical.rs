//! `inquire drug-info|treatment-info|checkup-info`.

use shikaku_schemas::command::{self, Command};
use shikaku_schemas::value::{ConsentScope, PatientNumber};

use super::{ask, facility};
use crate::answer::Outcome;
use crate::cli::InquireMedical;
use crate::config::Config;

/// Medical information of one person.
pub async fn run(
    config: &Config,
    asked: InquireMedical,
    scope: ConsentScope,
    json: bool,
) -> Outcome {
    let question = command::InquireMedical {
        facility: facility(config, asked.facility)?,
        patient: PatientNumber(asked.patient),
        scope,
        from: asked.from,
        to: asked.to,
        purpose: asked.purpose,
    };
    let command = Command::InquireMedical(question);
    ask(config, command, asked.wait, json).await
}
