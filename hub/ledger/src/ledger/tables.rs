//! Reading tables.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use shikaku_schemas::observation::{CommitOutcome, EvidenceRef};
use shikaku_schemas::value::{CaseId, EvidenceId, ObservationId, Position, RecordId, StreamId};

use super::Ledger;
use crate::LedgerError;
use crate::model::{CaseRow, IdentityKey, InboxRow, StoredEvent};
use crate::store::StoredInbox;

impl Ledger {
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

    /// Up to `limit` events of some types after a position, in order, still sealed. Walks the table from `after`:
    /// who looks for what is recent begins at [`Ledger::position_at`].
    ///
    /// # Errors
    /// No answer from the database, or a row that nobody of us wrote.
    pub async fn read_kinds(
        &self,
        after: Position,
        kinds: &[&str],
        limit: u32,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        self.inner.store.read_kinds(after, kinds, limit).await
    }

    /// The last position recorded before `time`; the ledger's clock never goes back, so it is found by halving.
    ///
    /// # Errors
    /// No answer from the database, or a row that nobody of us wrote.
    pub async fn position_at(&self, time: Timestamp) -> Result<Position, LedgerError> {
        let (mut before, mut end) = (0, self.head().await?.position.0);
        while before < end {
            let middle = before + (end - before) / 2;
            let page = self.read_page(Position(middle), 1).await?;
            match page.first() {
                Some(event) if event.head.recorded_at < time => before = middle + 1,
                _ => end = middle,
            }
        }
        Ok(Position(before))
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
}
