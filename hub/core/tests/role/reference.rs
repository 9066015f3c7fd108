//! 照会番号: asked for once, whoever stops in between, and recorded when the centre took it.

use serde_json::{Value, json};
use shikaku_schemas::command::{Command, CommandEnvelope, CommandReply, RegisterReference};
use shikaku_schemas::observation::{CommitOutcome, Observation};
use shikaku_schemas::value::{InquiryId, RecordId};

use crate::seen::{HOSPITAL, Somebody, file, observed, somebody};
use crate::stage::{Stage, made, order, rule, until};

const AT: &str = "2026-05-11T00:15:00Z";

/// Somebody whose answers carry no 照会番号.
pub fn blank(n: u32) -> Somebody {
    Somebody {
        reference: None,
        ..somebody(n)
    }
}

pub fn opened(name: &str, patient: &str, record: RecordId) -> Observation {
    let body = json!({ "patient": patient, "record": record });
    observed("t1", name, "chart-opened", body)
}

async fn first_record(stage: &Stage) -> RecordId {
    stage.events().await[0].head.patient.unwrap()
}

/// Registrations asked for so far: inquiry and question.
async fn asked(stage: &Stage) -> Vec<(InquiryId, Value)> {
    let events = stage.events().await;
    let requested = events.iter().filter(|event| {
        event.head.kind == "inquiry-requested" && event.data["kind"] == "reference"
    });
    requested
        .map(|event| {
            let inquiry = serde_json::from_value(event.data["inquiry"].clone()).unwrap();
            (inquiry, event.data["question"].clone())
        })
        .collect()
}

pub async fn asked_times(stage: &Stage, count: usize) -> Vec<(InquiryId, Value)> {
    until("registrations are asked for", || async {
        let asked = asked(stage).await;
        (asked.len() >= count).then_some(asked)
    })
    .await
}

pub fn outcome(name: &str, inquiry: InquiryId, row: &Value, refusal: Value) -> Observation {
    let body = json!({
        "inquiry": inquiry, "executed_at": "2026-05-11T00:20:00Z",
        "registered": {
            "reference_number": row["reference_number"], "insurer_number": row["insurer_number"],
            "number": row["number"], "symbol": null, "branch": null,
        },
        "refusal": refusal,
    });
    observed("t1", name, "registration-outcome", body)
}

async fn count(stage: &Stage, kind: &str) -> usize {
    let kinds = stage.kinds().await;
    kinds.iter().filter(|it| *it == kind).count()
}

async fn state(stage: &Stage, inquiry: InquiryId) -> &'static str {
    let view = stage.queries().inquiry(inquiry).await.unwrap();
    view.unwrap().state
}

