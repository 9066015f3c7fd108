//! The tables on either database. Both sides are used through one set of functions and tested by one suite.

#[cfg(feature = "simulation")]
pub(crate) mod memory;
pub(crate) mod postgres;
mod rows;
pub(crate) mod sqlite;

use std::collections::HashMap;

use jiff::Timestamp;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{CaseId, EvidenceId, ObservationId, Position, RecordId, StreamId};

use crate::LedgerError;
use crate::keys::{Keys, NewKeys};
use crate::model::{CaseRow, IdentityKey, StoredEvent};
use crate::options::Database;

pub(crate) use rows::{
    CommitError, Epoch, EvidencePart, Genesis, HeadRow, Prepared, RecoverError, StoredInbox,
};

/// The read side of a database.
#[derive(Debug)]
pub(crate) enum Store {
    Postgres(postgres::Tables),
    Sqlite(sqlite::Tables),
    #[cfg(feature = "simulation")]
    Memory(memory::Tables),
}

/// Runs the same call on whichever database it is.
macro_rules! on {
    ($self:expr, $tables:ident => $call:expr) => {
        match $self {
            Store::Postgres($tables) => $call,
            Store::Sqlite($tables) => $call,
            #[cfg(feature = "simulation")]
            Store::Memory($tables) => $call,
        }
    };
}

impl Store {
    /// Opens the tables, creating them unless `read_only`, and proves that commits are durable.
    pub(crate) async fn open(database: &Database, read_only: bool) -> Result<Self, LedgerError> {
        Ok(match database {
            Database::Postgres { url } => {
                Self::Postgres(postgres::Tables::open(url, read_only).await?)
            }
            Database::Sqlite { path } => Self::Sqlite(sqlite::Tables::open(path, read_only).await?),
            #[cfg(feature = "simulation")]
            Database::Memory(line) => Self::Memory(memory::Tables::new(line.clone())),
        })
    }

    /// Writes the first genesis and head unless they are there.
    pub(crate) async fn begin(&self, genesis: &Genesis) -> Result<(), LedgerError> {
        on!(self, tables => tables.begin(genesis).await)
    }

    /// Every epoch, the first first.
    pub(crate) async fn epochs(&self) -> Result<Vec<Epoch>, LedgerError> {
        on!(self, tables => tables.epochs().await)
    }

    /// Writes the beginning of a further epoch.
    pub(crate) async fn begin_epoch(&self, epoch: Epoch, at: Timestamp) -> Result<(), LedgerError> {
        on!(self, tables => tables.begin_epoch(epoch, at).await)
    }

    pub(crate) async fn head(&self) -> Result<HeadRow, LedgerError> {
        on!(self, tables => tables.head().await)
    }

    pub(crate) async fn read_page(
        &self,
        after: Position,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        on!(self, tables => tables.read_page(after, limit).await)
    }

    pub(crate) async fn read_kinds(
        &self,
        after: Position,
        kinds: &[&str],
        limit: u32,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        on!(self, tables => tables.read_kinds(after, kinds, limit).await)
    }

    /// Events of the streams, each stream's in order.
    pub(crate) async fn load_streams(
        &self,
        streams: &[StreamId],
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        on!(self, tables => tables.load_streams(streams).await)
    }

    /// Versions of those streams that have events.
    pub(crate) async fn versions(
        &self,
        streams: &[StreamId],
    ) -> Result<HashMap<StreamId, u64>, LedgerError> {
        on!(self, tables => tables.versions(streams).await)
    }

    /// The first event after `after` and up to `to` that does not follow its stream's previous one.
    pub(crate) async fn first_out_of_stream(
        &self,
        after: Position,
        to: Position,
    ) -> Result<Option<Position>, LedgerError> {
        on!(self, tables => tables.first_out_of_stream(after, to).await)
    }

    pub(crate) async fn inbox(
        &self,
        ids: &[ObservationId],
    ) -> Result<Vec<StoredInbox>, LedgerError> {
        on!(self, tables => tables.inbox(ids).await)
    }

    pub(crate) async fn inbox_by_outcome(
        &self,
        outcome: CommitOutcome,
        after: Option<ObservationId>,
        limit: u32,
    ) -> Result<Vec<StoredInbox>, LedgerError> {
        on!(self, tables => tables.inbox_by_outcome(outcome, after, limit).await)
    }

    pub(crate) async fn resolve(
        &self,
        keys: &[IdentityKey],
    ) -> Result<HashMap<IdentityKey, RecordId>, LedgerError> {
        on!(self, tables => tables.resolve(keys).await)
    }

