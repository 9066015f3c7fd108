//! `identity`: cases that need a person, and records that are one human.

use serde_json::json;
use shikaku_core::query::CandidateView;
use shikaku_schemas::command::Command;
use shikaku_schemas::event::{CaseReason, PersonDetails};
use shikaku_schemas::value::{CaseId, RecordId, show_day};

use crate::answer::{self, Exit, Outcome, Refused};
use crate::cli::{AtLeast, Identity};
use crate::config::Config;
use crate::words::{self, Words};
use crate::{access, client, commands, stores};

/// List, decide, join, take apart.
pub async fn run(config: &Config, what: Identity, json: bool) -> Outcome {
    let command = match what {
        Identity::List { all, at_least } => return list(config, all, at_least, json).await,
        Identity::Merge | Identity::Undo => return Err(Refused::from(words::NOT_YET).into()),
        Identity::Link {
            case: Some(case),
            record,
            gone,
            ..
        } => Command::DecideCase {
            case: CaseId(case),
            record: record.map(RecordId),
            gone,
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
    let (ledger, queries) = stores::questions(config).await?;
    let standing = stores::standing(&ledger, at_least.at_least).await?;
    access::note(config, "identity", None, None).await?;
    let cases = queries.cases(!all).await?;
    if json {
        answer::json_line(&standing.around(json!({ "cases": cases }))?)?;
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
        words::TOLD,
        words::CANDIDATES,
        words::OPENED,
    ]);
    for case in &cases {
        let candidates: Vec<String> = case.candidates.iter().map(candidate).collect();
        table.add_row([
            case.case.to_string(),
            case.facility.to_string(),
            reason(case.reason).to_string(),
            case.told.as_ref().map(person).unwrap_or_default(),
            candidates.join("\n"),
            case.opened.to_string(),
        ]);
    }
    answer::show(&table)?;
    Ok(Exit::Done)
}

fn candidate(candidate: &CandidateView) -> String {
    format!("{} {}", candidate.record, person(&candidate.person))
}

fn person(person: &PersonDetails) -> String {
    let born = person.birth_date.map(show_day).unwrap_or_default();
    format!("{} {born}", person.name.as_deref().unwrap_or("-"))
}

fn reason(reason: CaseReason) -> Words {
    match reason {
        CaseReason::BirthDateDiffers => words::BIRTH_DATE_DIFFERS,
        CaseReason::NumberReused => words::NUMBER_REUSED,
        CaseReason::KeysDisagree => words::KEYS_DISAGREE,
        CaseReason::LinkOffered => words::LINK_OFFERED,
        CaseReason::QueuedBehind => words::QUEUED_BEHIND,
        CaseReason::IssuerDiffers => words::ISSUER_DIFFERS,
        CaseReason::TicketsVanished => words::TICKETS_VANISHED,
    }
}