/// The process has seen everything up to here: a later registration of somebody else was asked for.
async fn considered(stage: &Stage, n: u32, before: usize) {
    stage
        .observe(&file(
            "t1",
            &format!("beacon-{n}"),
            blank(n).with_ticket(AT),
        ))
        .await;
    let record = stage.events().await.last().unwrap().head.patient.unwrap();
    stage
        .observe(&opened(
            &format!("beacon-{n}-chart"),
            &format!("9{n}"),
            record,
        ))
        .await;
    assert_eq!(asked_times(stage, before + 1).await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blank_number_is_registered_once_the_chart_number_is_known_and_never_twice() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let first = file("t1", "a", blank(1).with_ticket(AT));
    stage.observe(&first).await;
    let record = first_record(&stage).await;
    stage.observe(&opened("b", "70001", record)).await;
    let (inquiry, question) = asked_times(&stage, 1).await.remove(0);
    assert_eq!(question["kind"], "reference");
    assert_eq!(
        question["body"],
        json!({ "reference_number": "70001", "insurer_number": "12137014", "number": "0001001" })
    );
    hub.stop().await.unwrap();

    let hub = stage.hub().await;
    considered(&stage, 2, 1).await;
    let told = outcome("c", inquiry, &question["body"], Value::Null);
    assert_eq!(stage.observe(&told).await, CommitOutcome::Recorded);
    assert_eq!(state(&stage, inquiry).await, "answered");
    let events = stage.events().await;
    let registered = events
        .iter()
        .find(|event| event.head.kind == "reference-number-registered")
        .unwrap();
    assert_eq!(registered.head.patient, Some(record));
    assert_eq!(registered.data["reference_number"], "70001");
    let again = file("t1", "d", blank(1).with_ticket("2026-05-12T00:15:00Z"));
    stage.observe(&again).await;
    considered(&stage, 3, 2).await;
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_not_commissioned_it_waits_for_the_ticket() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let waiting = insured(blank(1).not_commissioned(AT));
    stage.observe(&file("t1", "waits", waiting)).await;
    let record = first_record(&stage).await;
    stage.observe(&opened("chart", "70001", record)).await;
    let (_, question) = asked_times(&stage, 1).await.remove(0);
    assert_eq!(question["body"]["insurer_number"], "06139992");
    considered(&stage, 2, 1).await;
    let arrived = insured(blank(1).with_ticket("2026-05-16T00:15:00Z"));
    stage.observe(&file("t1", "arrives", arrived)).await;
    let (_, question) = asked_times(&stage, 3).await.remove(2);
    assert_eq!(question["body"]["insurer_number"], "12137014");
    hub.stop().await.unwrap();
}

/// The same answer with an insurance half before the assistance half.
fn insured(mut answer: Value) -> Value {
    let mut half = answer["records"][0].clone();
    for (name, value) in [
        ("classification", json!("01")),
        ("scheme", json!("insurance")),
        ("payer_number", Value::Null),
        ("recipient_number", Value::Null),
        ("insurer_number", json!("06139992")),
        ("symbol", json!("51")),
        ("number", json!("208")),
        ("tickets", json!([])),
    ] {
        half[name] = value;
    }
    answer["records"].as_array_mut().unwrap().insert(0, half);
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_registration_is_not_repeated_by_itself_and_a_person_may_ask_again() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    stage
        .observe(&file("t1", "a", blank(1).with_ticket(AT)))
        .await;
    let record = first_record(&stage).await;
    stage.observe(&opened("b", "70001", record)).await;
    let (inquiry, question) = asked_times(&stage, 1).await.remove(0);
    let refusal = json!({ "code": "SIM0002", "message": "登録できません" });
    let told = outcome("c", inquiry, &question["body"], refusal);
    assert_eq!(stage.observe(&told).await, CommitOutcome::Recorded);
    assert_eq!(state(&stage, inquiry).await, "rejected");
    stage
        .observe(&file(
            "t1",
            "d",
            blank(1).with_ticket("2026-05-12T00:15:00Z"),
        ))
        .await;
    considered(&stage, 2, 1).await;
    let by_hand = ask(Some("70001"));
    let reply = hub.handle.command(by_hand.clone()).await;
    assert_ne!(made(&reply), inquiry.0);
    assert_eq!(hub.handle.command(by_hand).await, reply);
    assert_eq!(asked(&stage).await.len(), 3);
    assert_eq!(
        rule(&hub.handle.command(ask(Some("79999"))).await),
        "record-unknown"
    );
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_is_not_of_the_question_is_set_aside() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    stage
        .observe(&file("t1", "a", blank(1).with_ticket(AT)))
        .await;
    let record = first_record(&stage).await;
    stage.observe(&opened("b", "70001", record)).await;
    let (inquiry, question) = asked_times(&stage, 1).await.remove(0);
    let mut other = question["body"].clone();
    other["number"] = json!("0009999");
    let told = outcome("c", inquiry, &other, Value::Null);
    assert_eq!(stage.observe(&told).await, CommitOutcome::Parked);
    assert_eq!(state(&stage, inquiry).await, "requested");
    hub.stop().await.unwrap();
}

pub fn ask(patient: Option<&str>) -> CommandEnvelope {
    order(Command::RegisterReference(RegisterReference {
        facility: HOSPITAL.into(),
        patient: patient.map(Into::into),
        purpose: "test".to_owned(),
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_are_missing_are_registered_in_one_job() {
    let mut stage = Stage::new().await;
    stage.register_references = false;
    let hub = stage.hub().await;
    let nobody = hub.handle.command(ask(None)).await;
    assert!(matches!(nobody, CommandReply::Done { id: None, .. }));
    for n in 1..=3 {
        let seen = file("t1", &format!("a{n}"), blank(n).with_ticket(AT));
        stage.observe(&seen).await;
        let record = stage.events().await.last().unwrap().head.patient.unwrap();
        let chart = opened(&format!("b{n}"), &format!("7000{n}"), record);
        stage.observe(&chart).await;
    }
    stage
        .observe(&file("t1", "has-one", somebody(4).with_ticket(AT)))
        .await;
    let all = ask(None);
    let reply = hub.handle.command(all.clone()).await;
    let inquiry = InquiryId(made(&reply));
    assert_eq!(made(&hub.handle.command(all).await), inquiry.0);
    let asked = asked(&stage).await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1["kind"], "bulk-reference");
    let rows = asked[0].1["body"]["rows"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 3);
    for (n, row) in rows.iter().enumerate().take(2) {
        let told = outcome(&format!("c{n}"), inquiry, row, Value::Null);
        assert_eq!(stage.observe(&told).await, CommitOutcome::Recorded);
    }
    let refusal = json!({ "code": "SIM0002", "message": null });
    let told = outcome("refused", inquiry, &rows[2], refusal);
    assert_eq!(stage.observe(&told).await, CommitOutcome::Recorded);
    assert_eq!(count(&stage, "reference-number-registered").await, 3);
    assert_eq!(
        state(&stage, inquiry).await,
        "requested",
        "units do not answer a job; its close does"
    );
    let rest = hub.handle.command(ask(None)).await;
    assert_ne!(made(&rest), inquiry.0);
    hub.stop().await.unwrap();
}
