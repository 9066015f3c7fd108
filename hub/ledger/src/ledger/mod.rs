//! The read side: opening, and what is asked of the whole.

mod epoch;
mod payload;
mod tables;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use shikaku_schemas::clock::{Clock as _, Randomness as _, SystemClock, SystemRandomness};
use shikaku_schemas::value::{Position, StreamId};
use tokio::sync::watch;

use crate::keys::Keys;
use crate::model::{Head, StoreIdentity, VerifyProgress, VerifyReport};
use crate::proof::{self, HeadsFile, Signer};
use crate::store::{Genesis, Store};
use crate::{LedgerError, LedgerOptions};

pub(crate) use epoch::Epochs;
pub(crate) use payload::{evidence_aad, key_lost, open_payload};

/// Streams whose version is kept in memory: some 150 bytes each.
const VERSIONS: NonZeroUsize = NonZeroUsize::new(50_000).expect("not zero");

/// The read side of the ledger. Cheap to clone; all clones share one pool and one cache of keys.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) identity: StoreIdentity,
    pub(crate) epochs: Epochs,
    pub(crate) store: Store,
    pub(crate) keys: Keys,
    pub(crate) heads: Arc<HeadsFile>,
    /// `None` when opened read-only before the first start.
    pub(crate) signer: Option<Signer>,
    pub(crate) is_read_only: bool,
    pub(crate) committed: watch::Sender<Position>,
    versions: Mutex<LruCache<StreamId, u64>>,
}

impl Inner {
    /// Versions of streams as last read or written. Under the fence they can only be too low for a moment,
    /// which the primary key then catches.
    pub(crate) fn versions(&self) -> MutexGuard<'_, LruCache<StreamId, u64>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a version unless a later one is known.
    pub(crate) fn note_version(&self, stream: StreamId, version: u64) {
        let mut versions = self.versions();
        let known = versions.get_or_insert_mut(stream, || version);
        *known = version.max(*known);
    }
}

impl Ledger {
    /// Opens the ledger for a hub. Creates and migrates what is missing: tables, key store, signing key.
    ///
    /// # Errors
    /// A database whose commits would not survive a power cut, one of a later version, a wrong group key, a
    /// lost signing key, or no answer.
    pub async fn open(options: &LedgerOptions) -> Result<Self, LedgerError> {
        let failed = proof::file_error(&options.proof_dir);
        let disk = options.database.disk();
        disk.create_dir_all(&options.proof_dir).map_err(failed)?;
        let store = Store::open(&options.database, false).await?;
        let now = SystemClock.now();
        let identity = StoreIdentity {
            store_id: SystemRandomness.id(now),
            epoch: 1,
        };
        store.begin(&Genesis::new(identity, now)).await?;
        let heads = HeadsFile::in_folder(disk.clone(), &options.proof_dir);
        let signing = &options.keys.signing_key_file;
        let signer = Signer::load(&*disk, signing, !heads.is_begun())?;
        Self::assemble(options, store, heads, Some(signer), false).await
    }

    /// Opens the ledger to look only, beside a running hub or without one. Makes nothing of its own.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] when no hub ever started here; else as [`Ledger::open`].
    pub async fn open_read_only(options: &LedgerOptions) -> Result<Self, LedgerError> {
        let store = Store::open(&options.database, true).await?;
        let disk = options.database.disk();
        let heads = HeadsFile::in_folder(disk.clone(), &options.proof_dir);
        let signer = match Signer::load(&*disk, &options.keys.signing_key_file, false) {
            Err(LedgerError::SigningKeyMissing(_)) if !heads.is_begun() => None,
            other => Some(other?),
        };
        Self::assemble(options, store, heads, signer, true).await
    }

    async fn assemble(
        options: &LedgerOptions,
        store: Store,
        heads: HeadsFile,
        signer: Option<Signer>,
        is_read_only: bool,
    ) -> Result<Self, LedgerError> {
        let keys = Keys::open(&options.keys, is_read_only).await?;
        let epochs = Epochs::read(&store, &heads).await?;
        let head = store.head().await?;
        let inner = Inner {
            identity: epochs.identity(),
            epochs,
            store,
            keys,
            heads: Arc::new(heads),
            signer,
            is_read_only,
            committed: watch::Sender::new(head.position()),
            versions: Mutex::new(LruCache::new(VERSIONS)),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Which history this is.
    pub fn identity(&self) -> StoreIdentity {
        self.inner.identity
    }

    /// The end of the ledger, now.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn head(&self) -> Result<Head, LedgerError> {
        let head = self.inner.store.head().await?;
        Ok(Head {
            position: head.position(),
            recorded_at: head.recorded_at,
            term: head.term,
        })
    }

    /// Follows our own writer's commits. A wake-up only: another process's commits are not seen here.
    pub fn committed(&self) -> watch::Receiver<Position> {
        self.inner.committed.subscribe()
    }

    /// Reads everything and proves it: positions, leaves, chain, tree, signed heads, stream versions, and that
    /// every payload opens. Bounded in memory. `first_bad` in the report says where it breaks.
    ///
    /// # Errors
    /// A store or the proof folder that can't be read; a broken proof is an answer, not an error.
    pub async fn verify(
        &self,
        progress: impl FnMut(VerifyProgress) + Send,
    ) -> Result<VerifyReport, LedgerError> {
        proof::verify(&self.inner, &self.inner.epochs, progress).await
    }
}
