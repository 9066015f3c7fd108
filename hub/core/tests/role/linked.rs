//! Somebody who came 未委託, known by a name alone, and whose ticket taught its numbers to a record of their own: what
//! the link between the two makes of charts, 照会番号 and questions.

use serde_json::{Value, json};
use shikaku_core::query::{KnownAt, Who};
use shikaku_schemas::command::{Command, InquireTicket};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{CaseId, InquiryId, Method, Position, RecordId};

use crate::reference::{ask, asked_times, blank, opened, outcome};
use crate::seen::{HOSPITAL, Somebody, file};
use crate::stage::{Hub, Stage, made, order, rule};

const CHART: &str = "70001";
const CAME: &str = "2026-05-11T00:15:00Z";
const TICKET: &str = "2026-05-16T00:15:00Z";

/// Somebody 未委託 whose chart is known.
async fn waiting(stage: &Stage) -> RecordId {
    stage
        .observe(&file("t1", "waits", blank(1).not_commissioned(CAME)))
        .await;
    let record = newest_record(stage).await;
    let chart = opened("chart", CHART, record);
    assert_eq!(stage.observe(&chart).await, CommitOutcome::Recorded);
    record
}

/// The record of the ticket that came, of one human with the one who waited without anybody asking.
async fn arrived(stage: &Stage) -> RecordId {
    stage
        .observe(&file("t1", "ticket", blank(1).with_ticket(TICKET)))
        .await;
    newest_record(stage).await
}

async fn newest_record(stage: &Stage) -> RecordId {
    let events = stage.events().await;
    let mut known = events
        .iter()
        .rev()
        .filter(|it| it.head.kind == "patient-first-seen");
    known.next().unwrap().head.patient.unwrap()
}

async fn cases(stage: &Stage) -> Vec<CaseId> {
    let events = stage.events().await;
    let opened = events
        .iter()
        .filter(|event| event.head.kind == "identity-case-opened");
    opened
        .map(|event| serde_json::from_value(event.data["case"].clone()).unwrap())
        .collect()
}

async fn linking_stage() -> Stage {
    let mut stage = Stage::new().await;
    stage.auto_link = true;
    stage
}

