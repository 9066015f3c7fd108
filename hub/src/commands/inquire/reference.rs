//! `inquire reference`.

use serde_json::json;
use shikaku_core::query::InquiryView;
use shikaku_schemas::command::{self, Command, CommandReply};
use shikaku_schemas::value::{InquiryId, PatientNumber};

use super::{exit, facility, show, wait};
use crate::answer::{self, Exit, Outcome};
use crate::cli::InquireReference;
use crate::config::Config;
use crate::{client, commands, stores, words};

/// Registers the chart number of one person, or of all who have none registered.
pub async fn run(config: &Config, asked: InquireReference, json: bool) -> Outcome {
    let (wait, jobs) = (asked.wait, asked.all_missing);
    let question = command::RegisterReference {
        facility: facility(config, asked.facility)?,
        patient: asked.patient.map(PatientNumber),
        purpose: asked.purpose,
    };
    let command = Command::RegisterReference(question);
    let reply = client::command(config, command).await?;
    match &reply {
        CommandReply::Done { id: Some(id), .. } if wait => {
            settled(config, InquiryId(*id), jobs, json).await
        }
        CommandReply::Done { id: None, .. } if !json => {
            answer::line(words::NOTHING_MISSING.to_string())?;
            Ok(Exit::Done)
        }
        _ => commands::reply::show(&reply, json),
    }
}

/// Waits for all that the command made: each half of a person, or each job.
async fn settled(config: &Config, first: InquiryId, jobs: bool, json: bool) -> Outcome {
    let (ledger, queries) = stores::questions(config).await?;
    let mut views: Vec<InquiryView> = Vec::new();
    for inquiry in queries.made_with(first).await? {
        views.push(match jobs {
            true => wait::wait_for_job(config, &queries, inquiry).await?,
            false => wait::wait_for(config, &queries, inquiry).await?,
        });
    }
    let worst = views
        .iter()
        .max_by_key(|view| match exit(view.state) {
            Exit::Done => 0,
            Exit::Uncertain => 1,
            _ => 2,
        })
        .map_or("answered", |view| view.state);
    if !json {
        for view in &views {
            show::view(&ledger, &queries, view, false).await?;
        }
        return Ok(exit(worst));
    }
    let last = views.iter().map(|view| view.position).max();
    let registrations: Vec<_> = views
        .iter()
        .map(|view| {
            json!({
                "inquiry": view.inquiry, "state": view.state, "record": view.record,
                "code": view.code, "message": view.message, "job": view.job,
            })
        })
        .collect();
    let answer = json!({
        "inquiry": first, "state": worst, "validity": null, "display": null,
        "registrations": registrations,
    });
    answer::json_line(&stores::standing(&ledger, last).await?.around(answer)?)?;
    Ok(exit(worst))
}