    pub(crate) async fn cases(&self, open_only: bool) -> Result<Vec<CaseRow>, LedgerError> {
        on!(self, tables => tables.cases(open_only).await)
    }

    pub(crate) async fn waiting_in(&self, case: CaseId) -> Result<Vec<ObservationId>, LedgerError> {
        on!(self, tables => tables.waiting_in(case).await)
    }

    pub(crate) async fn evidence_complete(
        &self,
        ids: &[EvidenceId],
    ) -> Result<Vec<EvidenceId>, LedgerError> {
        on!(self, tables => tables.evidence_complete(ids).await)
    }

    /// How many chunks there should be, and those that are there, in order.
    pub(crate) async fn evidence(
        &self,
        id: &EvidenceId,
    ) -> Result<Option<(u32, Vec<EvidencePart>)>, LedgerError> {
        on!(self, tables => tables.evidence(id).await)
    }

    /// Evidence that events of this stream rest on, and of no other.
    pub(crate) async fn evidence_of_only(
        &self,
        stream: &StreamId,
    ) -> Result<Vec<EvidenceId>, LedgerError> {
        on!(self, tables => tables.evidence_of_only(stream).await)
    }
}

/// The write side: holds the fence.
#[derive(Debug)]
pub(crate) enum Session {
    Postgres(postgres::Session),
    Sqlite(sqlite::Session),
    #[cfg(feature = "simulation")]
    Memory(memory::Session),
}

impl Session {
    /// Waits until no other writer is alive.
    pub(crate) async fn stand_by(store: &Store) -> Result<Self, LedgerError> {
        Ok(match store {
            Store::Postgres(tables) => Self::Postgres(postgres::Session::stand_by(tables).await?),
            Store::Sqlite(tables) => Self::Sqlite(sqlite::Session::stand_by(tables).await?),
            #[cfg(feature = "simulation")]
            Store::Memory(tables) => Self::Memory(memory::Session::stand_by(tables).await?),
        })
    }

    /// Begins a new term, which shuts every earlier writer out.
    pub(crate) async fn claim(&mut self) -> Result<HeadRow, LedgerError> {
        match self {
            Self::Postgres(session) => session.claim().await,
            Self::Sqlite(session) => session.claim().await,
            #[cfg(feature = "simulation")]
            Self::Memory(session) => session.claim().await,
        }
    }

    /// Frees the fence.
    pub(crate) async fn close(self) {
        match self {
            Self::Postgres(session) => session.close().await,
            Self::Sqlite(session) => session.close().await,
            #[cfg(feature = "simulation")]
            Self::Memory(session) => session.close().await,
        }
    }

    /// Whether a call can be made without [`Session::recover`] first.
    pub(crate) async fn is_whole(&self) -> bool {
        match self {
            Self::Postgres(session) => session.is_whole().await,
            Self::Sqlite(session) => session.is_whole(),
            #[cfg(feature = "simulation")]
            Self::Memory(session) => session.is_whole(),
        }
    }

    /// Commits keys, then the batch.
    pub(crate) async fn commit(
        &mut self,
        batch: &Prepared,
        keys: &Keys,
        new: &NewKeys,
    ) -> Result<(), CommitError> {
        match self {
            Self::Postgres(session) => session.commit(batch, keys, new).await,
            Self::Sqlite(session) => session.commit(batch, keys, new).await,
            #[cfg(feature = "simulation")]
            Self::Memory(session) => session.commit(batch, keys, new).await,
        }
    }

    /// Connects again under the same term. When it succeeds, no earlier call of ours is still running, so the
    /// head tells surely what was committed.
    pub(crate) async fn recover(&mut self, term: u64) -> Result<HeadRow, RecoverError> {
        match self {
            Self::Postgres(session) => session.recover(term).await,
            Self::Sqlite(session) => session.recover(term).await,
            #[cfg(feature = "simulation")]
            Self::Memory(session) => session.recover(term).await,
        }
    }
}

/// How many of `migrations` are applied already.
pub(crate) fn applied(
    store: &'static str,
    found: i64,
    migrations: &[&str],
    read_only: bool,
) -> Result<usize, LedgerError> {
    let known = migrations.len();
    match usize::try_from(found) {
        Ok(done) if done == known || (done < known && !read_only) => Ok(done),
        Ok(done) if done < known => Err(LedgerError::Missing),
        _ => Err(LedgerError::TooNew {
            store,
            found,
            known: i64::try_from(known).unwrap_or(i64::MAX),
        }),
    }
}
