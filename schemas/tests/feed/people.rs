//! Invented people and the events that an answer about them gives.

use jiff::Timestamp;
use serde_json::{Value, json};
use shikaku_schemas::event::{Event, EventHead};
use shikaku_schemas::feed::{Audience, FeedVariant, RecordView, tell};
use shikaku_schemas::group::{Facility, FacilityKind, Group};
use shikaku_schemas::value::{
    AsOf, Coverage, EventId, FacilityCode, Method, Position, RecordId, StreamId, Validity,
};
use uuid::Uuid;

pub const HERE: &str = "1319912349";

/// Every feed there is.
pub fn variants() -> Vec<FeedVariant> {
    let mut all: Vec<_> = Audience::ALL
        .iter()
        .flat_map(|audience| [false, true].map(|fields| FeedVariant::of(*audience, fields)))
        .collect();
    all.dedup();
    all
}

pub fn facility(kind: FacilityKind) -> Facility {
    let mut facility: Facility =
        serde_json::from_value(json!({ "code": HERE, "name": "見本" })).unwrap();
    facility.kind = kind;
    facility
}

pub fn record() -> RecordId {
    RecordId(Uuid::from_u128(0x0197_a000_0000_7000_8000_0000_0000_0001))
}

pub fn event(kind: &str, data: &Value) -> Event {
    Event::from_data(kind, data.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("{kind}: {error}: {:?}", std::error::Error::source(&error)))
}

/// One record at one facility, and everything it was told as one variant.
pub struct Listener {
    pub variant: FeedVariant,
    pub facility: Facility,
    pub view: RecordView,
    position: u64,
}

impl Listener {
    pub fn new(variant: FeedVariant, kind: FacilityKind) -> Self {
        Self {
            variant,
            facility: facility(kind),
            view: RecordView::default(),
            position: 0,
        }
    }

    /// The messages that `events` give, as `type body`.
    pub fn hear(&mut self, events: &[Event]) -> Vec<(&'static str, Value)> {
        let group = Group {
            facilities: vec![self.facility.clone()],
            ..Group::default()
        };
        let mut heard = Vec::new();
        for event in events {
            self.position += 1;
            let second = 1_770_000_000 + i64::try_from(self.position).unwrap();
            let at = Timestamp::from_second(second).unwrap();
            let head = EventHead {
                position: Position(self.position),
                event_id: EventId(Uuid::from_u128(u128::from(self.position))),
                stream: StreamId::patient(record()),
                stream_version: self.position,
                kind: event.kind().to_owned(),
                schema_version: 1,
                recorded_at: at,
                facility: Some(FacilityCode::from(HERE)),
                patient: Some(record()),
                observation_id: None,
                evidence: None,
                as_of: Some(AsOf(at)),
            };
            let told = tell(self.variant, &group, &head, event, &mut self.view);
            heard.extend(told.into_iter().map(|(_, body)| (body.kind, body.body)));
        }
        heard
    }
}

fn with(mut base: Value, more: &Value) -> Value {
    let (Some(base_members), Some(more)) = (base.as_object_mut(), more.as_object()) else {
        unreachable!("both are objects")
    };
    base_members.extend(more.clone());
    base
}

fn person() -> Value {
    json!({ "name": "試料　花子", "name_kana": "ｼﾘﾖｳ ﾊﾅｺ", "birth_date": "1971-01-02", "sex": "female" })
}

pub fn qualification(n: u8) -> String {
    format!("0197b000-0000-5000-8000-0000000000{n:02}")
}

pub fn first_seen() -> Event {
    event(
        "patient-first-seen",
        &with(person(), &json!({ "provisional": false })),
    )
}

pub fn numbered() -> Event {
    event("patient-numbered", &json!({ "patient_number": "00012345" }))
}

pub fn assistance_granted(on: &str, method: Method) -> Event {
    let members = json!({
        "qualification_id": qualification(1), "classification": "A1", "scheme": "12",
        "payer_number": "12997011", "recipient_number": "1234563", "welfare_office": "見本市福祉事務所",
        "valid_from": "2026-04-01", "valid_to": null, "confirmed_on": on, "method": method,
    });
    event("qualification-granted", &with(person(), &members))
}

pub fn insurance_granted(on: &str, method: Method) -> Event {
    let members = json!({
        "qualification_id": qualification(2), "classification": "01", "scheme": "insurance",
        "insurer_number": "06139992", "insurer_name": "見本健康保険組合", "symbol": "見本", "number": "567",
        "branch": "01", "family": "1", "copay_percent": 30, "valid_from": "2025-04-01", "valid_to": null,
        "limit_certificate": { "classification": "01", "valid_from": "2026-04-01", "valid_to": "2026-07-31" },
        "confirmed_on": on, "method": method,
    });
    event("qualification-granted", &with(person(), &members))
}