async fn registered_of(stage: &Stage) -> Option<RecordId> {
    let events = stage.events().await;
    let mut registered = events
        .iter()
        .filter(|event| event.head.kind == "reference-number-registered");
    registered.next()?.head.patient
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tickets_numbers_are_registered_under_the_chart_of_the_one_who_waited() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let waited = waiting(&stage).await;
    let with_ticket = arrived(&stage).await;
    assert_eq!(cases(&stage).await.len(), 1);
    let link = order(Command::DecideCase {
        case: cases(&stage).await.remove(0),
        record: Some(waited),
        gone: false,
    });
    hub.handle.command(link).await;
    let (inquiry, question) = asked_times(&stage, 1).await.remove(0);
    assert_eq!(
        question["body"],
        json!({ "reference_number": CHART, "insurer_number": "12137014", "number": "0001001" })
    );
    let told = outcome("taken", inquiry, &question["body"], Value::Null);
    assert_eq!(stage.observe(&told).await, CommitOutcome::Recorded);
    assert_eq!(registered_of(&stage).await, Some(with_ticket));

    // From now on answers carry it, and lead to both records: that is no doubt of whose they are. The one that knows
    // the qualification hears of its end.
    let carries = Somebody {
        reference: Some(CHART.to_owned()),
        ..blank(1)
    };
    let again = file("t1", "again", carries.with_ticket("2026-05-20T00:15:00Z"));
    assert_eq!(stage.observe(&again).await, CommitOutcome::Recorded);
    let events = stage.events().await;
    assert_eq!(cases(&stage).await.len(), 1);
    let verified = events.iter().rev().find(|it| it.head.kind == "verified");
    assert_eq!(verified.unwrap().head.patient, Some(with_ticket));
    let mut lost = carries.with_ticket("2026-05-21T00:15:00Z");
    lost["validity"] = json!("lost");
    lost["confirmed_on"] = json!("2026-05-21");
    lost["records"][0]["disqualified_on"] = json!("2026-05-20");
    lost["records"][0]["valid_to"] = json!("2026-05-19");
    lost["records"][0]["tickets"] = json!([]);
    stage.observe(&file("t1", "lost", lost)).await;
    let events = stage.events().await;
    let lost = events
        .iter()
        .find(|it| it.head.kind == "qualification-lost");
    assert_eq!(lost.unwrap().head.patient, Some(with_ticket));
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_registers_it_too() {
    let mut stage = linking_stage().await;
    stage.register_references = false;
    let hub = stage.hub().await;
    waiting(&stage).await;
    let with_ticket = arrived(&stage).await;
    let job = InquiryId(made(&hub.handle.command(ask(None)).await));
    let events = stage.events().await;
    let requested = events.iter().find(|it| it.head.kind == "inquiry-requested");
    let rows = requested.unwrap().data["question"]["body"]["rows"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    let told = outcome("taken", job, &rows[0], Value::Null);
    assert_eq!(stage.observe(&told).await, CommitOutcome::Recorded);
    assert_eq!(registered_of(&stage).await, Some(with_ticket));
    hub.stop().await.unwrap();
}

/// Asks for this month's ticket by the chart number alone.
async fn by_chart(hub: &Hub) -> shikaku_schemas::command::CommandReply {
    let asked = order(Command::InquireTicket(InquireTicket {
        facility: HOSPITAL.into(),
        patient: Some(CHART.into()),
        payer_number: None,
        recipient_number: None,
        birth_date: None,
        on: Some("2026-05-20".parse().unwrap()),
        purpose: "test".to_owned(),
    }));
    hub.handle.command(asked).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chart_is_asked_about_by_the_numbers_that_its_ticket_brought() {
    let stage = linking_stage().await;
    let hub = stage.hub().await;
    waiting(&stage).await;
    assert_eq!(rule(&by_chart(&hub).await), "not-commissioned");
    let with_ticket = arrived(&stage).await;
    let inquiry = InquiryId(made(&by_chart(&hub).await));
    let events = stage.events().await;
    let requested = events
        .iter()
        .find(|event| event.data["inquiry"] == json!(inquiry))
        .unwrap();
    assert_eq!(requested.data["recipient_number"], "0001001");
    let who = Who::Patient(CHART.into());
    let on = "2026-05-20".parse().unwrap();
    let numbers = stage.queries().numbers(&HOSPITAL.into(), &who, on).await;
    let (insurance, row) = numbers.unwrap().remove(0);
    assert_eq!((insurance, row.numbers.number.as_str()), (false, "0001001"));
    assert_eq!(row.patient, Some(CHART.into()));

    // The desk sees by the chart what the ticket says.
    let (queries, here) = (stage.queries(), HOSPITAL.into());
    // What was known before they were linked stays what was known.
    let events = stage.events().await;
    let link = events.iter().find(|it| it.head.kind == "person-linked");
    let before = Position(link.unwrap().head.position.0 - 1);
    let then = Some(KnownAt::Position(before));
    let shown = queries.display(&here, &who, Method::Card, on, then).await;
    let shown = serde_json::to_value(shown.unwrap()).unwrap();
    assert!(shown.to_string().contains("not-commissioned"), "{shown}");
    let shown = queries.display(&here, &who, Method::Card, on, None).await;
    let shown = serde_json::to_value(shown.unwrap()).unwrap();
    assert!(!shown.to_string().contains("not-commissioned"), "{shown}");

    // That the receipt computer opens the chart on the ticket's record as well tells nothing new, and stays nothing
    // when they turn out to be two.
    let opened = opened("chart-again", CHART, with_ticket);
    assert_eq!(stage.observe(&opened).await, CommitOutcome::NothingNew);
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unlinked_shares_nothing_any_more() {
    let mut stage = linking_stage().await;
    stage.register_references = false;
    let hub = stage.hub().await;
    waiting(&stage).await;
    let with_ticket = arrived(&stage).await;
    let unlink = order(Command::UnlinkRecord {
        record: with_ticket,
        reason: "another human".to_owned(),
    });
    hub.handle.command(unlink).await;
    assert_eq!(rule(&by_chart(&hub).await), "not-commissioned");
    let opened = opened("chart-again", CHART, with_ticket);
    assert_eq!(stage.observe(&opened).await, CommitOutcome::Parked);
    let nothing = hub.handle.command(ask(None)).await;
    assert!(matches!(
        nothing,
        shikaku_schemas::command::CommandReply::Done { id: None, .. }
    ));
    hub.stop().await.unwrap();
}
