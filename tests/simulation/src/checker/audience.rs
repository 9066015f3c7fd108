//! What each audience may hold, said once more and by hand: the program's own table is not asked.
//!
//! From the messages alone, and from what terminals saw: which members, whose numbers, of which facility.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shikaku_ledger::StoredEvent;
use shikaku_schemas::feed::{FeedVariant, ce_id};
use shikaku_schemas::value::FacilityCode;

use super::quiet::variants;
use super::{Checker, Feed, Told};
use crate::town::{Model, PAYER, Says, Seen, recipient_number};

const PERSON: &[&str] = &["name", "name_kana", "sex", "birth_date"];
const NUMBERS: &[&str] = &["payer_number", "recipient_number"];
/// Whatever leads to a number: of the assistance half of a 未委託 answer there is none.
const LEADS: &[&str] = &[
    "payer_number",
    "recipient_number",
    "qualification_id",
    "issue_number",
];
const INSURANCE: &[&str] = &[
    "classification",
    "insurer_number",
    "insurer_name",
    "symbol",
    "number",
    "branch",
    "family",
    "copay_percent",
    "limit_certificate",
    "specific_diseases",
    "elderly_certificate",
];
/// Of which record, and of which month.
const ABOUT: &[&str] = &["patient", "record", "month"];
const STANDING: &[&str] = &[
    "scheme",
    "validity",
    "coverage",
    "qualifications",
    "qualification_id",
    "valid_from",
    "valid_to",
    "ended_on",
    "reason_of_loss",
    "superseded_by",
    "confirmed_on",
    "method",
];

/// What an answer says of its ticket: of whose institution it is, that there is none, that it contradicts itself.
const TICKET: &[&str] = &[
    "other_institution",
    "without_ticket",
    "inconsistent",
    "late",
];

/// The members that an audience may hold while the chart number is known; no ticket is told in this town.
fn may_hold(variant: &str) -> BTreeSet<&'static str> {
    let groups: &[&[&str]] = match variant {
        "receipt" => &[
            ABOUT,
            PERSON,
            NUMBERS,
            INSURANCE,
            STANDING,
            TICKET,
            &["welfare_office", "reference_number"],
        ],
        "ehr" => &[ABOUT, STANDING],
        "ehr-insurance" => &[ABOUT, STANDING, NUMBERS, INSURANCE],
        "dispensing" => &[ABOUT, PERSON, STANDING, &["welfare_office"]],
        "department" => &[&["patient", "assistance"]],
        "department-insurance" => &[&["patient", "assistance"], INSURANCE],
        _ => &[],
    };
    groups
        .iter()
        .flat_map(|group| group.iter().copied())
        .collect()
}

fn knows_numbers(variant: &str) -> bool {
    matches!(variant, "receipt" | "ehr-insurance")
}

/// Where each message comes from: which answer made it.
type Origins<'a> = BTreeMap<String, &'a Seen>;

/// Every message of every feed in its epoch.
pub(super) fn audiences(checker: &Checker, model: &Model, epoch: u32) {
    let events = checker.database.events();
    let people = people(&events, model);
    for variant in variants() {
        for facility in people
            .keys()
            .map(|(facility, _)| facility)
            .collect::<BTreeSet<_>>()
        {
            let feed: Feed = (variant.to_string(), facility.to_string(), epoch);
            let told = checker.told(&feed);
            let origins = origins(&events, model, variant, facility, epoch);
            checker.asked("what an audience may hold", told.len() as u64);
            for (number, message) in &told {
                let of = people.get(&(facility.clone(), text(&message.body, "record")));
                if let Err(what) = lawful(&feed.0, message, of.copied(), &origins, facility) {
                    checker.broken(format!("number {number} of feed {feed:?} {what}"));
                }
            }
            let hears_all = hears_of_each_valid(&feed.0, &told, &events, model, facility);
            if let Err(what) = hears_all {
                checker.broken(format!("feed {feed:?} {what}"));
            }
        }
    }
}

/// Which person a record is of, by what terminals saw: at that facility and nowhere else.
fn people(events: &[StoredEvent], model: &Model) -> BTreeMap<(FacilityCode, String), u64> {
    let of = |event: &StoredEvent| {
        let seen = model.seen(&event.head.observation_id?)?;
        let record = event.head.patient?.to_string();
        Some(((seen.facility(), record), seen.person))
    };
    events.iter().filter_map(of).collect()
}

