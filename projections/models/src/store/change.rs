//! One batch of `LOG` as one transaction.

use shikaku_schemas::value::{EventId, FacilityCode, Position, RecordId};
use uuid::Uuid;

use super::{Store, bytes_of, on, signed};
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

impl Store {
    /// Applies `change` and moves the checkpoint, or does neither. False when the checkpoint was not where it
    /// was expected: another instance moved it.
    pub(crate) async fn commit(
        &self,
        advance: &Advance,
        change: Change,
    ) -> Result<bool, sqlx::Error> {
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
            for (facility, from) in &change.renumbered {
                sqlx::query("DELETE FROM outbox WHERE facility = $1 AND feed_sequence >= $2")
                    .bind(facility.as_str())
                    .bind(signed(*from))
                    .execute(&mut *tx)
                    .await?;
            }
            for rows in change.rows.chunks(AT_ONCE) {
                let mut query = sqlx::QueryBuilder::<DB>::new("INSERT INTO current_rows (record, sealed) ");
                query.push_values(rows, |mut tuple, row| {
                    tuple.push_bind(bytes_of(row.record)).push_bind(row.sealed.clone());
                });
                query.push(" ON CONFLICT (record) DO UPDATE SET sealed = excluded.sealed");
                query.build().persistent(false).execute(&mut *tx).await?;
            }
            for places in change.places.chunks(AT_ONCE) {
                let mut query = sqlx::QueryBuilder::<DB>::new("INSERT INTO places (facility, record, lookup) ");
                query.push_values(places, |mut tuple, place| {
                    tuple
                        .push_bind(place.facility.0.clone())
                        .push_bind(bytes_of(place.record))
                        .push_bind(place.lookup.clone());
                });
                query.push(" ON CONFLICT (facility, record) DO UPDATE SET lookup = excluded.lookup");
                query.build().persistent(false).execute(&mut *tx).await?;
            }
            for outbox in change.outbox.chunks(AT_ONCE) {
                let mut query = sqlx::QueryBuilder::<DB>::new(
                    "INSERT INTO outbox (facility, feed_sequence, ce_id, kind, record, position, recorded_at, body) ",
                );
                query.push_values(outbox, |mut tuple, row| {
                    tuple
                        .push_bind(row.facility.0.clone())
                        .push_bind(signed(row.feed_sequence))
                        .push_bind(row.ce_id.as_bytes().to_vec())
                        .push_bind(row.kind)
                        .push_bind(bytes_of(row.record))
                        .push_bind(signed(row.position.0))
                        .push_bind(row.recorded_at_us)
                        .push_bind(row.body.clone());
                });
                query.build().persistent(false).execute(&mut *tx).await?;
            }
            for (facility, sequence) in &change.counters {
                sqlx::query(
                    "INSERT INTO counters (facility, feed_sequence) VALUES ($1, $2) \
                     ON CONFLICT (facility) DO UPDATE SET feed_sequence = excluded.feed_sequence",
                )
                .bind(facility.as_str())
                .bind(signed(*sequence))
                .execute(&mut *tx)
                .await?;
            }
            // What follows is rare: erasure, and records set aside.
            for record in &change.erased {
                for statement in [
                    "DELETE FROM current_rows WHERE record = $1",
                    "DELETE FROM places WHERE record = $1",
                    "DELETE FROM parked WHERE record = $1",
                    "DELETE FROM parked_events WHERE record = $1",
                ] {
                    sqlx::query(statement).bind(bytes_of(*record)).execute(&mut *tx).await?;
                }
            }
            for record in &change.released {
                for statement in [
                    "DELETE FROM parked WHERE record = $1",
                    "DELETE FROM parked_events WHERE record = $1",
                ] {
                    sqlx::query(statement).bind(bytes_of(*record)).execute(&mut *tx).await?;
                }
            }
            for row in &change.parked {
                sqlx::query(
                    "INSERT INTO parked (record, position, facility, kind, reason) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (record) DO NOTHING",
                )
                .bind(bytes_of(row.record))
                .bind(signed(row.position.0))
                .bind(row.facility.as_ref().map(|code| code.0.clone()))
                .bind(row.kind.clone())
                .bind(row.reason)
                .execute(&mut *tx)
                .await?;
            }
            for event in &change.queued {
                sqlx::query(
                    "INSERT INTO parked_events (position, record, event) VALUES ($1, $2, $3) \
                     ON CONFLICT (position) DO NOTHING",
                )
                .bind(signed(event.position.0))
                .bind(bytes_of(event.record))
                .bind(event.event.clone())
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await?;
            Ok(true)
        })
    }
}
