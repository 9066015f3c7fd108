//! One batch of `LOG` as one transaction.

use shikaku_schemas::value::{EventId, FacilityCode, Position, RecordId};
use sqlx::{Database, Encode, QueryBuilder, Type};
use uuid::Uuid;

use super::{Pending, Store, bytes_of, in_memory, on, signed};
use crate::log::StoreIdentity;

/// Rows in one statement at most, so that the number of parameters stays below either database's limit.
const AT_ONCE: usize = 500;

/// A record's new row, sealed.
pub(crate) struct RowChange {
    pub(crate) record: RecordId,
    pub(crate) sealed: Vec<u8>,
}

/// A record known at a facility, and the keyed digest of its chart number there.
pub(crate) struct Place {
    pub(crate) facility: FacilityCode,
    pub(crate) record: RecordId,
    pub(crate) lookup: Option<Vec<u8>>,
}

/// A feed message to be, its body sealed.
pub(crate) struct OutboxRow {
    pub(crate) facility: FacilityCode,
    pub(crate) feed_sequence: u64,
    pub(crate) ce_id: Uuid,
    pub(crate) kind: &'static str,
    pub(crate) record: RecordId,
    pub(crate) position: Position,
    pub(crate) recorded_at_us: i64,
    pub(crate) body: Vec<u8>,
}

impl OutboxRow {
    /// As it waits to be told.
    pub(crate) fn pending(&self) -> Pending {
        Pending {
            facility: self.facility.clone(),
            feed_sequence: self.feed_sequence,
            ce_id: self.ce_id,
            kind: self.kind.to_owned(),
            record: self.record,
            recorded_at_us: self.recorded_at_us,
            body: self.body.clone(),
        }
    }
}

/// A record set aside.
pub(crate) struct ParkedRow {
    pub(crate) record: RecordId,
    pub(crate) position: Position,
    pub(crate) facility: Option<FacilityCode>,
    pub(crate) kind: String,
    pub(crate) reason: &'static str,
}

/// An event that waits behind its record's trouble, as it came.
pub(crate) struct Queued {
    pub(crate) position: Position,
    pub(crate) record: RecordId,
    pub(crate) event: Vec<u8>,
}

/// Everything one batch changes.
#[derive(Default)]
pub(crate) struct Change {
    pub(crate) rows: Vec<RowChange>,
    pub(crate) places: Vec<Place>,
    pub(crate) erased: Vec<RecordId>,
    pub(crate) outbox: Vec<OutboxRow>,
    pub(crate) counters: Vec<(FacilityCode, u64)>,
    pub(crate) parked: Vec<ParkedRow>,
    pub(crate) queued: Vec<Queued>,
    /// Records whose queue was applied after all.
    pub(crate) released: Vec<RecordId>,
    /// Numbers from which on a facility's outbox is written anew, because the feed knows better.
    pub(crate) renumbered: Vec<(FacilityCode, u64)>,
}

/// From where to where a checkpoint moves.
pub(crate) struct Advance {
    pub(crate) from: Position,
    pub(crate) to: Position,
    pub(crate) event_id: Option<EventId>,
    pub(crate) identity: Option<StoreIdentity>,
}

/// What both databases take as a bound value.
pub(crate) trait Value<DB: Database>:
    for<'q> Encode<'q, DB> + Type<DB> + Send + 'static
{
}

impl<DB: Database, T> Value<DB> for T where T: for<'q> Encode<'q, DB> + Type<DB> + Send + 'static {}

impl Store {
    /// Applies `change` and moves the checkpoint, or does neither. False when the checkpoint was not where it
    /// was expected: another instance moved it.
    pub(crate) async fn commit(
        &self,
        advance: &Advance,
        change: Change,
    ) -> Result<bool, sqlx::Error> {
        in_memory!(self, memory => memory.commit(advance, change).await);
        on!(self, pool, DB => {
            let mut tx = pool.begin().await?;
            let moved = sqlx::query(
                "UPDATE checkpoint SET position = $1, \
                 event_id = COALESCE($2, event_id), store_id = COALESCE($3, store_id), \
                 epoch = COALESCE($4, epoch) WHERE id = 1 AND position = $5",
            )
            .bind(signed(advance.to.0))
            .bind(advance.event_id.map(|id| id.0.as_bytes().to_vec()))
            .bind(advance.identity.map(|of| of.store_id.as_bytes().to_vec()))
            .bind(advance.identity.map(|of| i64::from(of.epoch)))
            .bind(signed(advance.from.0))
            .execute(&mut *tx)
            .await?;
            if moved.rows_affected() != 1 {
                return Ok(false);
            }
            for mut statement in change.statements::<DB>() {
                statement.build().persistent(false).execute(&mut *tx).await?;
            }
            tx.commit().await?;
            Ok(true)
        })
    }
}

