//! A database in memory for simulations: the same promises, and a line to it that can break at every call.

mod keys;
mod session;
mod tables;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use jiff::Timestamp;
use shikaku_disk::Disk;
use shikaku_schemas::value::{EvidenceId, ObservationId, Position, RecordId, StreamId};

use super::rows::{Epoch, Genesis, HeadRow, StoredInbox};
use crate::LedgerError;
use crate::model::{CaseRow, IdentityKey, StoreIdentity, StoredEvent};
use crate::proof::CompactRange;
pub(crate) use keys::KeyTables;
pub(crate) use session::Session;
pub(crate) use tables::Tables;

/// What is asked of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Something is read.
    Read,
    /// The fence is tried for, or a term begun.
    Fence,
    /// A batch is committed.
    Commit,
    /// Keys are made.
    Keys,
}

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

/// The line between one process and the database.
pub trait Weather: fmt::Debug + Send + Sync + 'static {
    /// Waits as long as the call takes, and says what becomes of it.
    fn meet(&self, call: Call) -> BoxFuture<'static, Fate>;
}

/// One database, as the world sees it. Clones share it.
#[derive(Clone)]
pub struct MemoryDatabase(Arc<Mutex<State>>);

/// A database as one process reaches it.
#[derive(Debug, Clone)]
pub struct MemoryLine {
    /// The database.
    pub database: MemoryDatabase,
    /// What calls meet.
    pub weather: Arc<dyn Weather>,
    /// The disk of the process: signed heads, signing key.
    pub disk: Arc<dyn Disk>,
}

impl PartialEq for MemoryLine {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.database.0, &other.database.0)
    }
}

impl Eq for MemoryLine {}

/// Everything stored, as it was at one moment.
#[derive(Clone)]
pub struct Backup(Contents);

impl Backup {
    /// Its events, in order.
    pub fn events(&self) -> &[StoredEvent] {
        &self.0.events
    }

    /// Observations that it has an answer for.
    pub fn answered(&self) -> impl Iterator<Item = ObservationId> {
        self.0.arrivals.keys().copied()
    }
}

#[derive(Clone)]
struct Contents {
    epochs: Vec<Epoch>,
    head: HeadRow,
    events: Vec<StoredEvent>,
    streams: BTreeMap<StreamId, Vec<usize>>,
    inbox: Vec<StoredInbox>,
    arrivals: HashMap<ObservationId, usize>,
    identity: BTreeMap<IdentityKey, RecordId>,
    cases: Vec<CaseRow>,
    evidence: BTreeMap<EvidenceId, Evidence>,
}

#[derive(Clone)]
struct Evidence {
    media: String,
    chunks: u32,
    parts: BTreeMap<u32, Arc<[u8]>>,
}

struct State {
    contents: Contents,
    keys: keys::Stored,
    sessions: u64,
    /// The session that holds the fence.
    holder: Option<u64>,
    /// The session that began the present term.
    claimer: u64,
    /// Commits of a session that did not begin the present term: there must be none.
    strangers: u64,
}

impl fmt::Debug for MemoryDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryDatabase")
    }
}

impl MemoryDatabase {
    /// An empty one, its history begun.
    pub fn new(identity: StoreIdentity, created_at: Timestamp) -> Self {
        let genesis = Genesis::new(identity, created_at);
        let contents = Contents {
            epochs: vec![Epoch {
                identity,
                after: Position(0),
            }],
            head: HeadRow {
                term: 0,
                commits: 0,
                recorded_at: created_at,
                chain: genesis.chain,
                tree: CompactRange::default(),
            },
            events: Vec::new(),
            streams: BTreeMap::new(),
            inbox: Vec::new(),
            arrivals: HashMap::new(),
            identity: BTreeMap::new(),
            cases: Vec::new(),
            evidence: BTreeMap::new(),
        };
        Self(Arc::new(Mutex::new(State {
            contents,
            keys: keys::Stored::default(),
            sessions: 0,
            holder: None,
            claimer: 0,
            strangers: 0,
        })))
    }

    /// Events stored so far, in order.
    pub fn events(&self) -> Vec<StoredEvent> {
        self.state().contents.events.clone()
    }

    /// How many there are.
    pub fn position(&self) -> u64 {
        self.state().contents.events.len() as u64
    }

    /// One of them, from position 1.
    pub fn event(&self, position: u64) -> Option<StoredEvent> {
        let at = usize::try_from(position.checked_sub(1)?).ok()?;
        self.state().contents.events.get(at).cloned()
    }

    /// Whether an observation has an answer that is durable.
    pub fn is_answered(&self, id: &ObservationId) -> bool {
        self.state().contents.arrivals.contains_key(id)
    }

    /// Whether all chunks of an evidence are durable.
    pub fn has_evidence(&self, id: &EvidenceId) -> bool {
        let state = self.state();
        let found = state.contents.evidence.get(id);
        found.is_some_and(|evidence| evidence.parts.len() == evidence.chunks as usize)
    }

    /// Cases that wait for a person.
    pub fn open_cases(&self) -> Vec<CaseRow> {
        let state = self.state();
        let cases = state.contents.cases.iter();
        let open = cases.filter(|case| case.closed.is_none());
        open.cloned().collect()
    }

    /// Commits by a session that did not begin the present term: there must be none.
    pub fn strangers(&self) -> u64 {
        self.state().strangers
    }

    /// Which history this is.
    pub fn identity(&self) -> StoreIdentity {
        let state = self.state();
        let last = state.contents.epochs.last();
        last.expect("a database begins with an epoch").identity
    }

    /// The server ends the session that holds the fence, as it does when it hears nothing of it.
    pub fn end_session(&self) {
        self.state().holder = None;
    }

    /// Everything stored, now. Keys are kept apart and have backups of their own.
    pub fn backup(&self) -> Backup {
        Backup(self.state().contents.clone())
    }

    /// Puts an older state back, behind everybody's back. What stood there before is given back.
    pub fn put_back(&self, backup: Backup) -> Backup {
        let mut state = self.state();
        state.holder = None;
        Backup(std::mem::replace(&mut state.contents, backup.0))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryLine {
    /// Makes one call that changes nothing.
    async fn read<T>(&self, look: impl FnOnce(&Contents) -> T + Send) -> Result<T, LedgerError> {
        match self.weather.meet(Call::Read).await {
            Fate::Arrives => Ok(look(&self.database.state().contents)),
            Fate::LostBefore | Fate::LostAfter => Err(lost()),
        }
    }
}

fn lost() -> LedgerError {
    sqlx::Error::WorkerCrashed.into()
}
