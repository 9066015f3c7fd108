//! A month's tickets: waiting, arriving, vanishing; and what people tell of them.

use serde_json::json;
use shikaku_domain::calendar::{Calendar, MonthState};
use shikaku_ledger::CaseRow;
use shikaku_schemas::command::{AddTicket, Command, InquireCommissioned, RequestTicket};
use shikaku_schemas::event::{CaseReason, EventRecord};
use shikaku_schemas::observation::{CommitOutcome, Observation};
use shikaku_schemas::value::{CaseId, InquiryId, Month};

use crate::seen::{HOSPITAL, file, observed, somebody};
use crate::stage::{Hub, Stage, made, order, rule, until};

const PEOPLE: u32 = 10;
const MAY: Month = Month {
    year: 2026,
    month: 5,
};

async fn calendar(stage: &Stage) -> Calendar {
    let queries = stage.queries();
    queries.calendar(&HOSPITAL.into(), MAY).await.unwrap()
}

async fn settled(stage: &Stage) -> Vec<EventRecord> {
    let mut events = stage.events().await;
    events.retain(|event| event.head.kind == "month-settled");
    events
}

fn progress(run: InquiryId, word: &str) -> Observation {
    let body = json!({ "inquiry": run, "progress": word, "file": format!("{run}.xml"),
        "reception_number": "R1" });
    observed("t1", &format!("{run}|{word}"), "inquiry-progress", body)
}

/// A whole run that shows the tickets of `people`.
async fn run(stage: &Stage, hub: &Hub, day: u32, people: impl Iterator<Item = u32>) -> InquiryId {
    let ask = Command::InquireCommissioned(InquireCommissioned {
        facility: HOSPITAL.into(),
        month: MAY,
        purpose: "test".to_owned(),
    });
    let run = InquiryId(made(&hub.handle.command(order(ask)).await));
    stage.observe(&progress(run, "submitted")).await;
    stage.observe(&progress(run, "accepted")).await;
    let at = format!("2026-05-{day:02}T00:15:00Z");
    let mut units = 0;
    for n in people {
        units += 1;
        let mut answer = somebody(n).with_ticket(&at);
        answer["folder"] = json!("res");
        answer["method"] = json!("commissioned");
        answer["inquiry"] = json!(run);
        stage
            .observe(&observed(
                "t1",
                &format!("{run}|{n}"),
                "oqs-answer-unit",
                answer,
            ))
            .await;
    }
    let manifest = json!({ "inquiry": run, "month": "2026-05", "institution_code": HOSPITAL,
        "units": units, "stated_results": units, "stated_errors": 0, "counts_agree": true });
    let manifest = observed("t1", &format!("{run}|end"), "oqs-answer-manifest", manifest);
    stage.observe(&manifest).await;
    run
}

