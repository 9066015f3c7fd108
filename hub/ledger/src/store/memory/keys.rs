//! The key store.

use std::collections::{BTreeMap, BTreeSet};

use shikaku_schemas::value::RecordId;

use super::{Call, Fate, MemoryLine, lost};
use crate::LedgerError;
use crate::keys::{PersistError, StoredKey, Wrapped};

#[derive(Default)]
pub(super) struct Stored {
    keys: BTreeMap<String, (Vec<u8>, Option<RecordId>)>,
    erased: BTreeSet<String>,
    check: Option<Vec<u8>>,
}

/// The key store as one process reaches it.
#[derive(Debug)]
pub(crate) struct KeyTables {
    line: MemoryLine,
}

impl KeyTables {
    pub(crate) fn new(line: MemoryLine) -> Self {
        Self { line }
    }

    async fn call<T>(
        &self,
        call: Call,
        act: impl FnOnce(&mut Stored) -> T + Send,
    ) -> Result<T, LedgerError> {
        let fate = self.line.weather.meet(call).await;
        if fate == Fate::LostBefore {
            return Err(lost());
        }
        let done = act(&mut self.line.database.state().keys);
        match fate {
            Fate::LostAfter => Err(lost()),
            _ => Ok(done),
        }
    }

    pub(crate) async fn group_check(
        &self,
        ours: &[u8],
        read_only: bool,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        self.call(Call::Read, |stored| {
            if !read_only {
                stored.check.get_or_insert_with(|| ours.to_vec());
            }
            stored.check.clone()
        })
        .await
    }

    pub(crate) async fn read(&self, owners: &[String]) -> Result<Vec<StoredKey>, LedgerError> {
        self.call(Call::Read, |stored| {
            let find = |owner: &String| match stored.keys.get(owner) {
                Some((wrapped, about)) => Some((owner.clone(), Some(wrapped.clone()), *about)),
                None if stored.erased.contains(owner) => Some((owner.clone(), None, None)),
                None => None,
            };
            owners.iter().filter_map(find).collect()
        })
        .await
    }

    pub(crate) async fn persist(
        &self,
        rows: &[Wrapped],
        about: &[(String, RecordId)],
    ) -> Result<(), PersistError> {
        let made = self.call(Call::Keys, |stored| {
            let is_taken = |row: &Wrapped| {
                stored.keys.contains_key(&row.owner) || stored.erased.contains(&row.owner)
            };
            if rows.iter().any(is_taken) {
                return false;
            }
            for (owner, record) in about {
                if let Some((_, about)) = stored.keys.get_mut(owner) {
                    *about = Some(*record);
                }
            }
            for row in rows {
                let key = (row.wrapped.clone(), row.about);
                stored.keys.insert(row.owner.clone(), key);
            }
            true
        });
        match made.await.map_err(PersistError::Failed)? {
            true => Ok(()),
            false => Err(PersistError::Stale),
        }
    }

    pub(crate) async fn erase(
        &self,
        record: RecordId,
        owners: &[String],
    ) -> Result<(), LedgerError> {
        self.call(Call::Keys, |stored| {
            let about = stored.keys.iter();
            let about: Vec<String> = about
                .filter(|(_, (_, about))| *about == Some(record))
                .map(|(owner, _)| owner.clone())
                .collect();
            for owner in owners.iter().chain(&about) {
                stored.keys.remove(owner);
                stored.erased.insert(owner.clone());
            }
        })
        .await
    }
}
