//! From an event to what one audience may know of it.

use serde_json::{Map, Value};

use super::assistance::{ASSISTANCE_CHANGED, Assistance};
use super::filter::filter;
use super::table::{About, Given, Grant, NUMBERS, Told, rows};
use super::view::{FacilityView, RecordView};
use super::{Audience, FeedVariant};
use crate::event::{Event, EventHead, QualificationObserved};
use crate::group::{Facility, Group};
use crate::mutant::{Mutant, planted};
use crate::value::{FacilityCode, Method, Month, RecordId, SchemeCode, TicketKind, Validity};

/// A feed message without its head.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedBody {
    /// Message type.
    pub kind: &'static str,
    /// The JSON body.
    pub body: Value,
}

/// Takes `event` into `view` and gives the messages that follow, each with its facility, in order.
///
/// An event is told at its own facility only; a chart number learnt is told at each facility of the numbering
/// that knows the record. Facilities that config no longer names are told nothing.
pub fn tell(
    variant: FeedVariant,
    group: &Group,
    head: &EventHead,
    event: &Event,
    view: &mut RecordView,
) -> Vec<(FacilityCode, FeedBody)> {
    let Some(record) = head.patient else {
        return Vec::new();
    };
    view.apply(variant, head, event);
    let facilities: Vec<FacilityCode> = match event {
        Event::PatientNumbered(_) => view.facilities.keys().cloned().collect(),
        _ => head.facility.iter().cloned().collect(),
    };
    let mut messages = Vec::new();
    for code in facilities {
        let Some(facility) = group.facility(&code) else {
            continue;
        };
        if let Some(body) = project(variant, facility, record, event, view) {
            if let Some(at) = view.facilities.get_mut(&code) {
                at.told = at.assistance.map(|word| (view.patient.clone(), word));
            }
            messages.push((code, body));
        }
    }
    messages
}

/// What `variant` may know of `event` at `facility`; `None` when that is nothing. `view` already holds the event.
pub fn project(
    variant: FeedVariant,
    facility: &Facility,
    record: RecordId,
    event: &Event,
    view: &RecordView,
) -> Option<FeedBody> {
    let at = view.facilities.get(&facility.code)?;
    if variant.audience == Audience::Department {
        return department(variant, view, at);
    }
    let members = allowed(variant, facility, event, view);
    let always = || granting(variant, facility, event).any(|row| row.told == Told::Always);
    if members.is_empty() && !always() {
        return None;
    }
    let mut body = Map::new();
    body.insert("patient".to_owned(), patient(view));
    body.insert("record".to_owned(), Value::String(record.to_string()));
    if let Some(month) = month_of(event) {
        body.insert("month".to_owned(), Value::String(month.to_string()));
    }
    body.extend(members);
    Some(FeedBody {
        kind: event.kind(),
        body: Value::Object(body),
    })
}

/// The department's message, when (chart number, word) is not what it was told last.
fn department(variant: FeedVariant, view: &RecordView, at: &FacilityView) -> Option<FeedBody> {
    let word = at.assistance?;
    let now = (view.patient.clone(), word);
    (at.told.as_ref() != Some(&now)).then(|| FeedBody {
        kind: ASSISTANCE_CHANGED,
        body: department_body(variant, view, at, word),
    })
}

pub(super) fn department_body(
    variant: FeedVariant,
    view: &RecordView,
    at: &FacilityView,
    word: Assistance,
) -> Value {
    let mut known = insurance_of(at)
        .map(|held| object(serde_json::to_value(held)))
        .unwrap_or_default();
    let word = Value::String(word.as_str().to_owned());
    let mut data = Map::from_iter([("assistance".to_owned(), word)]);
    data.append(&mut known);
    let paths: Vec<&str> = rows(variant.audience, ASSISTANCE_CHANGED)
        .flat_map(|row| row.members)
        .filter(|(given, _)| passes(*given, variant, view))
        .flat_map(|(_, members)| members.iter().copied())
        .collect();
    let mut body = Map::from_iter([("patient".to_owned(), patient(view))]);
    body.extend(filter(&data, &paths));
    Value::Object(body)
}

/// The insurance known last that has not ended.
fn insurance_of(at: &FacilityView) -> Option<&QualificationObserved> {
    at.standing
        .values()
        .filter_map(|fact| match &fact.event {
            Event::QualificationGranted(held)
            | Event::QualificationAmended(held)
            | Event::QualificationResumed(held)
                if is_insurance(held.details.scheme.as_ref()) =>
            {
                Some((fact.position, held))
            }
            _ => None,
        })
        .max_by_key(|(position, _)| *position)
        .map(|(_, held)| held)
}

/// The members of `event` that pass.
pub(super) fn allowed(
    variant: FeedVariant,
    facility: &Facility,
    event: &Event,
    view: &RecordView,
) -> Map<String, Value> {
    let paths: Vec<&str> = granting(variant, facility, event)
        .flat_map(|row| row.members)
        .filter(|(given, _)| passes(*given, variant, view))
        .flat_map(|(_, members)| members.iter().copied())
        .collect();
    let mut passed = filter(&payload(event), &paths);
    if speaks_of_not_commissioned(event) {
        hide_numbers(&mut passed);
    }
    if view.non_disclosed {
        hide_places(&mut passed);
        if !bills_for(variant, facility, event, view) {
            hide_numbers(&mut passed);
        }
    }
    passed
}

/// Whether the audience bills at the facility that holds the person's ticket.
fn bills_for(variant: FeedVariant, facility: &Facility, event: &Event, view: &RecordView) -> bool {
    let bills = matches!(variant.audience, Audience::Receipt | Audience::Dispensing);
    let holds = || {
        let at = view.facilities.get(&facility.code);
        at.is_some_and(FacilityView::holds_ticket)
    };
    bills && ticket_of(event, facility).map_or_else(holds, |(_, own)| own)
}

