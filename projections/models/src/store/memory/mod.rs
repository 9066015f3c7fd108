//! A projection's database in memory for simulations: the same answers, and a line to it that can break.

#[cfg(test)]
mod alike;
mod look;
mod outbox;
mod rows;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use jiff::Timestamp;
use shikaku_schemas::feed::FeedVariant;
use shikaku_schemas::value::{FacilityCode, Position, RecordId};
use uuid::Uuid;

use super::{Advance, Change, Checkpoint, History};
use crate::access::{AccessRow, Look};

/// Transactions that a power cut may take.
const UNSYNCED: usize = 8;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives and is answered.
    Arrives,
    /// The line breaks before it arrives.
    LostBefore,
    /// It arrives, and the line breaks before the answer.
    LostAfter,
}

/// The line between the role and its databases.
pub trait Weather: fmt::Debug + Send + Sync + 'static {
    /// Waits as long as the call takes, and says what becomes of it.
    fn meet(&self) -> BoxFuture<'static, Fate>;
}

/// All projections' databases of one role. Clones share them.
#[derive(Clone)]
pub struct MemoryDatabases {
    all: Arc<Mutex<BTreeMap<String, Kept>>>,
    looks: Arc<Mutex<Vec<AccessRow>>>,
    weather: Arc<dyn Weather>,
}

impl fmt::Debug for MemoryDatabases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryDatabases")
    }
}

impl PartialEq for MemoryDatabases {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.all, &other.all)
    }
}

impl Eq for MemoryDatabases {}

#[derive(Default)]
struct Kept {
    rows: Rows,
    /// States before the last transactions, the newest last.
    before: VecDeque<Rows>,
}

#[derive(Clone, Default)]
struct Rows {
    /// Where rows are whole; none while nobody knows.
    target: Option<Position>,
    /// What rows hold has the shape of another version.
    stale: bool,
    checkpoint: Option<Checkpoint>,
    feed_created: Option<String>,
    sealed: BTreeMap<RecordId, Vec<u8>>,
    places: BTreeMap<(FacilityCode, RecordId), Option<Vec<u8>>>,
    counters: BTreeMap<FacilityCode, u64>,
    outbox: BTreeMap<(FacilityCode, u64), Told>,
    parked: BTreeMap<RecordId, Parked>,
    queued: BTreeMap<Position, (RecordId, Vec<u8>)>,
}

#[derive(Clone)]
struct Told {
    ce_id: Uuid,
    kind: String,
    record: RecordId,
    position: Position,
    recorded_at_us: i64,
    body: Vec<u8>,
    published: bool,
    stream_sequence: Option<u64>,
}

#[derive(Clone)]
struct Parked {
    position: Position,
    facility: Option<FacilityCode>,
    kind: String,
    reason: String,
    announced: bool,
}

impl MemoryDatabases {
    /// Empty ones.
    pub fn new(weather: Arc<dyn Weather>) -> Self {
        Self {
            all: Arc::default(),
            looks: Arc::default(),
            weather,
        }
    }

    /// The same databases, reached over another line.
    pub fn over(&self, weather: Arc<dyn Weather>) -> Self {
        Self {
            weather,
            ..self.clone()
        }
    }

    /// A power cut: each database loses its last transactions, as many as `lost` says of its name, within
    /// what is not synced.
    pub fn cut_power(&self, mut lost: impl FnMut(&str) -> usize) {
        for (name, kept) in self.all().iter_mut() {
            for _ in 0..lost(name).min(kept.before.len()) {
                if let Some(before) = kept.before.pop_back() {
                    kept.rows = before;
                }
            }
            kept.before.clear();
        }
    }

    /// Every database is lost.
    pub fn drop_all(&self) {
        self.all().clear();
    }

    /// The role is replaced by another version, for which rows have another shape.
    pub fn other_version(&self) {
        for kept in self.all().values_mut() {
            kept.rows.stale = true;
        }
    }

    /// Positions by projection.
    pub fn positions(&self) -> BTreeMap<String, u64> {
        let position = |kept: &Kept| kept.rows.checkpoint.as_ref().map_or(0, |at| at.position.0);
        let all = self.all();
        all.iter()
            .map(|(name, kept)| (name.clone(), position(kept)))
            .collect()
    }

