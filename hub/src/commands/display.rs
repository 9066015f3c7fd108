//! `display`: what the desk shows for a day. The look is logged first.

use shikaku_core::query::DisplayView;
use shikaku_domain::history::QualificationView;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::value::{jst_day, show_day};

use super::history::{look, ticket_row};
use crate::answer::{self, Exit, Outcome};
use crate::cli::Display;
use crate::config::Config;
use crate::{stores, words};

/// Answers one question; the day is today in Japan unless one is given.
pub async fn run(config: &Config, question: Display, json: bool) -> Outcome {
    let (ledger, queries) = stores::questions(config).await?;
    let standing = stores::standing(&ledger, question.at_least.at_least).await?;
    let (facility, who) = look(config, &queries, "display", &question.who).await?;
    let day = question
        .valid_on
        .unwrap_or_else(|| jst_day(SystemClock.now()));
    let method = question.method.into();
    let view = queries
        .display(&facility, &who, method, day, question.known_at)
        .await
        .map_err(stores::unanswered)?;
    if json {
        answer::json_line(&standing.around(&view)?)?;
    } else {
        answer::line(text(&view))?;
    }
    Ok(Exit::Done)
}

fn text(view: &DisplayView) -> String {
    let mut table = answer::table(&[words::KEY, words::VALUE]);
    let mut row = |words: words::Words, value: Option<String>| {
        if let Some(value) = value {
            table.add_row([words.heading(), value]);
        }
    };
    row(
        words::DISPLAY,
        Some(format!(
            "{} / {}",
            view.display.japanese, view.display.english
        )),
    );
    row(words::CODE, Some(view.display.code.to_owned()));
    row(words::VALID_ON, Some(show_day(view.valid_on)));
    row(
        words::VALIDITY,
        Some(words::validity(view.validity).to_string()),
    );
    row(
        words::COVERAGE,
        Some(words::coverage(view.coverage).to_string()),
    );
    row(
        words::PATIENT,
        view.patient.as_ref().map(|it| it.to_string()),
    );
    let person = view.person.as_ref();
    row(words::NAME, person.and_then(|it| it.name.clone()));
    row(
        words::BORN,
        person.and_then(|it| it.birth_date).map(show_day),
    );
    row(words::ASSISTANCE, view.assistance.as_ref().map(half));
    row(words::INSURANCE, view.insurance.as_ref().map(half));
    row(words::LAST, view.last_qualification.as_ref().map(half));
    for ticket in &view.tickets {
        row(words::TICKET, Some(ticket_row(ticket).join("  ")));
    }
    table.trim_fmt()
}

fn half(known: &QualificationView) -> String {
    let details = &known.details;
    [
        details.payer_number.as_ref().map(|it| it.to_string()),
        details.recipient_number.as_ref().map(|it| it.to_string()),
        details.welfare_office.clone(),
        details.insurer_number.clone(),
        details.symbol.clone(),
        details.number.clone(),
        details.branch.clone(),
        Some(answer::period(details.valid_from, details.valid_to)),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}
