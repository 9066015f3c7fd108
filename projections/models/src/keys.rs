//! Record keys, asked of the hub and kept in memory only.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lru::LruCache;
use serde::{Deserialize, Serialize};
use shikaku_broker::Broker;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::subject::KEYS_OPEN;
use shikaku_schemas::value::RecordId;

use crate::run::Cause;

/// Keys held at most: some 100 bytes each.
const HELD: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");
/// Records asked for in one request.
const ASKED: usize = 500;
const ANSWER: Duration = Duration::from_secs(10);

/// What is left of a record's key.
#[derive(Debug, Clone)]
pub(crate) enum RecordKey {
    /// It opens.
    Open(SealKey),
    /// It was destroyed.
    Erased,
}

#[derive(Serialize)]
struct Question<'a> {
    records: &'a [RecordId],
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    keys: BTreeMap<RecordId, String>,
    #[serde(default)]
    erased: Vec<RecordId>,
}

/// Keys of records. Cheap to clone; clones share what they hold. Dropped keys are wiped.
#[derive(Clone)]
pub(crate) struct KeyRing {
    pub(crate) broker: Broker,
    held: Arc<Mutex<LruCache<RecordId, RecordKey>>>,
}

impl KeyRing {
    pub(crate) fn new(broker: Broker) -> Self {
        Self {
            broker,
            held: Arc::new(Mutex::new(LruCache::new(HELD))),
        }
    }

    /// The keys of `records`; a record the hub does not know is absent.
    ///
    /// # Errors
    /// When the hub does not answer: nothing can be opened then, and nothing may be skipped.
    pub(crate) async fn keys(
        &self,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, RecordKey>, Cause> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            for record in records {
                match held.get(record) {
                    Some(key) => {
                        found.insert(*record, key.clone());
                    }
                    None => missing.push(*record),
                }
            }
        }
        missing.sort();
        missing.dedup();
        for asked in missing.chunks(ASKED) {
            found.extend(self.ask(asked).await?);
        }
        Ok(found)
    }

    /// Keeps no key of an erased record.
    pub(crate) fn forget(&self, record: RecordId) {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(record, RecordKey::Erased);
    }

    async fn ask(&self, records: &[RecordId]) -> Result<Vec<(RecordId, RecordKey)>, Cause> {
        let question = serde_json::to_vec(&Question { records })?;
        let reply = self.broker.request(KEYS_OPEN, question, ANSWER).await?;
        let answer: Answer = serde_json::from_slice(&reply)?;
        let mut found = Vec::with_capacity(records.len());
        for (record, text) in answer.keys {
            let bytes = STANDARD.decode(text)?;
            let key = SealKey::from_slice(&bytes).ok_or("a record key has another length")?;
            found.push((record, RecordKey::Open(key)));
        }
        found.extend(
            answer
                .erased
                .into_iter()
                .map(|record| (record, RecordKey::Erased)),
        );
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for (record, key) in &found {
            held.put(*record, key.clone());
        }
        Ok(found)
    }
}
