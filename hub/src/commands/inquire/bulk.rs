//! `inquire bulk`: many people at once, from a list or from appointments.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use jiff::civil::Date;
use serde_json::json;
use shikaku_core::query::{Queries, Who};
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::command::{self, Command, CommandReply, ListedPerson};
use shikaku_schemas::value::{FacilityCode, InquiryId, jst_day};

use super::list::{self, List};
use super::{exit, facility, show, wait};
use crate::answer::{self, Exit, Outcome, Refused};
use crate::cli::InquireBulk;
use crate::config::Config;
use crate::{client, commands, stores, words};

/// Asks, in parts of one kind each; with `--wait` until all have ended.
pub async fn run(config: &Config, asked: InquireBulk, json: bool) -> Outcome {
    let facility = facility(config, asked.facility.clone())?;
    if let Some(job) = asked.retry {
        return retry(config, &facility, InquiryId(job), &asked, json).await;
    }
    let lists = lists(config, &facility, &asked).await?;
    let rows_per_job = usize::from(config.schedule.rows_per_job);
    let mut inquiries = Vec::new();
    let mut last = Exit::Done;
    for list in lists {
        for rows in list.rows.chunks(rows_per_job) {
            let question = command::InquireBulk {
                facility: facility.clone(),
                on: list.on.or(asked.on),
                insurance: list.insurance,
                rows: rows.to_vec(),
                purpose: asked.purpose.clone(),
                repeats: None,
            };
            let reply = client::command(config, Command::InquireBulk(question)).await?;
            match &reply {
                CommandReply::Done { id: Some(id), .. } if asked.wait => {
                    inquiries.push(InquiryId(*id));
                }
                reply => last = commands::reply::show(reply, json)?,
            }
        }
    }
    if inquiries.is_empty() && asked.wait && last == Exit::Done {
        return Err(Refused::from(words::NONE_FOUND).into());
    }
    finish(config, inquiries, last, json).await
}

/// Asks again about the errors of a job. Nobody left to ask about is done.
async fn retry(
    config: &Config,
    facility: &FacilityCode,
    job: InquiryId,
    asked: &InquireBulk,
    json: bool,
) -> Outcome {
    let (ledger, queries) = stores::questions(config).await?;
    let retry = queries.retry(facility, job, &asked.purpose).await;
    let retry = match retry.map_err(stores::unanswered)? {
        Ok(retry) => retry,
        Err(refusal) => return commands::reply::show(&refusal, json),
    };
    if !retry.answered_since.is_empty() {
        let rows = retry.answered_since.join(", ");
        eprintln!("{}: {rows}", words::ROWS_ANSWERED_SINCE);
    }
    if retry.without_row > 0 {
        eprintln!("{}: {}", words::ERRORS_WITHOUT_ROW, retry.without_row);
    }
    if retry.question.rows.is_empty() {
        if json {
            let standing = stores::standing(&ledger, None).await?;
            let nobody = json!({ "inquiry": null, "answered_since": retry.answered_since });
            answer::json_line(&standing.around(nobody)?)?;
        } else {
            answer::line(words::NOBODY_TO_ASK_AGAIN.to_string())?;
        }
        return Ok(Exit::Done);
    }
    let question = Command::InquireBulk(retry.question);
    match client::command_as(config, retry.command_id, question).await? {
        CommandReply::Done { id: Some(id), .. } if asked.wait => {
            finish(config, vec![InquiryId(id)], Exit::Done, json).await
        }
        reply => commands::reply::show(&reply, json),
    }
}

/// The worst of all ends is the exit; each inquiry's answer is a line.
async fn finish(config: &Config, inquiries: Vec<InquiryId>, mut last: Exit, json: bool) -> Outcome {
    let (ledger, queries) = stores::questions(config).await?;
    for inquiry in inquiries {
        let view = wait::wait_for_job(config, &queries, inquiry).await?;
        show::view(&ledger, &queries, &view, json).await?;
        last = match (last, exit(view.state)) {
            (Exit::Done, other) => other,
            (Exit::Failed, Exit::Uncertain) => Exit::Uncertain,
            (worst, _) => worst,
        };
    }
    Ok(last)
}

async fn lists(
    config: &Config,
    facility: &FacilityCode,
    asked: &InquireBulk,
) -> anyhow::Result<Vec<List>> {
    if let Some(path) = &asked.list {
        return Ok(vec![list::people(path)?]);
    }
    let Some(path) = &asked.from_appointments else {
        return Ok(Vec::new());
    };
    let (_, queries) = stores::questions(config).await?;
    let expected = match path {
        Some(path) => listed(path, asked.on)?,
        None => booked(&queries, facility, asked.on).await?,
    };
    let mut lists: BTreeMap<(Date, bool), Vec<ListedPerson>> = BTreeMap::new();
    let mut without = 0u32;
    for (who, on) in expected {
        match numbers(&queries, facility, &who, on).await {
            Some(rows) => {
                for (is_insurance, row) in rows {
                    lists.entry((on, is_insurance)).or_default().push(row);
                }
            }
            None => without += 1,
        }
    }
    if without > 0 {
        eprintln!("{}: {without}", words::APPOINTMENTS_WITHOUT);
    }
    let list = |((on, insurance), rows)| List {
        insurance,
        on: Some(on),
        rows,
    };
    Ok(lists.into_iter().map(list).collect())
}

/// Whom a file of appointments names, and for which day. Two appointments of one day are one question.
fn listed(path: &Path, on: Option<Date>) -> anyhow::Result<Vec<(Who, Date)>> {
    let mut known = HashSet::new();
    let mut expected = Vec::new();
    for appointment in list::appointments(path)? {
        let on = on.unwrap_or(appointment.on);
        if known.insert((on, appointment.patient.clone())) {
            expected.push((Who::Patient(appointment.patient), on));
        }
    }
    Ok(expected)
}

/// Who is expected on a day, by default tomorrow, as receipt computers and EHRs told.
async fn booked(
    queries: &Queries,
    facility: &FacilityCode,
    on: Option<Date>,
) -> anyhow::Result<Vec<(Who, Date)>> {
    let tomorrow = jst_day(SystemClock.now()).tomorrow();
    let on = on.map_or(tomorrow, Ok)?;
    let booked = queries.booked(facility, on).await?;
    Ok(booked
        .into_iter()
        .map(|record| (Who::Record(record), on))
        .collect())
}

/// What somebody can be asked about by: nothing of a half whose month is 未委託.
async fn numbers(
    queries: &Queries,
    facility: &FacilityCode,
    who: &Who,
    on: Date,
) -> Option<Vec<(bool, ListedPerson)>> {
    let rows = queries.numbers(facility, who, on).await.ok()?;
    (!rows.is_empty()).then_some(rows)
}
