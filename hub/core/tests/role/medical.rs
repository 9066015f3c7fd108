//! Medical information: only with a live consent, given at the card reader.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Value, json};
use shikaku_core::query::Who;
use shikaku_schemas::clock::Clock as _;
use shikaku_schemas::command::{Command, CommandEnvelope, InquireMedical};
use shikaku_schemas::observation::{CommitOutcome, Observation};
use shikaku_schemas::value::{ConsentScope, InquiryId};

use crate::seen::{HOSPITAL, file, observed, resting_on, somebody};
use crate::stage::{Hub, Stage, made, order, rule, until};

fn day(at: Timestamp) -> String {
    Offset::constant(9).to_datetime(at).date().to_string()
}

/// Somebody checked by card just now, with consents to `scopes` for a day.
fn consented(stage: &Stage, name: &str, scopes: &[&str]) -> Observation {
    consented_for(stage, name, scopes, Duration::from_secs(24 * 60 * 60))
}

fn consented_for(stage: &Stage, name: &str, scopes: &[&str], lasts: Duration) -> Observation {
    let now = stage.clock.now();
    let end = now + lasts;
    let mut answer = somebody(1).with_ticket(&now.to_string());
    answer["confirmed_on"] = json!(day(now));
    answer["records"][0]["consents"] = scopes
        .iter()
        .map(|scope| json!({ "scope": scope, "given_at": now, "available_until": end }))
        .collect();
    file("t1", name, answer)
}

fn ask(scope: ConsentScope, from: Option<&str>) -> CommandEnvelope {
    order(Command::InquireMedical(InquireMedical {
        facility: HOSPITAL.into(),
        patient: "70001".into(),
        scope,
        from: from.map(|month| month.parse().unwrap()),
        to: None,
        purpose: "care".to_owned(),
    }))
}

async fn refused(hub: &Hub, scope: ConsentScope) -> String {
    rule(&hub.handle.command(ask(scope, None)).await).to_owned()
}

async fn question(stage: &Stage, inquiry: InquiryId) -> Value {
    let view = stage.queries().inquiry(inquiry).await.unwrap().unwrap();
    serde_json::to_value(view.requested.unwrap().question).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_live_card_consent_permits_a_request() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    assert_eq!(refused(&hub, ConsentScope::Drug).await, "record-unknown");
    stage.observe(&consented(&stage, "a", &[])).await;
    assert_eq!(refused(&hub, ConsentScope::Drug).await, "consent-missing");
    let entered = observed(
        "t1",
        "entered",
        "consent-entered",
        json!({ "patient": "70001", "scope": "drug" }),
    );
    assert_eq!(stage.observe(&entered).await, CommitOutcome::Recorded);
    assert_eq!(
        refused(&hub, ConsentScope::Drug).await,
        "consent-entered-only"
    );
    stage.clock.advance(Duration::from_secs(60));
    stage.observe(&consented(&stage, "b", &["drug"])).await;
    let reply = hub
        .handle
        .command(ask(ConsentScope::Drug, Some("2020-01")))
        .await;
    let asked = question(&stage, InquiryId(made(&reply))).await;
    assert_eq!(asked["body"]["from"], "2024-02");
    assert_eq!(asked["body"]["with_treatments"], false);
    assert_eq!(
        refused(&hub, ConsentScope::Checkup).await,
        "consent-missing"
    );
    stage.clock.advance(Duration::from_secs(25 * 60 * 60));
    assert_eq!(refused(&hub, ConsentScope::Drug).await, "consent-over");
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_is_held_on_the_record_and_answers_the_inquiry() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    stage
        .observe(&consented(&stage, "a", &["drug", "treatment", "checkup"]))
        .await;
    let drugs = InquiryId(made(
        &hub.handle.command(ask(ConsentScope::Drug, None)).await,
    ));
    let answer = json!({
        "inquiry": drugs, "scopes": ["drug", "treatment"],
        "overview": overview(json!({ "drugs": 3, "months": ["2026-04"], "branches": ["dispensed"] })),
    });
    let seen = observed("t1", "drugs", "medical-answer", answer);
    let bytes = b"<drugs/>".to_vec();
    let seen = resting_on(seen, &stage.key, &bytes);
    stage.publish_evidence(&seen, &bytes).await;
    assert_eq!(stage.observe(&seen).await, CommitOutcome::Recorded);
    let checkups = InquiryId(made(
        &hub.handle.command(ask(ConsentScope::Checkup, None)).await,
    ));
    let answer =
        json!({ "inquiry": checkups, "scopes": ["checkup"], "overview": overview(json!({})) });
    let seen = observed("t1", "checkups", "medical-answer", answer);
    let bytes = b"<checkups/>".to_vec();
    let seen = resting_on(seen, &stage.key, &bytes);
    stage.publish_evidence(&seen, &bytes).await;
    assert_eq!(stage.observe(&seen).await, CommitOutcome::Recorded);
    let held: Vec<Value> = stage
        .events()
        .await
        .iter()
        .filter(|event| event.head.kind == "medical-information-received")
        .map(|event| {
            json!([
                event.data["scope"],
                event.data["empty"],
                event.data["from_month"]
            ])
        })
        .collect();
    assert_eq!(
        held,
        [
            json!(["drug", false, "2024-02"]),
            json!(["treatment", true, "2024-02"]),
            json!(["checkup", true, null]),
        ]
    );
    for inquiry in [drugs, checkups] {
        let view = stage.queries().inquiry(inquiry).await.unwrap().unwrap();
        assert_eq!((view.state, view.validity), ("answered", None));
    }
    hub.stop().await.unwrap();
}

