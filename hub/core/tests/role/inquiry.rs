//! Asking a terminal, with somebody at the other end who speaks NATS.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::pull;
use futures::StreamExt as _;
use serde_json::json;
use shikaku_schemas::clock::Clock as _;
use shikaku_schemas::command::{Command, CommandEnvelope, InquireTicket};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::task::{Task, TaskBody};
use shikaku_schemas::value::InquiryId;

use crate::seen::{HOSPITAL, file, observed, somebody};
use crate::stage::{Stage, made, order, rule, until};

const AT: &str = "2026-05-11T00:15:00Z";

fn ask(patient: Option<&str>) -> CommandEnvelope {
    let typed = patient.is_none();
    order(Command::InquireTicket(InquireTicket {
        facility: HOSPITAL.into(),
        payer_number: typed.then(|| "12137014".into()),
        recipient_number: typed.then(|| "0001001".into()),
        birth_date: typed.then(|| "1931-05-01".parse().unwrap()),
        patient: patient.map(Into::into),
        on: Some("2026-05-11".parse().unwrap()),
        purpose: "test".to_owned(),
    }))
}

/// Takes the next task as the terminal does.
async fn task(stage: &Stage) -> Task {
    let jetstream = jetstream::new(stage.tester.clone());
    until("a task comes", || async {
        let consumer = jetstream
            .get_consumer_from_stream::<pull::Config, _, _>("terminal-1319912349-t1", "TASKS")
            .await
            .ok()?;
        let mut messages = consumer.fetch().max_messages(1).messages().await.ok()?;
        let message = messages.next().await?.ok()?;
        message.double_ack().await.ok()?;
        Some(serde_json::from_slice(&message.payload).unwrap())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inquiry_is_told_submitted_and_answered() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let asked = ask(None);
    let reply = hub.handle.command(asked.clone()).await;
    let inquiry = InquiryId(made(&reply));
    assert_eq!(hub.handle.command(asked).await, reply);
    let task = task(&stage).await;
    assert_eq!((task.inquiry, task.device.as_str()), (inquiry, "t1"));
    assert_eq!(task.deadline, task.requested_at + Duration::from_secs(180));
    let TaskBody::Ticket(question) = &task.body else {
        panic!("a ticket was asked for");
    };
    assert_eq!(question.confirmed_on.to_string(), "2026-05-11");

    let progress =
        json!({ "inquiry": inquiry, "progress": "submitted", "file": "OQSsiquc01req_1.xml" });
    let noted = observed("t1", "submitted", "inquiry-progress", progress);
    assert_eq!(stage.observe(&noted).await, CommitOutcome::Recorded);
    let queries = stage.queries();
    assert_eq!(
        queries.inquiry(inquiry).await.unwrap().unwrap().state,
        "submitted"
    );
    let mut answer = somebody(1).with_ticket(AT);
    answer["inquiry"] = json!(inquiry);
    answer["method"] = json!("ticket");
    stage.observe(&file("t1", "answer", answer)).await;
    let view = queries.inquiry(inquiry).await.unwrap().unwrap();
    assert_eq!(
        (view.state, view.terminal.as_deref()),
        ("answered", Some("t1"))
    );
    assert_eq!(view.display.unwrap().code, "assistance-only-ticket-valid");
    assert_eq!(queries.inquiries(10).await.unwrap().len(), 1);
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_a_terminal_does_is_told_by_its_files_and_answers() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let queries = stage.queries();
    stage
        .observe(&file("t1", "face", somebody(9).with_ticket(AT)))
        .await;
    let faced_at = stage.clock.now();
    for (n, seconds) in [(1u32, 2), (2, 8), (3, 4)] {
        let inquiry = InquiryId(made(&hub.handle.command(ask(None)).await));
        let body =
            json!({ "inquiry": inquiry, "progress": "submitted", "file": format!("{n}.xml") });
        let sent = observed("t1", &format!("sent-{n}"), "inquiry-progress", body);
        stage.observe(&sent).await;
        stage.clock.advance(Duration::from_secs(seconds));
        let mut answer = somebody(1).with_ticket(&format!("2026-05-11T00:1{n}:00Z"));
        answer["folder"] = json!("res");
        answer["method"] = json!("ticket");
        answer["inquiry"] = json!(inquiry);
        stage
            .observe(&file("t1", &format!("answer-{n}"), answer))
            .await;
    }
    made(&hub.handle.command(ask(None)).await);
    let mut told = queries.terminals().await.unwrap();
    let t1 = told.remove(&(HOSPITAL.into(), "t1".to_owned())).unwrap();
    assert_eq!(t1.last_face_at, Some(faced_at));
    assert_eq!(t1.last_answer_at, Some(stage.clock.now()));
    assert_eq!((t1.answers, t1.median_answer_ms), (3, Some(4_000)));
    assert_eq!((t1.waiting, t1.uncertain), (1, 0));
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_long_past_the_deadline_is_uncertain_and_a_person_settles_it() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let inquiry = InquiryId(made(&hub.handle.command(ask(None)).await));
    task(&stage).await;
    stage.clock.advance(Duration::from_secs(200));
    let queries = stage.queries();
    stage
        .observe(&file("t1", "x", somebody(7).with_ticket(AT)))
        .await;
    assert_eq!(
        queries.inquiry(inquiry).await.unwrap().unwrap().state,
        "requested"
    );
    stage.clock.advance(Duration::from_secs(60));
    until("the hub speaks", || async {
        let view = queries.inquiry(inquiry).await.unwrap().unwrap();
        (view.state == "uncertain").then_some(())
    })
    .await;
    let note = "welfare office telephoned".to_owned();
    made(
        &hub.handle
            .command(order(Command::ResolveInquiry { inquiry, note }))
            .await,
    );
    assert_eq!(
        queries.inquiry(inquiry).await.unwrap().unwrap().state,
        "resolved"
    );
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_inquiry_is_told_again_after_a_restart_and_a_wiped_broker() {
    let mut stage = Stage::new().await;
    let hub = stage.hub().await;
    let inquiry = InquiryId(made(&hub.handle.command(ask(None)).await));
    assert_eq!(task(&stage).await.inquiry, inquiry);
    hub.stop().await.unwrap();
    stage.server.kill();
    stage.server.restart(true);
    let hub = stage.hub().await;
    assert_eq!(task(&stage).await.inquiry, inquiry);
    stage.server.kill();
    stage.server.restart(true);
    assert_eq!(task(&stage).await.inquiry, inquiry);
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_patient_is_asked_about_by_chart_number_unless_the_month_is_not_commissioned() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let unknown = hub.handle.command(ask(Some("70001"))).await;
    assert_eq!(rule(&unknown), "record-unknown");
    stage
        .observe(&file("t1", "a", somebody(1).with_ticket(AT)))
        .await;
    made(&hub.handle.command(ask(Some("70001"))).await);
    let TaskBody::Ticket(question) = task(&stage).await.body else {
        panic!("a ticket was asked for");
    };
    assert_eq!(question.recipient_number.as_str(), "0001001");
    stage
        .observe(&file(
            "t1",
            "b",
            somebody(1).not_commissioned("2026-05-11T01:15:00Z"),
        ))
        .await;
    let forbidden = hub.handle.command(ask(Some("70001"))).await;
    assert_eq!(rule(&forbidden), "not-commissioned");
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_asked_by_itself_is_recorded_and_never_asked_by_the_hub() {
    let mut stage = Stage::new().await;
    let hub = stage.hub().await;
    let theirs: InquiryId = "0197a2b4-0000-5000-8000-0000000000aa".parse().unwrap();
    let told = |progress: &str| {
        let body = json!({ "program": "receipt-a", "function": "OQSsiquc", "inquiry": theirs,
            "progress": progress, "file": "OQSsiquc01req_7.xml",
            "question": { "kind": "ticket", "body": { "payer_number": "12137014",
                "recipient_number": "0001001", "birth_date": "1931-05-01", "confirmed_on": "2026-05-11" } } });
        observed("t1", progress, "request-forwarded", body)
    };
    assert_eq!(
        stage.observe(&told("submitted")).await,
        CommitOutcome::Recorded
    );
    let queries = stage.queries();
    let view = queries.inquiry(theirs).await.unwrap().unwrap();
    assert_eq!(
        (view.state, view.terminal.as_deref()),
        ("submitted", Some("t1"))
    );
    let asked = view.requested.unwrap();
    assert_eq!(asked.requested_by, "receipt-a");
    assert_eq!(asked.program.as_deref(), Some("receipt-a"));

    // Neither now nor after a restart is it told to a terminal: the first task that comes is ours.
    hub.stop().await.unwrap();
    stage.server.kill();
    stage.server.restart(true);
    let hub = stage.hub().await;
    let ours = InquiryId(made(&hub.handle.command(ask(None)).await));
    assert_eq!(task(&stage).await.inquiry, ours);
    // The hub speaks of its own silent inquiry alone.
    stage.clock.advance(Duration::from_secs(300));
    until("the hub speaks", || async {
        let view = queries.inquiry(ours).await.unwrap().unwrap();
        (view.state == "uncertain").then_some(())
    })
    .await;
    let view = queries.inquiry(theirs).await.unwrap().unwrap();
    assert_eq!(view.state, "submitted");

    // What its terminal tells stands, and the late answer lands.
    assert_eq!(
        stage.observe(&told("uncertain")).await,
        CommitOutcome::Recorded
    );
    let mut answer = somebody(1).with_ticket(AT);
    answer["inquiry"] = json!(theirs);
    answer["method"] = json!("ticket");
    stage.observe(&file("t1", "answer", answer)).await;
    let view = queries.inquiry(theirs).await.unwrap().unwrap();
    assert_eq!(view.state, "resolved");
    assert_eq!(view.display.unwrap().code, "assistance-only-ticket-valid");
    let listed = queries.inquiries(10).await.unwrap();
    assert_eq!(listed.len(), 2);
    hub.stop().await.unwrap();
}