pub fn ticket(month: &str, matches: bool, more: &Value) -> Value {
    let ticket = json!({
        "kind": "medical", "issue_number": "77", "treatment_month": month, "valid_from": format!("{month}-01"),
        "valid_to": format!("{month}-28"), "institution_code": if matches { HERE } else { "1319900010" },
        "institution_matches": matches, "prescriber_code": null, "treatment_type": "outpatient",
        "self_pay_yen": 500, "use": "sole", "social_insurance": false, "inconsistent": false,
        "infectious_disease_37_2": null, "elderly_medical_care": null, "prefectural_expenses": null,
    });
    with(ticket, more)
}

pub fn ticket_arrived(ticket: &Value, on: &str, method: Method) -> Event {
    let members = json!({
        "qualification_id": qualification(1), "payer_number": "12997011", "recipient_number": "1234563",
        "welfare_office": "見本市福祉事務所", "ticket": ticket, "confirmed_on": on, "method": method,
    });
    event("commissioned-ticket-arrived", &members)
}

pub fn not_commissioned(on: &str, method: Method) -> Event {
    let members = json!({
        "month": &on[..7], "welfare_office": "見本市福祉事務所", "confirmed_on": on, "method": method,
    });
    event("not-commissioned-observed", &with(person(), &members))
}

fn lost(n: u8, scheme: &str, on: &str, method: Method) -> Event {
    event(
        "qualification-lost",
        &json!({
            "qualification_id": qualification(n), "scheme": scheme, "ended_on": "2026-05-01",
            "valid_to": "2026-04-30", "reason_of_loss": "03", "confirmed_on": on, "method": method,
        }),
    )
}

fn superseded(on: &str, method: Method) -> Event {
    event(
        "qualification-superseded",
        &json!({
            "qualification_id": qualification(1), "superseded_by": null, "confirmed_on": on, "method": method,
        }),
    )
}

/// One half of an answer.
pub fn half(n: Option<u8>, scheme: &str, validity: Validity) -> Value {
    json!({ "qualification_id": n.map(qualification), "scheme": scheme, "validity": validity })
}

pub fn verified(
    on: &str,
    method: Method,
    validity: Validity,
    coverage: Coverage,
    halves: &[Value],
    more: &Value,
) -> Event {
    let members = json!({
        "confirmed_on": on, "method": method, "validity": validity, "coverage": coverage,
        "qualifications": halves, "reference_number": "00012345", "other_institution": false,
        "without_ticket": false, "inconsistent": false, "late": false, "device": "t1",
    });
    event("verified", &with(with(person(), &members), more))
}

/// What an answer of 11 May gives in one cell of the display table.
pub fn cell(method: Method, validity: Validity, coverage: Coverage) -> Vec<Event> {
    const ON: &str = "2026-05-11";
    // Only a card tells of the insurance half too.
    let insured = coverage == Coverage::Combined && method == Method::Card;
    let mut events = Vec::new();
    let mut halves = Vec::new();
    if insured {
        let held = validity != Validity::Lost;
        events.push(if held {
            insurance_granted(ON, method)
        } else {
            lost(2, "insurance", ON, method)
        });
        let word = if held {
            Validity::Valid
        } else {
            Validity::Lost
        };
        halves.push(half(Some(2), "insurance", word));
    }
    match validity {
        Validity::Valid => {
            let usage = if coverage == Coverage::Combined {
                "combined"
            } else {
                "sole"
            };
            let more = json!({ "use": usage, "social_insurance": coverage == Coverage::Combined });
            events.push(assistance_granted(ON, method));
            events.push(ticket_arrived(&ticket("2026-05", true, &more), ON, method));
            halves.push(half(Some(1), "12", validity));
        }
        Validity::NotCommissioned => {
            events.push(not_commissioned(ON, method));
            halves.push(half(None, "12", validity));
        }
        _ => {
            events.push(lost(1, "12", ON, method));
            if validity == Validity::LostWithNewer {
                events.push(superseded(ON, method));
            }
            halves.push(half(Some(1), "12", validity));
        }
    }
    events.push(verified(
        ON,
        method,
        validity,
        coverage,
        &halves,
        &json!({}),
    ));
    events
}

/// What was known in April of somebody whose qualification ends in May.
pub fn april(method: Method) -> Vec<Event> {
    const ON: &str = "2026-04-10";
    let halves = [
        half(Some(1), "12", Validity::Valid),
        half(Some(2), "insurance", Validity::Valid),
    ];
    vec![
        first_seen(),
        numbered(),
        insurance_granted(ON, method),
        assistance_granted(ON, method),
        ticket_arrived(&ticket("2026-04", true, &json!({})), ON, method),
        verified(
            ON,
            method,
            Validity::Valid,
            Coverage::Combined,
            &halves,
            &json!({}),
        ),
    ]
}
