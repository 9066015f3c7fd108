//! The keys of payloads and evidence: random, one per record, stream and evidence, wrapped under the group
//! key, kept apart from the ledger. Destroying a key is erasure.

mod postgres;
mod sqlite;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use metrics::counter;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{EvidenceId, ObservationId, RecordId};
use sqlx::error::ErrorKind;

use crate::LedgerError;
use crate::model::KeyOwner;
use crate::options::{KeyStoreAt, KeysOptions};

/// Keys held in memory.
const CACHED: NonZeroUsize = NonZeroUsize::new(25_000).expect("not zero");
const CHECK: &[u8] = b"shikaku-group-check";

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// It is there; the record that its stream speaks of, if one is known.
    Live(SealKey, Option<RecordId>),
    /// It was destroyed.
    Erased,
    /// There never was one.
    Absent,
}

impl KeyState {
    pub(crate) fn key(&self) -> Option<&SealKey> {
        match self {
            Self::Live(key, _) => Some(key),
            Self::Erased | Self::Absent => None,
        }
    }
}

/// Keys that a batch needs made before it is committed.
#[derive(Debug, Default)]
pub(crate) struct NewKeys {
    /// New ones, with the record they are about.
    pub(crate) create: Vec<(KeyOwner, SealKey, Option<RecordId>)>,
    /// Known ones whose record became known.
    pub(crate) about: Vec<(KeyOwner, RecordId)>,
}

impl NewKeys {
    pub(crate) fn is_empty(&self) -> bool {
        self.create.is_empty() && self.about.is_empty()
    }
}

/// Why new keys were not made.
#[derive(Debug)]
pub(crate) enum PersistError {
    /// One exists or was erased: look them all up and seal anew.
    Stale,
    /// The key store does not answer.
    Failed(LedgerError),
}

impl From<sqlx::Error> for PersistError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause)
                if matches!(
                    cause.kind(),
                    ErrorKind::UniqueViolation | ErrorKind::NotNullViolation
                ) =>
            {
                Self::Stale
            }
            _ => Self::Failed(error.into()),
        }
    }
}

/// A row as stored: owner, wrapped key (none when erased), record.
pub(crate) type StoredKey = (String, Option<Vec<u8>>, Option<RecordId>);
/// A row to store.
pub(crate) struct Wrapped {
    pub(crate) owner: String,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) about: Option<RecordId>,
}

#[derive(Debug)]
enum Store {
    Postgres(postgres::KeyTables),
    Sqlite(sqlite::KeyTables),
    #[cfg(feature = "simulation")]
    Memory(crate::store::memory::KeyTables),
}

/// The key store with its cache.
#[derive(Debug)]
pub(crate) struct Keys {
    wrap: SealKey,
    inbox: SealKey,
    evidence_digest: SealKey,
    store: Store,
    cache: Mutex<LruCache<KeyOwner, KeyState>>,
    /// Counts erasures, so that a look-up that ran meanwhile does not bring a destroyed key back to memory.
    erasures: AtomicU64,
}

impl Keys {
    /// Opens the key store, creating it unless `read_only`.
    pub(crate) async fn open(options: &KeysOptions, read_only: bool) -> Result<Self, LedgerError> {
        let store = match &options.store {
            KeyStoreAt::Postgres { url } => {
                Store::Postgres(postgres::KeyTables::open(url, read_only).await?)
            }
            KeyStoreAt::Sqlite { path } => {
                Store::Sqlite(sqlite::KeyTables::open(path, read_only).await?)
            }
            #[cfg(feature = "simulation")]
            KeyStoreAt::Memory(line) => {
                Store::Memory(crate::store::memory::KeyTables::new(line.clone()))
            }
        };
        let keys = Self {
            wrap: options.group_key.derive("wrap"),
            inbox: options.group_key.derive("inbox"),
            evidence_digest: options.group_key.derive("evidence-digest"),
            store,
            cache: Mutex::new(LruCache::new(CACHED)),
            erasures: AtomicU64::new(0),
        };
        keys.check_group_key(read_only).await?;
        Ok(keys)
    }

    async fn check_group_key(&self, read_only: bool) -> Result<(), LedgerError> {
        let ours = self.wrap.seal(CHECK, CHECK);
        let stored = match &self.store {
            Store::Postgres(tables) => tables.group_check(&ours, read_only).await?,
            Store::Sqlite(tables) => tables.group_check(&ours, read_only).await?,
            #[cfg(feature = "simulation")]
            Store::Memory(tables) => tables.group_check(&ours, read_only).await?,
        };
        match stored {
            Some(sealed) if self.wrap.open(CHECK, &sealed).is_ok() => Ok(()),
            Some(_) => Err(LedgerError::WrongGroupKey),
            None => Err(LedgerError::Missing),
        }
    }

    /// The id of evidence with these bytes.
    pub(crate) fn evidence_id(&self, bytes: &[u8]) -> EvidenceId {
        EvidenceId(hex::encode(self.evidence_digest.digest(bytes)))
    }

    /// Seals an observation that is set aside.
    pub(crate) fn seal_inbox(&self, id: ObservationId, observation: &[u8]) -> Vec<u8> {
        self.inbox.seal(&inbox_aad(id), observation)
    }

