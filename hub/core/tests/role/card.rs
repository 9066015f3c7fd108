//! Cards at a desk: committed for ever, told to screens, part of nobody's history.

use std::time::Duration;

use serde_json::json;
use shikaku_schemas::observation::{CardEnd, CommitOutcome, Observation};

use crate::seen::{HOSPITAL, file, observed, somebody};
use crate::stage::Stage;

fn presented(name: &str, number: &str) -> Observation {
    let body = json!({ "desk": "desk-1", "card": "hospital", "patient": number });
    observed("t1", name, "card-presented", body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_is_committed_once_and_makes_no_history() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let mut news = hub.handle.desks().follow();
    let known = somebody(1);
    let number = known.reference.clone().unwrap();
    let answer = file("t1", "a", known.with_ticket("2026-05-11T00:15:00Z"));
    assert_eq!(stage.observe(&answer).await, CommitOutcome::Recorded);
    let events = stage.events().await;
    let record = events.iter().find_map(|event| event.head.patient);

    let card = presented("card", &number);
    for _ in 0..2 {
        assert_eq!(stage.observe(&card).await, CommitOutcome::NothingNew);
    }
    let gone = observed(
        "t1",
        "gone",
        "card-removed",
        json!({ "desk": "desk-1", "card": "hospital", "presented": card.observation_id, "reason": "taken" }),
    );
    assert_eq!(stage.observe(&gone).await, CommitOutcome::NothingNew);

    let row = stage.ledger.inbox(&[card.observation_id]).await.unwrap();
    assert_eq!(row[&card.observation_id].outcome, CommitOutcome::NothingNew);
    assert_eq!(
        row[&card.observation_id].observation, None,
        "no number is kept"
    );
    assert_eq!(
        stage.events().await.len(),
        events.len(),
        "no event of its own"
    );

    let first = tokio::time::timeout(Duration::from_secs(10), news.recv());
    let first = first.await.unwrap().unwrap();
    assert_eq!((first.ended, first.shown.record), (None, record));
    assert!(record.is_some() && first.shown.facility.as_str() == HOSPITAL);
    let second = tokio::time::timeout(Duration::from_secs(10), news.recv());
    assert_eq!(second.await.unwrap().unwrap().ended, Some(CardEnd::Taken));
    assert!(news.try_recv().is_err(), "redelivery is no news");
    hub.stop().await.unwrap();
}