fn granting<'a>(
    variant: FeedVariant,
    facility: &'a Facility,
    event: &'a Event,
) -> impl Iterator<Item = &'static Grant> + 'a {
    rows(variant.audience, event.kind())
        .filter(|row| row.at.counts_at(facility.kind) && is_about(row.about, facility, event))
}

fn passes(given: Given, variant: FeedVariant, view: &RecordView) -> bool {
    match given {
        Given::Always => true,
        Given::WhileUnnumbered => view.patient.is_none(),
        // Of a person who must not be disclosed only those who bill know numbers.
        Given::WithInsuranceFields => {
            let asked = variant.insurance_fields || planted(Mutant::TellFieldsToAll);
            asked && !view.non_disclosed
        }
    }
}

fn is_about(about: About, facility: &Facility, event: &Event) -> bool {
    let own = |kind| ticket_of(event, facility) == Some((kind, true));
    match about {
        About::Anything => true,
        About::Assistance => match event {
            Event::QualificationGranted(held)
            | Event::QualificationAmended(held)
            | Event::QualificationResumed(held) => !is_insurance(held.details.scheme.as_ref()),
            Event::QualificationLost(lost) => !is_insurance(lost.scheme.as_ref()),
            _ => false,
        },
        About::OwnDispensingTicket => own(TicketKind::Dispensing),
        About::OwnMedicalTicket => own(TicketKind::Medical),
        About::CentreAnswer => {
            matches!(event, Event::Verified(verified) if verified.method != Method::LocalCopy)
        }
    }
}

fn is_insurance(scheme: Option<&SchemeCode>) -> bool {
    scheme.is_some_and(SchemeCode::is_insurance)
}

/// The kind of the ticket that the event is about, and whether it is made out to the facility.
fn ticket_of(event: &Event, facility: &Facility) -> Option<(TicketKind, bool)> {
    match event {
        Event::CommissionedTicketArrived(seen) | Event::CommissionedTicketRevised(seen) => {
            Some((seen.ticket.kind, seen.ticket.institution_matches))
        }
        Event::CommissionedTicketWithdrawn(gone) => {
            let code = gone.key.institution_code.as_ref();
            let own = code.is_none_or(|code| code.0 == facility.code.0);
            Some((gone.key.kind, own))
        }
        _ => None,
    }
}

/// The month that a ticket or a 未委託 speaks of.
fn month_of(event: &Event) -> Option<Month> {
    match event {
        Event::CommissionedTicketArrived(seen) | Event::CommissionedTicketRevised(seen) => {
            Some(seen.ticket.treatment_month)
        }
        Event::CommissionedTicketWithdrawn(gone) => Some(gone.key.treatment_month),
        Event::TicketSourcedOffline(told) => Some(told.ticket.ticket.treatment_month),
        Event::TicketRequested(asked) => Some(asked.month),
        Event::NotCommissionedObserved(waiting) => Some(waiting.month),
        Event::Verified(verified) if speaks_of_not_commissioned(event) => {
            Some(Month::of(verified.confirmed_on))
        }
        _ => None,
    }
}

fn speaks_of_not_commissioned(event: &Event) -> bool {
    match event {
        Event::NotCommissionedObserved(_) => true,
        Event::Verified(verified) => {
            verified.validity == Validity::NotCommissioned
                || verified
                    .qualifications
                    .iter()
                    .any(|half| half.validity == Validity::NotCommissioned)
        }
        _ => false,
    }
}

/// The payload as bodies name its members: a withdrawn ticket looks like any other.
fn payload(event: &Event) -> Map<String, Value> {
    let mut data = object(
        event
            .data()
            .and_then(|bytes| serde_json::from_slice(&bytes)),
    );
    if let Event::CommissionedTicketWithdrawn(_) = event
        && let Some(Value::Object(mut ticket)) = data.remove("key")
    {
        for number in NUMBERS {
            if let Some(value) = ticket.shift_remove(*number) {
                data.insert((*number).to_owned(), value);
            }
        }
        data.insert("ticket".to_owned(), Value::Object(ticket));
    }
    data
}

fn object(value: serde_json::Result<Value>) -> Map<String, Value> {
    match value {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn patient(view: &RecordView) -> Value {
    view.patient
        .as_ref()
        .map_or(Value::Null, |number| Value::String(number.0.clone()))
}

/// Takes out 公費負担者番号, 受給者番号 and what leads to them. A 未委託 half itself has no id; the insurance
/// half of the same answer keeps its own.
pub(super) fn hide_numbers(members: &mut Map<String, Value>) {
    for name in NUMBERS.iter().chain(&["qualification_id"]) {
        members.shift_remove(*name);
    }
    if let Some(Value::Array(halves)) = members.get_mut("qualifications") {
        for half in halves.iter_mut().filter_map(Value::as_object_mut) {
            let insured = half.get("scheme").and_then(Value::as_str) == Some("insurance");
            if !insured {
                half.shift_remove("qualification_id");
            }
        }
    }
    if let Some(Value::Object(ticket)) = members.get_mut("ticket") {
        ticket.shift_remove("issue_number");
    }
}

/// Takes out where a person who must not be disclosed goes: other institutions.
fn hide_places(members: &mut Map<String, Value>) {
    if let Some(Value::Object(ticket)) = members.get_mut("ticket") {
        ticket.shift_remove("prescriber_code");
        if ticket.get("institution_matches") != Some(&Value::Bool(true)) {
            ticket.shift_remove("institution_code");
        }
    }
}
