//! From a batch to rows: versions, keys, seals, leaves, and the head that follows.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use shikaku_schemas::clock::Randomness;
use shikaku_schemas::event::{EventHead, event_aad};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{EventId, RecordId, StreamId};

use crate::AppendError;
use crate::keys::{KeyState, Keys, NewKeys};
use crate::ledger::{Inner, evidence_aad, key_lost};
use crate::model::{Batch, Draft, KeyOwner, StoredEvent};
use crate::proof::{chain, leaf};
use crate::store::{EvidencePart, HeadRow, Prepared, StoredInbox};

/// Events of one batch at most.
const MAX_EVENTS: usize = 10_000;

/// How streams and keys that are not in memory are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// A stream said to be new has no event, and like a one-piece evidence no key; should they, the primary key
    /// or the key store refuses and we ask.
    Likely,
    /// Ask for each.
    Sure,
}

pub(super) async fn prepare(
    ledger: &Inner,
    before: &HeadRow,
    batch: &Batch,
    now: Timestamp,
    randomness: &dyn Randomness,
    knowledge: Knowledge,
) -> Result<(Prepared, NewKeys), AppendError> {
    check_lawful(before, batch)?;
    check_versions(ledger, &batch.events, knowledge).await?;
    let mut ring = KeyRing::gather(&ledger.keys, batch, knowledge).await?;
    let mut after = before.clone();
    after.commits += 1;
    // The databases keep microseconds, and the ledger's clock never goes back.
    let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    after.recorded_at = now.max(before.recorded_at);
    let mut events = Vec::with_capacity(batch.events.len());
    for draft in &batch.events {
        let key = ring.of_draft(draft)?;
        let event = seal(draft, &key, &after, randomness)?;
        after.chain = chain(&after.chain, &event.leaf);
        after.tree.push(event.leaf);
        events.push(event);
    }
    let mut taken = BTreeMap::new();
    for (key, record) in &batch.identity_keys {
        if taken
            .insert(key.clone(), *record)
            .is_some_and(|other| other != *record)
        {
            return Err(AppendError::IdentityTaken);
        }
    }
    let prepared = Prepared {
        before: before.clone(),
        after,
        events,
        inbox: inbox(&ledger.keys, batch),
        released_keys: batch.released_keys.clone(),
        identity_keys: taken.into_iter().collect(),
        evidence: evidence(&mut ring, batch),
        cases: batch.cases.clone(),
    };
    Ok((prepared, ring.new))
}

/// What no database would tell us in time.
fn check_lawful(before: &HeadRow, batch: &Batch) -> Result<(), AppendError> {
    if batch.events.len() > MAX_EVENTS {
        return Err(AppendError::Unlawful("too many events in one batch"));
    }
    let end = before.tree.size() + batch.events.len() as u64;
    let mut seen = HashSet::new();
    for row in &batch.inbox {
        if !seen.insert(row.observation_id) {
            return Err(AppendError::Unlawful("two answers to one observation"));
        }
        if row.last.is_some_and(|last| last.0 > end) {
            return Err(AppendError::Unlawful(
                "an answer speaks of a position to come",
            ));
        }
    }
    Ok(())
}

/// Every draft must follow the event before it, in the ledger or in this batch.
pub(super) async fn check_versions(
    ledger: &Inner,
    drafts: &[Draft],
    knowledge: Knowledge,
) -> Result<(), AppendError> {
    let mut known: HashMap<&StreamId, u64> = HashMap::with_capacity(drafts.len());
    let mut unknown: Vec<StreamId> = Vec::new();
    {
        let mut versions = ledger.versions();
        for draft in drafts {
            if known.contains_key(&draft.stream) {
                continue;
            }
            let version = versions.get(&draft.stream).copied();
            let is_likely_new = draft.expected_version == 0 && knowledge == Knowledge::Likely;
            if version.is_none() && !is_likely_new {
                unknown.push(draft.stream.clone());
            }
            known.insert(&draft.stream, version.unwrap_or(0));
        }
    }
    if !unknown.is_empty() {
        let found = ledger.store.versions(&unknown).await;
        let found = found.map_err(AppendError::unavailable)?;
        for stream in unknown {
            let version = found.get(&stream).copied().unwrap_or(0);
            if let Some(known) = known.get_mut(&stream) {
                *known = version;
            }
            ledger.note_version(stream, version);
        }
    }
    for draft in drafts {
        let version = known.entry(&draft.stream).or_default();
        if *version != draft.expected_version {
            return Err(AppendError::Conflict {
                stream: draft.stream.clone(),
            });
        }
        *version += 1;
    }
    Ok(())
}

/// The keys that a batch seals with, and those that it makes.
struct KeyRing {
    states: HashMap<KeyOwner, KeyState>,
    new: NewKeys,
}

impl KeyRing {
    async fn gather(keys: &Keys, batch: &Batch, knowledge: Knowledge) -> Result<Self, AppendError> {
        let mut states = HashMap::new();
        let mut asked = HashSet::new();
        let mut want = |owner: KeyOwner, is_likely_new: bool| {
            if let Some(state) = keys.cached(&owner) {
                states.insert(owner, state);
            } else if is_likely_new && knowledge == Knowledge::Likely {
                states.insert(owner, KeyState::Absent);
            } else {
                asked.insert(owner);
            }
        };
        for draft in &batch.events {
            let is_new = draft.expected_version == 0;
            want(owner_of(draft), is_new);
            for record in [draft.patient, draft.key_of].into_iter().flatten() {
                let is_own = draft.stream.record() == Some(record);
                want(KeyOwner::Record(record), is_new && is_own);
            }
        }
        for chunk in &batch.evidence {
            want(KeyOwner::Evidence(chunk.id.clone()), chunk.chunks == 1);
        }
        asked.retain(|owner| !states.contains_key(owner));
        if !asked.is_empty() {
            let asked: Vec<KeyOwner> = asked.into_iter().collect();
            let found = keys.look_up(&asked).await;
            states.extend(found.map_err(AppendError::unavailable)?);
        }
        Ok(Self {
            states,
            new: NewKeys::default(),
        })
    }

