//! Memory answers as a database does, whatever is done in whatever order.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use proptest::prelude::*;
use shikaku_schemas::feed::{Audience, FeedVariant};
use shikaku_schemas::value::{EventId, FacilityCode, Position, RecordId};
use uuid::Uuid;

use super::{Fate, MemoryDatabases, Weather};
use crate::log::StoreIdentity;
use crate::options::Database;
use crate::store::{
    Advance, Change, Checkpoint, History, OutboxRow, ParkedRow, Place, Queued, RowChange, Store,
    Which,
};

/// More than any case makes.
const ALL: u32 = 1000;

#[derive(Debug)]
struct Fine;

impl Weather for Fine {
    fn meet(&self) -> BoxFuture<'static, Fate> {
        std::future::ready(Fate::Arrives).boxed()
    }
}

/// One call, made of small numbers so that calls meet each other.
#[derive(Debug, Clone)]
struct Call {
    what: u8,
    facility: u8,
    record: u8,
    number: u64,
    /// What a commit changes.
    parts: u16,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = (0..24_u8, 0..2_u8, 0..3_u8, 0..6_u64, any::<u16>());
    let call = call.prop_map(|(what, facility, record, number, parts)| Call {
        what,
        facility,
        record,
        number,
        parts,
    });
    proptest::collection::vec(call, 1..40)
}

fn code(facility: u8) -> FacilityCode {
    FacilityCode(format!("131000000{facility}"))
}

fn record(number: u8) -> RecordId {
    RecordId(Uuid::from_u128(u128::from(number) + 1))
}

fn history(number: u64) -> StoreIdentity {
    StoreIdentity {
        store_id: Uuid::from_u128(7),
        epoch: u32::try_from(number % 2).unwrap() + 1,
    }
}

impl Call {
    fn has(&self, part: u16) -> bool {
        self.parts & (1 << part) != 0
    }

    fn change(&self, to: Position) -> Change {
        let (facility, of) = (code(self.facility), record(self.record));
        let mut change = Change::default();
        if self.has(0) {
            let sealed = vec![u8::try_from(to.0 % 250).unwrap(); 3];
            change.rows.push(RowChange { record: of, sealed });
        }
        if self.has(1) {
            change.places.push(Place {
                facility: facility.clone(),
                record: of,
                lookup: self.has(2).then(|| vec![self.record; 32]),
            });
        }
        if self.has(3) {
            change.erased.push(record((self.record + 1) % 3));
        }
        if self.has(4) {
            let at = u128::from(to.0);
            change.outbox.push(OutboxRow {
                facility: facility.clone(),
                feed_sequence: self.number,
                ce_id: Uuid::from_u128(at),
                kind: "verified",
                record: of,
                position: to,
                recorded_at_us: i64::try_from(to.0).unwrap() * 10,
                body: vec![1, 2, 3],
            });
            change.counters.push((facility.clone(), self.number));
        }
        if self.has(5) {
            change.parked.push(ParkedRow {
                record: of,
                position: to,
                facility: self.has(2).then(|| facility.clone()),
                kind: "verified".to_owned(),
                reason: "it does not open",
            });
        }
        if self.has(6) {
            change.queued.push(Queued {
                position: Position(to.0 - u64::from(self.has(7))),
                record: of,
                event: vec![self.record, 9],
            });
        }
        if self.has(8) && self.has(9) {
            change.released.push(of);
        }
        if self.has(10) && self.has(11) {
            change.renumbered.push((facility, self.number));
        }
        change
    }

    async fn commit(&self, store: &Store, at: &Checkpoint) -> Result<bool, sqlx::Error> {
        let from = match self.has(12) && self.has(13) {
            true => Position(self.number),
            false => at.position,
        };
        let to = Position(at.position.0 + 1 + self.number % 2);
        let advance = Advance {
            from,
            to,
            event_id: self
                .has(14)
                .then(|| EventId(Uuid::from_u128(u128::from(to.0)))),
            identity: self.has(15).then(|| history(self.number)),
        };
        store.commit(&advance, self.change(to)).await
    }

