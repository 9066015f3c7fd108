//! A projection's own database: rows, checkpoint, outbox. SQLite and Postgres speak the same statements.
//!
//! Everything but the outbox can be dropped and made again from `LOG`. The outbox stays through a rebuild,
//! so that nothing is told twice under two numbers; what is told of another history is told anew, from one on.

mod change;
mod look;
#[cfg(feature = "simulation")]
pub(crate) mod memory;
mod outbox;
mod schema;
pub(crate) mod sqlite;

use std::collections::BTreeMap;

use shikaku_schemas::value::{FacilityCode, Position, RecordId};
use sqlx::{PgPool, Row as _, SqlitePool};
use uuid::Uuid;

pub(crate) use change::{Advance, Change, OutboxRow, ParkedRow, Place, Queued, RowChange};
pub(crate) use look::{Page, Which};
pub(crate) use outbox::{Pending, Stored};

use crate::log::StoreIdentity;

/// Runs one body on whichever database it is. `$db` names its type inside.
macro_rules! on {
    ($store:expr, $pool:ident => $body:expr) => {
        match &$store.pool {
            $crate::store::Pool::Sqlite($pool) => $body,
            $crate::store::Pool::Postgres($pool) => $body,
            #[cfg(feature = "simulation")]
            $crate::store::Pool::Memory(_) | $crate::store::Pool::Looks(_) => {
                unreachable!("answered before")
            }
        }
    };
    ($store:expr, $pool:ident, $db:ident => $body:expr) => {
        match &$store.pool {
            $crate::store::Pool::Sqlite($pool) => {
                type $db = sqlx::Sqlite;
                $body
            }
            $crate::store::Pool::Postgres($pool) => {
                type $db = sqlx::Postgres;
                $body
            }
            #[cfg(feature = "simulation")]
            $crate::store::Pool::Memory(_) | $crate::store::Pool::Looks(_) => {
                unreachable!("answered before")
            }
        }
    };
}
pub(crate) use on;

/// Answers from memory, when that is where the store is.
macro_rules! in_memory {
    ($store:expr, $memory:ident => $body:expr) => {
        #[cfg(feature = "simulation")]
        if let $crate::store::Pool::Memory($memory) = &$store.pool {
            return $body;
        }
    };
}
pub(crate) use in_memory;

/// The pool of either.
#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    #[cfg(feature = "simulation")]
    Memory(memory::Memory),
    #[cfg(feature = "simulation")]
    Looks(memory::MemoryDatabases),
}

/// One projection's database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) pool: Pool,
}

/// Where a projection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The history; none before the first event.
    pub(crate) identity: Option<StoreIdentity>,
    /// Last position applied.
    pub(crate) position: Position,
    /// The event there.
    pub(crate) event_id: Option<Uuid>,
    /// Nothing at or before it is told: a rebuild of the same history told it already.
    pub(crate) gate: Position,
}

/// What is read again from the first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    /// The same events: nothing is told again.
    Same,
    /// Those of a ledger that was put back: all of it is told, under new numbers.
    Other,
}

#[cfg(feature = "simulation")]
impl Checkpoint {
    /// What [`Store::begin_rebuild`] makes of it.
    fn rebuilt(&self, of: History) -> Self {
        let is_same = of == History::Same;
        Self {
            identity: self.identity.filter(|_| is_same),
            position: Position(0),
            event_id: None,
            gate: match is_same {
                true => self.gate.max(self.position),
                false => Position(0),
            },
        }
    }
}

impl Store {
    /// Where it stands.
    pub(crate) async fn checkpoint(&self) -> Result<Checkpoint, sqlx::Error> {
        in_memory!(self, memory => memory.checkpoint().await);
        on!(self, pool => {
            let row = sqlx::query(
                "SELECT store_id, epoch, position, event_id, gate FROM checkpoint WHERE id = 1",
            )
            .fetch_one(pool)
            .await?;
            let store_id: Option<Vec<u8>> = row.try_get(0)?;
            let epoch: i64 = row.try_get(1)?;
            let event_id: Option<Vec<u8>> = row.try_get(3)?;
            Ok(Checkpoint {
                identity: identity(store_id.as_deref(), epoch),
                position: position(row.try_get(2)?),
                event_id: uuid_of(event_id.as_deref()),
                gate: position(row.try_get(4)?),
            })
        })
    }

