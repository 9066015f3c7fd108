//! The access log: who looked at whom, when, and why. Written before anything is shown, and never rewritten.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use shikaku_schemas::clock::Clock;
use shikaku_schemas::value::{FacilityCode, RecordId};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::options::AccessAt;
use crate::store::{Pool, bytes_of, on, record_of, signed, unsigned};

/// Looks in one statement at most.
const AT_ONCE: usize = 500;

const SQLITE: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS access (id INTEGER PRIMARY KEY AUTOINCREMENT, at BIGINT NOT NULL, \
     who TEXT NOT NULL, kind TEXT NOT NULL, facility TEXT, record BLOB, purpose TEXT NOT NULL)",
    "CREATE TRIGGER IF NOT EXISTS access_kept BEFORE UPDATE ON access \
     BEGIN SELECT RAISE(ABORT, 'the access log is append only'); END",
    "CREATE TRIGGER IF NOT EXISTS access_whole BEFORE DELETE ON access \
     BEGIN SELECT RAISE(ABORT, 'the access log is append only'); END",
];

const POSTGRES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS access (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at BIGINT NOT NULL, \
     who TEXT NOT NULL, kind TEXT NOT NULL, facility TEXT, record BYTEA, purpose TEXT NOT NULL)",
    "CREATE OR REPLACE FUNCTION access_refused() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN RAISE EXCEPTION 'the access log is append only'; END $$",
    "CREATE OR REPLACE TRIGGER access_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON access \
     FOR EACH STATEMENT EXECUTE FUNCTION access_refused()",
];

/// One look. Holds ids only, nothing personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The consumer, account or operating-system user.
    pub who: String,
    /// What was asked: `state`, `snapshot`, `replay`, `history`, `display` …
    pub kind: String,
    /// At which facility.
    pub facility: Option<FacilityCode>,
    /// Which record was shown; none when none was found or many are re-delivered.
    pub record: Option<RecordId>,
    /// Why.
    pub purpose: String,
}

/// A look as logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessRow {
    /// Its place in the log.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What was asked.
    pub kind: String,
    /// At which facility.
    pub facility: Option<FacilityCode>,
    /// Which record.
    pub record: Option<RecordId>,
    /// Why.
    pub purpose: String,
}

/// The look was not logged: nothing may be shown.
#[derive(Debug, thiserror::Error)]
#[error("the access log can't be written or read")]
pub struct AccessError(#[from] sqlx::Error);

/// The access log. Cheap to clone; several processes may write it.
#[derive(Clone)]
pub struct AccessLog {
    pool: Pool,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessLog")
    }
}

impl AccessLog {
    /// Opens the log, and makes it when it is missing.
    ///
    /// # Errors
    /// When it can't be opened; then nothing may be shown.
    pub async fn open(at: &AccessAt, clock: Arc<dyn Clock>) -> Result<Self, AccessError> {
        #[cfg(feature = "simulation")]
        if let AccessAt::Memory(databases) = at {
            let pool = Pool::Looks(databases.clone());
            return Ok(Self { pool, clock });
        }
        let (pool, statements) = match at {
            AccessAt::Sqlite { path } => (sqlite(path).await?, SQLITE),
            AccessAt::Postgres { url } => (postgres(url).await?, POSTGRES),
            #[cfg(feature = "simulation")]
            AccessAt::Memory(_) => unreachable!("opened before"),
        };
        let log = Self { pool, clock };
        on!(log, pool => {
            for statement in statements {
                sqlx::query(*statement).execute(pool).await?;
            }
        });
        Ok(log)
    }

