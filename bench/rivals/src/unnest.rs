//! The bare database: UNNEST of ready rows into a table like our ledger's, with its indexes, nothing else.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

const TABLE: &str = "CREATE TABLE raw (position bigint PRIMARY KEY, event_id uuid NOT NULL UNIQUE, stream text NOT NULL,
    stream_version bigint NOT NULL, type text NOT NULL, recorded_at bigint NOT NULL, facility text, patient uuid,
    observation_id uuid, payload bytea NOT NULL, leaf bytea NOT NULL, UNIQUE (stream, stream_version))";

const INSERT: &str = "INSERT INTO raw SELECT * FROM UNNEST($1::bigint[], $2::uuid[], $3::text[], $4::bigint[], $5::text[],
    $6::bigint[], $7::text[], $8::uuid[], $9::uuid[], $10::bytea[], $11::bytea[])";

/// Events per second with `batch` rows a commit.
pub async fn run(url: &str, batch: u64, seconds: u64) -> Result<Value> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("DROP TABLE IF EXISTS raw").execute(&mut connection).await?;
    sqlx::query(TABLE).execute(&mut connection).await?;
    let (mut position, start) = (0i64, Instant::now());
    let until = start + Duration::from_secs(seconds);
    let payload = crate::load::payload(7).to_string().into_bytes();
    let rows = usize::try_from(batch)?;
    while Instant::now() < until {
        let positions: Vec<i64> = (position + 1..=position + i64::try_from(batch)?).collect();
        let ids: Vec<uuid::Uuid> = (0..rows).map(|_| uuid::Uuid::new_v4()).collect();
        let streams: Vec<String> = positions.iter().map(|p| format!("patient-{:036}", p / 2)).collect();
        let versions: Vec<i64> = positions.iter().map(|p| p % 2 + 1).collect();
        sqlx::query(INSERT)
            .bind(&positions)
            .bind(&ids)
            .bind(&streams)
            .bind(&versions)
            .bind(vec!["qualification-granted"; rows])
            .bind(&positions)
            .bind(vec!["1319912349"; rows])
            .bind(&ids)
            .bind(&ids)
            .bind(vec![payload.as_slice(); rows])
            .bind(vec![[7u8; 32].as_slice(); rows])
            .execute(&mut connection)
            .await?;
        position += i64::try_from(batch)?;
    }
    let rate = position as f64 / start.elapsed().as_secs_f64();
    Ok(json!({ "name": "unnest", "batch": batch, "events_per_second": rate }))
}
