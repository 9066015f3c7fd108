//! Opening a projection's database, and its tables.

use std::path::Path;

use shikaku_schemas::feed::FeedVariant;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use super::{History, Pool, Store, on, position};
use crate::options::Database;

const CONNECTIONS: u32 = 4;

/// Shape of what rows hold. A new one makes a projection drop its rows and read `LOG` again.
const SHAPE: i64 = 1;

/// `{bytes}` is the one word in which the two databases differ.
const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS checkpoint (id BIGINT PRIMARY KEY, store_id {bytes}, epoch BIGINT NOT NULL, \
     position BIGINT NOT NULL, event_id {bytes}, gate BIGINT NOT NULL, \
     target BIGINT, shape BIGINT NOT NULL, feed_created TEXT)",
    "CREATE TABLE IF NOT EXISTS current_rows (record {bytes} PRIMARY KEY, sealed {bytes} NOT NULL)",
    "CREATE TABLE IF NOT EXISTS places (facility TEXT NOT NULL, record {bytes} NOT NULL, lookup {bytes}, \
     PRIMARY KEY (facility, record))",
    "CREATE INDEX IF NOT EXISTS places_lookup ON places (facility, lookup)",
    "CREATE INDEX IF NOT EXISTS places_record ON places (record)",
    "CREATE TABLE IF NOT EXISTS counters (facility TEXT PRIMARY KEY, feed_sequence BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS outbox (facility TEXT NOT NULL, feed_sequence BIGINT NOT NULL, \
     ce_id {bytes} NOT NULL, kind TEXT NOT NULL, record {bytes} NOT NULL, position BIGINT NOT NULL, \
     recorded_at BIGINT NOT NULL, body {bytes} NOT NULL, published BIGINT NOT NULL DEFAULT 0, \
     stream_sequence BIGINT, PRIMARY KEY (facility, feed_sequence))",
    "CREATE INDEX IF NOT EXISTS outbox_unpublished ON outbox (position, facility, feed_sequence) WHERE published = 0",
    "CREATE INDEX IF NOT EXISTS outbox_ce_id ON outbox (ce_id)",
    "CREATE INDEX IF NOT EXISTS outbox_recorded_at ON outbox (recorded_at)",
    "CREATE TABLE IF NOT EXISTS parked (record {bytes} PRIMARY KEY, position BIGINT NOT NULL, facility TEXT, \
     kind TEXT NOT NULL, reason TEXT NOT NULL, announced BIGINT NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS parked_events (position BIGINT PRIMARY KEY, record {bytes} NOT NULL, \
     event {bytes} NOT NULL)",
];

impl Store {
    /// Opens the database of one projection and makes what is missing in it.
    pub(crate) async fn open(at: &Database, variant: FeedVariant) -> Result<Self, sqlx::Error> {
        #[cfg(feature = "simulation")]
        if let Database::Memory(databases) = at {
            let memory = super::memory::Memory::open(databases, variant).await?;
            return Ok(Self {
                pool: Pool::Memory(memory),
            });
        }
        let store = match at {
            Database::Sqlite { directory } => sqlite(directory, variant).await?,
            Database::Postgres { url } => postgres(url, variant).await?,
            #[cfg(feature = "simulation")]
            Database::Memory(_) => unreachable!("opened before"),
        };
        store.prepare().await?;
        Ok(store)
    }

