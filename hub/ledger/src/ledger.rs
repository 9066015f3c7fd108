//! The read side.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use shikaku_schemas::clock::{Clock as _, Randomness as _, SystemClock, SystemRandomness};
use shikaku_schemas::event::{EventRecord, event_aad};
use shikaku_schemas::observation::{CommitOutcome, EvidenceRef};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{CaseId, EvidenceId, ObservationId, Position, RecordId, StreamId};
use tokio::sync::watch;

use crate::keys::{KeyState, Keys};
use crate::model::{
    CaseRow, Head, IdentityKey, InboxRow, KeyOwner, Opened, StoreIdentity, StoredEvent,
    VerifyProgress, VerifyReport,
};
use crate::proof::{self, HeadsFile, Signer};
use crate::store::{Genesis, Store, StoredInbox};
use crate::{LedgerError, LedgerOptions, upcast};

/// Streams whose version is kept in memory.
const VERSIONS: NonZeroUsize = NonZeroUsize::new(200_000).expect("not zero");

/// The read side of the ledger. Cheap to clone; all clones share one pool and one cache of keys.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) identity: StoreIdentity,
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
        std::fs::create_dir_all(&options.proof_dir).map_err(failed)?;
        let store = Store::open(&options.database, false).await?;
        let now = SystemClock.now();
        let identity = StoreIdentity {
            store_id: SystemRandomness.id(now),
            epoch: 1,
        };
        store.begin(&Genesis::new(identity, now)).await?;
        let heads = HeadsFile::in_folder(&options.proof_dir);
        let signer = Signer::load(&options.keys.signing_key_file, !heads.is_begun())?;
        Self::assemble(options, store, heads, Some(signer), false).await
    }

    /// Opens the ledger to look only, beside a running hub or without one. Makes nothing of its own.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] when no hub ever started here; else as [`Ledger::open`].
    pub async fn open_read_only(options: &LedgerOptions) -> Result<Self, LedgerError> {
        let store = Store::open(&options.database, true).await?;
        let heads = HeadsFile::in_folder(&options.proof_dir);
        let signer = match Signer::load(&options.keys.signing_key_file, false) {
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
        let genesis = store.genesis().await?.ok_or(LedgerError::Missing)?;
        let head = store.head().await?;
        let inner = Inner {
            identity: genesis.identity,
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

    /// Up to `limit` events after a position, in order, still sealed.
    ///
    /// # Errors
    /// No answer from the database, or a row that nobody of us wrote.
    pub async fn read_page(
        &self,
        after: Position,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        self.inner.store.read_page(after, limit).await
    }

    /// Whole streams, each in order, with one query. A stream without events is not in the answer.
    ///
    /// # Errors
    /// No answer from the database, or a row that nobody of us wrote.
    pub async fn load_streams(
        &self,
        streams: &[StreamId],
    ) -> Result<HashMap<StreamId, Vec<StoredEvent>>, LedgerError> {
        let mut loaded: HashMap<StreamId, Vec<StoredEvent>> = HashMap::new();
        if streams.is_empty() {
            return Ok(loaded);
        }
        for event in self.inner.store.load_streams(streams).await? {
            match loaded.get_mut(&event.head.stream) {
                Some(events) => events.push(event),
                None => drop(loaded.insert(event.head.stream.clone(), vec![event])),
            }
        }
        for stream in streams {
            let version = loaded.get(stream).and_then(|events| events.last());
            let version = version.map_or(0, |event| event.head.stream_version);
            self.inner.note_version(stream.clone(), version);
        }
        Ok(loaded)
    }

    /// What became of observations. Unknown ones are not in the answer.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn inbox(
        &self,
        ids: &[ObservationId],
    ) -> Result<HashMap<ObservationId, InboxRow>, LedgerError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = self.inner.store.inbox(ids).await?.into_iter();
        rows.map(|row| Ok((row.observation_id, self.open_inbox(row)?)))
            .collect()
    }

    /// Observations of one outcome in the order of their arrival, paged by the last one seen. Meant for
    /// `Parked` and `Waiting`, which have an index.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn inbox_by_outcome(
        &self,
        outcome: CommitOutcome,
        after: Option<ObservationId>,
        limit: u32,
    ) -> Result<Vec<InboxRow>, LedgerError> {
        let rows = self.inner.store.inbox_by_outcome(outcome, after, limit);
        let rows = rows.await?.into_iter();
        rows.map(|row| self.open_inbox(row)).collect()
    }

    fn open_inbox(&self, row: StoredInbox) -> Result<InboxRow, LedgerError> {
        let observation = match &row.observation {
            Some(sealed) => Some(self.inner.keys.open_inbox(row.observation_id, sealed)?),
            None => None,
        };
        Ok(InboxRow {
            observation_id: row.observation_id,
            facility: row.facility,
            outcome: row.outcome,
            first: row.first,
            last: row.last,
            case: row.case,
            reason: row.reason,
            observation,
        })
    }

    /// Which records keys lead to, with one query. Unknown keys are not in the answer.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn resolve(
        &self,
        keys: &[IdentityKey],
    ) -> Result<HashMap<IdentityKey, RecordId>, LedgerError> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        self.inner.store.resolve(keys).await
    }

    /// Questions of identity, oldest first.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn cases(&self, open_only: bool) -> Result<Vec<CaseRow>, LedgerError> {
        self.inner.store.cases(open_only).await
    }

    /// Observations that wait in a case, in the order of their arrival.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn waiting_in(&self, case: CaseId) -> Result<Vec<ObservationId>, LedgerError> {
        self.inner.store.waiting_in(case).await
    }

    /// Which of these evidences are in the vault with all their chunks.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn evidence_complete(
        &self,
        refs: &[EvidenceRef],
    ) -> Result<HashSet<EvidenceId>, LedgerError> {
        if refs.is_empty() {
            return Ok(HashSet::new());
        }
        let ids: Vec<EvidenceId> = refs.iter().map(|evidence| evidence.id.clone()).collect();
        let complete = self.inner.store.evidence_complete(&ids).await?;
        Ok(complete.into_iter().collect())
    }

    /// The bytes of an evidence, opened and checked against its id. `None` when it is not there whole, or its
    /// key was destroyed.
    ///
    /// # Errors
    /// [`LedgerError::EvidenceChanged`] when the bytes are not what the id says; no answer from a store.
    pub async fn evidence(&self, id: &EvidenceId) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some((chunks, parts)) = self.inner.store.evidence(id).await? else {
            return Ok(None);
        };
        let owner = KeyOwner::Evidence(id.clone());
        let states = self
            .inner
            .keys
            .look_up(std::slice::from_ref(&owner))
            .await?;
        let key = match states.get(&owner) {
            Some(KeyState::Live(key, _)) => key,
            Some(KeyState::Erased) => return Ok(None),
            _ => return Err(key_lost(&owner)),
        };
        if parts.len() != chunks as usize {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        for part in parts {
            let opened = key.open(&evidence_aad(id, part.index), &part.sealed);
            bytes.extend(opened.map_err(|_| LedgerError::EvidenceChanged(id.clone()))?);
        }
        if self.inner.keys.evidence_id(&bytes) != *id {
            return Err(LedgerError::EvidenceChanged(id.clone()));
        }
        Ok(Some(bytes))
    }

    /// Opens payloads and brings them to their present shape.
    ///
    /// # Errors
    /// [`LedgerError::UnknownEvent`]: the reader must stop. [`LedgerError::PayloadRefused`] and
    /// [`LedgerError::KeyLost`]: the ledger or the key store was damaged.
    pub async fn open_events(&self, events: &[StoredEvent]) -> Result<Vec<Opened>, LedgerError> {
        let keys = self.keys_of(events).await?;
        let open = |event: &StoredEvent| {
            let head = event.head.clone();
            let Some(data) = open_payload(&keys, event)? else {
                return Ok(Opened { head, event: None });
            };
            match upcast::read(&head.kind, head.schema_version, &data) {
                Ok(event) => Ok(Opened {
                    head,
                    event: Some(event),
                }),
                Err(source) => Err(LedgerError::UnknownEvent {
                    position: head.position,
                    source,
                }),
            }
        };
        events.iter().map(open).collect()
    }

    /// Opens payloads as they were written, for people and their tools.
    ///
    /// # Errors
    /// [`LedgerError::PayloadRefused`] and [`LedgerError::KeyLost`]: the ledger or the key store was damaged.
    pub async fn records(&self, events: &[StoredEvent]) -> Result<Vec<EventRecord>, LedgerError> {
        let keys = self.keys_of(events).await?;
        let open = |event: &StoredEvent| {
            let position = event.head.position;
            let data = match open_payload(&keys, event)? {
                Some(data) => serde_json::from_slice(&data)
                    .map_err(|_| LedgerError::PayloadRefused { position })?,
                None => serde_json::Value::Null,
            };
            Ok(EventRecord {
                head: event.head.clone(),
                data,
            })
        };
        events.iter().map(open).collect()
    }

    async fn keys_of(
        &self,
        events: &[StoredEvent],
    ) -> Result<HashMap<KeyOwner, KeyState>, LedgerError> {
        let owners: BTreeSet<KeyOwner> = events.iter().map(|e| KeyOwner::of(&e.head)).collect();
        let owners: Vec<KeyOwner> = owners.into_iter().collect();
        self.inner.keys.look_up(&owners).await
    }

    /// Keys, for those who may open payloads. `None` for one that was destroyed; one that never was is not in
    /// the answer.
    ///
    /// # Errors
    /// No answer from the key store.
    pub async fn keys(
        &self,
        owners: &[KeyOwner],
    ) -> Result<HashMap<KeyOwner, Option<SealKey>>, LedgerError> {
        let states = self.inner.keys.look_up(owners).await?.into_iter();
        Ok(states
            .filter(|(_, state)| *state != KeyState::Absent)
            .map(|(owner, state)| (owner, state.key().cloned()))
            .collect())
    }

    /// Keys of records, as [`Ledger::keys`].
    ///
    /// # Errors
    /// No answer from the key store.
    pub async fn record_keys(
        &self,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, Option<SealKey>>, LedgerError> {
        let owners: Vec<KeyOwner> = records.iter().copied().map(KeyOwner::Record).collect();
        let mut keys = self.keys(&owners).await?;
        Ok(records
            .iter()
            .filter_map(|record| Some((*record, keys.remove(&KeyOwner::Record(*record))?)))
            .collect())
    }

    /// Destroys the keys of a record: its payloads, streams that speak of it, and the evidence that rests on
    /// nobody else. Append `record-erased` first; afterwards its stream accepts nothing. Safe to repeat.
    ///
    /// # Errors
    /// No answer from a store; then repeat it.
    pub async fn erase(&self, record: RecordId) -> Result<(), LedgerError> {
        let stream = StreamId::patient(record);
        let evidence = self.inner.store.evidence_of_only(&stream).await?;
        let evidence: Vec<KeyOwner> = evidence.into_iter().map(KeyOwner::Evidence).collect();
        self.inner.keys.erase(record, &evidence).await
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
        proof::verify(&self.inner, progress).await
    }
}

/// Opens one payload. `None` when its key was destroyed.
pub(crate) fn open_payload(
    keys: &HashMap<KeyOwner, KeyState>,
    event: &StoredEvent,
) -> Result<Option<Vec<u8>>, LedgerError> {
    let head = &event.head;
    let owner = KeyOwner::of(head);
    let key = match keys.get(&owner) {
        Some(KeyState::Live(key, _)) => key,
        Some(KeyState::Erased) => return Ok(None),
        _ => return Err(key_lost(&owner)),
    };
    let aad = event_aad(
        head.event_id,
        &head.stream,
        head.stream_version,
        &head.kind,
        head.schema_version,
    );
    match key.open(&aad, &event.sealed) {
        Ok(data) => Ok(Some(data)),
        Err(_) => Err(LedgerError::PayloadRefused {
            position: head.position,
        }),
    }
}

pub(crate) fn key_lost(owner: &KeyOwner) -> LedgerError {
    LedgerError::KeyLost {
        owner: owner.to_string(),
    }
}

/// What a sealed chunk is bound to.
pub(crate) fn evidence_aad(id: &EvidenceId, index: u32) -> Vec<u8> {
    format!("shikaku-evidence|{id}|{index}").into_bytes()
}
