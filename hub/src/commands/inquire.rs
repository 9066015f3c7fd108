//! `inquire`: asks the centre through a terminal, waits, lists, settles.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use shikaku_core::query::{InquiryView, Queries};
use shikaku_ledger::Ledger;
use shikaku_schemas::command::{self, Command, CommandReply};
use shikaku_schemas::value::{
    FacilityCode, InquiryId, PatientNumber, PayerNumber, RecipientNumber,
};

use crate::answer::{self, Exit, Outcome, Refused};
use crate::cli::{AtLeast, Inquire, InquireTicket};
use crate::config::Config;
use crate::{client, commands, stores, words};

const LISTED_AT_MOST: usize = 200;
const LOOKS_EVERY: Duration = Duration::from_millis(100);
/// Beyond the terminal's own patience: for a hub that comes back.
const GRACE: Duration = Duration::from_secs(60);

/// Ask, list, look, settle.
pub async fn run(config: &Config, what: Inquire, json: bool) -> Outcome {
    match what {
        Inquire::Ticket(ticket) => ask(config, ticket, json).await,
        Inquire::List(at_least) => list(config, at_least, json).await,
        Inquire::Show { id, at_least } => {
            let (ledger, queries) = stores::questions(config).await?;
            stores::standing(&ledger, at_least.at_least).await?;
            let view = queries.inquiry(InquiryId(id)).await?;
            let view = view.ok_or(Refused::from(words::NOT_KNOWN))?;
            show(&ledger, &view, json).await?;
            Ok(Exit::Done)
        }
        Inquire::Resolve { id, note } => {
            let inquiry = InquiryId(id);
            let command = Command::ResolveInquiry { inquiry, note };
            commands::reply::show(&client::command(config, command).await?, json)
        }
    }
}

async fn ask(config: &Config, ticket: InquireTicket, json: bool) -> Outcome {
    let wait = ticket.wait;
    let question = question(config, ticket)?;
    let reply = client::command(config, Command::InquireTicket(question)).await?;
    let CommandReply::Done { id: Some(id), .. } = &reply else {
        return commands::reply::show(&reply, json);
    };
    let inquiry = InquiryId(*id);
    if !wait {
        return commands::reply::show(&reply, json);
    }
    let (ledger, queries) = stores::questions(config).await?;
    let view = wait_for(config, &queries, inquiry).await?;
    show(&ledger, &view, json).await?;
    Ok(exit(view.state))
}

fn question(config: &Config, ticket: InquireTicket) -> anyhow::Result<command::InquireTicket> {
    let facility = FacilityCode(ticket.facility);
    if config.group.facility(&facility).is_none() {
        return Err(Refused::from(words::NO_SUCH_FACILITY).into());
    }
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

/// 0 for any answer of the centre, 1 for none, 3 when a person has to look.
fn exit(state: &str) -> Exit {
    match state {
        "answered" | "resolved" => Exit::Done,
        "uncertain" => Exit::Uncertain,
        _ => Exit::Failed,
    }
}

fn is_settled(state: &str) -> bool {
    matches!(
        state,
        "answered" | "rejected" | "timed-out" | "uncertain" | "resolved"
    )
}

async fn wait_for(
    config: &Config,
    queries: &Queries,
    inquiry: InquiryId,
) -> anyhow::Result<InquiryView> {
    let progress = ProgressBar::new_spinner();
    progress.set_style(
        ProgressStyle::with_template("{spinner} {elapsed} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let settled = async {
        loop {
            if let Some(view) = queries.inquiry(inquiry).await? {
                let state = words::inquiry_state(view.state);
                progress.set_message(format!("{}: {state} {}", words::WAITING, view.state));
                progress.tick();
                if is_settled(view.state) {
                    return anyhow::Ok(view);
                }
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    };
    let patience = Duration::from_secs(config.timing.answer_timeout_s) * 2 + GRACE;
    let view = tokio::time::timeout(patience, settled).await;
    progress.finish_and_clear();
    view.map_err(|_| Refused::from(words::NO_ANSWER))?
}

/// Numbers and birth date that the desk typed are left out: `log` shows them to an operator with the keys.
fn told(view: &InquiryView) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(view)?;
    if let Some(members) = value.as_object_mut()
        && let Some(requested) = &view.requested
    {
        let asked = json!({
            "kind": requested.kind,
            "requested_by": requested.requested_by,
            "purpose": requested.purpose,
            "on": requested.on,
        });
        members.insert("requested".to_owned(), asked);
    }
    Ok(value)
}

async fn show(ledger: &Ledger, view: &InquiryView, json: bool) -> anyhow::Result<()> {
    if json {
        let standing = stores::standing(ledger, Some(view.position)).await?;
        return answer::json_line(&standing.around(told(view)?)?);
    }
    let mut table = answer::table(&[words::KEY, words::VALUE]);
    let mut row = |words: words::Words, value: String| {
        table.add_row([words.heading(), value]);
    };
    row(words::INQUIRY, view.inquiry.to_string());
    row(words::STATE, state(view));
    if let Some(validity) = view.validity {
        row(words::VALIDITY, words::validity(validity).to_string());
    }
    if let Some(display) = &view.display {
        row(
            words::DISPLAY,
            format!("{} / {}", display.japanese, display.english),
        );
    }
    if let Some(record) = view.record {
        row(words::RECORD, record.to_string());
    }
    if let Some(terminal) = &view.terminal {
        row(words::TERMINAL, terminal.clone());
    }
    if let Some(requested) = &view.requested {
        let by = format!("{} ({})", requested.requested_by, requested.purpose);
        row(words::ASKED_BY, by);
    }
    if let Some(code) = &view.code {
        let message = view.message.as_deref().unwrap_or_default();
        row(words::REASON, format!("{code} {message}"));
    }
    answer::show(&table)?;
    Ok(())
}

fn state(view: &InquiryView) -> String {
    format!("{} / {}", words::inquiry_state(view.state), view.state)
}

async fn list(config: &Config, at_least: AtLeast, json: bool) -> Outcome {
    let (ledger, queries) = stores::questions(config).await?;
    let standing = stores::standing(&ledger, at_least.at_least).await?;
    let views = queries.inquiries(LISTED_AT_MOST).await?;
    if json {
        let rows: Result<Vec<Value>, _> = views.iter().map(told).collect();
        answer::json_line(&standing.around(json!({ "inquiries": rows? }))?)?;
        return Ok(Exit::Done);
    }
    if views.is_empty() {
        answer::line(words::NONE_FOUND.to_string())?;
        return Ok(Exit::Done);
    }
    let mut table = answer::table(&[
        words::INQUIRY,
        words::TIME,
        words::FACILITY,
        words::STATE,
        words::VALIDITY,
    ]);
    for view in &views {
        table.add_row([
            view.inquiry.to_string(),
            answer::time(view.requested_at),
            view.facility
                .as_ref()
                .map(FacilityCode::to_string)
                .unwrap_or_default(),
            state(view),
            view.validity
                .map(|it| words::validity(it).to_string())
                .unwrap_or_default(),
        ]);
    }
    answer::show(&table)?;
    Ok(Exit::Done)
}
