//! How inquiries are shown.

use serde_json::{Value, json};
use shikaku_core::query::{InquiryView, Queries};
use shikaku_ledger::Ledger;
use shikaku_schemas::value::{FacilityCode, InquiryId};
use uuid::Uuid;

use crate::answer::{self, Exit, Outcome, Refused};
use crate::cli::AtLeast;
use crate::config::Config;
use crate::{access, stores, words};

const LISTED_AT_MOST: usize = 200;

/// `inquire show`.
pub async fn one(config: &Config, id: Uuid, at_least: AtLeast, json: bool) -> Outcome {
    let (ledger, queries) = stores::questions(config).await?;
    stores::standing(&ledger, at_least.at_least).await?;
    let known = queries.inquiry(InquiryId(id)).await?;
    let known = known.ok_or(Refused::from(words::NOT_KNOWN))?;
    // Rows of registrations are named by chart numbers.
    access::note(
        config,
        "inquire-show",
        known.facility.as_ref(),
        known.record,
    )
    .await?;
    view(&ledger, &queries, &known, json).await?;
    Ok(Exit::Done)
}

/// Numbers and birth date that the desk typed are left out: `log` shows them to an operator with the keys.
pub fn told(view: &InquiryView) -> serde_json::Result<Value> {
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

/// Prints one inquiry.
pub async fn view(
    ledger: &Ledger,
    queries: &Queries,
    view: &InquiryView,
    json: bool,
) -> anyhow::Result<()> {
    let errors = match view.job {
        Some(_) => queries.errors(view).await?,
        None => Vec::new(),
    };
    if json {
        let standing = stores::standing(ledger, Some(view.position)).await?;
        let mut told = told(view)?;
        if let (Some(members), Some(_)) = (told.as_object_mut(), &view.job) {
            members.insert("errors".to_owned(), serde_json::to_value(&errors)?);
        }
        return answer::json_line(&standing.around(told)?);
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
    if let Some(job) = &view.job {
        row(words::UNITS, job.units.to_string());
        row(words::ERRORS, errors.len().to_string());
    }
    for error in &errors {
        let told = [
            error.row.as_deref(),
            error.code.as_deref(),
            error.message.as_deref(),
        ];
        row(
            words::ERROR,
            told.into_iter().flatten().collect::<Vec<_>>().join(" "),
        );
    }
    answer::show(&table)?;
    Ok(())
}

fn state(view: &InquiryView) -> String {
    format!("{} / {}", words::inquiry_state(view.state), view.state)
}

/// Prints the newest ones.
pub async fn list(config: &Config, at_least: AtLeast, json: bool) -> Outcome {
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
