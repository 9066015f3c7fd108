//! What was valid, what did we know, and when?

use serde_json::json;
use shikaku_core::query::{KnownAt, QueryError, Who};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{Method, Position, RecordId, Validity};

use crate::seen::{HOSPITAL, answer, file, observed, somebody};
use crate::stage::Stage;

const DAY: &str = "2026-05-11";

fn on() -> jiff::civil::Date {
    DAY.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn april_keeps_its_numbers_and_may_shows_none() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let one = somebody(1);
    let mut april = one.with_ticket("2026-04-10T00:15:00Z");
    april["confirmed_on"] = json!("2026-04-10");
    let ticket = &mut april["records"][0]["tickets"][0];
    ticket["treatment_month"] = json!("2026-04");
    ticket["valid_from"] = json!("2026-04-01");
    ticket["valid_to"] = json!("2026-04-30");
    stage.observe(&file("t1", "april", april)).await;
    let known_in_april = stage.ledger.head().await.unwrap().position;
    let may = one.not_commissioned("2026-05-11T00:15:00Z");
    stage.observe(&file("t1", "may", may)).await;
    let queries = stage.queries();
    let who = Who::Patient("70001".into());
    let history = async |on: &str, known_at| {
        let on = on.parse().unwrap();
        let view = queries
            .history(&HOSPITAL.into(), &who, Some(on), known_at)
            .await;
        serde_json::to_string(&view.unwrap()).unwrap()
    };
    assert!(history("2026-04-10", None).await.contains("0001001"));
    assert!(!history(DAY, None).await.contains("0001001"));
    assert!(
        history(DAY, Some(KnownAt::Position(known_in_april)))
            .await
            .contains("0001001")
    );
    let shown = async |method, on: &str| {
        let on = on.parse().unwrap();
        let here = HOSPITAL.into();
        let view = queries.display(&here, &who, method, on, None);
        view.await.unwrap()
    };
    let today = shown(Method::Card, DAY).await;
    assert_eq!(today.display.code, "assistance-only-card-not-commissioned");
    assert!(!serde_json::to_string(&today).unwrap().contains("0001001"));
    let then = shown(Method::Card, "2026-04-10").await;
    assert_eq!(then.display.code, "assistance-only-card-valid");
    assert!(serde_json::to_string(&then).unwrap().contains("0001001"));
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_learnt_later_changes_the_day_but_not_what_was_known_then() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let one = somebody(1);
    let valid = one.with_ticket("2026-05-11T00:15:00Z");
    stage.observe(&file("t1", "valid", valid.clone())).await;
    let known_then = stage.ledger.head().await.unwrap().position;
    let mut record = valid["records"][0].clone();
    record["tickets"] = json!([]);
    record["disqualified_on"] = json!("2026-05-01");
    record["valid_to"] = json!("2026-04-30");
    let mut lost = answer("lost", "2026-05-20T00:15:00Z", &[record]);
    lost["confirmed_on"] = json!("2026-05-20");
    stage.observe(&file("t1", "lost", lost)).await;
    let queries = stage.queries();
    let record = stage.events().await[0].head.patient.unwrap();
    let shown = async |known_at| {
        let who = Who::Record(record);
        let here = HOSPITAL.into();
        let view = queries.display(&here, &who, Method::Card, on(), known_at);
        view.await.unwrap().validity
    };
    assert_eq!(shown(None).await, Validity::Lost);
    assert_eq!(
        shown(Some(KnownAt::Position(known_then))).await,
        Validity::Valid
    );
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_known_at_its_own_facility_alone() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    stage
        .observe(&file(
            "t1",
            "a",
            somebody(1).with_ticket("2026-05-11T00:15:00Z"),
        ))
        .await;
    let queries = stage.queries();
    let record = stage.events().await[0].head.patient.unwrap();
    for who in [Who::Record(record), Who::Patient("70001".into())] {
        let here = queries.record(&HOSPITAL.into(), &who).await;
        assert_eq!(here.unwrap(), record);
        let elsewhere = queries.record(&"1310000014".into(), &who).await;
        assert!(matches!(elsewhere, Err(QueryError::RecordUnknown)));
        let nowhere = queries.record(&"1399999999".into(), &who).await;
        assert!(matches!(nowhere, Err(QueryError::FacilityUnknown)));
    }
    let nobody = Who::Record(RecordId(uuid::Uuid::nil()));
    assert!(queries.record(&HOSPITAL.into(), &nobody).await.is_err());
    assert_eq!(queries.standing().await.unwrap().1, Position(6));
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_expected_on_a_day_is_known_once_if_they_have_a_record() {
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
    let book = |name: &str, patient: &str, on: &str| {
        let body = json!({ "patient": patient, "on": on, "department": "内科" });
        observed("t1", name, "appointment-booked", body)
    };
    for (name, patient, on, outcome) in [
        ("b", "70001", "2026-05-12", CommitOutcome::Recorded),
        ("c", "70001", "2026-05-12", CommitOutcome::Recorded),
        ("d", "70001", "2026-06-12", CommitOutcome::Recorded),
        ("e", "79999", "2026-05-12", CommitOutcome::NothingNew),
    ] {
        assert_eq!(stage.observe(&book(name, patient, on)).await, outcome);
    }
    let queries = stage.queries();
    let booked = |facility: &str, on: &str| {
        let (facility, on) = (facility.into(), on.parse().unwrap());
        let queries = queries.clone();
        async move { queries.booked(&facility, on).await.unwrap() }
    };
    assert_eq!(booked(HOSPITAL, "2026-05-12").await, [record]);
    assert_eq!(booked(HOSPITAL, "2026-06-12").await, [record]);
    assert!(booked(HOSPITAL, "2026-05-13").await.is_empty());
    assert!(booked("1310000014", "2026-05-12").await.is_empty());
    hub.stop().await.unwrap();
}
