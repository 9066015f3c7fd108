//! Which record an observation is of.

use std::collections::HashSet;

use futures::future::join_all;
use serde_json::json;
use shikaku_core::query::Who;
use shikaku_schemas::command::{Command, CommandReply};
use shikaku_schemas::event::CaseReason;
use shikaku_schemas::observation::{CommitOutcome, Observation};
use shikaku_schemas::value::{CaseId, RecordId};

use crate::seen::{HOSPITAL, Somebody, file, observed, somebody};
use crate::stage::{Stage, made, order, rule};

const AT: &str = "2026-05-11T00:15:00Z";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_see_the_same_new_patient_at_once_200_times() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let seen: Vec<_> = (0..200)
        .flat_map(|n| {
            ["t1", "t2"].map(|device| file(device, &format!("{n}"), somebody(n).with_ticket(AT)))
        })
        .collect();
    join_all(seen.iter().map(|seen| stage.publish(seen))).await;
    for seen in &seen {
        assert_eq!(stage.told(seen).await, CommitOutcome::Recorded);
    }
    let events = stage.events().await;
    let count = |kind: &str| {
        events
            .iter()
            .filter(|event| event.head.kind == kind)
            .count()
    };
    let records: HashSet<_> = events
        .iter()
        .filter_map(|event| event.head.patient)
        .collect();
    assert_eq!(
        (
            records.len(),
            count("patient-first-seen"),
            count("verified")
        ),
        (200, 200, 400)
    );
    assert_eq!(
        (
            count("commissioned-ticket-arrived"),
            count("identity-case-opened")
        ),
        (200, 0)
    );
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_two_open_cases_wait_for_waits_in_one_and_holds_nobody_up() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    for n in [2, 3] {
        stage
            .observe(&file("t1", &format!("{n}"), somebody(n).with_ticket(AT)))
            .await;
    }
    let by_recipient = Somebody {
        name: "見本　花子",
        kana: "ミホン　ハナコ",
        sex: "female",
        reference: None,
        ..somebody(2)
    };
    let by_both = Somebody {
        reference: somebody(3).reference,
        ..by_recipient.clone()
    };
    let by_chart = Somebody {
        recipient: "7654321".to_owned(),
        ..by_both.clone()
    };
    let waiting = [
        file("t1", "by recipient", by_recipient.with_ticket(AT)),
        file("t1", "by chart", by_chart.with_ticket(AT)),
        file("t1", "by both", by_both.with_ticket(AT)),
    ];
    for seen in &waiting {
        assert_eq!(stage.observe(seen).await, CommitOutcome::Waiting);
    }
    let cases = stage.queries().cases(true).await.unwrap();
    assert_eq!(cases.len(), 2, "{cases:?}");

    for case in cases {
        let decide = Command::DecideCase {
            case: case.case,
            record: None,
            gone: false,
        };
        made(&hub.handle.command(order(decide)).await);
    }
    all_recorded(&stage, &waiting).await;
    assert!(stage.queries().cases(true).await.unwrap().is_empty());
    let other = file("t2", "other", somebody(9).with_ticket(AT));
    assert_eq!(stage.observe(&other).await, CommitOutcome::Recorded);
    hub.stop().await.unwrap();
}

/// The same chart number with another birth date.
fn mistaken(n: u32) -> Somebody {
    Somebody {
        birth: "1999-09-09".to_owned(),
        recipient: "7654321".to_owned(),
        name: "見本　次郎",
        ..somebody(n)
    }
}

/// The one open case, in which two mistaken for the record wait.
async fn opened_for_two(stage: &Stage, record: RecordId) -> CaseId {
    let cases = stage.queries().cases(true).await.unwrap();
    let [case] = &cases[..] else {
        panic!("one case: {cases:?}");
    };
    let asked = (case.reason, case.waiting);
    assert_eq!(asked, (CaseReason::BirthDateDiffers, 2));
    let told = case.told.as_ref().unwrap();
    assert_eq!(told.name.as_deref(), Some("見本　次郎"));
    assert_eq!(case.candidates[0].record, record);
    case.case
}

