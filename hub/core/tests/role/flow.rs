//! From an observation to the ledger, `LOG` and the answer.

use std::collections::HashSet;

use async_nats::{HeaderMap, jetstream};
use shikaku_schemas::command::Command;
use shikaku_schemas::observation::CommitOutcome;

use crate::seen::{file, observed, refusal, resting_on, somebody};
use crate::stage::{Stage, made, order, rule, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_becomes_events_a_log_and_an_answer() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let bytes = vec![b'x'; 150_000];
    let seen = file("t1", "a", somebody(1).with_ticket("2026-05-11T00:15:00Z"));
    let seen = resting_on(seen, &stage.key, &bytes);
    stage.publish_evidence(&seen, &bytes).await;
    assert_eq!(stage.observe(&seen).await, CommitOutcome::Recorded);
    let events = stage.events().await;
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event.head.kind.as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "patient-first-seen",
            "patient-numbered",
            "qualification-granted",
            "commissioned-ticket-arrived",
            "reference-number-registered",
            "verified"
        ]
    );
    let evidence = seen.evidence.as_ref().unwrap();
    for event in &events {
        assert_eq!(event.head.observation_id, Some(seen.observation_id));
        assert_eq!(event.head.evidence.as_ref(), Some(&evidence.id));
        assert_eq!(event.head.as_of, seen.as_of);
        assert!(event.head.patient.is_some());
    }
    assert_eq!(
        stage.ledger.evidence(&evidence.id).await.unwrap(),
        Some(bytes)
    );
    let row = stage.ledger.inbox(&[seen.observation_id]).await.unwrap();
    let row = &row[&seen.observation_id];
    assert_eq!((row.first.unwrap().0, row.last.unwrap().0), (1, 6));
    stage.log_equals_ledger().await;

    // Told again: the same answer, and nothing more.
    stage.publish(&seen).await;
    assert_eq!(stage.told_times(&seen, 2).await, CommitOutcome::Recorded);
    assert_eq!(stage.events().await.len(), events.len());
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_committed_before_the_evidence_is_here() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let late = file(
        "t1",
        "late",
        somebody(1).with_ticket("2026-05-11T00:15:00Z"),
    );
    let late = resting_on(late, &stage.key, b"bytes that come later");
    stage.publish(&late).await;
    let other = file("t1", "b", somebody(2).with_ticket("2026-05-11T00:15:00Z"));
    assert_eq!(stage.observe(&other).await, CommitOutcome::Recorded);
    let row = stage.ledger.inbox(&[late.observation_id]).await.unwrap();
    assert!(row.is_empty());
    stage
        .publish_evidence(&late, b"bytes that come later")
        .await;
    assert_eq!(stage.told(&late).await, CommitOutcome::Recorded);
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_is_parked_told_and_never_lost() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let subject = "shikaku.obs.1319912349.terminal.t1.oqs-answer".to_owned();
    stage
        .send(subject, HeaderMap::new(), b"\xff no json".to_vec())
        .await;
    let stranger = file("t1", "s", somebody(1).with_ticket("2026-05-11T00:15:00Z"));
    let stranger = shikaku_schemas::observation::Observation {
        facility: "1399999999".into(),
        ..stranger
    };
    assert_eq!(stage.observe(&stranger).await, CommitOutcome::Parked);
    let booked = serde_json::json!({ "patient": "1", "on": "2026-05-12", "department": null });
    let booked = observed("t1", "booked", "appointment-booked", booked);
    assert_eq!(stage.observe(&booked).await, CommitOutcome::NothingNew);
    let later = serde_json::json!({ "patient": "1" });
    let later = observed("t1", "later", "disclosure-changed", later);
    assert_eq!(stage.observe(&later).await, CommitOutcome::Parked);

    let queries = stage.queries();
    let parked = until("three are parked", || async {
        let parked = queries.parked().await.unwrap();
        (parked.len() == 3).then_some(parked)
    })
    .await;
    let reasons: HashSet<_> = parked.iter().map(|row| row.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["unreadable", "facility-unknown", "kind-not-supported"].into()
    );
    let jetstream = jetstream::new(stage.tester.clone());
    until("PARKED tells all three", || async {
        let stream = jetstream.get_stream("PARKED").await.ok()?;
        (stream.cached_info().state.messages == 3).then_some(())
    })
    .await;
    until("nothing is left on OBSERVATIONS", || async {
        let stream = jetstream.get_stream("OBSERVATIONS").await.ok()?;
        (stream.cached_info().state.messages == 0).then_some(())
    })
    .await;

    let id = later.observation_id.to_string();
    let again = hub
        .handle
        .command(order(Command::RetryParked { id: id.clone() }))
        .await;
    assert_eq!(rule(&again), "still-parked");
    let discard = Command::DiscardParked {
        id,
        reason: "test".to_owned(),
    };
    hub.handle.command(order(discard)).await;
    assert_eq!(stage.told_times(&later, 2).await, CommitOutcome::NothingNew);
    assert_eq!(queries.parked().await.unwrap().len(), 2);
    assert!(stage.events().await.is_empty());
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_about_nobody_is_an_inquiry_event_alone() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    assert_eq!(
        stage.observe(&file("t1", "r", refusal(None))).await,
        CommitOutcome::Recorded
    );
    let nobody = crate::seen::answer("not-found", "2026-05-11T00:15:00Z", &[]);
    assert_eq!(
        stage.observe(&file("t1", "n", nobody)).await,
        CommitOutcome::Recorded
    );
    assert_eq!(
        stage.kinds().await,
        ["inquiry-rejected", "inquiry-answered"]
    );
    let unasked = refusal(Some("0197aaaa-0000-7000-8000-000000000001"));
    assert_eq!(
        stage.observe(&file("t1", "u", unasked)).await,
        CommitOutcome::Recorded
    );
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_commands_are_answered_to_those_who_may_ask() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    stage
        .observe(&file(
            "t1",
            "a",
            somebody(1).with_ticket("2026-05-11T00:15:00Z"),
        ))
        .await;
    let record = stage.events().await[0].head.patient.unwrap();
    let projections = stage.server.client("projections").await;
    let asked = serde_json::to_vec(&serde_json::json!({ "records": [record] })).unwrap();
    let answer = projections
        .request("shikaku.keys.open", asked.into())
        .await
        .unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(
        answer["keys"][record.to_string()].as_str().unwrap().len(),
        44
    );
    assert_eq!(answer["erased"], serde_json::json!([]));

    let api = stage.server.client("api").await;
    let command = order(Command::LinkRecords {
        records: vec![record],
        reason: "test".to_owned(),
    });
    let payload = serde_json::to_vec(&command).unwrap();
    let subject = "shikaku.cmd.group.link-records";
    let mut replies = Vec::new();
    for _ in 0..2 {
        let reply = api.request(subject, payload.clone().into()).await.unwrap();
        replies.push(serde_json::from_slice(&reply.payload).unwrap());
    }
    // The second is the same command: the same answer, one event.
    assert_eq!(made(&replies[0]), made(&replies[1]));
    assert_eq!(
        stage
            .kinds()
            .await
            .iter()
            .filter(|kind| *kind == "person-linked")
            .count(),
        1
    );
    let junk = api.request(subject, "no json".into()).await.unwrap();
    assert_eq!(
        rule(&serde_json::from_slice(&junk.payload).unwrap()),
        "malformed"
    );
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_hub_stands_by_until_the_first_stops() {
    let stage = Stage::new().await;
    let first = stage.hub().await;
    let (mut ready, cancel, ended) = stage.stand_by();
    stage
        .observe(&file(
            "t1",
            "a",
            somebody(1).with_ticket("2026-05-11T00:15:00Z"),
        ))
        .await;
    assert!(ready.try_recv().is_err());
    first.stop().await.unwrap();
    tokio::time::timeout(crate::stage::DEADLINE, ready)
        .await
        .unwrap()
        .unwrap();
    let seen = file("t1", "b", somebody(2).with_ticket("2026-05-11T00:15:00Z"));
    assert_eq!(stage.observe(&seen).await, CommitOutcome::Recorded);
    cancel.cancel();
    ended.await.unwrap().unwrap();
}
