//! Bulk jobs, with somebody at the other end who speaks NATS for two terminals.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::pull;
use futures::StreamExt as _;
use serde_json::{Value, json};
use shikaku_schemas::command::{
    Command, CommandEnvelope, InquireBulk, InquireCommissioned, ListedPerson,
};
use shikaku_schemas::event::CaseReason;
use shikaku_schemas::observation::{CommitOutcome, Observation};
use shikaku_schemas::task::{QualificationNumbers, Task, TaskBody};
use shikaku_schemas::value::InquiryId;

use crate::seen::{HOSPITAL, Somebody, file, observed, refusal, somebody};
use crate::stage::{Stage, made, order, rule, until};

const AT: &str = "2026-05-11T00:15:00Z";

/// Takes the next task as a terminal does.
async fn task(stage: &Stage, terminal: &str) -> Task {
    let jetstream = jetstream::new(stage.tester.clone());
    let durable = format!("terminal-{HOSPITAL}-{terminal}");
    until("a task comes", || async {
        let consumer = jetstream
            .get_consumer_from_stream::<pull::Config, _, _>(&durable, "TASKS")
            .await
            .ok()?;
        let mut messages = consumer.fetch().max_messages(1).messages().await.ok()?;
        let message = messages.next().await?.ok()?;
        message.double_ack().await.ok()?;
        Some(serde_json::from_slice(&message.payload).unwrap())
    })
    .await
}

fn commissioned(month: &str) -> Command {
    Command::InquireCommissioned(InquireCommissioned {
        facility: HOSPITAL.into(),
        month: month.parse().unwrap(),
        purpose: "test".to_owned(),
    })
}

fn listed(one: &Somebody, patient: Option<&str>) -> ListedPerson {
    ListedPerson {
        numbers: QualificationNumbers {
            insurer_number: one.payer.to_owned(),
            symbol: None,
            number: one.recipient.clone(),
            branch: None,
        },
        birth_date: one.birth.parse().unwrap(),
        patient: patient.map(Into::into),
    }
}

fn bulk(rows: Vec<ListedPerson>) -> Command {
    Command::InquireBulk(InquireBulk {
        facility: HOSPITAL.into(),
        on: Some("2026-05-11".parse().unwrap()),
        insurance: false,
        rows,
        purpose: "test".to_owned(),
        repeats: None,
    })
}

