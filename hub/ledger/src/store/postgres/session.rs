//! The fence: one connection that holds the advisory lock. The server ends it when nothing is heard for five
//! seconds, so that a stopped process loses the lock without anybody's help.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{Tables, prove_durable, write};
use crate::LedgerError;
use crate::keys::{Keys, NewKeys};
use crate::store::rows::{self, CommitError, HeadRow, Prepared, RawHead, RecoverError};

/// The advisory lock of the writer, one per database.
const WRITER_LOCK: i64 = 0x5348_494b_414b_5500;
/// The server ends a session it has not heard of for so long.
const IDLE_LIMIT: &str = "5s";
/// A commit that takes longer is given up, by the server and then by us.
const STATEMENT_LIMIT: &str = "20s";
const COMMIT_LIMIT: Duration = Duration::from_secs(25);
const HEARTBEAT: Duration = Duration::from_secs(1);
const HEARTBEAT_LIMIT: Duration = Duration::from_secs(3);
/// How often a standby tries for the lock.
const RETRY: Duration = Duration::from_millis(250);
/// A server that says nothing for so long is connected to anew: its machine may be gone without a word.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How long a broken session may take to be whole again: the server needs `IDLE_LIMIT` to free the lock.
const RECOVER_LIMIT: Duration = Duration::from_secs(8);

/// Empty while the session is broken, or while a call has taken the connection out: a call that is dropped
/// half-way takes its connection with it.
type Line = Arc<Mutex<Option<PgConnection>>>;

/// The write side.
#[derive(Debug)]
pub(crate) struct Session {
    options: Box<PgConnectOptions>,
    line: Line,
    heartbeat: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

impl Session {
    pub(crate) async fn stand_by(tables: &Tables) -> Result<Self, LedgerError> {
        let options = (*tables.options)
            .clone()
            .application_name("shikaku-writer")
            .options([
                ("idle_session_timeout", IDLE_LIMIT),
                ("idle_in_transaction_session_timeout", IDLE_LIMIT),
                ("statement_timeout", STATEMENT_LIMIT),
            ]);
        let connection = wait_for_lock(&options).await?;
        let options = Box::new(options);
        let line: Line = Arc::new(Mutex::new(Some(connection)));
        let heartbeat = tokio::spawn(beat(Arc::clone(&line)));
        Ok(Self {
            options,
            line,
            heartbeat,
        })
    }

    pub(crate) async fn claim(&mut self) -> Result<HeadRow, LedgerError> {
        let mut line = self.line.lock().await;
        let connection = line.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        let row: Option<RawHead> = sqlx::query_as(
            "UPDATE head SET term = term + 1
             RETURNING term, commits, position, recorded_at, chain, peaks",
        )
        .fetch_optional(connection)
        .await?;
        rows::head(row.ok_or(LedgerError::Missing)?)
    }

    /// Frees the lock at once.
    pub(crate) async fn close(self) {
        if let Some(connection) = self.line.lock().await.take() {
            // Should it fail, the server frees the lock by itself.
            let _ = connection.close().await;
        }
    }

    pub(crate) async fn is_whole(&self) -> bool {
        self.line.lock().await.is_some()
    }

    pub(crate) async fn commit(
        &mut self,
        batch: &Prepared,
        keys: &Keys,
        new: &NewKeys,
    ) -> Result<(), CommitError> {
        let mut line = self.line.lock().await;
        let lost = || CommitError::Lost(sqlx::Error::WorkerCrashed.into());
        let mut connection = line.take().ok_or_else(lost)?;
        let written = write::commit(&mut connection, batch, keys, new);
        let outcome = timeout(COMMIT_LIMIT, written)
            .await
            .unwrap_or_else(|_| Err(lost()));
        if !matches!(outcome, Err(CommitError::Lost(_))) {
            *line = Some(connection);
        }
        outcome
    }

    pub(crate) async fn recover(&mut self, term: u64) -> Result<HeadRow, RecoverError> {
        let mut line = self.line.lock().await;
        // Whatever it was doing, the server must have ended it before we look.
        *line = None;
        let deadline = Instant::now() + RECOVER_LIMIT;
        loop {
            match again(&self.options, term).await {
                Ok((connection, head)) => {
                    *line = Some(connection);
                    return Ok(head);
                }
                Err(RecoverError::NotYet(_)) if Instant::now() < deadline => sleep(RETRY).await,
                Err(error) => return Err(error),
            }
        }
    }
}

/// One attempt to hold the lock again under the same term.
async fn again(
    options: &PgConnectOptions,
    term: u64,
) -> Result<(PgConnection, HeadRow), RecoverError> {
    let attempt = async {
        let mut connection = connect(options).await?;
        let is_ours = try_lock(&mut connection).await?;
        if is_ours {
            // What is seen here may be confirmed by nobody yet: a commit that waited for a standby is visible once
            // its session was ended. One more commit waits for the standby to have all before it.
            sqlx::query("UPDATE head SET term = term")
                .execute(&mut connection)
                .await?;
        }
        let row: Option<RawHead> = sqlx::query_as(super::read::HEAD)
            .fetch_optional(&mut connection)
            .await?;
        let head = rows::head(row.ok_or(LedgerError::Missing)?)?;
        Ok::<_, LedgerError>((connection, is_ours, head))
    };
    match timeout(RECOVER_LIMIT, attempt).await {
        Ok(Ok((_, _, head))) if head.term != term => Err(RecoverError::Fenced),
        Ok(Ok((connection, true, head))) => Ok((connection, head)),
        Ok(Ok((_, false, _))) => Err(RecoverError::NotYet(sqlx::Error::PoolTimedOut.into())),
        Ok(Err(error)) => Err(RecoverError::NotYet(error)),
        Err(_) => Err(RecoverError::NotYet(sqlx::Error::PoolTimedOut.into())),
    }
}

/// Waits as standby. A server that goes away meanwhile, or falls silent, is waited for too.
async fn wait_for_lock(options: &PgConnectOptions) -> Result<PgConnection, LedgerError> {
    let mut connection = connect(options).await?;
    loop {
        let tried = timeout(ANSWER_LIMIT, try_lock(&mut connection)).await;
        match tried.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(true) => return Ok(connection),
            Ok(false) => sleep(RETRY).await,
            Err(error) => {
                tracing::warn!(%error, "standby lost the database; connecting again");
                sleep(RETRY).await;
                match connect(options).await {
                    Ok(new) => connection = new,
                    Err(error) => tracing::warn!(%error, "standby can't connect yet"),
                }
            }
        }
    }
}

/// A line to a server that still forgets nothing: it may be another one than before.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, LedgerError> {
    let attempt = async {
        let mut connection = PgConnection::connect_with(options).await?;
        prove_durable(&mut connection).await?;
        Ok(connection)
    };
    let connected = timeout(RECOVER_LIMIT, attempt).await;
    connected.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
}

async fn try_lock(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(WRITER_LOCK)
        .fetch_one(connection)
        .await
}

/// Keeps the session alive while nothing is written, and notices early when it is not.
async fn beat(line: Line) {
    loop {
        sleep(HEARTBEAT).await;
        // A commit on its way is heartbeat enough.
        let Ok(mut line) = line.try_lock() else {
            continue;
        };
        let Some(mut connection) = line.take() else {
            continue;
        };
        match timeout(HEARTBEAT_LIMIT, connection.ping()).await {
            Ok(Ok(())) => *line = Some(connection),
            _ => {
                counter!("shikaku_ledger_writer_lost_total").increment(1);
                tracing::warn!("the writer's session was lost");
            }
        }
    }
}
