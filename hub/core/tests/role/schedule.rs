//! Runs that the hub asks for by itself, as its clock goes on.

use jiff::Timestamp;
use shikaku_core::query::InquiryView;
use shikaku_schemas::clock::Clock as _;

use crate::stage::{Stage, until};

fn go_to(stage: &Stage, time: &str) {
    let time: Timestamp = time.parse().unwrap();
    let by = time.duration_since(stage.clock.now()).unsigned_abs();
    stage.clock.advance(by);
}

async fn runs(stage: &Stage, month: &str) -> Vec<InquiryView> {
    let month = month.parse().ok();
    let mut all = stage.queries().inquiries(100).await.unwrap();
    all.retain(|view| {
        let asked = view.requested.as_ref();
        asked.is_some_and(|asked| asked.month == month)
    });
    all
}

/// Waits for one run at each of the two facilities.
async fn both_are_asked(stage: &Stage, month: &str) {
    until("both facilities are asked about", || async {
        (runs(stage, month).await.len() == 2).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_fetched_once_after_the_offices_register_whatever_restarts() {
    let mut stage = Stage::new().await;
    stage.schedule = true;
    go_to(&stage, "2027-05-16T03:00:00Z");
    let hub = stage.hub().await;
    both_are_asked(&stage, "2027-05").await;
    hub.stop().await.unwrap();
    let hub = stage.hub().await;
    // That June is asked for shows that the schedule has run again.
    go_to(&stage, "2027-06-16T03:00:00Z");
    both_are_asked(&stage, "2027-06").await;
    let may = runs(&stage, "2027-05").await;
    assert_eq!(may.len(), 2);
    for view in may {
        assert_eq!(view.requested.unwrap().requested_by, "schedule");
    }
    hub.stop().await.unwrap();
}
