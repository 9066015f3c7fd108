//! Whatever an event holds, nobody learns what the contract's audience table does not name. The lists here
//! are written from the contract by hand, not from the table in code.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use shikaku_schemas::event::Event;
use shikaku_schemas::feed::{Audience, FeedVariant, state};
use shikaku_schemas::group::FacilityKind;

use crate::people::{Listener, event, facility, numbered, record, variants};

const PERSON: &[&str] = &["name", "name_kana", "sex", "birth_date"];
const NUMBERS: &[&str] = &[
    "payer_number",
    "recipient_number",
    "issue_number",
    "qualification_id",
];
const INSURANCE: &[&str] = &[
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
    "classification",
    "classification_flag",
    "issued_on",
    "long_term_on",
    "category",
];
const EVERYBODY: &[&str] = &["patient", "record", "month", "type", "facts"];
const TICKET: &[&str] = &[
    "ticket",
    "kind",
    "treatment_month",
    "institution_code",
    "institution_matches",
    "prescriber_code",
    "treatment_type",
    "use",
    "social_insurance",
    "inconsistent",
    "infectious_disease_37_2",
    "elderly_medical_care",
    "prefectural_expenses",
];
const CONSENTS: &[&str] = &["scope", "source", "given_at", "available_until", "ended_at"];
const PERIOD: &[&str] = &["validity", "valid_from", "valid_to", "ended_on"];

/// Names of members that may stand anywhere in a body of `variant`.
fn may_know(variant: FeedVariant, numbered: bool) -> Vec<&'static str> {
    let lists: &[&[&str]] = match variant.audience {
        Audience::Receipt => &[
            EVERYBODY,
            PERSON,
            NUMBERS,
            INSURANCE,
            TICKET,
            PERIOD,
            &[
                "welfare_office",
                "self_pay_yen",
                "reference_number",
                "confirmed_on",
                "method",
                "coverage",
            ],
            &[
                "qualifications",
                "scheme",
                "reason_of_loss",
                "superseded_by",
                "source",
            ],
            &["other_institution", "without_ticket"],
        ],
        Audience::Ehr => &[
            EVERYBODY,
            PERIOD,
            CONSENTS,
            &[
                "scheme",
                "qualifications",
                "from_month",
                "to_month",
                "empty",
            ],
        ],
        Audience::Dispensing => &[
            EVERYBODY,
            PERSON,
            PERIOD,
            CONSENTS,
            TICKET,
            &[
                "welfare_office",
                "payer_number",
                "recipient_number",
                "issue_number",
            ],
        ],
        Audience::Department => &[&["patient", "assistance"]],
    };
    let mut names = lists.concat();
    if variant.audience == Audience::Ehr && !numbered {
        names.extend(PERSON);
    }
    if variant.insurance_fields {
        names.extend(INSURANCE);
        names.extend(PERIOD);
        // A block's own amounts.
        names.push("self_pay_yen");
        if variant.audience == Audience::Ehr {
            names.extend(NUMBERS);
        }
    }
    names
}

fn check(variant: FeedVariant, numbered: bool, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let names = may_know(variant, numbered);
                assert!(
                    names.contains(&name.as_str()),
                    "{variant} learns {name}: {members:?}"
                );
                check(variant, numbered, value);
            }
        }
        Value::Array(list) => list.iter().for_each(|item| check(variant, numbered, item)),
        Value::String(text) => assert!(!text.contains("DENIED"), "{variant} learns {text}"),
        _ => {}
    }
}

/// Members whose text is free, by who must never see it.
fn plant(value: &mut Value, variant: FeedVariant, numbered: bool) {
    let Value::Object(members) = value else {
        if let Value::Array(list) = value {
            list.iter_mut()
                .for_each(|item| plant(item, variant, numbered));
        }
        return;
    };
    let known = may_know(variant, numbered);
    for (name, value) in members.iter_mut() {
        const FREE: &[&str] = &[
            "name",
            "name_kana",
            "payer_number",
            "recipient_number",
            "issue_number",
            "insurer_number",
            "insurer_name",
            "symbol",
            "number",
            "branch",
            "family",
            "welfare_office",
            "reference_number",
            "reason_of_loss",
            "device",
            "requested_by",
            "ordered_by",
            "by",
            "entered_by",
            "department",
            "institution_code",
            "prescriber_code",
            "classification",
        ];
        if value.is_string() && FREE.contains(&name.as_str()) && !known.contains(&name.as_str()) {
            *value = Value::from(format!("DENIED-{name}"));
        }
        plant(value, variant, numbered);
    }
    if let Some(Value::Object(extra)) = members.get_mut("extra") {
        extra.insert("planted".to_owned(), Value::from("DENIED-extra"));
    }
}

