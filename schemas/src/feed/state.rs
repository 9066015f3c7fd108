//! The current state of a record, as its audience may know it: the facts that stand, each through the same
//! table as its message.

use serde_json::{Map, Value, json};

use super::project::{allowed, department_body, hide_numbers, project};
use super::view::{FacilityView, RecordView};
use super::{Audience, FeedVariant};
use crate::event::{Event, QualificationObserved};
use crate::group::Facility;
use crate::value::{Month, RecordId};

/// What `variant` may know of the record at `facility` now; `None` when that is nothing.
///
/// Departments get `{"patient","assistance"}`; the others `{"patient","record","facts":[{"type",…}]}`, facts in
/// the order they were recorded. A qualification that reaches into a month standing as 未委託 is told without
/// numbers: its tickets of other months still have theirs.
pub fn state(
    variant: FeedVariant,
    facility: &Facility,
    record: RecordId,
    view: &RecordView,
) -> Option<Value> {
    let at = view.facilities.get(&facility.code)?;
    if variant.audience == Audience::Department {
        let word = at.assistance?;
        return Some(department_body(variant, view, at, word));
    }
    let mut standing: Vec<_> = at.standing.values().collect();
    standing.sort_by_key(|fact| fact.position);
    let facts: Vec<Value> = standing
        .into_iter()
        .filter_map(|fact| stated(variant, facility, record, view, at, &fact.event))
        .collect();
    let patient = view.patient.as_ref().map(|number| number.0.clone());
    Some(json!({ "patient": patient, "record": record.to_string(), "facts": facts }))
}

fn stated(
    variant: FeedVariant,
    facility: &Facility,
    record: RecordId,
    view: &RecordView,
    at: &FacilityView,
    event: &Event,
) -> Option<Value> {
    let body = project(variant, facility, record, event, view)?;
    let mut fact = Map::from_iter([("type".to_owned(), Value::String(body.kind.to_owned()))]);
    if let Some(month) = body.body.get("month") {
        fact.insert("month".to_owned(), month.clone());
    }
    let mut members = allowed(variant, facility, event, view);
    if reaches_into_waiting_month(event, at) {
        hide_numbers(&mut members);
    }
    fact.extend(members);
    Some(Value::Object(fact))
}

fn reaches_into_waiting_month(event: &Event, at: &FacilityView) -> bool {
    match event {
        Event::QualificationGranted(held)
        | Event::QualificationAmended(held)
        | Event::QualificationResumed(held) => at
            .waiting_months()
            .into_iter()
            .any(|month| covers(held, month)),
        _ => false,
    }
}

fn covers(held: &QualificationObserved, month: Month) -> bool {
    let insured = held
        .details
        .scheme
        .as_ref()
        .is_some_and(crate::value::SchemeCode::is_insurance);
    !insured
        && held
            .details
            .valid_from
            .is_none_or(|from| from <= month.last_day())
        && held
            .details
            .valid_to
            .is_none_or(|to| month.first_day() <= to)
}