    /// What a store answers.
    async fn of(&self, store: &Store) -> Result<String, sqlx::Error> {
        let (facility, of) = (code(self.facility), record(self.record));
        let at = store.checkpoint().await?;
        let told = history(self.number);
        let stored = (facility.clone(), self.number, u64::from(self.parts));
        let answer = match self.what {
            0 => {
                let mut from = at.clone();
                from.position.0 += u64::from(self.has(0) && self.has(1));
                let of = if self.has(2) {
                    History::Same
                } else {
                    History::Other
                };
                format!("{}", store.begin_rebuild(of, &from).await?)
            }
            1 => format!("{:?}", store.aim(Position(self.number)).await?),
            2 | 3 => format!("{:?}", store.mark(told, &[stored]).await?),
            4 => format!("{:?}", store.mark_through(told, &stored).await?),
            5 => format!(
                "{}",
                store.unmark_after(told, &facility, self.number).await?
            ),
            6 => format!("{:?}", store.expire(&facility, self.since()).await?),
            7 => format!("{:?}", store.trim(self.since()).await?),
            8 => format!("{:?}", store.set_feed_stream("then").await?),
            9 => format!("{:?}", store.mark_letter(of).await?),
            10 => format!("{:?}", store.unmark_letters().await?),
            _ => format!("{}", self.commit(store, &at).await?),
        };
        Ok(answer)
    }

    fn since(&self) -> i64 {
        i64::from(self.parts % 16) * 10
    }
}

/// Everything that a projection can be asked of its store.
async fn seen(store: &Store) -> Result<Vec<String>, sqlx::Error> {
    let mut seen = vec![
        format!("{:?}", store.checkpoint().await?),
        format!("{:?}", store.counters().await?),
        format!("{:?}", store.feed_stream().await?),
        format!("{}", store.record_count().await?),
        format!("{}", store.pending_count().await?),
        format!("{:?}", store.pending(ALL).await?),
        format!("{:?}", store.pending(2).await?),
        format!("{:?}", store.letters().await?),
    ];
    let mut parked = store.parked().await?;
    parked.sort();
    seen.push(format!("{parked:?}"));
    let mut rows = store.rows(&[record(0), record(1), record(2)]).await?;
    rows.sort();
    seen.push(format!("{rows:?}"));
    for number in 0..3 {
        seen.push(format!("{:?}", store.queued(record(number)).await?));
    }
    for facility in [code(0), code(1)] {
        for which in [
            Which::After(None, ALL),
            Which::After(Some(record(0)), 1),
            Which::Lookup([1; 32]),
        ] {
            seen.push(format!("{:?}", store.page(&facility, which).await?));
        }
        for number in 0..7 {
            let place = store.stream_place(&facility, number).await?;
            let since = i64::try_from(number).unwrap() * 30;
            let since = store.sequence_since(&facility, since).await?;
            seen.push(format!("{place:?} {since}"));
        }
    }
    Ok(seen)
}

fn variant() -> FeedVariant {
    FeedVariant::of(Audience::Ehr, false)
}

async fn agree(calls: Vec<Call>) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_owned();
    let file = Store::open(&Database::Sqlite { directory }, variant())
        .await
        .unwrap();
    let databases = Database::Memory(MemoryDatabases::new(Arc::new(Fine)));
    let memory = Store::open(&databases, variant()).await.unwrap();
    for call in calls {
        let (told, meant) = (call.of(&memory).await.ok(), call.of(&file).await.ok());
        prop_assert_eq!(told, meant, "answered {:?}", call);
        let (told, meant) = (seen(&memory).await.unwrap(), seen(&file).await.unwrap());
        prop_assert_eq!(told, meant, "after {:?}", call);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn memory_answers_as_a_file_does(calls in calls()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(agree(calls))?;
    }
}
