//! An answer that two cases wait for goes from the one to the other.

use shikaku_schemas::command::CommandReply;
use shikaku_schemas::event::EventRecord;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{CaseId, ObservationId, RecordId};

use super::*;

const AT: &str = "2026-05-11T00:15:00Z";

/// Hanako: the charts of two others, and of a third the numbers, are mistaken for hers.
fn hanako(chart: Option<u32>, recipient: u32) -> Somebody {
    let number = |n: u32| somebody(n).reference;
    Somebody {
        name: "見本　花子",
        kana: "ミホン　ハナコ",
        sex: "female",
        birth: somebody(2).birth,
        recipient: format!("{:07}", 1000 + recipient),
        reference: chart.and_then(number),
        ..somebody(2)
    }
}

impl Bench {
    async fn tell(&mut self, name: &str, who: &Somebody) -> (ObservationId, CommitOutcome) {
        let seen = file("t1", name, who.with_ticket(AT));
        let id = seen.observation_id;
        let replies = self.settle(vec![Work::Observation(Box::new(seen))]).await;
        match replies[..] {
            [Reply::Committed { outcome, .. }] => (id, outcome),
            _ => panic!("{replies:?}"),
        }
    }

    async fn waits(&mut self, name: &str, who: &Somebody) -> ObservationId {
        let (id, outcome) = self.tell(name, who).await;
        assert_eq!(outcome, CommitOutcome::Waiting);
        id
    }

    /// The open case that an observation opened.
    async fn case_of(&self, id: ObservationId) -> CaseId {
        let open = self.ledger.cases(true).await.unwrap();
        let mut open = open.into_iter();
        open.find(|row| row.observation_id == Some(id))
            .unwrap()
            .case
    }

    async fn decide(&mut self, case: CaseId, record: Option<RecordId>) {
        let decide = CommandEnvelope {
            command_id: case.0,
            by: "operator".to_owned(),
            command: Command::DecideCase {
                case,
                record,
                gone: false,
            },
        };
        let replies = self.settle(vec![Work::Command(Box::new(decide))]).await;
        let [Reply::Command(CommandReply::Done { .. })] = &replies[..] else {
            panic!("{replies:?}");
        };
    }

    /// The record on which an answer stands.
    async fn record_of(&self, id: ObservationId) -> Option<RecordId> {
        let page = self.ledger.read_page(Position(0), 10_000).await.unwrap();
        let records: Vec<EventRecord> = self.ledger.records(&page).await.unwrap();
        let mut heads = records.into_iter().map(|record| record.head);
        heads
            .find(|head| head.kind == "verified" && head.observation_id == Some(id))?
            .patient
    }
}

#[tokio::test]
async fn what_a_person_decides_is_of_the_answer_that_was_asked_about() {
    let mut bench = Bench::new(false).await;
    let (of_two, _) = bench.tell("two", &somebody(2)).await;
    for n in [3, 5] {
        bench.tell(&format!("{n}"), &somebody(n)).await;
    }
    let two = bench.record_of(of_two).await.unwrap();
    let of_three = bench.waits("three's chart", &hanako(Some(3), 103)).await;
    let of_five = bench.waits("five's chart", &hanako(Some(5), 105)).await;
    bench
        .waits("five's chart, two's number", &hanako(Some(5), 2))
        .await;
    let between = bench
        .waits("three's chart, two's number", &hanako(Some(3), 2))
        .await;
    let asked_about = bench.waits("two's number", &hanako(None, 2)).await;

    bench.decide(bench.case_of(of_five).await, None).await;
    let last = bench.case_of(asked_about).await;
    bench.decide(bench.case_of(of_three).await, None).await;
    // It went on to wait in a case that was opened by one that came after it.
    assert_eq!(
        bench.ledger.waiting_in(last).await.unwrap(),
        [between, asked_about]
    );
    // Nobody waits with the chart that was decided on.
    let (again, outcome) = bench
        .tell("three's chart again", &hanako(Some(3), 104))
        .await;
    assert_eq!(outcome, CommitOutcome::Recorded);

    bench.decide(last, Some(two)).await;
    assert_eq!(bench.record_of(asked_about).await, Some(two));
    let three = bench.record_of(of_three).await;
    assert!(three.is_some() && three != Some(two));
    assert_eq!(bench.record_of(between).await, three);
    assert_eq!(bench.record_of(again).await, three);
    assert!(bench.ledger.cases(true).await.unwrap().is_empty());
}