    /// Opens an observation that was set aside.
    pub(crate) fn open_inbox(
        &self,
        id: ObservationId,
        sealed: &[u8],
    ) -> Result<Vec<u8>, LedgerError> {
        let opened = self.inbox.open(&inbox_aad(id), sealed);
        opened.map_err(|_| LedgerError::Malformed {
            table: "inbox",
            column: "observation",
        })
    }

    fn cache(&self) -> MutexGuard<'_, LruCache<KeyOwner, KeyState>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in memory.
    pub(crate) fn cached(&self, owner: &KeyOwner) -> Option<KeyState> {
        self.cache().get(owner).cloned()
    }

    /// Looks keys up, in memory first, then with one query. Every owner asked for is in the answer.
    pub(crate) async fn look_up(
        &self,
        owners: &[KeyOwner],
    ) -> Result<HashMap<KeyOwner, KeyState>, LedgerError> {
        let erasures = self.erasures.load(Ordering::SeqCst);
        let mut found = HashMap::with_capacity(owners.len());
        let mut missing: HashMap<String, KeyOwner> = HashMap::new();
        {
            let mut cache = self.cache();
            for owner in owners {
                match cache.get(owner) {
                    Some(state) => drop(found.insert(owner.clone(), state.clone())),
                    None => drop(missing.insert(owner.to_string(), owner.clone())),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let names: Vec<String> = missing.keys().cloned().collect();
        for (name, wrapped, about) in self.read(&names).await? {
            let Some(owner) = missing.remove(&name) else {
                continue;
            };
            let state = match wrapped {
                Some(wrapped) => KeyState::Live(self.unwrap(&name, &wrapped)?, about),
                None => KeyState::Erased,
            };
            found.insert(owner, state);
        }
        if self.erasures.load(Ordering::SeqCst) == erasures {
            let mut cache = self.cache();
            for (owner, state) in &found {
                cache.put(owner.clone(), state.clone());
            }
        }
        found.extend(missing.into_values().map(|owner| (owner, KeyState::Absent)));
        Ok(found)
    }

    async fn read(&self, names: &[String]) -> Result<Vec<StoredKey>, LedgerError> {
        match &self.store {
            Store::Postgres(tables) => tables.read(names).await,
            Store::Sqlite(tables) => tables.read(names).await,
            #[cfg(feature = "simulation")]
            Store::Memory(tables) => tables.read(names).await,
        }
    }

    fn unwrap(&self, owner: &str, wrapped: &[u8]) -> Result<SealKey, LedgerError> {
        let opened = self.wrap.open(owner.as_bytes(), wrapped).ok();
        opened
            .and_then(|bytes| SealKey::from_slice(&bytes))
            .ok_or(LedgerError::Malformed {
                table: "keys",
                column: "wrapped",
            })
    }

    /// Makes new keys durable, all in one transaction. Keys already there are an error, never replaced.
    pub(crate) async fn persist(&self, new: &NewKeys) -> Result<(), PersistError> {
        if new.is_empty() {
            return Ok(());
        }
        let rows: Vec<Wrapped> = new
            .create
            .iter()
            .map(|(owner, key, about)| {
                let owner = owner.to_string();
                let wrapped = self.wrap.seal(owner.as_bytes(), key.as_bytes());
                Wrapped {
                    owner,
                    wrapped,
                    about: *about,
                }
            })
            .collect();
        let about: Vec<(String, RecordId)> = new
            .about
            .iter()
            .map(|(owner, record)| (owner.to_string(), *record))
            .collect();
        match &self.store {
            Store::Postgres(tables) => tables.persist(&rows, &about).await?,
            Store::Sqlite(tables) => tables.persist(&rows, &about).await?,
            #[cfg(feature = "simulation")]
            Store::Memory(tables) => tables.persist(&rows, &about).await?,
        }
        counter!("shikaku_ledger_fsyncs_total", "of" => "keys").increment(1);
        let mut cache = self.cache();
        for (owner, key, about) in &new.create {
            cache.put(owner.clone(), KeyState::Live(key.clone(), *about));
        }
        for (owner, _) in &new.about {
            cache.pop(owner);
        }
        Ok(())
    }

    /// Destroys the record's key, the keys of streams about it, and the evidence's. Safe to repeat.
    pub(crate) async fn erase(
        &self,
        record: RecordId,
        evidence: &[KeyOwner],
    ) -> Result<(), LedgerError> {
        let mut owners = vec![KeyOwner::Record(record).to_string()];
        owners.extend(evidence.iter().map(ToString::to_string));
        let erased = match &self.store {
            Store::Postgres(tables) => tables.erase(record, &owners).await,
            Store::Sqlite(tables) => tables.erase(record, &owners).await,
            #[cfg(feature = "simulation")]
            Store::Memory(tables) => tables.erase(record, &owners).await,
        };
        self.erasures.fetch_add(1, Ordering::SeqCst);
        // Streams about the record are among the forgotten; the rest is read again.
        self.cache().clear();
        erased
    }
}

fn inbox_aad(id: ObservationId) -> Vec<u8> {
    format!("shikaku-inbox|{id}").into_bytes()
}
