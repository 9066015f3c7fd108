//! What the ledger refuses each time.

use shikaku_schemas::event::InquiryRequested;
use shikaku_schemas::value::{InquiryId, InquiryKind, RecordId};

use super::*;

/// An older inquiry, which is no secret of the record that it is about.
fn requested(inquiry: InquiryId, record: RecordId) -> Draft {
    let asked = InquiryRequested {
        inquiry,
        kind: InquiryKind::Ticket,
        requested_by: "operator".to_owned(),
        purpose: "test".to_owned(),
        payer_number: Some("12137014".into()),
        recipient_number: Some("0001001".into()),
        birth_date: Some("1931-05-01".parse().unwrap()),
        on: "2026-05-11".parse().unwrap(),
        month: None,
        record: Some(record),
        question: None,
        repeats: None,
        terminal: None,
        program: None,
    };
    let event = Event::InquiryRequested(asked);
    Draft::new(event, StreamId::inquiry(inquiry), 0)
}

#[tokio::test]
async fn a_turn_that_can_never_be_recorded_is_not_asked_for_again_and_again() {
    let mut bench = Bench::new(false).await;
    let seen = file("t1", "a", somebody(1).with_ticket("2026-05-11T00:15:00Z"));
    bench.settle(vec![Work::Observation(Box::new(seen))]).await;
    let page = bench.ledger.read_page(Position(0), 1).await.unwrap();
    let record = page[0].head.patient.unwrap();
    let inquiry = InquiryId(Uuid::from_u128(7));
    let batch = Batch {
        events: vec![requested(inquiry, record)],
        ..Batch::default()
    };
    bench.sequencer.writer.append(batch).await.unwrap();
    bench.ledger.erase(record).await.unwrap();

    let overdue = || Work::Overdue(inquiry);
    assert_eq!(bench.settle(vec![overdue()]).await, [Reply::Unreadable]);
    let other = file("t1", "b", somebody(2).with_ticket("2026-05-11T00:15:00Z"));
    let works = vec![overdue(), Work::Observation(Box::new(other))];
    let replies = bench.settle(works).await;
    assert!(
        matches!(replies[..], [Reply::Unreadable, Reply::Committed { .. }]),
        "{replies:?}"
    );
}
