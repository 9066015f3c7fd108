//! Every audience's messages as reviewed snapshots in `samples/feed/`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use shikaku_schemas::display::{Situation, display};
use shikaku_schemas::event::Event;
use shikaku_schemas::feed::{Audience, FeedVariant};
use shikaku_schemas::group::FacilityKind;
use shikaku_schemas::value::{Coverage, Method, Validity};

use crate::people::{
    Listener, april, assistance_granted, cell, event, first_seen, half, insurance_granted,
    numbered, ticket, ticket_arrived, variants, verified,
};

/// The messages of each feed after `before`.
fn heard(before: &[Event], events: &[Event], kind: FacilityKind) -> String {
    let mut text = String::new();
    for variant in variants() {
        let mut listener = Listener::new(variant, kind);
        listener.hear(before);
        let _ = writeln!(text, "{variant}");
        for (kind, body) in listener.hear(events) {
            let _ = writeln!(text, "  {kind} {body}");
        }
    }
    text
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/feed"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_drawn_cell() {
    let mut drawn = BTreeSet::new();
    for coverage in [Coverage::AssistanceOnly, Coverage::Combined] {
        for method in [
            Method::Card,
            Method::Ticket,
            Method::Bulk,
            Method::Commissioned,
        ] {
            for validity in [
                Validity::Valid,
                Validity::NotCommissioned,
                Validity::Lost,
                Validity::LostWithNewer,
            ] {
                let shown = display(method, Situation::plain(validity, coverage));
                if shown.code == "not-drawn" {
                    continue;
                }
                let ended = matches!(validity, Validity::Lost | Validity::LostWithNewer);
                let before = if ended {
                    april(method)
                } else {
                    vec![first_seen(), numbered()]
                };
                let events = cell(method, validity, coverage);
                snapshot(shown.code, &heard(&before, &events, FacilityKind::Hospital));
                drawn.insert(shown.code.to_string());
            }
        }
    }
    assert_eq!(drawn.len(), 24);
}

#[test]
fn every_named_row() {
    const ON: &str = "2026-05-11";
    let known = [first_seen(), numbered()];
    let of = |name: &str, before: &[Event], events: &[Event]| {
        snapshot(name, &heard(before, events, FacilityKind::Hospital));
    };
    let assistance = [half(Some(1), "12", Validity::Valid)];
    let answer = |method, validity, coverage, halves: &[Value], more: Value| {
        verified(ON, method, validity, coverage, halves, &more)
    };
    let sole = Coverage::AssistanceOnly;
    let insured = [half(Some(2), "insurance", Validity::Valid)];
    of(
        "row-insurance-only",
        &known,
        &[
            insurance_granted(ON, Method::Card),
            answer(
                Method::Card,
                Validity::Valid,
                Coverage::InsuranceOnly,
                &insured,
                json!({}),
            ),
        ],
    );
    of(
        "row-without-ticket",
        &known,
        &[
            assistance_granted(ON, Method::Card),
            answer(
                Method::Card,
                Validity::Valid,
                sole,
                &assistance,
                json!({ "without_ticket": true }),
            ),
        ],
    );
    of(
        "row-other-institution",
        &known,
        &[
            assistance_granted(ON, Method::Card),
            ticket_arrived(&ticket("2026-05", false, &json!({})), ON, Method::Card),
            answer(
                Method::Card,
                Validity::Valid,
                sole,
                &assistance,
                json!({ "other_institution": true }),
            ),
        ],
    );
    let odd = json!({ "inconsistent": true, "social_insurance": true });
    of(
        "row-inconsistent",
        &known,
        &[
            assistance_granted(ON, Method::Card),
            ticket_arrived(&ticket("2026-05", true, &odd), ON, Method::Card),
            answer(
                Method::Card,
                Validity::Valid,
                sole,
                &assistance,
                json!({ "inconsistent": true }),
            ),
        ],
    );
    let copied = [half(None, "12", Validity::Lost)];
    of(
        "row-local-copy",
        &april(Method::Card),
        &[answer(
            Method::LocalCopy,
            Validity::Lost,
            sole,
            &copied,
            json!({}),
        )],
    );
    let late = [half(Some(1), "12", Validity::Lost)];
    of(
        "row-late-knowledge",
        &april(Method::Card),
        &[answer(
            Method::Card,
            Validity::Lost,
            sole,
            &late,
            json!({ "late": true }),
        )],
    );
    for (name, validity) in [
        ("row-not-found", Validity::NotFound),
        ("row-multiple", Validity::Multiple),
        ("row-rejected", Validity::Rejected),
    ] {
        let halves = [half(None, "12", validity)];
        of(
            name,
            &april(Method::Card),
            &[answer(
                Method::Ticket,
                validity,
                Coverage::Unknown,
                &halves,
                json!({}),
            )],
        );
    }
}

#[test]
fn an_answer_that_names_nobody_is_told_to_nobody() {
    for (kind, data) in [
        (
            "inquiry-answered",
            json!({ "inquiry": null, "validity": "not-found", "record": null }),
        ),
        (
            "inquiry-rejected",
            json!({ "inquiry": null, "code": "E1", "message": null }),
        ),
    ] {
        let quiet = heard(
            &april(Method::Card),
            &[event(kind, &data)],
            FacilityKind::Hospital,
        );
        assert!(!quiet.contains('{'), "{quiet}");
    }
}

