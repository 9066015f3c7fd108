//! Opening a database that is a SQLite file.

use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::{Instant, sleep};

/// How long another process may keep the file to itself.
const BUSY: Duration = Duration::from_secs(10);
/// What each line keeps of its file in memory, in KiB (negative by SQLite's custom). There are many lines and one file
/// cache of the machine beneath them; SQLite's own default is four times as much for each.
const CACHE: &str = "-512";
/// Between two tries to open it.
const RETRY: Duration = Duration::from_millis(20);

/// Lines to the file at `options`, which keeps a write-ahead log from now on.
pub(crate) async fn open(
    options: SqliteConnectOptions,
    connections: u32,
) -> Result<SqlitePool, sqlx::Error> {
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(BUSY)
        .pragma("cache_size", CACHE);
    let first = connect(&options).await?;
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .connect_with(options)
        .await?;
    first.close().await?;
    Ok(pool)
}

/// Of two processes that turn a new file to its write-ahead log at once, SQLite tells one at once that it is locked,
/// whatever the time-out: each waits for the other. That one tries again.
async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_may_open_a_new_file_at_once() {
        for _ in 0..40 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("new.db");
            let together = Arc::new(tokio::sync::Barrier::new(4));
            let opening: Vec<_> = (0..4)
                .map(|_| {
                    let options = SqliteConnectOptions::new().filename(&path);
                    let together = together.clone();
                    tokio::spawn(async move {
                        together.wait().await;
                        open(options, 1).await
                    })
                })
                .collect();
            for one in opening {
                one.await.unwrap().unwrap();
            }
        }
    }
}