    /// Last feed sequence given out, by facility.
    pub(crate) async fn counters(&self) -> Result<BTreeMap<FacilityCode, u64>, sqlx::Error> {
        in_memory!(self, memory => memory.counters().await);
        on!(self, pool => {
            let rows = sqlx::query("SELECT facility, feed_sequence FROM counters")
                .fetch_all(pool)
                .await?;
            rows.iter()
                .map(|row| {
                    Ok((FacilityCode(row.try_get(0)?), unsigned(row.try_get(1)?)))
                })
                .collect()
        })
    }

    /// Drops every row and starts again from the first event. In the same history the outbox and its numbers stay,
    /// and so does what an earlier rebuild knew of them that was cut short: safe to repeat. False when it does not
    /// stand at `from` any more: another instance was quicker.
    pub(crate) async fn begin_rebuild(
        &self,
        of: History,
        from: &Checkpoint,
    ) -> Result<bool, sqlx::Error> {
        in_memory!(self, memory => memory.begin_rebuild(of, from).await);
        on!(self, pool => {
            let mut tx = pool.begin().await?;
            let same = "UPDATE checkpoint SET gate = CASE WHEN gate > position THEN gate ELSE position END, \
                 position = 0, event_id = NULL, target = NULL WHERE id = 1 AND epoch = $1 AND position = $2";
            let other = "UPDATE checkpoint SET store_id = NULL, epoch = 0, gate = 0, position = 0, \
                 event_id = NULL, target = NULL WHERE id = 1 AND epoch = $1 AND position = $2";
            let begin = if of == History::Same { same } else { other };
            let begun = sqlx::query(begin)
                .bind(from.identity.map_or(0, |identity| i64::from(identity.epoch)))
                .bind(signed(from.position.0))
                .execute(&mut *tx)
                .await?;
            if begun.rows_affected() != 1 {
                return Ok(false);
            }
            let numbers = ["DELETE FROM outbox", "DELETE FROM counters"].into_iter();
            let rows = [
                "DELETE FROM current_rows",
                "DELETE FROM places",
                "DELETE FROM parked",
                "DELETE FROM parked_events",
            ];
            for statement in numbers.filter(|_| of == History::Other).chain(rows) {
                sqlx::query(statement).execute(&mut *tx).await?;
            }
            tx.commit().await?;
            Ok(true)
        })
    }

    /// Where rows that are being made will be whole; the first word counts.
    pub(crate) async fn aim(&self, filled: Position) -> Result<(), sqlx::Error> {
        in_memory!(self, memory => memory.aim(filled).await);
        on!(self, pool => {
            sqlx::query("UPDATE checkpoint SET target = $1 WHERE id = 1 AND target IS NULL")
                .bind(signed(filled.0))
                .execute(pool)
                .await?;
            Ok(())
        })
    }

    /// The sealed rows of `records`.
    pub(crate) async fn rows(
        &self,
        records: &[RecordId],
    ) -> Result<Vec<(RecordId, Vec<u8>)>, sqlx::Error> {
        in_memory!(self, memory => memory.rows(records).await);
        if records.is_empty() {
            return Ok(Vec::new());
        }
        on!(self, pool, DB => {
            let mut query = sqlx::QueryBuilder::<DB>::new(
                "SELECT record, sealed FROM current_rows WHERE record IN (",
            );
            let mut list = query.separated(", ");
            for record in records {
                list.push_bind(bytes_of(*record));
            }
            query.push(")");
            let rows = query.build().persistent(false).fetch_all(pool).await?;
            rows.iter()
                .map(|row| Ok((record_of(row.try_get(0)?)?, row.try_get(1)?)))
                .collect()
        })
    }
}

/// A sequence or position as both databases store it. None comes near the limit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn position(number: i64) -> Position {
    Position(unsigned(number))
}

pub(crate) fn bytes_of(record: RecordId) -> Vec<u8> {
    record.0.as_bytes().to_vec()
}

/// The history that a row names.
fn identity(store_id: Option<&[u8]>, epoch: i64) -> Option<StoreIdentity> {
    Some(StoreIdentity {
        store_id: uuid_of(store_id)?,
        epoch: u32::try_from(epoch).unwrap_or_default(),
    })
}

fn uuid_of(bytes: Option<&[u8]>) -> Option<Uuid> {
    Uuid::from_slice(bytes?).ok()
}

pub(crate) fn record_of(bytes: Vec<u8>) -> Result<RecordId, sqlx::Error> {
    Uuid::from_slice(&bytes)
        .map(RecordId)
        .map_err(|error| sqlx::Error::Decode(error.into()))
}