/// Makes members null by the bits of `mask`, where the shape allows it.
fn thin(kind: &str, data: &Value, mask: u64) -> Value {
    let mut thinned = data.clone();
    let names: Vec<String> = data.as_object().unwrap().keys().cloned().collect();
    for (bit, name) in names.iter().enumerate().take(64) {
        if mask >> bit & 1 == 1 {
            let kept = thinned[name].take();
            if Event::from_data(kind, thinned.to_string().as_bytes()).is_err() {
                thinned[name] = kept;
            }
        }
    }
    thinned
}

fn golden(kind: &str) -> Value {
    let file = format!("samples/events/{kind}.v1.json");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn kinds() -> impl Strategy<Value = FacilityKind> {
    prop_oneof![
        Just(FacilityKind::Hospital),
        Just(FacilityKind::Clinic),
        Just(FacilityKind::Dental),
        Just(FacilityKind::Pharmacy),
        Just(FacilityKind::VisitingNurse),
    ]
}

fn told() -> impl Strategy<Value = Vec<(&'static str, u64, bool, u8)>> {
    let one = (
        prop::sample::select(Event::TYPES),
        any::<u64>(),
        any::<bool>(),
        0..7u8,
    );
    prop::collection::vec(one, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_denied_member_passes(
        variant in prop::sample::select(variants()),
        at in kinds(),
        is_numbered in any::<bool>(),
        events in told(),
    ) {
        let mut listener = Listener::new(variant, at);
        if is_numbered {
            listener.hear(&[numbered()]);
        }
        for (kind, mask, dispensing, validity) in events {
            // A number learnt on the way would change what may be known half way.
            if kind == "patient-numbered" {
                continue;
            }
            let mut data = golden(kind);
            plant(&mut data, variant, is_numbered);
            data = thin(kind, &data, mask);
            if dispensing && data["ticket"].is_object() {
                data["ticket"]["kind"] = Value::from("dispensing");
            }
            if kind == "verified" {
                let word = ["valid", "lost", "lost-with-newer", "not-found", "multiple", "not-commissioned", "rejected"];
                let word = Value::from(word[usize::from(validity)]);
                data["validity"] = word.clone();
                data["qualifications"][0]["validity"] = word;
            }
            for (_, body) in listener.hear(&[event(kind, &data)]) {
                check(variant, is_numbered, &body);
                if variant.audience != Audience::Department {
                    prop_assert!(body.get("patient").is_some() && body.get("record").is_some());
                }
            }
            if let Some(state) = state(variant, &facility(at), record(), &listener.view) {
                check(variant, is_numbered, &state);
            }
        }
    }

    /// At a pharmacy, a dentist's or a visiting nurse's nobody hears of medical tickets; at a hospital or
    /// clinic the dispensing system hears that one is there, without a number.
    #[test]
    fn a_medical_ticket_gives_dispensing_no_number(at in kinds()) {
        let mut data = golden("commissioned-ticket-arrived");
        data["ticket"]["kind"] = Value::from("medical");
        let mut listener = Listener::new(FeedVariant::of(Audience::Dispensing, false), at);
        let heard = listener.hear(&[event("commissioned-ticket-arrived", &data)]);
        prop_assert_eq!(heard.len(), usize::from(matches!(at, FacilityKind::Hospital | FacilityKind::Clinic)));
        for (_, body) in heard {
            let members: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
            prop_assert_eq!(members, ["patient", "record", "month", "ticket"]);
            let members: Vec<_> = body["ticket"].as_object().unwrap().keys().cloned().collect();
            prop_assert_eq!(members, ["kind", "treatment_month", "valid_from", "valid_to"]);
        }
    }
}
