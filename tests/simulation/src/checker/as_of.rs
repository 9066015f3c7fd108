//! Asked of the ledger as the hub asks it: what held on a day, as it was known at a moment.
//!
//! Expected is what follows from the answers that terminals wrote, and nothing of what the program made of them: the
//! ledger is only asked which of them stood in it at that moment, and in which order they came.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::{Value, json};
use shikaku_core::query::{KnownAt, Queries, Who};
use shikaku_ledger::{Ledger, StoredEvent};
use shikaku_schemas::value::{FacilityCode, Position, RecordId};

use super::Checker;
use crate::dice::Dice;
use crate::town::{Model, PAYER, Says, Seen, group, group_key, recipient_number};

/// Moments asked about of each person, beside now.
const MOMENTS: u64 = 3;
/// What every answer states: since when, until when where it is lost, and on which day it was asked.
const BEGINS: Date = date(2025, 4, 1);
const ENDED: Date = date(2026, 5, 1);
const CONFIRMED: Date = date(2026, 5, 11);
/// Before all, the first day, the last one before a loss, the loss, the day of the answers, and later.
const DAYS: [Option<Date>; 7] = [
    None,
    Some(date(2025, 3, 31)),
    Some(BEGINS),
    Some(date(2026, 4, 30)),
    Some(ENDED),
    Some(CONFIRMED),
    Some(date(2026, 6, 1)),
];

/// An answer, and when it was recorded.
struct Recorded<'a> {
    seen: &'a Seen,
    position: Position,
    at: Timestamp,
}

/// Each record, at sampled moments, on sampled days.
pub(super) async fn as_of(checker: &Checker, ledger: &Ledger, model: &Model) -> anyhow::Result<()> {
    let queries = Queries::new(ledger.clone(), group(), &group_key());
    let events = checker.database.events();
    let moments = moments(&events);
    let dice = &checker.sky.dice;
    for ((facility, record), told) in recorded(&events, model) {
        for known_at in some(&moments, dice) {
            let day = *dice.pick(&DAYS);
            let known: Vec<&Recorded<'_>> = told
                .iter()
                .filter(|answer| known_at.is_none_or(|at| is_known(answer, at)))
                .collect();
            let who = Who::Record(record);
            let view = queries.history(&facility, &who, day, known_at).await?;
            let tells = essence(&serde_json::to_value(&view.history)?);
            let expected = expected(&known, day);
            checker.asked("what was known when", 1);
            if tells != expected {
                checker.broken(format!(
                    "asked about {day:?} as known at {known_at:?}: {tells}, and it was {expected}"
                ));
            }
        }
    }
    Ok(())
}

/// Now, and a few of all moments.
fn some(moments: &[(Position, Timestamp)], dice: &Dice) -> Vec<Option<KnownAt>> {
    let mut some = vec![None];
    if !moments.is_empty() {
        some.extend((0..MOMENTS).map(|_| {
            let (position, time) = *dice.pick(moments);
            Some(match dice.per_mille(500) {
                true => KnownAt::Position(position),
                false => KnownAt::Time(time),
            })
        }));
    }
    some
}

/// Where no observation is half told: what one changes stands in the ledger piece by piece. All of a commit has one
/// time.
fn moments(events: &[StoredEvent]) -> Vec<(Position, Timestamp)> {
    let next = events.iter().skip(1).map(|event| event.head.observation_id);
    events
        .iter()
        .zip(next.chain([None]))
        .filter(|(event, next)| next.is_none() || event.head.observation_id != *next)
        .map(|(event, _)| (event.head.position, event.head.recorded_at))
        .collect()
}

fn is_known(answer: &Recorded<'_>, at: KnownAt) -> bool {
    match at {
        KnownAt::Position(position) => answer.position.0 <= position.0,
        KnownAt::Time(time) => answer.at <= time,
    }
}