#[test]
fn a_name_is_told_to_the_chart_only_while_there_is_no_number() {
    let mut events = vec![first_seen()];
    events.extend(cell(
        Method::Card,
        Validity::Valid,
        Coverage::AssistanceOnly,
    ));
    events.push(numbered());
    events.extend(cell(Method::Card, Validity::Lost, Coverage::AssistanceOnly));
    snapshot(
        "number-learnt-later",
        &heard(&[], &events, FacilityKind::Hospital),
    );
}

#[test]
fn who_may_know_of_which_ticket_depends_on_the_facility() {
    let dispensing = json!({
        "kind": "dispensing", "treatment_type": "dispensing", "prescriber_code": "1319900010",
    });
    let events = [
        ticket_arrived(
            &ticket("2026-05", true, &json!({})),
            "2026-05-11",
            Method::Bulk,
        ),
        ticket_arrived(
            &ticket("2026-05", true, &dispensing),
            "2026-05-11",
            Method::Bulk,
        ),
    ];
    let mut text = String::new();
    for kind in [
        FacilityKind::Hospital,
        FacilityKind::Clinic,
        FacilityKind::Dental,
        FacilityKind::Pharmacy,
        FacilityKind::VisitingNurse,
    ] {
        let variant = FeedVariant::of(Audience::Dispensing, false);
        let _ = writeln!(text, "dispensing at {kind:?}");
        for (kind, body) in Listener::new(variant, kind).hear(&events) {
            let _ = writeln!(text, "  {kind} {body}");
        }
    }
    snapshot("tickets-by-facility", &text);
}

#[test]
fn of_a_person_not_disclosed_only_those_who_bill_know_numbers() {
    let flag = event(
        "non-disclosure-flagged",
        &json!({ "by": "x", "reason": "y" }),
    );
    let mut events = vec![insurance_granted("2026-05-11", Method::Card)];
    events.extend(cell(
        Method::Card,
        Validity::Valid,
        Coverage::AssistanceOnly,
    ));
    let elsewhere = ticket(
        "2026-05",
        false,
        &json!({ "prescriber_code": "1319900010" }),
    );
    events.push(ticket_arrived(&elsewhere, "2026-05-11", Method::Card));
    let before = [first_seen(), numbered(), flag];
    snapshot(
        "not-disclosed",
        &heard(&before, &events, FacilityKind::Hospital),
    );
}

/// The golden payload of every event, told to everybody.
#[test]
fn every_event() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/events");
    let mut text = String::new();
    for kind in Event::TYPES {
        let file = folder.join(format!("{kind}.v1.json"));
        let data: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let _ = writeln!(text, "# {kind}");
        for variant in variants() {
            let mut listener = Listener::new(variant, FacilityKind::Hospital);
            listener.hear(&[numbered()]);
            for (kind, body) in listener.hear(&[event(kind, &data)]) {
                let _ = writeln!(text, "{variant}: {kind} {body}");
            }
        }
    }
    snapshot("every-event", &text);
}

#[test]
fn consents_their_end_and_what_is_held() {
    let consent = |scope: &str, source: &str| {
        event(
            "consent-recorded",
            &json!({
                "scope": scope, "source": source, "given_at": "2026-05-11T09:15:00+09:00",
                "available_until": "2026-05-12T09:15:00+09:00",
            }),
        )
    };
    let held = |scope: &str, empty: bool| {
        event(
            "medical-information-received",
            &json!({
                "scope": scope, "from_month": "2024-02", "to_month": "2026-05",
                "evidence": "e1", "empty": empty,
            }),
        )
    };
    let ended = json!({ "scope": "drug", "ended_at": "2026-05-11T06:00:00Z" });
    let events = [
        consent("drug", "card"),
        consent("checkup", "entered"),
        held("drug", false),
        held("checkup", true),
        event("consent-ended", &ended),
    ];
    let known = [first_seen(), numbered()];
    snapshot(
        "consents-and-medical-information",
        &heard(&known, &events, FacilityKind::Hospital),
    );
}

#[test]
fn certificates_are_told_of_insurance_and_never_of_assistance() {
    let known = [first_seen(), numbered()];
    let events = [
        assistance_granted("2026-05-11", Method::Card),
        insurance_granted("2026-05-11", Method::Card),
    ];
    for variant in variants() {
        let mut listener = Listener::new(variant, FacilityKind::Hospital);
        listener.hear(&known);
        for (_, body) in listener.hear(&events) {
            let insured = variant.audience == Audience::Receipt || variant.insurance_fields;
            if body["scheme"] == "insurance" && insured {
                assert_eq!(body["limit_certificate"]["classification"], "01");
            }
            if body["scheme"] == "12" {
                for name in [
                    "limit_certificate",
                    "elderly_certificate",
                    "specific_diseases",
                ] {
                    assert_eq!(body[name], Value::Null, "{variant}: {body}");
                }
            }
        }
    }
}
