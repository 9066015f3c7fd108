//! The outbox on its way to the feed streams, and the letters about records set aside.

use shikaku_schemas::value::{FacilityCode, Position, RecordId};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{Store, bytes_of, identity, in_memory, on, record_of, signed, unsigned};
use crate::log::StoreIdentity;

/// Only what the database holds of that history, which a rebuild may have left meanwhile.
const PRESENT: &str = "EXISTS (SELECT 1 FROM checkpoint WHERE store_id = $1 AND epoch = $2)";

/// Where the broker stored a message: facility, its number in the feed, and its place in the stream.
pub(crate) type Stored = (FacilityCode, u64, u64);

/// A message not yet with the broker.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) facility: FacilityCode,
    pub(crate) feed_sequence: u64,
    pub(crate) ce_id: Uuid,
    pub(crate) kind: String,
    pub(crate) record: RecordId,
    pub(crate) recorded_at_us: i64,
    pub(crate) body: Vec<u8>,
}

/// A record set aside of which nobody was told yet.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) record: RecordId,
    pub(crate) position: Position,
    pub(crate) facility: Option<FacilityCode>,
    pub(crate) kind: String,
    pub(crate) reason: String,
}

impl Store {
    /// The next messages to publish, in order, and the history that they tell of; none when there are none.
    pub(crate) async fn pending(
        &self,
        limit: u32,
    ) -> Result<Option<(StoreIdentity, Vec<Pending>)>, sqlx::Error> {
        in_memory!(self, memory => memory.pending(limit).await);
        on!(self, pool => {
            let rows = sqlx::query(
                "SELECT o.facility, o.feed_sequence, o.ce_id, o.kind, o.record, o.recorded_at, o.body, \
                 c.store_id, c.epoch FROM outbox o CROSS JOIN checkpoint c \
                 WHERE o.published = 0 ORDER BY o.position, o.facility, o.feed_sequence LIMIT $1",
            )
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await?;
            let Some(first) = rows.first() else {
                return Ok(None);
            };
            let store_id: Option<Vec<u8>> = first.try_get(7)?;
            let Some(of) = identity(store_id.as_deref(), first.try_get(8)?) else {
                return Ok(None);
            };
            let pending: Result<_, sqlx::Error> = rows
                .iter()
                .map(|row| {
                    let ce_id: Vec<u8> = row.try_get(2)?;
                    Ok(Pending {
                        facility: FacilityCode(row.try_get(0)?),
                        feed_sequence: unsigned(row.try_get(1)?),
                        ce_id: Uuid::from_slice(&ce_id).map_err(|error| sqlx::Error::Decode(error.into()))?,
                        kind: row.try_get(3)?,
                        record: record_of(row.try_get(4)?)?,
                        recorded_at_us: row.try_get(5)?,
                        body: row.try_get(6)?,
                    })
                })
                .collect();
            Ok(Some((of, pending?)))
        })
    }

    /// How many wait.
    pub(crate) async fn pending_count(&self) -> Result<u64, sqlx::Error> {
        in_memory!(self, memory => memory.pending_count().await);
        on!(self, pool => {
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE published = 0")
                .fetch_one(pool)
                .await?;
            Ok(unsigned(count))
        })
    }

    /// Notes where the broker stored each message.
    pub(crate) async fn mark(
        &self,
        of: StoreIdentity,
        stored: &[Stored],
    ) -> Result<(), sqlx::Error> {
        in_memory!(self, memory => memory.mark(of, stored).await);
        if stored.is_empty() {
            return Ok(());
        }
        on!(self, pool, DB => {
            let mut query = sqlx::QueryBuilder::<DB>::new(
                "WITH stored (facility, feed_sequence, stream_sequence) AS (",
            );
            query.push_values(stored, |mut tuple, (facility, feed, stream)| {
                tuple
                    .push_bind(facility.0.clone())
                    .push_bind(signed(*feed))
                    .push_bind(signed(*stream));
            });
            query.push(
                ") UPDATE outbox SET published = 1, stream_sequence = stored.stream_sequence FROM stored \
                 WHERE outbox.facility = stored.facility AND outbox.feed_sequence = stored.feed_sequence \
                 AND EXISTS (SELECT 1 FROM checkpoint WHERE store_id = ",
            );
            query.push_bind(of.store_id.as_bytes().to_vec());
            query.push(" AND epoch = ").push_bind(i64::from(of.epoch)).push(")");
            query.build().persistent(false).execute(pool).await?;
            Ok(())
        })
    }

    /// Notes that the broker has everything of a facility through its last message: a crash fell between publishing
    /// and marking.
    pub(crate) async fn mark_through(
        &self,
        of: StoreIdentity,
        last: &Stored,
    ) -> Result<(), sqlx::Error> {
        in_memory!(self, memory => memory.mark_through(of, last).await);
        let (facility, feed_sequence, stream_sequence) = last;
        let all = format!(
            "UPDATE outbox SET published = 1 \
             WHERE published = 0 AND facility = $3 AND feed_sequence <= $4 AND {PRESENT}"
        );
        let itself = format!(
            "UPDATE outbox SET stream_sequence = $5 WHERE facility = $3 AND feed_sequence = $4 AND {PRESENT}"
        );
        on!(self, pool => {
            sqlx::query(AssertSqlSafe(all))
                .bind(of.store_id.as_bytes().to_vec())
                .bind(i64::from(of.epoch))
                .bind(facility.as_str())
                .bind(signed(*feed_sequence))
                .execute(pool)
                .await?;
            sqlx::query(AssertSqlSafe(itself))
                .bind(of.store_id.as_bytes().to_vec())
                .bind(i64::from(of.epoch))
                .bind(facility.as_str())
                .bind(signed(*feed_sequence))
                .bind(signed(*stream_sequence))
                .execute(pool)
                .await?;
            Ok(())
        })
    }