/// The answers on each record, as they came. Whose record is whose is asked elsewhere (`identity.rs`).
fn recorded<'a>(
    events: &[StoredEvent],
    model: &'a Model,
) -> BTreeMap<(FacilityCode, RecordId), Vec<Recorded<'a>>> {
    let mut all: BTreeMap<_, Vec<Recorded<'a>>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.head.kind == "verified") {
        let seen = event.head.observation_id.and_then(|id| model.seen(&id));
        if let Some((seen, record)) = seen.zip(event.head.patient) {
            let told = all.entry((seen.facility(), record)).or_default();
            told.push(Recorded {
                seen,
                position: event.head.position,
                at: event.head.recorded_at,
            });
        }
    }
    all
}

/// What a simple mind says: of all that the centre said, the latest counts.
fn expected(known: &[&Recorded<'_>], day: Option<Date>) -> Value {
    let newest = known.iter().max_by_key(|answer| answer.seen.executed_at);
    let latest = |says: Says| {
        let of_it = known.iter().filter(|answer| answer.seen.says == says);
        of_it.map(|answer| answer.seen.executed_at).max()
    };
    let is_of_month = day.is_none_or(|day| day.first_of_month() == CONFIRMED.first_of_month());
    let waits = latest(Says::NotCommissioned).is_some() && is_of_month;
    // A loss says nothing of who was never known to be entitled.
    let valid = latest(Says::Valid);
    let is_lost = latest(Says::Lost) > valid;
    let covers = |day: Date| BEGINS <= day && (!is_lost || day < ENDED);
    let held = valid.filter(|_| day.is_none_or(covers)).map(|_| {
        json!({
            "from": BEGINS.to_string(),
            "to": is_lost.then(|| ENDED.yesterday().map(|day| day.to_string()).unwrap_or_default()),
            "payer": (!waits).then_some(PAYER),
            "recipient": newest.filter(|_| !waits).map(|answer| recipient_number(answer.seen.person)),
        })
    });
    let answers = known.iter().enumerate().map(|(at, answer)| {
        let before = known[..at].iter().map(|known| known.seen.executed_at);
        json!({
            "position": answer.position.0,
            "says": validity(answer.seen.says),
            "method": match answer.seen.folder { "face" => "card", _ => "ticket" },
            "late": before.max() > Some(answer.seen.executed_at),
        })
    });
    json!({
        "patient": known.iter().find(|answer| answer.seen.is_registered).map(|answer| answer.seen.chart()),
        "born": newest.map(|answer| format!("{}-05-01", 1930 + answer.seen.person)),
        "held": held.into_iter().collect::<Vec<_>>(),
        "waits": match waits { true => vec!["2026-05"], false => Vec::new() },
        "tickets": 0,
        "answers": match day.is_none_or(|day| day == CONFIRMED) {
            true => answers.collect::<Vec<_>>(),
            false => Vec::new(),
        },
    })
}

fn validity(says: Says) -> &'static str {
    match says {
        Says::Valid => "valid",
        Says::Lost => "lost",
        Says::NotCommissioned => "not-commissioned",
    }
}

/// Of a history what the simple mind speaks of.
fn essence(history: &Value) -> Value {
    let all = |name: &str| history[name].as_array().cloned().unwrap_or_default();
    let held = all("qualifications").into_iter().map(|held| {
        json!({
            "from": held["valid_from"], "to": held["valid_to"],
            "payer": held["payer_number"], "recipient": held["recipient_number"],
        })
    });
    let waits = all("not_commissioned").into_iter();
    let waits = waits.filter(|month| month["waiting"] == true);
    let answers = all("verifications").into_iter().map(|answer| {
        json!({
            "position": answer["position"], "says": answer["validity"],
            "method": answer["method"], "late": answer["late"],
        })
    });
    json!({
        "patient": history["patient"],
        "born": history["birth_date"],
        "held": held.collect::<Vec<_>>(),
        "waits": waits.map(|month| month["month"].clone()).collect::<Vec<_>>(),
        "tickets": all("tickets").len(),
        "answers": answers.collect::<Vec<_>>(),
    })
}