fn origins<'a>(
    events: &[StoredEvent],
    model: &'a Model,
    variant: FeedVariant,
    facility: &FacilityCode,
    epoch: u32,
) -> Origins<'a> {
    let of = |event: &StoredEvent| {
        let seen = model.seen(&event.head.observation_id?)?;
        let id = ce_id(event.head.event_id, variant, facility, epoch);
        Some((id.to_string(), seen))
    };
    events.iter().filter_map(of).collect()
}

fn lawful(
    variant: &str,
    message: &Told,
    record_of: Option<u64>,
    origins: &Origins<'_>,
    facility: &FacilityCode,
) -> Result<(), String> {
    let body = &message.body;
    let origin = origins.get(&message.ce_id);
    let origin = origin.ok_or("comes of no answer that a terminal saw")?;
    if origin.facility() != *facility {
        return Err("tells what another facility saw".to_owned());
    }
    let is_department = variant.starts_with("department");
    if !is_department && record_of != Some(origin.person) {
        return Err("speaks of a record that is not that person's there".to_owned());
    }
    let chart = text(body, "patient");
    if !chart.is_empty() && chart != origin.chart() {
        return Err(format!("says {chart} of {}", origin.chart()));
    }
    let mut may_hold = may_hold(variant);
    if chart.is_empty() && !is_department {
        may_hold.extend(PERSON);
    }
    let members = body.as_object().map(|body| body.keys());
    if let Some(more) = members
        .into_iter()
        .flatten()
        .find(|name| !may_hold.contains(name.as_str()))
    {
        return Err(format!("holds {more}"));
    }
    let waits = origin.says == Says::NotCommissioned;
    if let Some(leads) = leads(body).filter(|_| waits) {
        return Err(format!("tells {leads} of what is 未委託"));
    }
    let own = [PAYER.to_owned(), recipient_number(origin.person)];
    let is_open = |number: &String| !waits && knows_numbers(variant) && own.contains(number);
    match leaves(body).find(|leaf| is_number(leaf) && !is_open(leaf)) {
        Some(number) => Err(format!("tells the number {number}")),
        None => Ok(()),
    }
}

/// A payer's or a recipient's number, of whomever.
fn is_number(text: &str) -> bool {
    let is_recipient = text.len() == recipient_number(0).len();
    text == PAYER || (is_recipient && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Who may know numbers is told those of each person whom the centre called entitled.
fn hears_of_each_valid(
    variant: &str,
    told: &BTreeMap<u64, Told>,
    events: &[StoredEvent],
    model: &Model,
    facility: &FacilityCode,
) -> Result<(), String> {
    if !knows_numbers(variant) {
        return Ok(());
    }
    let numbers = |told: &Told| {
        let payer = text(&told.body, "payer_number");
        (payer == PAYER).then(|| text(&told.body, "recipient_number"))
    };
    let told: BTreeSet<String> = told.values().filter_map(numbers).collect();
    let entitled = events.iter().filter_map(|event| {
        let seen = model.seen(&event.head.observation_id?)?;
        let is_valid = seen.says == Says::Valid && seen.facility() == *facility;
        is_valid.then(|| recipient_number(seen.person))
    });
    let entitled: BTreeSet<String> = entitled.collect();
    match told == entitled {
        true => Ok(()),
        false => Err(format!(
            "tells numbers of {told:?}, entitled are {entitled:?}"
        )),
    }
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_default().to_owned()
}

/// A member, however deep, that leads to a number.
fn leads(value: &Value) -> Option<&'static str> {
    match value {
        Value::Object(object) => {
            let here = LEADS
                .iter()
                .find(|name| object.get(**name).is_some_and(|it| !it.is_null()));
            here.copied().or_else(|| object.values().find_map(leads))
        }
        Value::Array(list) => list.iter().find_map(leads),
        _ => None,
    }
}

/// Every text in a body, however deep.
fn leaves(value: &Value) -> Box<dyn Iterator<Item = String> + '_> {
    match value {
        Value::Object(object) => Box::new(object.values().flat_map(leaves)),
        Value::Array(list) => Box::new(list.iter().flat_map(leaves)),
        Value::String(text) => Box::new(std::iter::once(text.clone())),
        Value::Number(number) => Box::new(std::iter::once(number.to_string())),
        _ => Box::new(std::iter::empty()),
    }
}
