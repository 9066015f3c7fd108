//! What one batch decides on: loaded states, and everything earlier items of the batch already decided.
//!
//! Effects of an item are applied whole, or not at all, so that a refused item leaves no trace.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use shikaku_domain::FacilityFacts;
use shikaku_domain::patient::PatientState;
use shikaku_ledger::{Batch, CaseChange, Draft, EvidenceChunk, IdentityKey, InboxRow};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::observation::{CommitOutcome, Observation, OqsAnswer};
use shikaku_schemas::value::{CaseId, EvidenceId, ObservationId, Position, RecordId, StreamId};

use super::context::Context;
use super::state::Loaded;
use super::verdict::Verdict;
use crate::identity::Named;

/// What one item changes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Events, in order; `expected_version` is filled in when they are applied.
    pub(crate) drafts: Vec<Draft>,
    /// Keys let go of.
    pub(crate) released: Vec<IdentityKey>,
    /// Keys taken.
    pub(crate) taken: Vec<(IdentityKey, RecordId)>,
    /// Answers.
    pub(crate) inbox: Vec<InboxRow>,
    /// Cases.
    pub(crate) cases: Vec<CaseChange>,
}

/// Everything known while a batch is decided.
#[derive(Default)]
pub(crate) struct WorkingSet {
    /// Answers already given, by observation.
    pub(crate) inbox: HashMap<ObservationId, InboxRow>,
    /// Where identity keys lead.
    pub(crate) keys: HashMap<IdentityKey, RecordId>,
    /// Streams as they stand.
    pub(crate) streams: HashMap<StreamId, Loaded>,
    /// Evidence that is complete in the vault.
    pub(crate) evidence: HashSet<EvidenceId>,
    /// The stream on which an earlier command stands.
    pub(crate) made: HashMap<ObservationId, StreamId>,
    /// Commands of this batch, and what they are answered.
    pub(crate) given: HashMap<ObservationId, Verdict>,
    /// What answers may be looked up by.
    pub(crate) named: HashMap<ObservationId, Arc<Named>>,
    /// Observations that wait in a case, in order of arrival.
    pub(crate) waiting: HashMap<CaseId, Vec<Observation>>,
    /// What observations of this batch say that their evidence is.
    media: HashMap<EvidenceId, String>,
    /// Pieces of evidence in this batch.
    pieces: HashMap<EvidenceId, HashSet<u32>>,
    batch: Batch,
}

impl WorkingSet {
    /// Pieces travel without their media type; the observation names it.
    pub(crate) fn know_media(&mut self, id: &EvidenceId, media: &str) {
        self.media.insert(id.clone(), media.to_owned());
    }

    /// Adds a piece of evidence.
    pub(crate) fn add_chunk(&mut self, mut chunk: EvidenceChunk) {
        if let Some(media) = self.media.get(&chunk.id) {
            chunk.media.clone_from(media);
        }
        let pieces = self.pieces.entry(chunk.id.clone()).or_default();
        if pieces.insert(chunk.index) && !self.evidence.contains(&chunk.id) {
            self.batch.evidence.push(chunk);
        }
    }

    /// Whether all pieces are in the vault, or all in this batch.
    pub(crate) fn has_evidence(&self, id: &EvidenceId, chunks: u32) -> bool {
        self.evidence.contains(id)
            || self
                .pieces
                .get(id)
                .is_some_and(|pieces| (0..chunks).all(|index| pieces.contains(&index)))
    }

    /// Where a key leads.
    pub(crate) fn record_of(&self, key: &IdentityKey) -> Option<RecordId> {
        self.keys.get(key).copied()
    }

    /// A stream as it stands; one never heard of is empty.
    pub(crate) fn stream(&mut self, stream: &StreamId) -> &mut Loaded {
        self.streams
            .entry(stream.clone())
            .or_insert_with(|| Loaded::empty(stream))
    }

    /// A patient record as it stands; of one never heard of nothing is known.
    pub(crate) fn patient(&self, record: RecordId) -> &PatientState {
        static NOBODY: LazyLock<PatientState> = LazyLock::new(PatientState::default);
        self.streams
            .get(&StreamId::patient(record))
            .and_then(Loaded::as_patient)
            .unwrap_or(&NOBODY)
    }

    /// What an answer may be looked up by.
    pub(crate) fn named(
        &mut self,
        context: &Context,
        seen: &Observation,
        answer: &OqsAnswer,
        facts: &FacilityFacts,
    ) -> Arc<Named> {
        let named = self.named.entry(seen.observation_id);
        let named = named.or_insert_with(|| Arc::new(context.digests.named(answer, facts)));
        Arc::clone(named)
    }

    /// Makes the effects part of the batch. Gives how many events stand before and after.
    pub(crate) fn apply(&mut self, mut effects: Effects) -> std::ops::Range<usize> {
        let before = self.batch.events.len();
        for mut draft in effects.drafts.drain(..) {
            let loaded = self.stream(&draft.stream);
            draft.expected_version = loaded.version;
            loaded.evolve(&draft);
            self.batch.events.push(draft);
        }
        let range = before..self.batch.events.len();
        for key in effects.released {
            if self.keys.remove(&key).is_some() {
                // Taken earlier in this very batch: then there is nothing to let go of in the ledger.
                self.batch.identity_keys.retain(|(taken, _)| *taken != key);
                self.batch.released_keys.push(key);
            }
        }
        for (key, record) in effects.taken {
            let before = match planted(Mutant::ForgetKeysInBatch) {
                true => self.record_of(&key),
                false => self.keys.insert(key.clone(), record),
            };
            if before != Some(record) {
                self.batch.identity_keys.push((key, record));
            }
        }
        for row in effects.inbox {
            self.put_row(row, &range);
        }
        self.batch.cases.append(&mut effects.cases);
        range
    }

    /// Rows carry their place in the batch until [`WorkingSet::finish`] knows the positions.
    fn put_row(&mut self, mut row: InboxRow, range: &std::ops::Range<usize>) {
        if row.outcome == CommitOutcome::Recorded && !range.is_empty() {
            row.first = Some(Position(range.start as u64 + 1));
            row.last = Some(Position(range.end as u64));
        }
        self.inbox.insert(row.observation_id, row.clone());
        match self
            .batch
            .inbox
            .iter_mut()
            .find(|earlier| earlier.observation_id == row.observation_id)
        {
            Some(earlier) => *earlier = row,
            None => self.batch.inbox.push(row),
        }
    }

    /// The batch, with positions counted from `head`, and the states that it leaves behind.
    pub(crate) fn finish(mut self, head: Position) -> (Batch, HashMap<StreamId, Loaded>) {
        for row in &mut self.batch.inbox {
            let place = |at: Position| Position(head.0 + at.0);
            row.first = row.first.map(place);
            row.last = row.last.map(place);
        }
        (self.batch, self.streams)
    }

    /// Whether there is anything to commit.
    pub(crate) fn is_empty(&self) -> bool {
        let batch = &self.batch;
        batch.events.is_empty()
            && batch.inbox.is_empty()
            && batch.released_keys.is_empty()
            && batch.identity_keys.is_empty()
            && batch.evidence.is_empty()
            && batch.cases.is_empty()
    }
}
