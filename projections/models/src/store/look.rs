//! Looking things up for those who ask.

use shikaku_schemas::value::{FacilityCode, Position, RecordId};
use sqlx::Row as _;

use super::{Store, bytes_of, in_memory, on, position, record_of, signed, unsigned};
use crate::log::StoreIdentity;

/// Rows of one moment: all read in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The history.
    pub(crate) identity: Option<StoreIdentity>,
    /// The position they stand at.
    pub(crate) position: Position,
    /// They are not being made.
    pub(crate) is_whole: bool,
    /// The facility's last feed sequence at that position.
    pub(crate) feed_sequence: u64,
    /// Sealed rows by record, in the records' order.
    pub(crate) rows: Vec<(RecordId, Vec<u8>)>,
}

/// Which records of a facility.
pub(crate) enum Which {
    /// Those of a chart number, by its keyed digest.
    Lookup([u8; 32]),
    /// Those after a record, at most so many.
    After(Option<RecordId>, u32),
}

impl Store {
    /// Reads rows of a facility with the place they stand at.
    pub(crate) async fn page(
        &self,
        facility: &FacilityCode,
        which: Which,
    ) -> Result<Page, sqlx::Error> {
        in_memory!(self, memory => memory.page(facility, which).await);
        let isolation = match &self.pool {
            super::Pool::Sqlite(_) => "BEGIN",
            super::Pool::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            #[cfg(feature = "simulation")]
            super::Pool::Memory(_) | super::Pool::Looks(_) => unreachable!("answered before"),
        };
        on!(self, pool => {
            let mut tx = pool.begin_with(isolation).await?;
            let row = sqlx::query(
                "SELECT store_id, epoch, position, target, \
                 (SELECT feed_sequence FROM counters WHERE facility = $1) FROM checkpoint WHERE id = 1",
            )
            .bind(facility.as_str())
            .fetch_one(&mut *tx)
            .await?;
            let store_id: Option<Vec<u8>> = row.try_get(0)?;
            let epoch: i64 = row.try_get(1)?;
            let sequence: Option<i64> = row.try_get(4)?;
            let target: Option<i64> = row.try_get(3)?;
            let at: i64 = row.try_get(2)?;
            let rows = match which {
                Which::Lookup(digest) => {
                    sqlx::query(
                        "SELECT p.record, c.sealed FROM places p JOIN current_rows c ON c.record = p.record \
                         WHERE p.facility = $1 AND p.lookup = $2 ORDER BY p.record",
                    )
                    .bind(facility.as_str())
                    .bind(digest.to_vec())
                    .fetch_all(&mut *tx)
                    .await?
                }
                Which::After(after, limit) => {
                    sqlx::query(
                        "SELECT p.record, c.sealed FROM places p JOIN current_rows c ON c.record = p.record \
                         WHERE p.facility = $1 AND p.record > $2 ORDER BY p.record LIMIT $3",
                    )
                    .bind(facility.as_str())
                    .bind(after.map(bytes_of).unwrap_or_default())
                    .bind(i64::from(limit))
                    .fetch_all(&mut *tx)
                    .await?
                }
            };
            tx.commit().await?;
            Ok(Page {
                identity: super::identity(store_id.as_deref(), epoch),
                position: position(at),
                is_whole: target.is_some_and(|target| at >= target),
                feed_sequence: unsigned(sequence.unwrap_or_default()),
                rows: rows
                    .iter()
                    .map(|row| Ok((record_of(row.try_get(0)?)?, row.try_get(1)?)))
                    .collect::<Result<_, sqlx::Error>>()?,
            })
        })
    }

    /// Where in the feed stream to start so that everything of `facility` from `feed_sequence` on comes again.
    /// `None` when all of it is still in the stream's own keeping only.
    pub(crate) async fn stream_place(
        &self,
        facility: &FacilityCode,
        feed_sequence: u64,
    ) -> Result<Option<u64>, sqlx::Error> {
        in_memory!(self, memory => memory.stream_place(facility, feed_sequence).await);
        on!(self, pool => {
            let place: Option<i64> = sqlx::query_scalar(
                "SELECT max(stream_sequence) FROM outbox WHERE facility = $1 AND feed_sequence <= $2",
            )
            .bind(facility.as_str())
            .bind(signed(feed_sequence))
            .fetch_one(pool)
            .await?;
            Ok(place.map(unsigned))
        })
    }

    /// The first feed sequence of `facility` recorded at or after a time; one behind the last when there is none.
    pub(crate) async fn sequence_since(
        &self,
        facility: &FacilityCode,
        since_us: i64,
    ) -> Result<u64, sqlx::Error> {
        in_memory!(self, memory => memory.sequence_since(facility, since_us).await);
        on!(self, pool => {
            let first: Option<i64> = sqlx::query_scalar(
                "SELECT min(feed_sequence) FROM outbox WHERE facility = $1 AND recorded_at >= $2",
            )
            .bind(facility.as_str())
            .bind(since_us)
            .fetch_one(pool)
            .await?;
            let last: Option<i64> = sqlx::query_scalar("SELECT feed_sequence FROM counters WHERE facility = $1")
                .bind(facility.as_str())
                .fetch_optional(pool)
                .await?;
            Ok(first.map_or(unsigned(last.unwrap_or_default()) + 1, unsigned))
        })
    }

    /// How many records it knows.
    pub(crate) async fn record_count(&self) -> Result<u64, sqlx::Error> {
        in_memory!(self, memory => memory.record_count().await);
        on!(self, pool => {
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM current_rows")
                .fetch_one(pool)
                .await?;
            Ok(unsigned(count))
        })
    }
}
