//! The domain through cqrs-es's test framework, and why its stores are not used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cqrs_es::persist::{
    PersistedEventRepository, PersistedEventStore, PersistenceError, ReplayStream, SerializedEvent,
    SerializedSnapshot,
};
use cqrs_es::test::TestFramework;
use cqrs_es::{CqrsFramework, EventStore as _};
use serde_json::Value;
use shikaku_schemas::event::{InquiryRequested, InquirySubmitted, InquiryTimedOut};
use shikaku_schemas::value::{InquiryId, InquiryKind};
use uuid::Uuid;

use super::*;

fn requested() -> Fact {
    Fact::plain(Event::InquiryRequested(InquiryRequested {
        inquiry: InquiryId(Uuid::from_u128(1)),
        kind: InquiryKind::Ticket,
        requested_by: "desk".to_owned(),
        purpose: "visit".to_owned(),
        payer_number: None,
        recipient_number: None,
        birth_date: None,
        on: jiff::civil::date(2026, 5, 11),
        month: None,
        record: None,
        question: None,
        repeats: None,
        terminal: None,
        program: None,
    }))
}

#[test]
fn a_request_is_noted_as_submitted() {
    TestFramework::<InquiryProcess>::with(())
        .given(vec![requested()])
        .when(InquiryCommand::NoteSubmitted {
            terminal: "t1".to_owned(),
            file: "a.xml".to_owned(),
        })
        .then_expect_events(vec![Fact::plain(Event::InquirySubmitted(
            InquirySubmitted {
                inquiry: InquiryId(Uuid::from_u128(1)),
                terminal: "t1".to_owned(),
                file: "a.xml".to_owned(),
            },
        ))]);
}

#[test]
fn an_inquiry_that_is_over_is_not_submitted_with_another_file() {
    TestFramework::<InquiryProcess>::with(())
        .given(vec![
            requested(),
            Fact::plain(Event::InquirySubmitted(InquirySubmitted {
                inquiry: InquiryId(Uuid::from_u128(1)),
                terminal: "t1".to_owned(),
                file: "a.xml".to_owned(),
            })),
            Fact::plain(Event::InquiryTimedOut(InquiryTimedOut {
                inquiry: InquiryId(Uuid::from_u128(1)),
            })),
        ])
        .when(InquiryCommand::NoteSubmitted {
            terminal: "t1".to_owned(),
            file: "b.xml".to_owned(),
        })
        .then_expect_error(InquiryRejection::AlreadySubmitted);
}

#[test]
fn nobody_visits_an_unknown_record() {
    TestFramework::<PatientState>::with(())
        .given_no_previous_events()
        .when(PatientCommand::AcceptVisit(
            shikaku_schemas::event::VisitAccepted {
                visited_on: jiff::civil::date(2026, 5, 11),
                department: None,
            },
        ))
        .then_expect_error(PatientRejection::RecordUnknown);
}

/// A balance: the smallest aggregate that shows an event applied twice.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    balance: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Deposited(i64);

impl DomainEvent for Deposited {
    fn event_type(&self) -> String {
        "deposited".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
struct Never;

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = i64;
    type Event = Deposited;
    type Error = Never;
    type Services = ();

    async fn handle(&mut self, amount: i64, _: &(), sink: &EventSink<Self>) -> Result<(), Never> {
        sink.write(Deposited(amount), self).await;
        Ok(())
    }

    fn apply(&mut self, event: Deposited) {
        self.balance += event.0;
    }
}

/// Keeps what it is given, and adds nothing of its own.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    events: Vec<SerializedEvent>,
    snapshots: HashMap<String, (Value, usize, usize)>,
}

impl PersistedEventRepository for Memory {
    async fn get_events<A: Aggregate>(
        &self,
        id: &str,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.get_last_events::<A>(id, 0).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        id: &str,
        last: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let kept = self.0.lock().unwrap();
        let wanted = |event: &&SerializedEvent| event.aggregate_id == id && event.sequence > last;
        Ok(kept.events.iter().filter(wanted).cloned().collect())
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        let kept = self.0.lock().unwrap();
        Ok(kept
            .snapshots
            .get(id)
            .map(|(aggregate, sequence, snapshot)| SerializedSnapshot {
                aggregate_id: id.to_owned(),
                aggregate: aggregate.clone(),
                current_sequence: *sequence,
                current_snapshot: *snapshot,
            }))
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        snapshot: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        let mut kept = self.0.lock().unwrap();
        kept.events.extend(events.iter().cloned());
        if let Some((id, aggregate, number)) = snapshot {
            let sequence = kept.events.len();
            kept.snapshots.insert(id, (aggregate, sequence, number));
        }
        Ok(())
    }

    async fn stream_events<A: Aggregate>(&self, _: &str) -> Result<ReplayStream, PersistenceError> {
        Ok(ReplayStream::new(1).1)
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        Ok(ReplayStream::new(1).1)
    }
}

async fn balance_after_four_deposits(
    store: impl Fn(Memory) -> PersistedEventStore<Memory, Account>,
) -> i64 {
    let memory = Memory::default();
    let bank = CqrsFramework::new(store(memory.clone()), vec![], ());
    for _ in 0..4 {
        bank.execute("a", 10).await.unwrap();
    }
    let context = store(memory).load_aggregate("a").await.unwrap();
    context.aggregate.balance
}

#[tokio::test]
async fn cqrs_es_own_snapshot_and_aggregate_stores_apply_events_twice() {
    assert_eq!(
        balance_after_four_deposits(PersistedEventStore::new_event_store).await,
        40
    );
    assert_eq!(
        balance_after_four_deposits(|memory| PersistedEventStore::new_snapshot_store(memory, 2))
            .await,
        60,
        "if this is 40, cqrs-es has mended its snapshots: read traps again before using them"
    );
    assert_eq!(
        balance_after_four_deposits(PersistedEventStore::new_aggregate_store).await,
        80
    );
}
