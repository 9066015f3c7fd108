//! Opening payloads and evidence, handing out keys, and erasing.

use std::collections::{BTreeSet, HashMap};

use shikaku_schemas::event::{Event, EventRecord, event_aad};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{EvidenceId, RecordId, StreamId};

use super::Ledger;
use crate::LedgerError;
use crate::keys::KeyState;
use crate::model::{KeyOwner, Opened, StoredEvent};

impl Ledger {
    /// Opens payloads and brings them to their present shape.
    ///
    /// # Errors
    /// [`LedgerError::UnknownEvent`]: the reader must stop. [`LedgerError::PayloadRefused`] and
    /// [`LedgerError::KeyLost`]: the ledger or the key store was damaged.
    pub async fn open_events(&self, events: &[StoredEvent]) -> Result<Vec<Opened>, LedgerError> {
        let opened = self.open_each(events).await?;
        opened.into_iter().collect()
    }

    /// As [`Ledger::open_events`], each for itself: for readers that can leave alone what one of them is about.
    ///
    /// # Errors
    /// No answer from the key store; within, why one of them can't be read.
    pub async fn open_each(
        &self,
        events: &[StoredEvent],
    ) -> Result<Vec<Result<Opened, LedgerError>>, LedgerError> {
        let keys = self.keys_of(events).await?;
        let open = |event: &StoredEvent| {
            let head = event.head.clone();
            let Some(data) = open_payload(&keys, event)? else {
                return Ok(Opened { head, event: None });
            };
            match Event::read(&head.kind, head.schema_version, &data) {
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
        Ok(events.iter().map(open).collect())
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
