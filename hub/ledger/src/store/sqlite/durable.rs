//! Start-up: sets and proves durability, brings the tables up to date.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tokio::time::{Instant, sleep};

use crate::LedgerError;
use crate::store::applied;

/// How long another process may keep the file to itself.
const BUSY: Duration = Duration::from_secs(10);
/// Between two tries to open it.
const RETRY: Duration = Duration::from_millis(20);

/// How the file is opened: write-ahead log, every commit synced.
pub(crate) fn connect_options(
    path: &Path,
    read_only: bool,
) -> Result<SqliteConnectOptions, LedgerError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        .pragma("wal_autocheckpoint", "4000");
    if read_only {
        if !path.exists() {
            return Err(LedgerError::Missing);
        }
        return Ok(options.read_only(true));
    }
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|source| LedgerError::File {
            path: folder.to_owned(),
            source,
        })?;
    }
    Ok(options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full))
}

/// Opens a line to the file. Of two processes that turn a new file to its write-ahead log at once, SQLite tells one at
/// once that it is locked, whatever the time-out: each waits for the other. That one tries again.
pub(crate) async fn connect(
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, sqlx::Error> {
    let until = Instant::now() + BUSY;
    loop {
        match options.connect().await {
            Err(error) if is_locked(&error) && Instant::now() < until => sleep(RETRY).await,
            outcome => return outcome,
        }
    }
}

/// `SQLITE_BUSY`, plain or extended.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Reads back that the file keeps a write-ahead log and syncs it at every commit.
pub(crate) async fn prove_durable(
    connection: &mut SqliteConnection,
    read_only: bool,
) -> Result<(), LedgerError> {
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *connection)
        .await?;
    if journal != "wal" {
        return Err(LedgerError::NotDurable {
            setting: "journal_mode".to_owned(),
            found: journal,
            required: "wal",
        });
    }
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(connection)
        .await?;
    // 2 is FULL, 3 is EXTRA.
    if synchronous < 2 && !read_only {
        return Err(LedgerError::NotDurable {
            setting: "synchronous".to_owned(),
            found: synchronous.to_string(),
            required: "FULL",
        });
    }
    Ok(())
}

/// Applies what is missing of `migrations`, all in one transaction. They only go forward.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    store: &'static str,
    migrations: &[&'static str],
    read_only: bool,
) -> Result<(), LedgerError> {
    let begin = if read_only {
        "BEGIN"
    } else {
        "BEGIN IMMEDIATE"
    };
    sqlx::raw_sql(begin).execute(&mut *connection).await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *connection)
        .await?;
    let done = applied(store, found, migrations, read_only)?;
    for migration in &migrations[done..] {
        sqlx::raw_sql(*migration).execute(&mut *connection).await?;
    }
    if done < migrations.len() {
        let version = format!("PRAGMA user_version = {}", migrations.len());
        sqlx::raw_sql(AssertSqlSafe(version))
            .execute(&mut *connection)
            .await?;
    }
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok(())
}
