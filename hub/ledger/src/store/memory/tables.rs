//! Reading.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{CaseId, EvidenceId, ObservationId, Position, RecordId, StreamId};

use super::MemoryLine;
use crate::LedgerError;
use crate::model::{CaseRow, IdentityKey, StoredEvent};
use crate::store::rows::{Epoch, EvidencePart, Genesis, HeadRow, StoredInbox};

/// The read side.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(super) line: MemoryLine,
}

impl Tables {
    pub(crate) fn new(line: MemoryLine) -> Self {
        Self { line }
    }

    pub(crate) async fn begin(&self, _genesis: &Genesis) -> Result<(), LedgerError> {
        // It was begun when it was made.
        self.line.read(|_| ()).await
    }

    pub(crate) async fn epochs(&self) -> Result<Vec<Epoch>, LedgerError> {
        self.line.read(|stored| stored.epochs.clone()).await
    }

    pub(crate) async fn begin_epoch(
        &self,
        epoch: Epoch,
        _at: Timestamp,
    ) -> Result<(), LedgerError> {
        self.line.read(|_| ()).await?;
        let contents = &mut self.line.database.state().contents;
        contents.head.term = epoch.first_term();
        contents.epochs.push(epoch);
        Ok(())
    }

    pub(crate) async fn head(&self) -> Result<HeadRow, LedgerError> {
        self.line.read(|stored| stored.head.clone()).await
    }

    pub(crate) async fn read_page(
        &self,
        after: Position,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        let skip = usize::try_from(after.0).unwrap_or(usize::MAX);
        let page = |events: &[StoredEvent]| {
            let found = events.iter().skip(skip).take(limit as usize);
            found.cloned().collect()
        };
        self.line.read(|stored| page(&stored.events)).await
    }

    pub(crate) async fn read_kinds(
        &self,
        after: Position,
        kinds: &[&str],
        limit: u32,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        let skip = usize::try_from(after.0).unwrap_or(usize::MAX);
        let page = |events: &[StoredEvent]| {
            let later = events.iter().skip(skip);
            let found = later.filter(|event| kinds.contains(&event.head.kind.as_str()));
            found.take(limit as usize).cloned().collect()
        };
        self.line.read(|stored| page(&stored.events)).await
    }

    pub(crate) async fn load_streams(
        &self,
        streams: &[StreamId],
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        let wanted: BTreeSet<&StreamId> = streams.iter().collect();
        self.line
            .read(|stored| {
                let places = wanted
                    .iter()
                    .filter_map(|stream| stored.streams.get(*stream));
                places
                    .flatten()
                    .map(|at| stored.events[*at].clone())
                    .collect()
            })
            .await
    }

    pub(crate) async fn versions(
        &self,
        streams: &[StreamId],
    ) -> Result<HashMap<StreamId, u64>, LedgerError> {
        self.line
            .read(|stored| {
                let version = |stream: &StreamId| {
                    let events = stored.streams.get(stream)?.len() as u64;
                    Some((stream.clone(), events))
                };
                streams.iter().filter_map(version).collect()
            })
            .await
    }

    pub(crate) async fn first_out_of_stream(
        &self,
        after: Position,
        to: Position,
    ) -> Result<Option<Position>, LedgerError> {
        self.line
            .read(|stored| {
                let mut versions: HashMap<&StreamId, u64> = HashMap::new();
                for event in &stored.events {
                    let head = &event.head;
                    let version = versions.entry(&head.stream).or_default();
                    let follows = head.stream_version == *version + 1;
                    *version = head.stream_version;
                    if !follows && head.position > after && head.position <= to {
                        return Some(head.position);
                    }
                }
                None
            })
            .await
    }

    pub(crate) async fn inbox(
        &self,
        ids: &[ObservationId],
    ) -> Result<Vec<StoredInbox>, LedgerError> {
        let ids: BTreeSet<&ObservationId> = ids.iter().collect();
        self.line
            .read(|stored| {
                let places = ids.iter().filter_map(|id| stored.arrivals.get(*id));
                places.map(|at| stored.inbox[*at].clone()).collect()
            })
            .await
    }