    /// Logs looks, durably, before their answer is given.
    ///
    /// # Errors
    /// When they are not logged, or nobody knows whether they are: show nothing.
    pub async fn record(&self, looks: &[Look]) -> Result<(), AccessError> {
        #[cfg(feature = "simulation")]
        if let Pool::Looks(databases) = &self.pool {
            return Ok(databases.look(self.clock.now(), looks).await?);
        }
        let at = self.clock.now().as_microsecond();
        on!(self, pool, DB => {
            let mut tx = pool.begin().await?;
            for looks in looks.chunks(AT_ONCE) {
                let mut query = sqlx::QueryBuilder::<DB>::new(
                    "INSERT INTO access (at, who, kind, facility, record, purpose) ",
                );
                query.push_values(looks, |mut tuple, look| {
                    tuple
                        .push_bind(at)
                        .push_bind(look.who.clone())
                        .push_bind(look.kind.clone())
                        .push_bind(look.facility.as_ref().map(|code| code.0.clone()))
                        .push_bind(look.record.map(bytes_of))
                        .push_bind(look.purpose.clone());
                });
                query.build().persistent(false).execute(&mut *tx).await?;
            }
            tx.commit().await?;
        });
        Ok(())
    }

    /// Looks after `id`, oldest first.
    ///
    /// # Errors
    /// When the log can't be read.
    pub async fn list(&self, after: u64, limit: u32) -> Result<Vec<AccessRow>, AccessError> {
        #[cfg(feature = "simulation")]
        if let Pool::Looks(databases) = &self.pool {
            return Ok(databases.looks(after, limit));
        }
        let rows: Result<Vec<AccessRow>, sqlx::Error> = on!(self, pool => {
            sqlx::query(
                "SELECT id, at, who, kind, facility, record, purpose FROM access WHERE id > $1 ORDER BY id LIMIT $2",
            )
            .bind(signed(after))
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await?
            .iter()
            .map(|row| {
                let at: i64 = row.try_get(1)?;
                let record: Option<Vec<u8>> = row.try_get(5)?;
                Ok(AccessRow {
                    id: unsigned(row.try_get(0)?),
                    at: Timestamp::from_microsecond(at).map_err(|error| sqlx::Error::Decode(error.into()))?,
                    who: row.try_get(2)?,
                    kind: row.try_get(3)?,
                    facility: row.try_get::<Option<String>, _>(4)?.map(FacilityCode),
                    record: record.map(record_of).transpose()?,
                    purpose: row.try_get(6)?,
                })
            })
            .collect()
        });
        Ok(rows?)
    }
}

async fn sqlite(path: &Path) -> Result<Pool, sqlx::Error> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full);
    Ok(Pool::Sqlite(crate::store::sqlite::open(options, 2).await?))
}

async fn postgres(url: &str) -> Result<Pool, sqlx::Error> {
    let mut first = PgConnection::connect(url).await?;
    first.execute("CREATE SCHEMA IF NOT EXISTS access").await?;
    first.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute(sqlx::raw_sql(AssertSqlSafe(
                        "SET search_path TO access; SET synchronous_commit TO on".to_owned(),
                    )))
                    .await?;
                Ok(())
            })
        })
        .connect(url)
        .await?;
    Ok(Pool::Postgres(pool))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shikaku_schemas::clock::SystemClock;

    #[tokio::test]
    async fn looks_are_kept_and_can_not_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let at = AccessAt::Sqlite {
            path: folder.path().join("access.db"),
        };
        let log = AccessLog::open(&at, Arc::new(SystemClock)).await.unwrap();
        let look = Look {
            who: "ward-3".to_owned(),
            kind: "state".to_owned(),
            facility: Some(FacilityCode::from("1319912349")),
            record: Some(RecordId(uuid::Uuid::from_u128(7))),
            purpose: "feed".to_owned(),
        };
        log.record(&[look.clone(), look.clone()]).await.unwrap();
        let again = AccessLog::open(&at, Arc::new(SystemClock)).await.unwrap();
        let rows = again.list(0, 10).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].record, look.record);
        assert_eq!(again.list(rows[0].id, 10).await.unwrap().len(), 1);
        let Pool::Sqlite(pool) = &log.pool else {
            unreachable!("opened on SQLite")
        };
        for statement in ["DELETE FROM access", "UPDATE access SET who = 'x'"] {
            assert!(sqlx::query(statement).execute(pool).await.is_err());
        }
    }
}