    async fn prepare(&self) -> Result<(), sqlx::Error> {
        let bytes = match &self.pool {
            Pool::Sqlite(_) => "BLOB",
            Pool::Postgres(_) => "BYTEA",
            #[cfg(feature = "simulation")]
            Pool::Memory(_) | Pool::Looks(_) => unreachable!("opened before"),
        };
        let stale = on!(self, pool => {
            for statement in TABLES {
                let statement = statement.replace("{bytes}", bytes);
                sqlx::query(AssertSqlSafe(statement)).execute(pool).await?;
            }
            sqlx::query(
                "INSERT INTO checkpoint (id, epoch, position, gate, shape) VALUES (1, 0, 0, 0, $1) \
                 ON CONFLICT (id) DO NOTHING",
            )
            .bind(SHAPE)
            .execute(pool)
            .await?;
            let row = sqlx::query("SELECT shape, position FROM checkpoint WHERE id = 1")
                .fetch_one(pool)
                .await?;
            let shape: i64 = row.try_get(0)?;
            (shape != SHAPE).then(|| row.try_get(1).map(position)).transpose()?
        });
        if let Some(told) = stale {
            tracing::warn!(
                projection.position = told.0,
                "rows have an older shape: rebuilding"
            );
            while !self
                .begin_rebuild(History::Same, &self.checkpoint().await?)
                .await?
            {}
            on!(self, pool => {
                sqlx::query("UPDATE checkpoint SET shape = $1 WHERE id = 1")
                    .bind(SHAPE)
                    .execute(pool)
                    .await?;
            });
        }
        Ok(())
    }
}

/// Synchronous NORMAL is enough: what a power cut takes is read again from `LOG` and gets the same numbers.
async fn sqlite(directory: &Path, variant: FeedVariant) -> Result<Store, sqlx::Error> {
    std::fs::create_dir_all(directory)?;
    let options = SqliteConnectOptions::new()
        .filename(directory.join(format!("{variant}.db")))
        .synchronous(SqliteSynchronous::Normal);
    Ok(Store {
        pool: Pool::Sqlite(super::sqlite::open(options, CONNECTIONS).await?),
    })
}

async fn postgres(url: &str, variant: FeedVariant) -> Result<Store, sqlx::Error> {
    // The name is one of six words of ours.
    let schema = format!("projection_{}", variant.to_string().replace('-', "_"));
    let mut first = PgConnection::connect(url).await?;
    first
        .execute(AssertSqlSafe(format!(
            "CREATE SCHEMA IF NOT EXISTS {schema}"
        )))
        .await?;
    first.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .after_connect(move |connection, _| {
            let settings = format!("SET search_path TO {schema}; SET synchronous_commit TO off");
            Box::pin(async move {
                connection
                    .execute(sqlx::raw_sql(AssertSqlSafe(settings)))
                    .await?;
                Ok(())
            })
        })
        .connect(url)
        .await?;
    Ok(Store {
        pool: Pool::Postgres(pool),
    })
}

#[cfg(test)]
mod tests {
    use shikaku_schemas::feed::Audience;

    use super::*;

    /// T8: a rebuild gives the same rows and tells nothing twice.
    #[tokio::test]
    async fn a_rebuild_cut_short_and_begun_again_tells_nothing_twice() {
        let folder = tempfile::tempdir().unwrap();
        let at = Database::Sqlite {
            directory: folder.path().to_owned(),
        };
        let variant = FeedVariant::of(Audience::Department, false);
        let store = Store::open(&at, variant).await.unwrap();
        let Pool::Sqlite(pool) = &store.pool else {
            unreachable!("opened above");
        };
        sqlx::query("UPDATE checkpoint SET position = 7, shape = 0")
            .execute(pool)
            .await
            .unwrap();
        // Killed before the new shape was noted.
        let from = store.checkpoint().await.unwrap();
        assert!(store.begin_rebuild(History::Same, &from).await.unwrap());
        let again = Store::open(&at, variant).await.unwrap();
        let checkpoint = again.checkpoint().await.unwrap();
        assert_eq!(checkpoint.position.0, 0);
        assert_eq!(checkpoint.gate.0, 7);
        // A ledger that was put back meanwhile is told from its first event on.
        assert!(!again.begin_rebuild(History::Other, &from).await.unwrap());
        assert!(
            again
                .begin_rebuild(History::Other, &checkpoint)
                .await
                .unwrap()
        );
        let checkpoint = again.checkpoint().await.unwrap();
        assert_eq!((checkpoint.gate.0, checkpoint.identity), (0, None));
    }
}
