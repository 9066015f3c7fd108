//! The fence: an exclusive lock on `ledger.lock`, freed by the kernel when the process dies.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::time::sleep;

use super::{Tables, connect_options, prove_durable, write};
use crate::LedgerError;
use crate::keys::{Keys, NewKeys};
use crate::store::rows::{self, CommitError, HeadRow, Prepared, RawHead, RecoverError};

/// How often a standby tries for the lock.
const RETRY: Duration = Duration::from_millis(250);

/// The write side.
#[derive(Debug)]
pub(crate) struct Session {
    path: PathBuf,
    /// Empty while the session is broken, or while a call has taken it out.
    connection: Option<SqliteConnection>,
    _lock: File,
}

impl Session {
    pub(crate) async fn stand_by(tables: &Tables) -> Result<Self, LedgerError> {
        let path = tables.path.clone();
        let lock = wait_for_lock(path.with_extension("lock")).await?;
        let connection = Some(line(&path).await?);
        Ok(Self {
            path,
            connection,
            _lock: lock,
        })
    }

    pub(crate) async fn claim(&mut self) -> Result<HeadRow, LedgerError> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        let row: Option<RawHead> = sqlx::query_as(
            "UPDATE head SET term = term + 1
             RETURNING term, commits, position, recorded_at, chain, peaks",
        )
        .fetch_optional(connection)
        .await?;
        rows::head(row.ok_or(LedgerError::Missing)?)
    }

    /// Frees the lock, after the connection's thread has ended.
    pub(crate) async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            let _ = connection.close().await;
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.connection.is_some()
    }

    pub(crate) async fn commit(
        &mut self,
        batch: &Prepared,
        keys: &Keys,
        new: &NewKeys,
    ) -> Result<(), CommitError> {
        keys.persist(new).await.map_err(CommitError::Keys)?;
        let lost = || CommitError::Lost(sqlx::Error::WorkerCrashed.into());
        let mut connection = self.connection.take().ok_or_else(lost)?;
        let outcome = write::commit(&mut connection, batch).await;
        if !matches!(outcome, Err(CommitError::Lost(_))) {
            self.connection = Some(connection);
        }
        outcome
    }

    pub(crate) async fn recover(&mut self, term: u64) -> Result<HeadRow, RecoverError> {
        let attempt = async {
            // A dropped connection may still be writing; the write lock is free only when it has ended.
            drop(self.connection.take());
            let mut connection = line(&self.path).await?;
            sqlx::raw_sql("BEGIN IMMEDIATE")
                .execute(&mut connection)
                .await?;
            let row: Option<RawHead> = sqlx::query_as(super::read::HEAD)
                .fetch_optional(&mut connection)
                .await?;
            sqlx::raw_sql("ROLLBACK").execute(&mut connection).await?;
            let head = rows::head(row.ok_or(LedgerError::Missing)?)?;
            Ok::<_, LedgerError>((connection, head))
        };
        match attempt.await {
            Ok((_, head)) if head.term != term => Err(RecoverError::Fenced),
            Ok((connection, head)) => {
                self.connection = Some(connection);
                Ok(head)
            }
            Err(error) => Err(RecoverError::NotYet(error)),
        }
    }
}

async fn line(path: &std::path::Path) -> Result<SqliteConnection, LedgerError> {
    let mut connection = super::connect(&connect_options(path, false)?).await?;
    prove_durable(&mut connection, false).await?;
    Ok(connection)
}

async fn wait_for_lock(path: PathBuf) -> Result<File, LedgerError> {
    let failed = |source| LedgerError::File {
        path: path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => sleep(RETRY).await,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}
