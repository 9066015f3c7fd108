//! `identity`: cases that need a person, and records that are one human.

use serde_json::json;
use shikaku_ledger::CaseRow;
use shikaku_schemas::command::Command;
use shikaku_schemas::event::CaseReason;
use shikaku_schemas::value::{CaseId, RecordId};

use crate::answer::{self, Exit, Outcome, Refused};
use crate::cli::{AtLeast, Identity};
use crate::config::Config;
use crate::words::{self, Words};
use crate::{client, commands, stores};

/// List, decide, join, take apart.
pub async fn run(config: &Config, what: Identity, json: bool) -> Outcome {
    let command = match what {
        Identity::List { all, at_least } => return list(config, all, at_least, json).await,
        Identity::Merge | Identity::Undo => return Err(Refused::from(words::NOT_YET).into()),
        Identity::Link {
            case: Some(case),
            record,
            ..
        } => Command::DecideCase {
            case: CaseId(case),
            record: record.map(RecordId),
        },
        Identity::Link {
            records, reason, ..
        } => Command::LinkRecords {
            records: records.into_iter().map(RecordId).collect(),
            reason,
        },
        Identity::Unlink { record, reason } => Command::UnlinkRecord {
            record: RecordId(record),
            reason,
        },
    };
    let reply = client::command(config, command).await?;
    commands::reply::show(&reply, json)
}

async fn list(config: &Config, all: bool, at_least: AtLeast, json: bool) -> Outcome {
    let (ledger, _key) = stores::open_read_only(config).await?;
    let standing = stores::standing(&ledger, at_least.at_least).await?;
    let cases = ledger.cases(!all).await?;
    if json {
        let rows: Vec<_> = cases.iter().map(row).collect();
        answer::json_line(&standing.around(json!({ "cases": rows }))?)?;
        return Ok(Exit::Done);
    }
    if cases.is_empty() {
        answer::line(words::NONE_FOUND.to_string())?;
        return Ok(Exit::Done);
    }
    let mut table = answer::table(&[
        words::CASE,
        words::FACILITY,
        words::REASON,
        words::CANDIDATES,
        words::OPENED,
    ]);
    for case in &cases {
        let candidates: Vec<String> = case.candidates.iter().map(RecordId::to_string).collect();
        table.add_row([
            case.case.to_string(),
            case.facility.to_string(),
            reason(case.reason).to_string(),
            candidates.join("\n"),
            case.opened.to_string(),
        ]);
    }
    answer::line(table.to_string())?;
    Ok(Exit::Done)
}

fn row(case: &CaseRow) -> serde_json::Value {
    json!({
        "case": case.case,
        "facility": case.facility,
        "reason": case.reason,
        "candidates": case.candidates,
        "opened": case.opened,
        "closed": case.closed,
    })
}

fn reason(reason: CaseReason) -> Words {
    match reason {
        CaseReason::BirthDateDiffers => words::BIRTH_DATE_DIFFERS,
        CaseReason::NumberReused => words::NUMBER_REUSED,
        CaseReason::KeysDisagree => words::KEYS_DISAGREE,
        CaseReason::LinkOffered => words::LINK_OFFERED,
        CaseReason::QueuedBehind => words::QUEUED_BEHIND,
    }
}
