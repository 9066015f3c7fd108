//! A face file written by someone else's tool becomes events and feed messages; the same bytes again become nothing.

use serde_json::{Value, json};
use shikaku_tests::feed::{Subscriber, each_once};
use shikaku_tests::hub::Hub;
use shikaku_tests::program::sample;
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::until;

fn of_type<'a>(log: &'a [Value], kind: &str) -> Vec<&'a Value> {
    log.iter().filter(|event| event["type"] == kind).collect()
}

/// Checks that `value` has at least the members of `expected`, with these values.
#[track_caller]
fn has(value: &Value, expected: Value) {
    for (member, wanted) in expected.as_object().unwrap() {
        assert_eq!(&value[member], wanted, "`{member}` of {value}");
    }
}

#[test]
fn in_both_encodings_with_the_members_of_the_contract() {
    let hub = Hub::start(
        &Settings::default().consumers(&[("receipt-a", "receipt"), ("ward-3", "department")]),
    );
    let receipt = Subscriber::of(&hub, "receipt-a");
    let ward = Subscriber::of(&hub, "ward-3");
    let terminal = hub.terminal("t1");

    let utf8 = sample("face-assistance-only-utf8.xml");
    terminal.drop_face(&utf8);
    let first = hub.await_events("verified", 1);
    the_first_patient(&first);

    terminal.drop_face(&utf8);
    until("the copy is known as a duplicate", || {
        (hub.files("duplicate") >= 1.0).then_some(())
    });
    assert_eq!(
        hub.log(),
        first,
        "the same bytes under another name add nothing"
    );

    terminal.drop_face(&sample("face-assistance-only-cp932.xml"));
    let both = hub.await_events("verified", 2);
    assert_eq!(&both[..first.len()], &first[..]);
    the_second_patient(&both[first.len()..]);

    receipt_hears_the_ticket(&receipt);
    ward_hears_one_word_each(&ward);
}

#[track_caller]
fn the_first_patient(log: &[Value]) {
    let head = json!({
        "facility": FACILITY,
        "as_of": "2026-05-11T09:15:00+09:00",
        "schema_version": 1,
    });
    let seen = of_type(log, "patient-first-seen");
    let granted = of_type(log, "qualification-granted");
    let arrived = of_type(log, "commissioned-ticket-arrived");
    let verified = of_type(log, "verified");
    assert_eq!(
        (seen.len(), granted.len(), arrived.len(), verified.len()),
        (1, 1, 1, 1)
    );
    let patient = seen[0]["patient"].as_str().unwrap();
    for (event, position) in log.iter().zip(log[0]["position"].as_u64().unwrap()..) {
        assert_eq!(event["position"], position, "positions are gapless");
    }
    for event in [seen[0], granted[0], arrived[0], verified[0]] {
        has(event, head.clone());
        assert_eq!(event["patient"], patient);
        assert_eq!(event["stream"], format!("patient-{patient}"));
        for id in ["event_id", "observation_id", "evidence", "recorded_at"] {
            assert!(
                event[id].as_str().is_some_and(|text| !text.is_empty()),
                "{id} of {event}"
            );
        }
    }
    has(
        &seen[0]["data"],
        json!({"name": "試料　一郎", "name_kana": "ｼﾘﾖｳ ｲﾁﾛｳ", "sex": "male", "birth_date": "1962-03-14"}),
    );
    has(
        &granted[0]["data"],
        json!({
            "classification": "A1", "scheme": "12", "payer_number": "12997151",
            "recipient_number": "3100013", "welfare_office": "見本市福祉事務所",
            "valid_from": "2025-04-01", "valid_to": null, "confirmed_on": "2026-05-11", "method": "card",
        }),
    );
    let qualification = &granted[0]["data"]["qualification_id"];
    has(
        &arrived[0]["data"],
        json!({
            "qualification_id": qualification, "payer_number": "12997151", "recipient_number": "3100013",
            "confirmed_on": "2026-05-11", "method": "card",
        }),
    );
    has(
        &arrived[0]["data"]["ticket"],
        json!({
            "kind": "medical", "issue_number": "0004101", "treatment_month": "2026-05",
            "valid_from": "2026-05-01", "valid_to": "2026-05-31", "institution_code": FACILITY,
            "institution_matches": true, "prescriber_code": null, "treatment_type": "outpatient",
            "self_pay_yen": 0, "use": "sole", "social_insurance": false, "inconsistent": false,
            "infectious_disease_37_2": false, "elderly_medical_care": false, "prefectural_expenses": false,
        }),
    );
    has(
        &verified[0]["data"],
        json!({
            "validity": "valid", "coverage": "assistance-only", "method": "card",
            "confirmed_on": "2026-05-11",
            "qualifications": [{"qualification_id": qualification, "scheme": "12", "validity": "valid"}],
        }),
    );
}

#[track_caller]
fn the_second_patient(log: &[Value]) {
    let seen = of_type(log, "patient-first-seen");
    has(
        &seen[0]["data"],
        json!({"name": "試料　髙子", "birth_date": "1971-01-02"}),
    );
    has(
        &of_type(log, "qualification-granted")[0]["data"],
        json!({"payer_number": "12997151", "recipient_number": "3100021", "scheme": "12"}),
    );
    assert_eq!(of_type(log, "commissioned-ticket-arrived").len(), 1);
    has(
        &of_type(log, "verified")[0]["data"],
        json!({"validity": "valid", "coverage": "assistance-only"}),
    );
}

#[track_caller]
fn receipt_hears_the_ticket(receipt: &Subscriber) {
    let messages = until("both tickets reached the receipt computer", || {
        let messages = receipt.messages();
        let tickets = messages
            .iter()
            .filter(|message| message.kind() == "commissioned-ticket-arrived");
        (tickets.count() == 2).then_some(messages)
    });
    for message in each_once(&messages) {
        let kind = message.kind();
        assert_eq!(
            message.subject,
            format!("shikaku.feed.receipt.{FACILITY}.{kind}")
        );
        assert_eq!(message.header("ce-specversion"), "1.0");
        assert_eq!(message.header("ce-subject"), message.body["record"]);
        for header in ["ce-source", "ce-time", "ce-dataschema"] {
            assert!(!message.header(header).is_empty());
        }
    }
    let ticket = messages
        .iter()
        .find(|message| message.kind() == "commissioned-ticket-arrived")
        .unwrap();
    has(
        &ticket.body,
        json!({"patient": "S00101", "payer_number": "12997151", "recipient_number": "3100013", "month": "2026-05"}),
    );
    has(
        &ticket.body["ticket"],
        json!({"issue_number": "0004101", "self_pay_yen": 0}),
    );
}

#[track_caller]
fn ward_hears_one_word_each(ward: &Subscriber) {
    let messages = each_once(&ward.await_messages(2));
    let bodies: Vec<&Value> = messages.iter().map(|message| &message.body).collect();
    assert_eq!(
        bodies,
        [
            &json!({"patient": "S00101", "assistance": "yes"}),
            &json!({"patient": null, "assistance": "yes"}),
        ]
    );
    for message in &messages {
        assert_eq!(message.kind(), "assistance-changed");
        assert_eq!(
            message.subject,
            format!("shikaku.feed.department.{FACILITY}.assistance-changed")
        );
    }
}
