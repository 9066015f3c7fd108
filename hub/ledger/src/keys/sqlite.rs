//! The key store in a SQLite file of its own.

use std::path::Path;

use shikaku_schemas::value::RecordId;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions};
use tokio::sync::Mutex;
use uuid::fmt::Hyphenated;

use super::{PersistError, StoredKey, Wrapped};
use crate::LedgerError;
use crate::store::sqlite::{connect, connect_options, migrate, prove_durable};

const MIGRATIONS: &[&str] = &[include_str!("../../migrations/keys-sqlite-1.sql")];

/// One call, since each costs a hop to the connection's thread. When any of the owners was erased its key is null, which the column refuses: nothing is made at all.
const PERSIST: &str = "
BEGIN IMMEDIATE;
UPDATE keys SET about = l.value ->> 1 FROM json_each(?) AS l WHERE keys.owner = l.value ->> 0;
INSERT INTO keys (owner, wrapped, about)
SELECT n.value ->> 0,
       CASE WHEN NOT EXISTS (SELECT 1 FROM erased JOIN json_each(?) AS o ON erased.owner = o.value ->> 0)
            THEN unhex(n.value ->> 1) END,
       n.value ->> 2
FROM json_each(?) AS n;
COMMIT";

#[derive(Debug)]
pub(super) struct KeyTables {
    pool: SqlitePool,
    options: Box<SqliteConnectOptions>,
    writer: Mutex<Option<SqliteConnection>>,
}

/// Makes the file before SQLite does, for its owner alone; what SQLite puts beside it has the same mode.
fn make_private(path: &Path) -> Result<(), LedgerError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let unusable = |source| LedgerError::File {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unusable)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(unusable)?;
    Ok(())
}

impl KeyTables {
    pub(super) async fn open(path: &Path, read_only: bool) -> Result<Self, LedgerError> {
        if !read_only {
            make_private(path)?;
        }
        let options = connect_options(path, read_only)?.pragma("secure_delete", "on");
        let mut connection = connect(&options).await?;
        prove_durable(&mut connection, read_only).await?;
        migrate(&mut connection, "key store", MIGRATIONS, read_only).await?;
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await?;
        connection.close().await?;
        Ok(Self {
            pool,
            options: Box::new(options),
            writer: Mutex::new(None),
        })
    }

    pub(super) async fn group_check(
        &self,
        ours: &[u8],
        read_only: bool,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        if !read_only {
            sqlx::query("INSERT INTO group_check VALUES (1, ?) ON CONFLICT DO NOTHING")
                .bind(ours)
                .execute(&self.pool)
                .await?;
        }
        let stored = sqlx::query_scalar("SELECT sealed FROM group_check");
        Ok(stored.fetch_optional(&self.pool).await?)
    }

    pub(super) async fn read(&self, owners: &[String]) -> Result<Vec<StoredKey>, LedgerError> {
        let names = serde_json::json!(owners).to_string();
        let rows: Vec<(String, Option<Vec<u8>>, Option<Hyphenated>)> = sqlx::query_as(
            "SELECT owner, wrapped, about FROM keys WHERE owner IN (SELECT value FROM json_each(?))
             UNION ALL
             SELECT owner, NULL, NULL FROM erased WHERE owner IN (SELECT value FROM json_each(?))",
        )
        .bind(&names)
        .bind(&names)
        .fetch_all(&self.pool)
        .await?;
        let typed = |(owner, wrapped, about): (_, _, Option<Hyphenated>)| {
            (owner, wrapped, about.map(|id| RecordId(id.into_uuid())))
        };
        Ok(rows.into_iter().map(typed).collect())
    }

    pub(super) async fn persist(
        &self,
        rows: &[Wrapped],
        about: &[(String, RecordId)],
    ) -> Result<(), PersistError> {
        let new: Vec<_> = rows
            .iter()
            .map(|row| (&row.owner, hex::encode(&row.wrapped), row.about))
            .collect();
        let new = serde_json::json!(new).to_string();
        let about = serde_json::json!(about).to_string();
        let mut writer = self.writer.lock().await;
        // Taken out while it works: a call that is dropped half-way takes its connection with it.
        let mut connection = match writer.take() {
            Some(connection) => connection,
            None => connect(&self.options).await?,
        };
        let call = sqlx::query(PERSIST).bind(about).bind(&new).bind(&new);
        let outcome = call.execute(&mut connection).await;
        // What failed may have begun a transaction or not: a connection that can't be told is given up.
        let is_usable = outcome.is_ok()
            || sqlx::raw_sql("ROLLBACK")
                .execute(&mut connection)
                .await
                .is_ok();
        *writer = is_usable.then_some(connection);
        outcome?;
        Ok(())
    }

    pub(super) async fn erase(
        &self,
        record: RecordId,
        owners: &[String],
    ) -> Result<(), LedgerError> {
        let names = serde_json::json!(owners).to_string();
        let record = record.0.hyphenated();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO erased (owner)
             SELECT value FROM json_each(?) WHERE true
             UNION SELECT owner FROM keys WHERE about = ?
             ON CONFLICT DO NOTHING",
        )
        .bind(&names)
        .bind(record)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM keys WHERE owner IN (SELECT owner FROM erased)")
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        // The write-ahead log still holds the page with the key until then.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