async fn times_settled(stage: &Stage, times: usize) -> EventRecord {
    until("the month is settled", || async {
        let events = settled(stage).await;
        (events.len() == times).then(|| events.last().unwrap().clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_withdrawn_by_two_complete_runs_and_never_by_an_empty_answer() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    for n in 0..PEOPLE {
        let waits = somebody(n).not_commissioned("2026-05-11T00:15:00Z");
        stage
            .observe(&file("t1", &format!("face {n}"), waits))
            .await;
    }
    assert_eq!(calendar(&stage).await.counts.waiting, PEOPLE);

    run(&stage, &hub, 16, 0..PEOPLE).await;
    let first = times_settled(&stage, 1).await;
    assert_eq!(first.data["arrived"], PEOPLE);
    assert_eq!(first.data["waiting"], 0);

    let second = run(&stage, &hub, 17, 1..PEOPLE).await;
    let told = times_settled(&stage, 2).await;
    assert_eq!(
        (&told.data["withdrawn"], &told.data["missing"]),
        (&json!(0), &json!(1))
    );

    run(&stage, &hub, 18, 0..0).await;
    let cases = until("a person has to look", || async {
        let cases = stage.ledger.cases(true).await.unwrap();
        (!cases.is_empty()).then_some(cases)
    })
    .await;
    assert_eq!(cases[0].reason, CaseReason::TicketsVanished);
    assert_eq!(calendar(&stage).await.counts.arrived, PEOPLE);

    let fourth = run(&stage, &hub, 19, 1..PEOPLE).await;
    let told = times_settled(&stage, 3).await;
    assert_eq!(told.data["withdrawn"], 1);
    let events = stage.events().await;
    let gone: Vec<_> = events
        .iter()
        .filter(|event| event.head.kind == "commissioned-ticket-withdrawn")
        .collect();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].data["runs"], json!([second, fourth]));
    let counts = calendar(&stage).await.counts;
    assert_eq!((counts.arrived, counts.withdrawn), (PEOPLE - 1, 1));

    // It comes back, and nothing is asked of anybody.
    run(&stage, &hub, 20, 0..PEOPLE).await;
    let told = times_settled(&stage, 4).await;
    assert_eq!(
        (&told.data["withdrawn"], &told.data["missing"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(calendar(&stage).await.counts.arrived, PEOPLE);
    hub.stop().await.unwrap();
}

/// The newest open case, once `count` were opened at all.
async fn asked(stage: &Stage, count: usize) -> CaseRow {
    until("a person is asked", || async {
        let events = stage.events().await;
        let opened = events
            .iter()
            .filter(|it| it.head.kind == "identity-case-opened");
        let mut open = stage.ledger.cases(true).await.unwrap();
        (opened.count() == count).then(|| open.pop()).flatten()
    })
    .await
}

async fn close(hub: &Hub, case: CaseId, gone: bool) {
    let close = Command::DecideCase {
        case,
        record: None,
        gone,
    };
    assert_eq!(made(&hub.handle.command(order(close)).await), case.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_has_looked_speaks_of_what_was_missing_then_and_of_no_more() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    run(&stage, &hub, 16, 0..PEOPLE).await;
    times_settled(&stage, 1).await;
    run(&stage, &hub, 17, 0..PEOPLE / 2).await;
    let first = asked(&stage, 1).await;
    assert_eq!(first.candidates.len(), 5);
    let record = Command::DecideCase {
        case: first.case,
        record: Some(first.candidates[0]),
        gone: false,
    };
    let refused = hub.handle.command(order(record)).await;
    assert_eq!(rule(&refused), "not-a-candidate");

    // The same again asks nobody again. A mistake accepts nothing, so that the next one is asked about anew.
    run(&stage, &hub, 18, 0..PEOPLE / 2).await;
    close(&hub, first.case, false).await;
    run(&stage, &hub, 19, 0..PEOPLE / 2).await;
    let second = asked(&stage, 2).await;
    close(&hub, second.case, true).await;
    run(&stage, &hub, 20, 0..PEOPLE / 2).await;
    let told = times_settled(&stage, 2).await;
    assert_eq!(
        (&told.data["withdrawn"], &told.data["missing"]),
        (&json!(0), &json!(5))
    );
    run(&stage, &hub, 21, 0..PEOPLE / 2).await;
    assert_eq!(times_settled(&stage, 3).await.data["withdrawn"], 5);

    // The guard stands for those who are left.
    run(&stage, &hub, 22, 0..2).await;
    assert_eq!(asked(&stage, 3).await.candidates.len(), 3);
    assert_eq!(calendar(&stage).await.counts.arrived, PEOPLE / 2);
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_desk_learns_by_telephone_is_compared_with_what_comes() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let waits = somebody(1).not_commissioned("2026-05-11T00:15:00Z");
    stage.observe(&file("t1", "face", waits)).await;
    let ticket = &somebody(1).with_ticket("2026-05-11T00:15:00Z")["records"][0]["tickets"][0];
    let mut told: AddTicket = serde_json::from_value(json!({
        "facility": HOSPITAL, "patient": "70001", "payer_number": "12137014",
        "recipient_number": "0001001", "ticket": ticket, "source": "telephone", "reason": "urgent",
    }))
    .unwrap();
    told.ticket.self_pay_yen = Some(500);
    let unknown = AddTicket {
        patient: "1".into(),
        ..told.clone()
    };
    let refused = hub.handle.command(order(Command::AddTicket(unknown))).await;
    assert_eq!(rule(&refused), "record-unknown");
    hub.handle.command(order(Command::AddTicket(told))).await;
    let asked = RequestTicket {
        facility: HOSPITAL.into(),
        patient: Some("70001".into()),
        record: None,
        month: MAY,
    };
    hub.handle
        .command(order(Command::RequestTicket(asked)))
        .await;

    let row = calendar(&stage).await.people.remove(0);
    assert_eq!((row.state, row.requested.len()), (MonthState::Waiting, 1));
    assert!(!row.offline[0].reconciled);

    run(&stage, &hub, 16, 1..2).await;
    let row = calendar(&stage).await.people.remove(0);
    assert_eq!(row.state, MonthState::Arrived);
    assert_eq!(row.offline[0].differences, ["self_pay_yen"]);
    hub.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paper_ticket_that_a_receipt_computer_tells_is_as_one_told_at_the_desk() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    let waits = somebody(1).not_commissioned("2026-05-11T00:15:00Z");
    stage.observe(&file("t1", "face", waits)).await;
    let ticket = &somebody(1).with_ticket("2026-05-11T00:15:00Z")["records"][0]["tickets"][0];
    let told = |name: &str, patient: &str, source: &str| {
        let body = json!({ "patient": patient, "payer_number": "12137014",
            "recipient_number": "0001001", "ticket": ticket, "source": source, "reason": "urgent" });
        observed("t1", name, "ticket-entered-offline", body)
    };
    for unfit in [told("a", "1", "paper"), told("b", "70001", "rumour")] {
        assert_eq!(stage.observe(&unfit).await, CommitOutcome::Parked);
    }
    let paper = told("c", "70001", "paper");
    assert_eq!(stage.observe(&paper).await, CommitOutcome::Recorded);
    let events = stage.events().await;
    let sourced = events
        .iter()
        .find(|event| event.head.kind == "ticket-sourced-offline")
        .unwrap();
    assert_eq!(sourced.data["entered_by"], "terminal/t1");
    assert_eq!(sourced.data["reason"], "urgent");
    let row = calendar(&stage).await.people.remove(0);
    assert_eq!((row.state, row.offline.len()), (MonthState::Waiting, 1));

    run(&stage, &hub, 16, 1..2).await;
    let row = calendar(&stage).await.people.remove(0);
    assert!(row.offline[0].reconciled);
    hub.stop().await.unwrap();
}
