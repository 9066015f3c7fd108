//! `inquire drug-info|treatment-info|checkup-info`.

use serde_json::json;
use shikaku_core::query::InquiryView;
use shikaku_schemas::command::{self, Command, CommandReply};
use shikaku_schemas::event::MedicalInformationReceived;
use shikaku_schemas::value::{ConsentScope, InquiryId, InquiryKind, Month, PatientNumber};

use super::{exit, facility, show, wait};
use crate::answer::{self, Outcome};
use crate::cli::InquireMedical;
use crate::config::Config;
use crate::words::{self, Words};
use crate::{client, commands, stores};

/// Medical information of one person.
pub async fn run(
    config: &Config,
    asked: InquireMedical,
    scope: ConsentScope,
    json: bool,
) -> Outcome {
    let (wait, wished) = (asked.wait, asked.from);
    let question = command::InquireMedical {
        facility: facility(config, asked.facility)?,
        patient: PatientNumber(asked.patient),
        scope,
        from: asked.from,
        to: asked.to,
        purpose: asked.purpose,
    };
    let reply = client::command(config, Command::InquireMedical(question)).await?;
    let CommandReply::Done { id: Some(id), .. } = &reply else {
        return commands::reply::show(&reply, json);
    };
    let inquiry = InquiryId(*id);
    let (ledger, queries) = stores::questions(config).await?;
    if !wait {
        let exit = commands::reply::show(&reply, json)?;
        if let Some(view) = queries.inquiry(inquiry).await?.filter(|_| !json) {
            say(&notes(config, &view, wished))?;
        }
        return Ok(exit);
    }
    let view = wait::wait_for(config, &queries, inquiry).await?;
    let notes = notes(config, &view, wished);
    if json {
        let mut told = show::told(&view)?;
        if let Some(members) = told.as_object_mut() {
            let texts: Vec<String> = notes.iter().map(ToString::to_string).collect();
            members.insert("notes".to_owned(), json!(texts));
            members.insert("clipped".to_owned(), json!(clipped(&view, wished)));
        }
        let standing = stores::standing(&ledger, Some(view.position)).await?;
        answer::json_line(&standing.around(told)?)?;
    } else {
        show::view(&ledger, &queries, &view, false).await?;
        say(&notes)?;
    }
    Ok(exit(view.state))
}

fn say(notes: &[String]) -> anyhow::Result<()> {
    for note in notes {
        answer::line(note)?;
    }
    Ok(())
}

/// Whether months that were wished for were left out.
fn clipped(view: &InquiryView, wished: Option<Month>) -> bool {
    match (view.months, wished) {
        (Some((from, _)), Some(wished)) => wished < from,
        _ => false,
    }
}

/// What has to be said beside the answer: which months, and what an empty one means.
fn notes(config: &Config, view: &InquiryView, wished: Option<Month>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some((from, to)) = view.months {
        notes.push(format!("{}: {from} 〜 {to}", words::MONTHS_ASKED));
        if clipped(view, wished) {
            let first = config.medical.first_drug_month;
            notes.push(format!("{} ({first})", words::MONTHS_CLIPPED));
        }
    }
    let checkups = view
        .requested
        .as_ref()
        .is_some_and(|asked| asked.kind == InquiryKind::CheckupInfo);
    if checkups && wished.is_some() {
        let first = config.medical.first_checkup_month;
        notes.push(format!("{} ({first})", words::CHECKUP_MONTHS));
    }
    notes.extend(view.medical.iter().map(|held| {
        let scope = words::scope(held.scope);
        format!("{scope}: {}", meaning(held))
    }));
    notes
}

/// What is held, in words. An empty check-up answer says only that the office registered none.
fn meaning(held: &MedicalInformationReceived) -> Words {
    match (held.empty, held.scope) {
        (false, _) => words::HELD,
        (true, ConsentScope::Checkup) => words::CHECKUP_NOT_REGISTERED,
        (true, _) => words::NONE_IN_MONTHS,
    }
}
