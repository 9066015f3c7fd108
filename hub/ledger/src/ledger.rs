//! The read side (skeleton; bodies follow).
#![expect(clippy::todo, reason = "signatures first; bodies follow at once")]

use std::collections::{HashMap, HashSet};

use shikaku_schemas::event::EventRecord;
use shikaku_schemas::observation::{CommitOutcome, EvidenceRef};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{CaseId, EvidenceId, ObservationId, Position, RecordId, StreamId};

use crate::model::{
    CaseRow, Head, IdentityKey, InboxRow, KeyOwner, Opened, StoreIdentity, StoredEvent,
    VerifyProgress, VerifyReport,
};
use crate::{LedgerError, LedgerOptions};

/// The read side of the ledger. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger;

#[expect(
    missing_docs,
    clippy::unused_async,
    unused_variables,
    reason = "skeleton"
)]
impl Ledger {
    pub async fn open(options: &LedgerOptions) -> Result<Self, LedgerError> {
        todo!()
    }
    pub async fn open_read_only(options: &LedgerOptions) -> Result<Self, LedgerError> {
        todo!()
    }
    pub fn identity(&self) -> StoreIdentity {
        todo!()
    }
    pub async fn head(&self) -> Result<Head, LedgerError> {
        todo!()
    }
    pub async fn read_page(
        &self,
        after: Position,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        todo!()
    }
    pub async fn load_streams(
        &self,
        streams: &[StreamId],
    ) -> Result<HashMap<StreamId, Vec<StoredEvent>>, LedgerError> {
        todo!()
    }
    pub async fn inbox(
        &self,
        ids: &[ObservationId],
    ) -> Result<HashMap<ObservationId, InboxRow>, LedgerError> {
        todo!()
    }
    pub async fn inbox_by_outcome(
        &self,
        outcome: CommitOutcome,
        after: Option<ObservationId>,
        limit: u32,
    ) -> Result<Vec<InboxRow>, LedgerError> {
        todo!()
    }
    pub async fn resolve(
        &self,
        keys: &[IdentityKey],
    ) -> Result<HashMap<IdentityKey, RecordId>, LedgerError> {
        todo!()
    }
    pub async fn cases(&self, open_only: bool) -> Result<Vec<CaseRow>, LedgerError> {
        todo!()
    }
    pub async fn waiting_in(&self, case: CaseId) -> Result<Vec<ObservationId>, LedgerError> {
        todo!()
    }
    pub async fn evidence_complete(
        &self,
        refs: &[EvidenceRef],
    ) -> Result<HashSet<EvidenceId>, LedgerError> {
        todo!()
    }
    pub async fn evidence(&self, id: &EvidenceId) -> Result<Option<Vec<u8>>, LedgerError> {
        todo!()
    }
    pub async fn open_events(&self, events: &[StoredEvent]) -> Result<Vec<Opened>, LedgerError> {
        todo!()
    }
    pub async fn records(&self, events: &[StoredEvent]) -> Result<Vec<EventRecord>, LedgerError> {
        todo!()
    }
    pub async fn keys(
        &self,
        owners: &[KeyOwner],
    ) -> Result<HashMap<KeyOwner, Option<SealKey>>, LedgerError> {
        todo!()
    }
    pub async fn record_keys(
        &self,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, Option<SealKey>>, LedgerError> {
        todo!()
    }
    pub async fn erase(&self, record: RecordId) -> Result<(), LedgerError> {
        todo!()
    }
    pub fn committed(&self) -> tokio::sync::watch::Receiver<Position> {
        todo!()
    }
    pub async fn verify(
        &self,
        progress: impl FnMut(VerifyProgress) + Send,
    ) -> Result<VerifyReport, LedgerError> {
        todo!()
    }
}