impl Change {
    /// Everything to do, in order. A batch of any size is a handful of statements.
    fn statements<DB: Database>(&self) -> Vec<QueryBuilder<DB>>
    where
        Vec<u8>: Value<DB>,
        Option<Vec<u8>>: Value<DB>,
        Option<String>: Value<DB>,
        String: Value<DB>,
        i64: Value<DB>,
    {
        let mut all = Vec::new();
        for (facility, from) in &self.renumbered {
            let mut query = QueryBuilder::new("DELETE FROM outbox WHERE facility = ");
            query.push_bind(facility.0.clone());
            query
                .push(" AND feed_sequence >= ")
                .push_bind(signed(*from));
            all.push(query);
        }
        all.extend(self.rows.chunks(AT_ONCE).map(rows));
        all.extend(self.places.chunks(AT_ONCE).map(places));
        all.extend(self.outbox.chunks(AT_ONCE).map(outbox));
        all.extend(self.counters.chunks(AT_ONCE).map(counters));
        const EVERYWHERE: &[&str] = &["current_rows", "places", "parked", "parked_events"];
        all.extend(forget(EVERYWHERE, &self.erased));
        all.extend(forget(&["parked", "parked_events"], &self.released));
        all.extend(self.parked.chunks(AT_ONCE).map(parked));
        all.extend(self.queued.chunks(AT_ONCE).map(queued));
        all
    }
}

fn rows<DB: Database>(rows: &[RowChange]) -> QueryBuilder<DB>
where
    Vec<u8>: Value<DB>,
{
    let mut query = QueryBuilder::new("INSERT INTO current_rows (record, sealed) ");
    query.push_values(rows, |mut tuple, row| {
        tuple
            .push_bind(bytes_of(row.record))
            .push_bind(row.sealed.clone());
    });
    query.push(" ON CONFLICT (record) DO UPDATE SET sealed = excluded.sealed");
    query
}

fn places<DB: Database>(places: &[Place]) -> QueryBuilder<DB>
where
    Vec<u8>: Value<DB>,
    Option<Vec<u8>>: Value<DB>,
    String: Value<DB>,
{
    let mut query = QueryBuilder::new("INSERT INTO places (facility, record, lookup) ");
    query.push_values(places, |mut tuple, place| {
        tuple
            .push_bind(place.facility.0.clone())
            .push_bind(bytes_of(place.record))
            .push_bind(place.lookup.clone());
    });
    query.push(" ON CONFLICT (facility, record) DO UPDATE SET lookup = excluded.lookup");
    query
}

fn outbox<DB: Database>(rows: &[OutboxRow]) -> QueryBuilder<DB>
where
    Vec<u8>: Value<DB>,
    String: Value<DB>,
    i64: Value<DB>,
{
    let mut query = QueryBuilder::new(
        "INSERT INTO outbox (facility, feed_sequence, ce_id, kind, record, position, recorded_at, body) ",
    );
    query.push_values(rows, |mut tuple, row| {
        tuple
            .push_bind(row.facility.0.clone())
            .push_bind(signed(row.feed_sequence))
            .push_bind(row.ce_id.as_bytes().to_vec())
            .push_bind(row.kind.to_owned())
            .push_bind(bytes_of(row.record))
            .push_bind(signed(row.position.0))
            .push_bind(row.recorded_at_us)
            .push_bind(row.body.clone());
    });
    query
}

fn counters<DB: Database>(counters: &[(FacilityCode, u64)]) -> QueryBuilder<DB>
where
    String: Value<DB>,
    i64: Value<DB>,
{
    let mut query = QueryBuilder::new("INSERT INTO counters (facility, feed_sequence) ");
    query.push_values(counters, |mut tuple, (facility, sequence)| {
        tuple
            .push_bind(facility.0.clone())
            .push_bind(signed(*sequence));
    });
    query.push(" ON CONFLICT (facility) DO UPDATE SET feed_sequence = excluded.feed_sequence");
    query
}

fn forget<DB: Database>(tables: &[&str], records: &[RecordId]) -> Vec<QueryBuilder<DB>>
where
    Vec<u8>: Value<DB>,
{
    let each = |table: &&str| {
        let mut query = QueryBuilder::new(format!("DELETE FROM {table} WHERE record IN ("));
        let mut list = query.separated(", ");
        for record in records {
            list.push_bind(bytes_of(*record));
        }
        query.push(")");
        query
    };
    if records.is_empty() {
        return Vec::new();
    }
    tables.iter().map(each).collect()
}

fn parked<DB: Database>(rows: &[ParkedRow]) -> QueryBuilder<DB>
where
    Vec<u8>: Value<DB>,
    Option<String>: Value<DB>,
    String: Value<DB>,
    i64: Value<DB>,
{
    let mut query =
        QueryBuilder::new("INSERT INTO parked (record, position, facility, kind, reason) ");
    query.push_values(rows, |mut tuple, row| {
        tuple
            .push_bind(bytes_of(row.record))
            .push_bind(signed(row.position.0))
            .push_bind(row.facility.as_ref().map(|code| code.0.clone()))
            .push_bind(row.kind.clone())
            .push_bind(row.reason.to_owned());
    });
    query.push(" ON CONFLICT (record) DO NOTHING");
    query
}

fn queued<DB: Database>(events: &[Queued]) -> QueryBuilder<DB>
where
    Vec<u8>: Value<DB>,
    i64: Value<DB>,
{
    let mut query = QueryBuilder::new("INSERT INTO parked_events (position, record, event) ");
    query.push_values(events, |mut tuple, event| {
        tuple
            .push_bind(signed(event.position.0))
            .push_bind(bytes_of(event.record))
            .push_bind(event.event.clone());
    });
    query.push(" ON CONFLICT (position) DO NOTHING");
    query
}