    /// Messages of all outboxes that are not with the broker.
    pub fn unpublished(&self) -> usize {
        let all = self.all();
        let rows = all.values().flat_map(|kept| kept.rows.outbox.values());
        rows.filter(|told| !told.published).count()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn look(&self, at: Timestamp, looks: &[Look]) -> Result<(), sqlx::Error> {
        let fate = self.weather.meet().await;
        if fate == Fate::LostBefore {
            return Err(sqlx::Error::WorkerCrashed);
        }
        let mut kept = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        for look in looks {
            let id = kept.len() as u64 + 1;
            kept.push(AccessRow {
                id,
                at,
                who: look.who.clone(),
                kind: look.kind.clone(),
                facility: look.facility.clone(),
                record: look.record,
                purpose: look.purpose.clone(),
            });
        }
        match fate {
            Fate::LostAfter => Err(sqlx::Error::WorkerCrashed),
            _ => Ok(()),
        }
    }

    pub(crate) fn looks(&self, after: u64, limit: u32) -> Vec<AccessRow> {
        let kept = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = kept.iter().filter(|row| row.id > after);
        rows.take(limit as usize).cloned().collect()
    }
}

/// One projection's database.
#[derive(Clone)]
pub(crate) struct Memory {
    databases: MemoryDatabases,
    name: String,
}

impl Memory {
    pub(super) async fn open(
        databases: &MemoryDatabases,
        variant: FeedVariant,
    ) -> Result<Self, sqlx::Error> {
        let memory = Self {
            databases: databases.clone(),
            name: variant.to_string(),
        };
        memory
            .write(|rows| {
                rows.checkpoint.get_or_insert(Checkpoint {
                    identity: None,
                    position: Position(0),
                    event_id: None,
                    gate: Position(0),
                });
                Ok(())
            })
            .await?;
        if memory.read(|rows| rows.stale).await? {
            let from = memory.checkpoint().await?;
            memory.begin_rebuild(History::Same, &from).await?;
            let noted = |rows: &mut Rows| {
                rows.stale = false;
                Ok(())
            };
            memory.write(noted).await?;
        }
        Ok(memory)
    }

    async fn read<T>(&self, look: impl FnOnce(&Rows) -> T) -> Result<T, sqlx::Error> {
        if self.databases.weather.meet().await != Fate::Arrives {
            return Err(sqlx::Error::WorkerCrashed);
        }
        let all = self.databases.all();
        let kept = all.get(&self.name).ok_or(sqlx::Error::RowNotFound)?;
        Ok(look(&kept.rows))
    }

    /// One transaction: an error undoes all of it.
    async fn write<T>(
        &self,
        act: impl FnOnce(&mut Rows) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let fate = self.databases.weather.meet().await;
        if fate == Fate::LostBefore {
            return Err(sqlx::Error::WorkerCrashed);
        }
        let mut all = self.databases.all();
        let kept = all.entry(self.name.clone()).or_default();
        let before = kept.rows.clone();
        let done = act(&mut kept.rows);
        if done.is_err() {
            kept.rows = before;
            return done;
        }
        kept.before.push_back(before);
        if kept.before.len() > UNSYNCED {
            kept.before.pop_front();
        }
        match fate {
            Fate::LostAfter => Err(sqlx::Error::WorkerCrashed),
            _ => done,
        }
    }

    pub(super) async fn checkpoint(&self) -> Result<Checkpoint, sqlx::Error> {
        let found = self.read(|rows| rows.checkpoint.clone()).await?;
        found.ok_or(sqlx::Error::RowNotFound)
    }

    pub(super) async fn counters(&self) -> Result<BTreeMap<FacilityCode, u64>, sqlx::Error> {
        self.read(|rows| rows.counters.clone()).await
    }

    pub(super) async fn begin_rebuild(
        &self,
        of: History,
        from: &Checkpoint,
    ) -> Result<bool, sqlx::Error> {
        self.write(|rows| {
            let place = |at: &Checkpoint| (at.identity, at.position);
            if rows.checkpoint.as_ref().map(place) != Some(place(from)) {
                return Ok(false);
            }
            rows.checkpoint = rows.checkpoint.as_ref().map(|before| before.rebuilt(of));
            rows.target = None;
            rows.sealed.clear();
            rows.places.clear();
            rows.parked.clear();
            rows.queued.clear();
            if of == History::Other {
                rows.outbox.clear();
                rows.counters.clear();
            }
            Ok(true)
        })
        .await
    }

    pub(super) async fn aim(&self, filled: Position) -> Result<(), sqlx::Error> {
        self.write(|rows| {
            rows.target.get_or_insert(filled);
            Ok(())
        })
        .await
    }

    pub(super) async fn rows(
        &self,
        records: &[RecordId],
    ) -> Result<Vec<(RecordId, Vec<u8>)>, sqlx::Error> {
        let find = |rows: &Rows| {
            let row = |record: &RecordId| Some((*record, rows.sealed.get(record)?.clone()));
            records.iter().filter_map(row).collect()
        };
        self.read(find).await
    }

    pub(super) async fn commit(
        &self,
        advance: &Advance,
        change: Change,
    ) -> Result<bool, sqlx::Error> {
        let moved = self.write(|rows| {
            let Some(checkpoint) = &mut rows.checkpoint else {
                return Err(sqlx::Error::RowNotFound);
            };
            if checkpoint.position != advance.from {
                // Nothing is done, and nothing undone.
                return Ok(false);
            }
            checkpoint.position = advance.to;
            checkpoint.event_id = advance.event_id.map(|id| id.0).or(checkpoint.event_id);
            checkpoint.identity = advance.identity.or(checkpoint.identity);
            rows.take(change)?;
            Ok(true)
        });
        moved.await
    }
}