    /// Makes everything of a facility after `feed_sequence` pending again: the broker lost it.
    pub(crate) async fn unmark_after(
        &self,
        of: StoreIdentity,
        facility: &FacilityCode,
        feed_sequence: u64,
    ) -> Result<u64, sqlx::Error> {
        in_memory!(self, memory => memory.unmark_after(of, facility, feed_sequence).await);
        let unmark = format!(
            "UPDATE outbox SET published = 0, stream_sequence = NULL \
             WHERE published = 1 AND facility = $3 AND feed_sequence > $4 AND {PRESENT}"
        );
        on!(self, pool => {
            let changed = sqlx::query(AssertSqlSafe(unmark))
                .bind(of.store_id.as_bytes().to_vec())
                .bind(i64::from(of.epoch))
                .bind(facility.as_str())
                .bind(signed(feed_sequence))
                .execute(pool)
                .await?;
            Ok(changed.rows_affected())
        })
    }

    /// Lets pending messages of a feed that has told nothing yet go, when they are older than feeds are kept.
    pub(crate) async fn expire(
        &self,
        facility: &FacilityCode,
        before_us: i64,
    ) -> Result<(), sqlx::Error> {
        in_memory!(self, memory => memory.expire(facility, before_us).await);
        on!(self, pool => {
            sqlx::query("DELETE FROM outbox WHERE facility = $1 AND published = 0 AND recorded_at < $2")
                .bind(facility.as_str())
                .bind(before_us)
                .execute(pool)
                .await?;
            Ok(())
        })
    }

    /// Drops published messages older than feeds are kept.
    pub(crate) async fn trim(&self, before_us: i64) -> Result<(), sqlx::Error> {
        in_memory!(self, memory => memory.trim(before_us).await);
        on!(self, pool => {
            sqlx::query("DELETE FROM outbox WHERE published = 1 AND recorded_at < $1")
                .bind(before_us)
                .execute(pool)
                .await?;
            Ok(())
        })
    }

    /// The feed stream's birth as last seen, and the last place in it that a message was stored at.
    pub(crate) async fn feed_stream(&self) -> Result<(Option<String>, u64), sqlx::Error> {
        in_memory!(self, memory => memory.feed_stream().await);
        on!(self, pool => {
            let created = sqlx::query_scalar("SELECT feed_created FROM checkpoint WHERE id = 1")
                .fetch_one(pool)
                .await?;
            let last: Option<i64> = sqlx::query_scalar("SELECT max(stream_sequence) FROM outbox")
                .fetch_one(pool)
                .await?;
            Ok((created, unsigned(last.unwrap_or_default())))
        })
    }

    /// Notes the feed stream's birth.
    pub(crate) async fn set_feed_stream(&self, created: &str) -> Result<(), sqlx::Error> {
        in_memory!(self, memory => memory.set_feed_stream(created).await);
        on!(self, pool => {
            sqlx::query("UPDATE checkpoint SET feed_created = $1 WHERE id = 1")
                .bind(created)
                .execute(pool)
                .await?;
            Ok(())
        })
    }

    /// Records set aside, and whether anybody was told.
    pub(crate) async fn parked(&self) -> Result<Vec<RecordId>, sqlx::Error> {
        in_memory!(self, memory => memory.parked().await);
        on!(self, pool => {
            let rows = sqlx::query("SELECT record FROM parked").fetch_all(pool).await?;
            rows.iter().map(|row| record_of(row.try_get(0)?)).collect()
        })
    }

    /// The events waiting behind a record's trouble, in order.
    pub(crate) async fn queued(&self, record: RecordId) -> Result<Vec<Vec<u8>>, sqlx::Error> {
        in_memory!(self, memory => memory.queued(record).await);
        on!(self, pool => {
            sqlx::query_scalar("SELECT event FROM parked_events WHERE record = $1 ORDER BY position")
                .bind(bytes_of(record))
                .fetch_all(pool)
                .await
        })
    }

    /// Letters to send.
    pub(crate) async fn letters(&self) -> Result<Vec<Letter>, sqlx::Error> {
        in_memory!(self, memory => memory.letters().await);
        on!(self, pool => {
            let rows = sqlx::query(
                "SELECT record, position, facility, kind, reason FROM parked WHERE announced = 0 \
                 ORDER BY position LIMIT 100",
            )
            .fetch_all(pool)
            .await?;
            rows.iter()
                .map(|row| {
                    Ok(Letter {
                        record: record_of(row.try_get(0)?)?,
                        position: Position(unsigned(row.try_get(1)?)),
                        facility: row.try_get::<Option<String>, _>(2)?.map(FacilityCode),
                        kind: row.try_get(3)?,
                        reason: row.try_get(4)?,
                    })
                })
                .collect()
        })
    }

    /// Notes that a letter was sent; or, with `sent = false` for all, that the broker lost them.
    pub(crate) async fn mark_letter(&self, record: RecordId) -> Result<(), sqlx::Error> {
        in_memory!(self, memory => memory.mark_letter(record).await);
        on!(self, pool => {
            sqlx::query("UPDATE parked SET announced = 1 WHERE record = $1")
                .bind(bytes_of(record))
                .execute(pool)
                .await?;
            Ok(())
        })
    }

    /// Makes every letter due again: the broker lost them.
    pub(crate) async fn unmark_letters(&self) -> Result<(), sqlx::Error> {
        in_memory!(self, memory => memory.unmark_letters().await);
        on!(self, pool => {
            sqlx::query("UPDATE parked SET announced = 0").execute(pool).await?;
            Ok(())
        })
    }
}