fn told(terminal: &str, job: InquiryId, progress: &str, more: Value) -> Observation {
    let mut body = json!({ "inquiry": job, "progress": progress, "file": "a.xml" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let name = format!("{job}|{progress}|{more}");
    observed(terminal, &name, "inquiry-progress", body)
}

fn accepted(terminal: &str, job: InquiryId) -> Observation {
    told(
        terminal,
        job,
        "accepted",
        json!({ "reception_number": "R1" }),
    )
}

fn unit(job: InquiryId, row: &str, mut answer: Value) -> Observation {
    answer["folder"] = json!("res");
    answer["method"] = json!("bulk");
    answer["inquiry"] = json!(job);
    answer["search"] = json!({ "arbitrary_identifier": row });
    observed("t1", &format!("{job}|{row}"), "oqs-answer-unit", answer)
}

fn manifest(job: InquiryId, units: u32) -> Observation {
    let body = json!({ "inquiry": job, "units": units, "stated_results": units,
        "counts_agree": true, "executed_at": AT });
    observed(
        "t1",
        &format!("{job}|manifest"),
        "oqs-answer-manifest",
        body,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_close_of_a_result_answers_its_job() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let early = hub.handle.command(order(commissioned("2023-09"))).await;
    assert_eq!(rule(&early), "month-too-early");
    let job = InquiryId(made(
        &hub.handle.command(order(commissioned("2026-05"))).await,
    ));
    let asked = task(&stage, "t1").await;
    assert_eq!((asked.inquiry, asked.resume), (job, None));
    assert!(matches!(asked.body, TaskBody::Commissioned(_)));
    stage
        .observe(&told("t1", job, "submitted", json!({})))
        .await;
    stage.observe(&accepted("t1", job)).await;
    stage
        .observe(&told("t1", job, "received", json!({ "count": 2 })))
        .await;
    for n in 1..=2 {
        let seen = unit(job, &n.to_string(), somebody(n).with_ticket(AT));
        assert_eq!(stage.observe(&seen).await, CommitOutcome::Recorded);
    }
    let progress = hub.handle.jobs().progress(job);
    assert_eq!((progress.received, progress.committed), (Some(2), 2));
    let queries = stage.queries();
    let state = || async { queries.inquiry(job).await.unwrap().unwrap().state };
    assert_eq!(state().await, "accepted");
    stage.observe(&manifest(job, 2)).await;
    assert_eq!(state().await, "answered");
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_terminal_is_silent_is_gone_on_with_at_another() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let job = InquiryId(made(
        &hub.handle.command(order(commissioned("2026-05"))).await,
    ));
    task(&stage, "t1").await;
    stage.observe(&accepted("t1", job)).await;
    stage.clock.advance(Duration::from_secs(301));
    let resumed = task(&stage, "t2").await;
    assert_eq!(resumed.inquiry, job);
    assert_eq!(resumed.resume.as_deref(), Some("R1"));
    stage
        .observe(&told("t2", job, "polled", json!({ "count": 1 })))
        .await;
    stage.observe(&manifest(job, 0)).await;
    let view = stage.queries().inquiry(job).await.unwrap().unwrap();
    assert_eq!(
        (view.state, view.terminal.as_deref()),
        ("answered", Some("t2"))
    );
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_the_only_terminal_is_told_to_it_again() {
    let mut stage = Stage::new().await;
    stage.terminals = vec!["t1"];
    let hub = stage.hub().await;
    let job = InquiryId(made(
        &hub.handle.command(order(commissioned("2026-05"))).await,
    ));
    assert_eq!(task(&stage, "t1").await.resume, None);
    stage.observe(&accepted("t1", job)).await;
    stage.clock.advance(Duration::from_secs(301));
    let resumed = task(&stage, "t1").await;
    assert_eq!(
        (resumed.inquiry, resumed.resume.as_deref()),
        (job, Some("R1"))
    );
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lapsed_job_is_asked_anew_twice_and_no_more() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let mut job = InquiryId(made(
        &hub.handle.command(order(commissioned("2026-05"))).await,
    ));
    let mut all = vec![job];
    for _ in 0..2 {
        assert_eq!(task(&stage, "t1").await.inquiry, job);
        stage.observe(&accepted("t1", job)).await;
        stage.observe(&told("t1", job, "lapsed", json!({}))).await;
        let next = until("it is asked anew", || async {
            let known = stage.queries().inquiries(10).await.unwrap();
            let next = known
                .into_iter()
                .find(|view| view.requested.as_ref().and_then(|asked| asked.repeats) == Some(job));
            Some(next?.inquiry)
        })
        .await;
        assert!(!all.contains(&next));
        job = next;
        all.push(next);
    }
    assert_eq!(task(&stage, "t1").await.inquiry, job);
    stage.observe(&told("t1", job, "lapsed", json!({}))).await;
    // Something later in the ledger shows that the end of the third was looked at and left alone.
    let other = InquiryId(made(
        &hub.handle.command(order(commissioned("2026-04"))).await,
    ));
    assert_eq!(task(&stage, "t1").await.inquiry, other);
    assert_eq!(stage.queries().inquiries(10).await.unwrap().len(), 4);
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_matched_and_another_payer_waits_for_a_person() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let plain = |n| Somebody {
        reference: None,
        ..somebody(n)
    };
    let rows = vec![
        listed(&plain(1), Some("90001")),
        listed(&plain(2), None),
        listed(&plain(3), None),
    ];
    let job = InquiryId(made(&hub.handle.command(order(bulk(rows))).await));
    let TaskBody::Bulk(question) = task(&stage, "t1").await.body else {
        panic!("a bulk job was asked for");
    };
    let identifiers: Vec<_> = question
        .rows
        .iter()
        .map(|row| row.identifier.as_str())
        .collect();
    assert_eq!(identifiers, ["1", "2", "3"]);
    // Not in order; the second moved to another office.
    let moved = Somebody {
        payer: "12997029",
        ..plain(2)
    };
    let seen = unit(job, "2", moved.with_ticket(AT));
    assert_eq!(stage.observe(&seen).await, CommitOutcome::Waiting);
    let cases = stage.ledger.cases(true).await.unwrap();
    assert_eq!(cases[0].reason, CaseReason::IssuerDiffers);
    let refused = json!({ "rejected": true, "code": "E9", "message": "入力誤り", "records": [],
        "confirmed_on": "2026-05-11", "executed_at": AT });
    stage.observe(&unit(job, "3", refused)).await;
    stage
        .observe(&unit(job, "1", plain(1).with_ticket(AT)))
        .await;
    stage.observe(&manifest(job, 3)).await;
    let view = stage.queries().inquiry(job).await.unwrap().unwrap();
    assert_eq!(view.state, "answered");
    let errors = stage.queries().errors(&view).await.unwrap();
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.row.as_deref(), error.code.as_deref()))
        .collect();
    assert_eq!(told, [(Some("3"), Some("E9"))]);
    assert!(
        stage
            .kinds()
            .await
            .iter()
            .any(|kind| kind == "patient-numbered")
    );
    let progress = hub.handle.jobs().progress(job);
    assert_eq!((progress.committed, progress.waiting), (3, 1));
    hub.stop().await.unwrap();
}

fn nameless(n: u32) -> Somebody {
    Somebody {
        reference: None,
        ..somebody(n)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_a_job_are_asked_again_once_without_whom_was_answered_since() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let queries = stage.queries();
    let rows = (1..=3).map(|n| listed(&nameless(n), None)).collect();
    let job = InquiryId(made(&hub.handle.command(order(bulk(rows))).await));
    task(&stage, "t1").await;
    let facility = HOSPITAL.into();
    let retry = async || queries.retry(&facility, job, "again").await.unwrap();
    assert_eq!(rule(&retry().await.unwrap_err()), "inquiry-not-over");
    for row in ["2", "3"] {
        stage.observe(&unit(job, row, refusal(None))).await;
    }
    let not_found = json!({ "rejected": false, "validity": "not-found", "records": [],
        "confirmed_on": "2026-05-11", "executed_at": AT });
    stage.observe(&unit(job, "1", not_found)).await;
    stage.observe(&manifest(job, 3)).await;
    let carded = file("t1", "carded", nameless(2).with_ticket(AT));
    stage.observe(&carded).await;

    let first = retry().await.unwrap();
    assert_eq!(first.answered_since, ["2"]);
    assert_eq!(first.question.rows, [listed(&nameless(3), None)]);
    let give = async |retry: shikaku_core::query::Retry| {
        let envelope = CommandEnvelope {
            command_id: retry.command_id,
            ..order(Command::InquireBulk(retry.question))
        };
        InquiryId(made(&hub.handle.command(envelope).await))
    };
    let again = give(first).await;
    let TaskBody::Bulk(question) = task(&stage, "t1").await.body else {
        panic!("a bulk job was asked for");
    };
    assert_eq!(question.rows.len(), 1);
    let view = queries.inquiry(again).await.unwrap().unwrap();
    assert_eq!(view.requested.unwrap().repeats, Some(job));

    let answered = unit(again, "1", nameless(3).with_ticket(AT));
    assert_eq!(stage.observe(&answered).await, CommitOutcome::Recorded);
    stage.observe(&manifest(again, 1)).await;
    assert_eq!(give(retry().await.unwrap()).await, again);
    assert_eq!(queries.inquiries(10).await.unwrap().len(), 2);
    let elsewhere = "1310000014".into();
    let refused = queries.retry(&elsewhere, job, "again").await.unwrap();
    assert_eq!(rule(&refused.unwrap_err()), "inquiry-of-another-facility");
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_job_that_never_went_out_everybody_is_asked_again() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let rows = vec![listed(&nameless(1), None), listed(&nameless(2), None)];
    let job = InquiryId(made(&hub.handle.command(order(bulk(rows))).await));
    task(&stage, "t1").await;
    stage
        .observe(&told("t1", job, "timed-out", json!({})))
        .await;
    let facility = HOSPITAL.into();
    let retry = stage.queries().retry(&facility, job, "again").await;
    assert_eq!(retry.unwrap().unwrap().question.rows.len(), 2);
    hub.stop().await.unwrap();
}