    pub(crate) async fn inbox_by_outcome(
        &self,
        outcome: CommitOutcome,
        after: Option<ObservationId>,
        limit: u32,
    ) -> Result<Vec<StoredInbox>, LedgerError> {
        self.line
            .read(|stored| {
                let from = after.and_then(|id| stored.arrivals.get(&id));
                let rows = stored.inbox.iter().skip(from.map_or(0, |at| at + 1));
                rows.filter(|row| row.outcome == outcome)
                    .take(limit as usize)
                    .cloned()
                    .collect()
            })
            .await
    }

    pub(crate) async fn resolve(
        &self,
        keys: &[IdentityKey],
    ) -> Result<HashMap<IdentityKey, RecordId>, LedgerError> {
        self.line
            .read(|stored| {
                let record = |key: &IdentityKey| Some((key.clone(), *stored.identity.get(key)?));
                keys.iter().filter_map(record).collect()
            })
            .await
    }

    pub(crate) async fn cases(&self, open_only: bool) -> Result<Vec<CaseRow>, LedgerError> {
        self.line
            .read(|stored| {
                let cases = stored.cases.iter();
                let mut found: Vec<CaseRow> = cases
                    .filter(|case| case.closed.is_none() || !open_only)
                    .cloned()
                    .collect();
                found.sort_by_key(|case| (case.opened, case.case));
                found
            })
            .await
    }

    pub(crate) async fn waiting_in(&self, case: CaseId) -> Result<Vec<ObservationId>, LedgerError> {
        self.line
            .read(|stored| {
                let rows = stored.inbox.iter();
                rows.filter(|row| row.outcome == CommitOutcome::Waiting && row.case == Some(case))
                    .map(|row| row.observation_id)
                    .collect()
            })
            .await
    }

    pub(crate) async fn evidence_complete(
        &self,
        ids: &[EvidenceId],
    ) -> Result<Vec<EvidenceId>, LedgerError> {
        let ids: BTreeSet<&EvidenceId> = ids.iter().collect();
        self.line
            .read(|stored| {
                let complete = |id: &EvidenceId| {
                    let found = stored.evidence.get(id);
                    found.is_some_and(|found| found.parts.len() == found.chunks as usize)
                };
                ids.into_iter().filter(|id| complete(id)).cloned().collect()
            })
            .await
    }

    pub(crate) async fn evidence(
        &self,
        id: &EvidenceId,
    ) -> Result<Option<(u32, Vec<EvidencePart>)>, LedgerError> {
        self.line
            .read(|stored| {
                let found = stored.evidence.get(id)?;
                let part = |(index, sealed): (&u32, &Arc<[u8]>)| EvidencePart {
                    id: id.clone(),
                    index: *index,
                    chunks: found.chunks,
                    media: found.media.clone(),
                    sealed: sealed.to_vec(),
                };
                Some((found.chunks, found.parts.iter().map(part).collect()))
            })
            .await
    }

    pub(crate) async fn evidence_of_only(
        &self,
        stream: &StreamId,
    ) -> Result<Vec<EvidenceId>, LedgerError> {
        self.line
            .read(|stored| {
                let mut ours: BTreeSet<EvidenceId> = BTreeSet::new();
                let mut others: BTreeSet<&EvidenceId> = BTreeSet::new();
                for event in &stored.events {
                    let Some(evidence) = &event.head.evidence else {
                        continue;
                    };
                    if event.head.stream == *stream {
                        ours.insert(evidence.clone());
                    } else if event.head.patient.is_some() {
                        others.insert(evidence);
                    }
                }
                ours.retain(|evidence| !others.contains(evidence));
                ours.into_iter().collect()
            })
            .await
    }
}
