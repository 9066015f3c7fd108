//! `inquire commissioned|home-visit|online`: everybody of a month or a period.

use shikaku_schemas::command::{self, Command};

use super::{ask, facility};
use crate::answer::Outcome;
use crate::cli::{InquireCommissioned, InquirePeriod};
use crate::config::Config;

/// `inquire commissioned`.
pub async fn commissioned(config: &Config, asked: InquireCommissioned, json: bool) -> Outcome {
    let question = command::InquireCommissioned {
        facility: facility(config, asked.facility)?,
        month: asked.month,
        purpose: asked.purpose,
    };
    let command = Command::InquireCommissioned(question);
    ask(config, command, asked.wait, json).await
}

/// `inquire home-visit|online`.
pub async fn period(config: &Config, asked: InquirePeriod, online: bool, json: bool) -> Outcome {
    let question = command::InquirePeriod {
        facility: facility(config, asked.facility)?,
        online,
        from: asked.from,
        to: asked.to,
        purpose: asked.purpose,
    };
    let command = Command::InquirePeriod(question);
    ask(config, command, asked.wait, json).await
}