fn overview(told: Value) -> Value {
    let mut overview = json!({
        "executed_at": "2026-05-11T00:20:00Z", "institution_code": HOSPITAL,
        "file_identifier": null, "refusal": null, "branches": [], "months": [],
        "drugs": 0, "treatments": 0, "checked_on": [], "results": 0,
    });
    for (name, value) in told.as_object().unwrap() {
        overview[name] = value.clone();
    }
    overview
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn medical_information_nobody_asked_for_is_set_aside() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let answer = json!({ "inquiry": null, "scopes": ["drug"], "overview": null });
    let seen = observed("t1", "stray", "medical-answer", answer);
    assert_eq!(stage.observe(&seen).await, CommitOutcome::Parked);
    hub.stop().await.unwrap();
}

/// Asks, and leaves the request with the broker, whose store is then lost: it waits to be handed out again. What
/// happens in between is `meanwhile`; then why the request is over.
async fn handed_out_after(mut stage: Stage, meanwhile: impl AsyncFnOnce(&Stage)) -> Option<String> {
    let hub = stage.hub().await;
    let given = consented_for(&stage, "a", &["drug"], Duration::from_secs(90));
    stage.observe(&given).await;
    let inquiry = InquiryId(made(
        &hub.handle.command(ask(ConsentScope::Drug, None)).await,
    ));
    let waiting = async |stage: &Stage| {
        let jetstream = async_nats::jetstream::new(stage.tester.clone());
        let tasks = jetstream.get_stream("TASKS").await.ok()?;
        Some(tasks.get_info().await.ok()?.state.messages)
    };
    until("the request waits for its terminal", async || {
        (waiting(&stage).await == Some(1)).then_some(())
    })
    .await;
    meanwhile(&stage).await;
    stage.server.kill();
    stage.server.restart(true);
    let view = until("the request is over", async || {
        let view = stage.queries().inquiry(inquiry).await.unwrap().unwrap();
        (view.state == "rejected").then_some(view)
    })
    .await;
    // It can't be handed out by a later life of the hub either.
    hub.stop().await.unwrap();
    let hub = stage.hub().await;
    let beacon = file(
        "t1",
        "beacon",
        somebody(2).with_ticket("2026-05-11T00:15:00Z"),
    );
    stage.observe(&beacon).await;
    assert_eq!(waiting(&stage).await, Some(0));
    let kinds = stage.kinds().await;
    assert!(!kinds.iter().any(|kind| kind == "inquiry-submitted"));
    hub.stop().await.unwrap();
    view.code
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_consent_was_withdrawn_is_not_handed_out() {
    let ended = handed_out_after(Stage::new().await, async |stage| {
        stage.clock.advance(Duration::from_secs(60));
        stage.observe(&consented(stage, "b", &["checkup"])).await;
        let kinds = stage.kinds().await;
        assert!(kinds.iter().any(|kind| kind == "consent-ended"));
    });
    assert_eq!(ended.await.as_deref(), Some("consent-missing"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_consent_is_over_is_not_handed_out() {
    let ended = handed_out_after(Stage::new().await, async |stage| {
        stage.clock.advance(Duration::from_secs(100));
    });
    assert_eq!(ended.await.as_deref(), Some("consent-over"));
}

/// A terminal that wakes late must not submit it: the deadline is in the task, and ends with the consent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_ends_with_the_consent_that_it_rests_on() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let lasts = Duration::from_secs(90);
    let end = stage.clock.now() + lasts;
    stage
        .observe(&consented_for(&stage, "a", &["drug"], lasts))
        .await;
    made(&hub.handle.command(ask(ConsentScope::Drug, None)).await);
    let jetstream = async_nats::jetstream::new(stage.tester.clone());
    let task = until("the request waits for its terminal", async || {
        let tasks = jetstream.get_stream("TASKS").await.ok()?;
        tasks.get_raw_message(1).await.ok()
    })
    .await;
    let task: shikaku_schemas::task::Task = serde_json::from_slice(&task.payload).unwrap();
    assert_eq!(task.deadline.as_millisecond(), end.as_millisecond());
    hub.stop().await.unwrap();
}

/// A `YZKsiquc` answer with four drugs and a treatment.
const DRUGS: &[u8] =
    include_bytes!("../../../../schemas/samples/oqs/answers/YZKsiquc01res_drugs.xml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_can_be_read_at_its_facility_without_a_consent_of_today() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let given = consented(&stage, "a", &["drug", "treatment"]);
    stage.observe(&given).await;
    let inquiry = InquiryId(made(
        &hub.handle.command(ask(ConsentScope::Drug, None)).await,
    ));
    let answer = json!({ "inquiry": inquiry, "scopes": ["drug", "treatment"],
        "overview": overview(json!({ "drugs": 4, "treatments": 1 })) });
    let seen = resting_on(
        observed("t1", "drugs", "medical-answer", answer),
        &stage.key,
        DRUGS,
    );
    stage.publish_evidence(&seen, DRUGS).await;
    stage.observe(&seen).await;
    stage.clock.advance(Duration::from_secs(48 * 60 * 60));

    let queries = stage.queries();
    let who = Who::Patient("70001".into());
    let read = async |facility: &str, scope| queries.medical(&facility.into(), &who, scope).await;
    let all = read(HOSPITAL, None).await.unwrap();
    assert_eq!(all.len(), 1, "one file of two scopes");
    assert_eq!(all[0].scopes, [ConsentScope::Drug, ConsentScope::Treatment]);
    assert_eq!(
        (all[0].form, all[0].file.as_deref()),
        (Some("xml"), Some(DRUGS))
    );
    let chart = all[0].chart.as_ref().unwrap();
    assert_eq!((chart.drugs.len(), chart.treatments.len()), (4, 1));
    let treatments = read(HOSPITAL, Some(ConsentScope::Treatment)).await.unwrap();
    let chart = treatments[0].chart.as_ref().unwrap();
    assert_eq!((chart.drugs.len(), chart.treatments.len()), (0, 1));
    let checkups = read(HOSPITAL, Some(ConsentScope::Checkup)).await.unwrap();
    assert!(checkups.is_empty());
    assert!(
        read("1310000014", None).await.is_err(),
        "nobody is known there"
    );
    hub.stop().await.unwrap();
}
