//! `history`: what was valid, what was known, and when. The look is logged first.

use comfy_table::Table;
use shikaku_core::query;
use shikaku_core::query::{HistoryView, Queries, QueryError};
use shikaku_domain::history::TicketView;
use shikaku_schemas::value::{FacilityCode, PatientNumber, RecordId, show_day};

use crate::answer::{self, Exit, Outcome, Standing};
use crate::cli::{History, Who};
use crate::config::Config;
use crate::{access, stores, words};

/// Answers one question.
pub async fn run(config: &Config, question: History, json: bool) -> Outcome {
    let (ledger, queries) = stores::questions(config).await?;
    let standing = stores::standing(&ledger, question.at_least.at_least).await?;
    let (facility, who) = look(config, &queries, "history", &question.who).await?;
    let view = queries
        .history(&facility, &who, question.valid_on, question.known_at)
        .await
        .map_err(stores::unanswered)?;
    if json {
        answer::json_line(&standing.around(&view)?)?;
    } else {
        answer::line(text(&view, &standing))?;
    }
    Ok(Exit::Done)
}

/// Finds the record and logs the look, also one that finds nobody.
///
/// # Errors
/// Nobody is known, or the look can't be logged.
pub async fn look(
    config: &Config,
    queries: &Queries,
    kind: &str,
    who: &Who,
) -> anyhow::Result<(FacilityCode, query::Who)> {
    look_for(config, queries, kind, who, access::COMMAND_LINE).await
}

/// The same where the purpose was asked for.
///
/// # Errors
/// As [`look`].
pub async fn look_for(
    config: &Config,
    queries: &Queries,
    kind: &str,
    who: &Who,
    purpose: &str,
) -> anyhow::Result<(FacilityCode, query::Who)> {
    let facility = FacilityCode(who.facility.clone());
    let asked = match (&who.patient, who.id) {
        (Some(number), _) => query::Who::Patient(PatientNumber(number.clone())),
        (None, id) => query::Who::Record(RecordId(id.unwrap_or_default())),
    };
    let found = queries.record(&facility, &asked).await;
    let record = found.as_ref().ok().copied();
    if !matches!(found, Err(QueryError::FacilityUnknown)) {
        access::note_for(config, kind, Some(&facility), record, purpose).await?;
    }
    let record = found.map_err(stores::unanswered)?;
    Ok((facility, query::Who::Record(record)))
}

fn text(view: &HistoryView, standing: &Standing) -> String {
    let history = &view.history;
    let mut head = answer::table(&[words::KEY, words::VALUE]);
    let mut row = |words: words::Words, value: Option<String>| {
        if let Some(value) = value {
            head.add_row([words.heading(), value]);
        }
    };
    row(words::RECORD, history.record.map(|it| it.to_string()));
    row(
        words::PATIENT,
        history.patient.as_ref().map(|it| it.to_string()),
    );
    row(words::NAME, history.person.name.clone());
    row(words::BORN, history.person.birth_date.map(show_day));
    row(words::VALID_ON, history.valid_on.map(show_day));
    row(words::POSITION, Some(standing.position.to_string()));
    row(
        words::STATE,
        history.erased.then(|| words::ERASED.to_string()),
    );
    let mut text = head.trim_fmt();
    for (words, table) in [
        (words::QUALIFICATIONS, qualifications(view)),
        (words::TICKETS, tickets(view)),
        (words::NOT_COMMISSIONED, not_commissioned(view)),
        (words::VERIFICATIONS, verifications(view)),
    ] {
        if table.row_count() > 0 {
            text.push_str(&format!("\n\n【{words}】\n{}", table.trim_fmt()));
        }
    }
    text
}

fn qualifications(view: &HistoryView) -> Table {
    let mut table = answer::table(&[
        words::SCHEME,
        words::VALIDITY,
        words::NUMBERS,
        words::PERIOD,
        words::CONFIRMED_ON,
        words::METHOD,
    ]);
    for known in &view.history.qualifications {
        let details = &known.details;
        let numbers = [
            details.payer_number.as_ref().map(|it| it.as_str()),
            details.recipient_number.as_ref().map(|it| it.as_str()),
            details.insurer_number.as_deref(),
            details.symbol.as_deref(),
            details.number.as_deref(),
            details.branch.as_deref(),
        ];
        table.add_row([
            details
                .scheme
                .as_ref()
                .map(|it| it.to_string())
                .unwrap_or_default(),
            words::validity(known.validity).to_string(),
            numbers.into_iter().flatten().collect::<Vec<_>>().join(" "),
            answer::period(details.valid_from, details.valid_to),
            show_day(known.confirmed_on),
            words::method(known.method).to_string(),
        ]);
    }
    table
}

fn tickets(view: &HistoryView) -> Table {
    let mut table = answer::table(&[
        words::MONTH,
        words::TICKET,
        words::NUMBERS,
        words::PERIOD,
        words::STATE,
    ]);
    for known in &view.history.tickets {
        table.add_row(ticket_row(known));
    }
    table
}

/// Month, kind, numbers, period, state of one ticket.
pub fn ticket_row(known: &TicketView) -> [String; 5] {
    let content = &known.content;
    let numbers = [
        content.payer_number.as_ref().map(|it| it.as_str()),
        content.recipient_number.as_ref().map(|it| it.as_str()),
        content.ticket.issue_number.as_deref(),
    ];
    [
        content.ticket.treatment_month.to_string(),
        words::ticket_kind(content.ticket.kind).to_string(),
        numbers.into_iter().flatten().collect::<Vec<_>>().join(" "),
        answer::period(content.ticket.valid_from, content.ticket.valid_to),
        if known.withdrawn {
            words::WITHDRAWN.to_string()
        } else {
            String::new()
        },
    ]
}

fn not_commissioned(view: &HistoryView) -> Table {
    let mut table = answer::table(&[words::MONTH, words::FACILITY, words::STATE]);
    for known in &view.history.not_commissioned {
        table.add_row([
            known.month.to_string(),
            known
                .facility
                .as_ref()
                .map(|it| it.to_string())
                .unwrap_or_default(),
            if known.waiting {
                words::PENDING
            } else {
                words::ARRIVED
            }
            .to_string(),
        ]);
    }
    table
}

fn verifications(view: &HistoryView) -> Table {
    let mut table = answer::table(&[
        words::POSITION,
        words::CONFIRMED_ON,
        words::METHOD,
        words::VALIDITY,
        words::COVERAGE,
    ]);
    for known in &view.history.verifications {
        table.add_row([
            known.position.to_string(),
            show_day(known.confirmed_on),
            words::method(known.method).to_string(),
            words::validity(known.validity).to_string(),
            words::coverage(known.coverage).to_string(),
        ]);
    }
    table
}
