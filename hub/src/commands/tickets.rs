//! `tickets`: the ticket calendar, and what people tell it. The look is logged first.

use jiff::Timestamp;
use shikaku_domain::calendar::{Calendar, CalendarRow, Chore, MonthState};
use shikaku_schemas::command::{self, Command};
use shikaku_schemas::event::Ticket;
use shikaku_schemas::value::{
    FacilityCode, InstitutionCode, Month, PatientNumber, PayerNumber, RecipientNumber, RecordId,
    TicketKind, show_day,
};

use crate::answer::{self, Exit, Outcome, Refused};
use crate::cli::{AddTicket, RequestTicket, TellTicket, TicketSource, Tickets};
use crate::config::Config;
use crate::{access, client, commands, stores, words};

/// Shows the calendar, or tells it something.
pub async fn run(config: &Config, what: Tickets, json: bool) -> Outcome {
    let command = match what.tell {
        Some(TellTicket::Add(told)) => Command::AddTicket(add(config, told)?),
        Some(TellTicket::Request(asked)) => Command::RequestTicket(request(config, asked)?),
        None => {
            let (Some(code), Some(month)) = (&what.facility, what.month) else {
                return Err(Refused::from(words::NO_SUCH_FACILITY).into());
            };
            let facility = facility(config, code)?;
            return show(config, &what, facility, month, json).await;
        }
    };
    commands::reply::show(&client::command(config, command).await?, json)
}

fn facility(config: &Config, code: &str) -> anyhow::Result<FacilityCode> {
    let facility = FacilityCode::from(code);
    match config.group.facility(&facility) {
        Some(_) => Ok(facility),
        None => Err(Refused::from(words::NO_SUCH_FACILITY).into()),
    }
}

fn add(config: &Config, told: AddTicket) -> anyhow::Result<command::AddTicket> {
    let facility = facility(config, &told.facility)?;
    let kind = match told.dispensing {
        true => TicketKind::Dispensing,
        false => TicketKind::Medical,
    };
    let ticket = Ticket {
        kind,
        issue_number: told.issue_number,
        treatment_month: told.month,
        valid_from: told.valid_from.or(Some(told.month.first_day())),
        valid_to: told.valid_to.or(Some(told.month.last_day())),
        institution_code: Some(InstitutionCode(facility.0.clone())),
        institution_matches: true,
        prescriber_code: None,
        treatment_type: None,
        self_pay_yen: told.self_pay,
        usage: None,
        social_insurance: None,
        inconsistent: false,
        infectious_disease_37_2: None,
        elderly_medical_care: None,
        prefectural_expenses: None,
    };
    let source = match told.source {
        TicketSource::Paper => "paper",
        TicketSource::Telephone => "telephone",
    };
    Ok(command::AddTicket {
        facility,
        patient: PatientNumber(told.patient),
        payer_number: told.payer.map(PayerNumber),
        recipient_number: told.recipient.map(RecipientNumber),
        ticket,
        source: source.to_owned(),
        reason: told.reason,
    })
}

fn request(config: &Config, asked: RequestTicket) -> anyhow::Result<command::RequestTicket> {
    Ok(command::RequestTicket {
        facility: facility(config, &asked.facility)?,
        patient: asked.patient.map(PatientNumber),
        record: asked.id.map(RecordId),
        month: asked.month,
    })
}

async fn show(
    config: &Config,
    what: &Tickets,
    facility: FacilityCode,
    month: Month,
    json: bool,
) -> Outcome {
    let (ledger, queries) = stores::questions(config).await?;
    let standing = stores::standing(&ledger, what.at_least.at_least).await?;
    access::note(config, "tickets", Some(&facility), None).await?;
    let calendar = queries.calendar(&facility, month).await;
    let calendar = calendar.map_err(stores::unanswered)?;
    if json {
        answer::json_line(&standing.around(&calendar)?)?;
        return Ok(Exit::Done);
    }
    if calendar.people.is_empty() {
        answer::line(words::NONE_FOUND.to_string())?;
        return Ok(Exit::Done);
    }
    let mut table = answer::table(&[
        words::PATIENT,
        words::NAME,
        words::STATE,
        words::SINCE,
        words::OFFICE,
        words::PHONE,
        words::NOTES,
    ]);
    for row in &calendar.people {
        table.add_row(cells(row));
    }
    answer::show(&table)?;
    answer::line(summary(&calendar))?;
    Ok(Exit::Done)
}

fn cells(row: &CalendarRow) -> [String; 7] {
    let arrived = row.tickets.iter().map(|ticket| ticket.arrived_at).min();
    let since = match row.state {
        MonthState::Waiting => row.waiting_since.map(show_day),
        _ => arrived.map(answer::time),
    };
    [
        row.patient
            .as_ref()
            .map(|it| it.0.clone())
            .unwrap_or_default(),
        row.name.clone().unwrap_or_default(),
        words::month_state(row.state).to_string(),
        since.unwrap_or_default(),
        row.welfare_office.clone().unwrap_or_default(),
        row.phone.clone().unwrap_or_default(),
        notes(row).join("; "),
    ]
}

fn notes(row: &CalendarRow) -> Vec<String> {
    let at = |words: words::Words, at: Timestamp| format!("{} {}", words.ja, answer::time(at));
    let mut notes = Vec::new();
    for ticket in &row.tickets {
        notes.extend(ticket.revised_at.map(|it| at(words::REVISED, it)));
        notes.extend(ticket.withdrawn_at.map(|it| at(words::WITHDRAWN, it)));
    }
    for told in &row.offline {
        let source = words::ticket_source(&told.source).ja;
        let differs = told.differences.join(", ");
        notes.push(match (told.reconciled, differs.is_empty()) {
            (false, _) => at(words::TOLD_OFFLINE, told.entered_at) + " " + source,
            (true, true) => words::RECONCILED.ja.to_owned(),
            (true, false) => format!("{}: {differs}", words::DIFFERS.ja),
        });
    }
    notes.extend(
        row.requested
            .iter()
            .map(|asked| at(words::REQUESTED, asked.at)),
    );
    notes.extend(
        row.chores
            .iter()
            .map(|chore| words::chore(*chore).ja.to_owned()),
    );
    notes
}

fn summary(calendar: &Calendar) -> String {
    let counts = calendar.counts;
    let all = [
        (words::month_state(MonthState::Waiting), counts.waiting),
        (words::month_state(MonthState::Arrived), counts.arrived),
        (words::REVISED, counts.revised),
        (words::WITHDRAWN, counts.withdrawn),
        (words::month_state(MonthState::Offline), counts.offline),
        (words::REQUESTED, counts.requested),
    ];
    let chores = |chore: Chore| {
        calendar
            .people
            .iter()
            .filter(|it| it.chores.contains(&chore))
            .count()
    };
    let mut parts: Vec<String> = all
        .iter()
        .map(|(words, n)| format!("{} {n}", words.heading()))
        .collect();
    let flags = chores(Chore::CheckSocialInsurance);
    if flags > 0 {
        let words = words::chore(Chore::CheckSocialInsurance);
        parts.push(format!("{} {flags}", words.ja));
    }
    parts.join(" | ")
}