async fn all_recorded(stage: &Stage, waited: &[Observation]) {
    let ids: Vec<_> = waited.iter().map(|seen| seen.observation_id).collect();
    let rows = stage.ledger.inbox(&ids).await.unwrap();
    for id in ids {
        assert_eq!(rows[&id].outcome, CommitOutcome::Recorded);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_is_opened_waited_in_and_decided() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    stage
        .observe(&file("t1", "right", somebody(1).with_ticket(AT)))
        .await;
    let right = stage.events().await[0].head.patient.unwrap();
    let first = file("t1", "mistaken", mistaken(1).with_ticket(AT));
    assert_eq!(stage.observe(&first).await, CommitOutcome::Waiting);
    let behind = file(
        "t2",
        "mistaken again",
        mistaken(1).with_ticket("2026-05-11T01:15:00Z"),
    );
    assert_eq!(stage.observe(&behind).await, CommitOutcome::Waiting);
    // The one whose number was used does not wait.
    let other = file(
        "t1",
        "right again",
        somebody(1).with_ticket("2026-05-11T02:15:00Z"),
    );
    assert_eq!(stage.observe(&other).await, CommitOutcome::Recorded);

    let case = opened_for_two(&stage, right).await;
    let decide = |record| Command::DecideCase {
        case,
        record,
        gone: false,
    };
    let wrong = hub.handle.command(order(decide(Some(RecordId(case.0)))));
    assert_eq!(rule(&wrong.await), "not-a-candidate");
    let decided = order(decide(None));
    let reply = hub.handle.command(decided.clone()).await;
    assert_eq!(made(&reply), case.0);
    assert_eq!(hub.handle.command(decided).await, reply);
    all_recorded(&stage, &[first, behind]).await;
    let events = stage.events().await;
    let records: HashSet<_> = events
        .iter()
        .filter_map(|event| event.head.patient)
        .collect();
    assert_eq!(records.len(), 2);
    assert!(stage.queries().cases(true).await.unwrap().is_empty());

    // Decided once: the same mistake asks nobody again.
    let later = file(
        "t1",
        "mistaken later",
        mistaken(1).with_ticket("2026-05-11T03:15:00Z"),
    );
    assert_eq!(stage.observe(&later).await, CommitOutcome::Recorded);
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
}

/// Seed 22597 of the simulation: what waited was recorded once for each of the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_who_decide_one_case_at_once_record_it_once() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let right = file("t1", "right", somebody(1).with_ticket(AT));
    stage.observe(&right).await;
    let waits = file("t1", "mistaken", mistaken(1).with_ticket(AT));
    assert_eq!(stage.observe(&waits).await, CommitOutcome::Waiting);
    let case = stage.queries().cases(true).await.unwrap()[0].case;
    let decisions = [(), (), ()].map(|()| {
        let (record, gone) = (None, false);
        let decide = Command::DecideCase { case, record, gone };
        hub.handle.command(order(decide))
    });
    let replies = join_all(decisions).await;
    let done = replies
        .iter()
        .filter(|reply| matches!(reply, CommandReply::Done { .. }));
    assert_eq!(done.count(), 1);
    let events = stage.events().await;
    let recorded = events.iter().filter(|event| {
        let head = &event.head;
        head.kind == "verified" && head.observation_id == Some(waits.observation_id)
    });
    assert_eq!(recorded.count(), 1);
    hub.stop().await.unwrap();
}

/// Somebody whose answers bring no 照会番号.
fn nameless() -> Somebody {
    Somebody {
        reference: None,
        ..somebody(1)
    }
}

/// The one who waited and the one whose ticket came were linked without a question, and are one row of the calendar.
async fn arrived_as_one(stage: &Stage) {
    let kinds = stage.kinds().await;
    let linked = kinds.iter().filter(|kind| *kind == "person-linked");
    assert_eq!(linked.count(), 2, "{kinds:?}");
    assert!(!kinds.contains(&"identity-case-opened".to_owned()));
    let month = shikaku_schemas::value::Month {
        year: 2026,
        month: 5,
    };
    let queries = stage.queries();
    let calendar = queries.calendar(&HOSPITAL.into(), month).await.unwrap();
    let counts = (calendar.counts.waiting, calendar.counts.arrived);
    assert_eq!(counts, (0, 1), "both records are one human's: {calendar:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arriving_ticket_is_offered_to_the_one_who_waits() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let nameless = nameless();
    stage
        .observe(&file("t1", "waits", nameless.not_commissioned(AT)))
        .await;
    stage
        .observe(&file(
            "t1",
            "ticket",
            nameless.with_ticket("2026-05-11T05:15:00Z"),
        ))
        .await;
    let queries = stage.queries();
    let cases = queries.cases(true).await.unwrap();
    assert_eq!(cases.len(), 1, "{:?}", stage.kinds().await);
    assert_eq!(
        (cases[0].reason, cases[0].waiting),
        (CaseReason::LinkOffered, 0)
    );
    let [waits, arrived] = [0, 1].map(|at| cases[0].candidates[at].record);
    let accept = Command::DecideCase {
        case: cases[0].case,
        record: Some(waits),
        gone: false,
    };
    made(&hub.handle.command(order(accept)).await);
    let view = queries
        .history(&HOSPITAL.into(), &Who::Record(arrived), None, None)
        .await
        .unwrap();
    assert_eq!(view.linked, [waits]);

    let undo = Command::UnlinkRecord {
        record: waits,
        reason: "mistake".to_owned(),
    };
    made(&hub.handle.command(order(undo)).await);
    let view = queries
        .history(&HOSPITAL.into(), &Who::Record(arrived), None, None)
        .await
        .unwrap();
    assert!(view.linked.is_empty());
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_waits_with_a_chart_is_one_with_the_ticket_that_comes() {
    let mut stage = Stage::new().await;
    stage.auto_link = true;
    let hub = stage.hub().await;
    let nameless = nameless();
    stage
        .observe(&file("t1", "waits", nameless.not_commissioned(AT)))
        .await;
    let waits = stage.events().await[0].head.patient.unwrap();
    let chart = json!({ "patient": "70001", "record": waits });
    let opened = observed("t1", "chart", "chart-opened", chart);
    assert_eq!(stage.observe(&opened).await, CommitOutcome::Recorded);
    let ticket = nameless.with_ticket("2026-05-11T05:15:00Z");
    stage.observe(&file("t1", "ticket", ticket)).await;
    arrived_as_one(&stage).await;
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sure_offer_is_taken_without_asking_where_config_says_so() {
    let mut stage = Stage::new().await;
    stage.auto_link = true;
    let hub = stage.hub().await;
    let nameless = nameless();
    stage
        .observe(&file("t1", "waits", nameless.not_commissioned(AT)))
        .await;
    stage
        .observe(&file(
            "t1",
            "ticket",
            nameless.with_ticket("2026-05-11T05:15:00Z"),
        ))
        .await;
    arrived_as_one(&stage).await;
    hub.stop().await.unwrap();
}
