//! The spool: what an adapter saw, kept on its own disk until the hub says it is committed.
//!
//! A log of sealed entries in segment files. One [`Spool::append`] is one `fsync`, however many entries it
//! has (and one of the folder when it opens a new segment). What `append` acknowledged survives `kill -9`
//! and a power cut; a torn tail is cut at the next start. Marks (`done`, `parked`) are written lazily: a
//! lost mark only means that an entry is published again, which the hub answers from its inbox.
//!
//! All calls block on the disk: async callers go through `spawn_blocking`.

mod frame;
mod mark;
mod segment;
mod state;

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shikaku_disk::{Disk, Lock, SystemDisk};
use shikaku_schemas::observation::Observation;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::ObservationId;
use tokio::sync::watch;

pub use mark::Mark;
use state::State;

/// Where a spool lives and how large it may grow.
#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// Its own directory; made if missing.
    pub directory: PathBuf,
    /// The group's key; the spool derives its own.
    pub group_key: SealKey,
    /// Bytes on disk at most. When full, appends are refused and the source simply keeps its files.
    pub max_bytes: u64,
    /// A segment is closed at this size and deleted when all of its entries are done.
    pub segment_bytes: u64,
    /// The disk it lies on.
    pub disk: Arc<dyn Disk>,
}

impl SpoolOptions {
    /// The usual limits: 1 GiB in segments of 16 MiB.
    pub fn new(directory: PathBuf, group_key: SealKey) -> Self {
        Self {
            directory,
            group_key,
            max_bytes: 1 << 30,
            segment_bytes: 16 << 20,
            disk: Arc::new(SystemDisk),
        }
    }
}

/// One thing seen, with the bytes it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The observation; the spool sets its `sequence`.
    pub observation: Observation,
    /// The bytes that its evidence reference names.
    pub evidence: Option<Vec<u8>>,
}

/// What an append did with one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is durable now.
    Fresh,
    /// An entry of this id was there already; nothing was written.
    Known,
}

/// An entry that waits to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Its place in the spool.
    pub sequence: u64,
    /// Its id.
    pub id: ObservationId,
    /// Its size on disk.
    pub bytes: u64,
}

/// What there is to publish. A change wakes the publisher.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Newest {
    /// Sequence of the newest entry.
    pub sequence: u64,
    /// How often an older entry was set free to be published again.
    pub freed: u64,
}

/// How full a spool is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolStatus {
    /// Entries that wait for an answer.
    pub pending: usize,
    /// Entries that the hub set aside.
    pub parked: usize,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Why the spool did not do it. Carries nothing personal.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// At its limit: let the source keep its files.
    #[error("the spool is full")]
    Full,
    /// Another process has it.
    #[error("the spool is in use by another process")]
    InUse,
    /// One entry is larger than a frame may be.
    #[error("an entry is too large for the spool")]
    TooLarge,
    /// The disk refused; nothing of the batch counts as kept.
    #[error("the spool's disk refused")]
    Io(#[from] io::Error),
    /// An entry can't be written as JSON.
    #[error("an observation can't be written")]
    Shape(#[from] serde_json::Error),
    /// Stored bytes are damaged, or of another key.
    #[error("a stored entry does not open")]
    Damaged,
}

impl SpoolError {
    /// Whether reading the entry again can't help. A disk that refuses once may well give it the next time.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Io(error) => error.kind() == io::ErrorKind::UnexpectedEof,
            Self::Full | Self::InUse => false,
            Self::TooLarge | Self::Shape(_) | Self::Damaged => true,
        }
    }
}

/// See the module. Share it in an `Arc`.
pub struct Spool {
    state: Mutex<State>,
    newest: watch::Sender<Newest>,
    disk: Arc<dyn Disk>,
    _lock: Lock,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Spool {
    /// Opens or makes the spool; cuts a torn tail; takes a lock that ends with the process.
    ///
    /// # Errors
    /// [`SpoolError::InUse`], or what the disk said.
    pub fn open(options: SpoolOptions) -> Result<Self, SpoolError> {
        let disk = options.disk.clone();
        disk.create_dir_all(&options.directory)?;
        let lock = disk.lock(&options.directory.join("lock"))?;
        let lock = lock.ok_or(SpoolError::InUse)?;
        let state = State::open(options)?;
        let (newest, _) = watch::channel(Newest {
            sequence: state.newest(),
            freed: 0,
        });
        Ok(Self {
            state: Mutex::new(state),
            newest,
            disk,
            _lock: lock,
        })
    }

    /// Makes all `entries` durable with one `fsync`, or none of them. Entries whose id is already kept are
    /// passed over; the answer has one word per entry, in order.
    ///
    /// # Errors
    /// [`SpoolError::Full`] at the limit; any other error leaves nothing of the batch acknowledged, and the
    /// same batch may be appended again.
    pub fn append(&self, entries: Vec<Entry>) -> Result<Vec<Placed>, SpoolError> {
        let mut state = self.state();
        let mut placed = Vec::with_capacity(entries.len());
        let mut fresh = Vec::with_capacity(entries.len());
        let mut in_batch = HashSet::new();
        for entry in entries {
            let id = entry.observation.observation_id;
            if state.contains(&id) || !in_batch.insert(id) {
                placed.push(Placed::Known);
            } else {
                placed.push(Placed::Fresh);
                fresh.push(entry);
            }
        }
        if !fresh.is_empty() {
            state.append(fresh)?;
            let sequence = state.newest();
            self.newest.send_modify(|newest| newest.sequence = sequence);
        }
        Ok(placed)
    }

    /// Notes what the hub said. Unknown ids are no error: the answer may have come twice.
    ///
    /// # Errors
    /// What the disk said; the mark counts all the same until the next start.
    pub fn mark(&self, id: &ObservationId, mark: Mark) -> Result<bool, SpoolError> {
        let changed = self.state().mark(id, mark)?;
        if changed && mark == Mark::Pending {
            self.newest.send_modify(|newest| newest.freed += 1);
        }
        Ok(changed)
    }

    /// The next entries that wait, in order, after `sequence`. Call again with the last one's sequence.
    pub fn pending_after(&self, sequence: u64, limit: usize) -> Vec<Pending> {
        self.state().pending_after(sequence, limit)
    }

    /// Reads one entry back; `None` once it is done.
    ///
    /// # Errors
    /// [`SpoolError::Damaged`] for bytes that changed on disk.
    pub fn read(&self, id: &ObservationId) -> Result<Option<Entry>, SpoolError> {
        let Some(at) = self.state().locate(id) else {
            return Ok(None);
        };
        at.read().map(Some)
    }

    /// Whether an entry of this id is kept, in whatever state.
    pub fn contains(&self, id: &ObservationId) -> bool {
        self.state().contains(id)
    }

    /// Ids that the hub set aside and whose bytes are kept here.
    pub fn parked(&self) -> Vec<ObservationId> {
        self.state().parked()
    }

    /// How full it is.
    pub fn status(&self) -> SpoolStatus {
        self.state().status()
    }

    /// Changes whenever something was appended or set free again.
    pub fn newest(&self) -> watch::Receiver<Newest> {
        self.newest.subscribe()
    }

    /// The disk it lies on.
    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic inside leaves the index behind the disk at worst; the next start reads the disk again.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_refuses_once_damages_nothing() {
        let once = io::Error::other("input/output error");
        assert!(!SpoolError::from(once).is_lasting());
        let cut = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(SpoolError::from(cut).is_lasting());
        assert!(SpoolError::Damaged.is_lasting());
    }
}