    fn state(&self, owner: &KeyOwner) -> &KeyState {
        self.states.get(owner).unwrap_or(&KeyState::Absent)
    }

    fn create(&mut self, owner: KeyOwner, about: Option<RecordId>) -> SealKey {
        let key = SealKey::random();
        let state = KeyState::Live(key.clone(), about);
        self.states.insert(owner.clone(), state);
        self.new.create.push((owner, key.clone(), about));
        key
    }

    /// The key that seals a draft, made now if this is the stream's first event.
    fn of_draft(&mut self, draft: &Draft) -> Result<SealKey, AppendError> {
        let owner = owner_of(draft);
        let records = [draft.patient, draft.key_of].into_iter().flatten();
        let mut owners = records.map(KeyOwner::Record).chain([owner.clone()]);
        if owners.any(|owner| *self.state(&owner) == KeyState::Erased) {
            return Err(AppendError::Erased {
                stream: draft.stream.clone(),
            });
        }
        match self.state(&owner).clone() {
            KeyState::Live(key, about) => {
                if let (KeyOwner::Stream(_), Some(record)) = (&owner, draft.key_of)
                    && about != Some(record)
                {
                    let state = KeyState::Live(key.clone(), Some(record));
                    self.states.insert(owner.clone(), state);
                    self.link(owner, record);
                }
                Ok(key)
            }
            // The key of an older stream is never made anew: what it sealed would be lost unseen.
            _ if draft.expected_version > 0 && draft.event.kind() != "record-erased" => {
                Err(AppendError::unavailable(key_lost(&owner)))
            }
            _ => {
                let about = draft
                    .key_of
                    .filter(|_| matches!(owner, KeyOwner::Stream(_)));
                Ok(self.create(owner, about))
            }
        }
    }

    fn link(&mut self, owner: KeyOwner, record: RecordId) {
        let created = self
            .new
            .create
            .iter_mut()
            .find(|(made, _, _)| *made == owner);
        match created {
            Some((_, _, about)) => *about = Some(record),
            None => self.new.about.push((owner, record)),
        }
    }
}

fn owner_of(draft: &Draft) -> KeyOwner {
    KeyOwner::of_event(draft.event.kind(), &draft.stream, draft.patient)
}

/// Seals one draft at the position after `at`.
fn seal(
    draft: &Draft,
    key: &SealKey,
    at: &HeadRow,
    randomness: &dyn Randomness,
) -> Result<StoredEvent, AppendError> {
    let head = EventHead {
        position: at.position().next(),
        event_id: EventId(
            match planted(Mutant::ReuseAnId) && at.position().0 % 8 == 7 {
                true => uuid::Uuid::from_u128(1),
                false => randomness.id(at.recorded_at),
            },
        ),
        stream: draft.stream.clone(),
        stream_version: draft.expected_version + 1,
        kind: draft.event.kind().to_owned(),
        schema_version: draft.event.schema_version(),
        recorded_at: at.recorded_at,
        facility: draft.facility.clone(),
        patient: draft.patient,
        observation_id: draft.observation_id,
        evidence: draft.evidence.clone(),
        as_of: draft.as_of,
    };
    let data = draft
        .event
        .stored()
        .map_err(|_| AppendError::Unlawful("an event that is no JSON"))?;
    let aad = event_aad(
        head.event_id,
        &head.stream,
        head.stream_version,
        &head.kind,
        head.schema_version,
    );
    let sealed = key.seal(&aad, &data);
    let leaf = leaf(&head, &sealed);
    Ok(StoredEvent { head, sealed, leaf })
}

fn inbox(keys: &Keys, batch: &Batch) -> Vec<StoredInbox> {
    let rows = batch.inbox.iter();
    rows.map(|row| {
        let is_set_aside = matches!(row.outcome, CommitOutcome::Waiting | CommitOutcome::Parked);
        let kept = row.observation.as_ref().filter(|_| is_set_aside);
        StoredInbox {
            observation_id: row.observation_id,
            facility: row.facility.clone(),
            outcome: row.outcome,
            first: row.first,
            last: row.last,
            case: row.case,
            reason: row.reason.clone(),
            observation: kept.map(|plain| keys.seal_inbox(row.observation_id, plain)),
        }
    })
    .collect()
}

/// Evidence whose key was destroyed is let fall: it stays erased although its bytes came again.
fn evidence(ring: &mut KeyRing, batch: &Batch) -> Vec<EvidencePart> {
    let mut parts = Vec::with_capacity(batch.evidence.len());
    for chunk in &batch.evidence {
        let owner = KeyOwner::Evidence(chunk.id.clone());
        let key = match ring.state(&owner).clone() {
            KeyState::Live(key, _) => key,
            KeyState::Erased => continue,
            KeyState::Absent => ring.create(owner, None),
        };
        parts.push(EvidencePart {
            id: chunk.id.clone(),
            index: chunk.index,
            chunks: chunk.chunks,
            media: chunk.media.clone(),
            sealed: key.seal(&evidence_aad(&chunk.id, chunk.index), &chunk.bytes),
        });
    }
    parts
}
