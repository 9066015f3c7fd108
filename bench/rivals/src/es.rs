//! cqrs-es on its own stores: load, handle, commit.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::Result;
use cqrs_es::AggregateError;
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::aggregate::{Never, Record, Tell};
use crate::load;

fn outcome(result: Result<(), AggregateError<Never>>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(AggregateError::AggregateConflict) => Ok(false),
        Err(other) => Err(anyhow::anyhow!("{other}")),
    }
}

/// postgres-es 0.5 with a pool as large as its best results ask for.
pub async fn postgres(url: &str, callers: u64, seconds: u64) -> Result<Value> {
    let pool = PgPoolOptions::new().max_connections(u32::try_from(callers.min(32))?).connect(url).await?;
    sqlx::query("DROP TABLE IF EXISTS events").execute(&pool).await?;
    sqlx::query(
        "CREATE TABLE events (aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint NOT NULL,
         event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
         PRIMARY KEY (aggregate_type, aggregate_id, sequence))",
    )
    .execute(&pool)
    .await?;
    for n in 0..load::STREAMS {
        sqlx::query(
            "INSERT INTO events SELECT 'record', $1, s, 'seen', '1', $2, '{}' FROM generate_series(1, $3) s",
        )
        .bind(format!("old-{n}"))
        .bind(serde_json::json!({ "Seen": load::payload(n) }))
        .bind(i64::try_from(load::length_of(n))?)
        .execute(&pool)
        .await?;
    }
    let cqrs = Arc::new(postgres_es::postgres_cqrs::<Record>(pool, vec![], ()));
    load::drive("postgres-es", callers, seconds, move |n| {
        let cqrs = Arc::clone(&cqrs);
        async move { outcome(cqrs.execute(&load::target(n).0, Tell(n)).await) }
    })
    .await
}

/// sqlite-es 0.5 with synchronous FULL, as our ledger has it.
pub async fn sqlite(file: &str, callers: u64, seconds: u64) -> Result<Value> {
    let options = SqliteConnectOptions::from_str(&format!("sqlite://{file}"))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(std::time::Duration::from_secs(30));
    let pool = SqlitePoolOptions::new().max_connections(u32::try_from(callers.min(10))?).connect_with(options).await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS events (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
         sequence integer NOT NULL, event_type text NOT NULL, event_version text NOT NULL, payload text NOT NULL,
         metadata text NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence)) STRICT",
    )
    .execute(&pool)
    .await?;
    let mut filling = pool.begin().await?;
    for n in 0..load::STREAMS {
        let payload = serde_json::json!({ "Seen": load::payload(n) }).to_string();
        for sequence in 1..=load::length_of(n) {
            sqlx::query("INSERT INTO events VALUES ('record', $1, $2, 'seen', '1', $3, '{}')")
                .bind(format!("old-{n}"))
                .bind(i64::try_from(sequence)?)
                .bind(&payload)
                .execute(&mut *filling)
                .await?;
        }
    }
    filling.commit().await?;
    let cqrs = Arc::new(sqlite_es::sqlite_cqrs::<Record>(pool, vec![], ()));
    load::drive("sqlite-es", callers, seconds, move |n| {
        let cqrs = Arc::clone(&cqrs);
        async move { outcome(cqrs.execute(&load::target(n).0, Tell(n)).await) }
    })
    .await
}
