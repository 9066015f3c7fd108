//! Reading, through connections that cannot write.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{CaseId, EvidenceId, ObservationId, Position, RecordId, StreamId};
use sqlx::Connection as _;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::{connect, connect_options, migrate, prove_durable};
use crate::LedgerError;
use crate::model::{CaseRow, IdentityKey, StoredEvent};
use crate::store::rows::{
    self, Epoch, EvidencePart, Genesis, HeadRow, RawCase, RawEvent, RawHead, RawInbox, StoredInbox,
    event_columns, inbox_columns, int, outcome_word,
};

const MIGRATIONS: &[&str] = &[include_str!("../../../migrations/sqlite-1.sql")];
const READERS: u32 = 4;
/// What a reader keeps of the file in memory, in KiB (negative by SQLite's custom).
const READERS_CACHE: &str = "-512";

/// The read side.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(super) path: PathBuf,
    pool: SqlitePool,
}

impl Tables {
    pub(crate) async fn open(path: &Path, read_only: bool) -> Result<Self, LedgerError> {
        if !read_only {
            let mut connection = connect(&connect_options(path, false)?).await?;
            prove_durable(&mut connection, false).await?;
            migrate(&mut connection, "ledger", MIGRATIONS, false).await?;
            connection.close().await?;
        }
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS)
            // A file of this machine: asking first whether the line stands costs a hop to its thread each time.
            .test_before_acquire(false)
            .connect_with(connect_options(path, true)?.pragma("cache_size", READERS_CACHE))
            .await?;
        if read_only {
            let mut connection = pool.acquire().await?;
            prove_durable(&mut connection, true).await?;
            migrate(&mut connection, "ledger", MIGRATIONS, true).await?;
        }
        let path = path.to_owned();
        Ok(Self { path, pool })
    }

    pub(crate) async fn begin(&self, genesis: &Genesis) -> Result<(), LedgerError> {
        let mut connection = connect(&connect_options(&self.path, false)?).await?;
        sqlx::query(
            "BEGIN IMMEDIATE;
             INSERT INTO head SELECT 1, 0, 0, 0, ?, ?, x'' WHERE NOT EXISTS (SELECT 1 FROM genesis);
             INSERT INTO genesis SELECT ?, ?, 0, ? WHERE NOT EXISTS (SELECT 1 FROM genesis);
             COMMIT",
        )
        .bind(genesis.created_at.as_microsecond())
        .bind(genesis.chain.as_slice())
        .bind(i64::from(genesis.identity.epoch))
        .bind(genesis.identity.store_id.hyphenated())
        .bind(genesis.created_at.as_microsecond())
        .execute(&mut connection)
        .await?;
        connection.close().await?;
        Ok(())
    }

    pub(crate) async fn epochs(&self) -> Result<Vec<Epoch>, LedgerError> {
        let found: Vec<(i64, Hyphenated, i64)> =
            sqlx::query_as("SELECT epoch, store_id, after FROM genesis ORDER BY epoch")
                .fetch_all(&self.pool)
                .await?;
        let epoch = |(epoch, store_id, after): (_, Hyphenated, _)| {
            rows::epoch(epoch, store_id.into_uuid(), after)
        };
        found.into_iter().map(epoch).collect()
    }

    pub(crate) async fn begin_epoch(&self, epoch: Epoch, at: Timestamp) -> Result<(), LedgerError> {
        let mut connection = connect(&connect_options(&self.path, false)?).await?;
        sqlx::query(
            "BEGIN IMMEDIATE;
             INSERT INTO genesis (epoch, store_id, after, created_at) VALUES (?, ?, ?, ?);
             UPDATE head SET term = ?;
             COMMIT",
        )
        .bind(i64::from(epoch.identity.epoch))
        .bind(epoch.identity.store_id.hyphenated())
        .bind(int(epoch.after.0))
        .bind(at.as_microsecond())
        .bind(int(epoch.first_term()))
        .execute(&mut connection)
        .await?;
        connection.close().await?;
        Ok(())
    }

    pub(crate) async fn head(&self) -> Result<HeadRow, LedgerError> {
        let row: Option<RawHead> = sqlx::query_as(HEAD).fetch_optional(&self.pool).await?;
        rows::head(row.ok_or(LedgerError::Missing)?)
    }

    pub(crate) async fn read_page(
        &self,
        after: Position,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        let found: Vec<RawEvent<Hyphenated>> = sqlx::query_as(concat!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE position > ? ORDER BY position LIMIT ?"
        ))
        .bind(int(after.0))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(rows::event).collect()
    }

    pub(crate) async fn read_kinds(
        &self,
        after: Position,
        kinds: &[&str],
        limit: u32,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        let found: Vec<RawEvent<Hyphenated>> = sqlx::query_as(concat!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE position > ? AND type IN (SELECT value FROM json_each(?))
              ORDER BY position LIMIT ?"
        ))
        .bind(int(after.0))
        .bind(serde_json::json!(kinds).to_string())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(rows::event).collect()
    }

    pub(crate) async fn load_streams(
        &self,
        streams: &[StreamId],
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        let found: Vec<RawEvent<Hyphenated>> = sqlx::query_as(concat!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE stream IN (SELECT value FROM json_each(?)) ORDER BY stream, stream_version"
        ))
        .bind(names(streams))
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(rows::event).collect()
    }

    pub(crate) async fn versions(
        &self,
        streams: &[StreamId],
    ) -> Result<HashMap<StreamId, u64>, LedgerError> {
        let found: Vec<(String, i64)> = sqlx::query_as(
            "SELECT stream, max(stream_version) FROM events
             WHERE stream IN (SELECT value FROM json_each(?)) GROUP BY stream",
        )
        .bind(names(streams))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows::versions(found))
    }

    pub(crate) async fn first_out_of_stream(
        &self,
        after: Position,
        to: Position,
    ) -> Result<Option<Position>, LedgerError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT e.position FROM events e
             LEFT JOIN events p ON p.stream = e.stream AND p.stream_version = e.stream_version - 1
             WHERE e.position > ? AND e.position <= ? AND e.stream_version <> 1
               AND (p.position IS NULL OR p.position > e.position)
             ORDER BY e.position LIMIT 1",
        )
        .bind(int(after.0))
        .bind(int(to.0))
        .fetch_optional(&self.pool)
        .await?;
        Ok(rows::position(found))
    }

    pub(crate) async fn inbox(
        &self,
        ids: &[ObservationId],
    ) -> Result<Vec<StoredInbox>, LedgerError> {
        let ids = serde_json::json!(ids).to_string();
        let found: Vec<RawInbox<Hyphenated>> = sqlx::query_as(concat!(
            "SELECT ",
            inbox_columns!(),
            " FROM inbox WHERE observation_id IN (SELECT value FROM json_each(?))"
        ))
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(rows::inbox).collect()
    }

    pub(crate) async fn inbox_by_outcome(
        &self,
        outcome: CommitOutcome,
        after: Option<ObservationId>,
        limit: u32,
    ) -> Result<Vec<StoredInbox>, LedgerError> {
        let found: Vec<RawInbox<Hyphenated>> = sqlx::query_as(concat!(
            "SELECT ",
            inbox_columns!(),
            " FROM inbox WHERE outcome = ? AND arrival >
               COALESCE((SELECT arrival FROM inbox WHERE observation_id = ?), 0)
             ORDER BY arrival LIMIT ?"
        ))
        .bind(outcome_word(outcome))
        .bind(after.map(|id| id.0.hyphenated()))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(rows::inbox).collect()
    }

    pub(crate) async fn resolve(
        &self,
        keys: &[IdentityKey],
    ) -> Result<HashMap<IdentityKey, RecordId>, LedgerError> {
        let asked: Vec<_> = keys
            .iter()
            .map(|key| (key.kind.as_str(), &key.scope, hex::encode(key.digest)))
            .collect();
        // One row with all of them: each row costs a hop from the connection's thread.
        let found: String = sqlx::query_scalar(
            "WITH k(number, v) AS MATERIALIZED (SELECT key + 1, value FROM json_each(?))
             SELECT json_group_array(json_array(k.number, i.record)) FROM k CROSS JOIN identity_key i
             ON i.kind = k.v ->> 0 AND i.scope = k.v ->> 1 AND i.digest = unhex(k.v ->> 2)",
        )
        .bind(serde_json::to_string(&asked).expect("texts are JSON"))
        .fetch_one(&self.pool)
        .await?;
        let found: Vec<(i64, Uuid)> =
            serde_json::from_str(&found).map_err(|_| LedgerError::Malformed {
                table: "identity_key",
                column: "record",
            })?;
        Ok(rows::resolved(keys, found))
    }

    pub(crate) async fn cases(&self, open_only: bool) -> Result<Vec<CaseRow>, LedgerError> {
        let found: Vec<RawCase<Hyphenated>> = sqlx::query_as(
            "SELECT case_id, facility, reason, observation_id, candidates, opened, closed FROM cases
             WHERE closed IS NULL OR NOT ? ORDER BY opened, case_id",
        )
        .bind(open_only)
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(rows::case).collect()
    }

    pub(crate) async fn waiting_in(&self, case: CaseId) -> Result<Vec<ObservationId>, LedgerError> {
        let found: Vec<Hyphenated> = sqlx::query_scalar(
            "SELECT observation_id FROM inbox WHERE outcome = 'waiting' AND case_id = ? ORDER BY arrival",
        )
        .bind(case.0.hyphenated())
        .fetch_all(&self.pool)
        .await?;
        Ok(found
            .into_iter()
            .map(|id| ObservationId(id.into_uuid()))
            .collect())
    }

    pub(crate) async fn evidence_complete(
        &self,
        ids: &[EvidenceId],
    ) -> Result<Vec<EvidenceId>, LedgerError> {
        let ids = serde_json::json!(ids).to_string();
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM evidence e WHERE id IN (SELECT value FROM json_each(?))
             AND chunks = (SELECT count(*) FROM evidence_chunk c WHERE c.id = e.id)",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(EvidenceId).collect())
    }

    pub(crate) async fn evidence(
        &self,
        id: &EvidenceId,
    ) -> Result<Option<(u32, Vec<EvidencePart>)>, LedgerError> {
        let found: Vec<(i32, String, i32, Vec<u8>)> = sqlx::query_as(
            "SELECT e.chunks, e.media, c.\"index\", c.payload FROM evidence e JOIN evidence_chunk c USING (id)
             WHERE id = ? ORDER BY c.\"index\"",
        )
        .bind(id.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows::evidence(id, found))
    }

    pub(crate) async fn evidence_of_only(
        &self,
        stream: &StreamId,
    ) -> Result<Vec<EvidenceId>, LedgerError> {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT evidence FROM events WHERE evidence IN (
               SELECT evidence FROM events WHERE stream = ? AND evidence IS NOT NULL)
             GROUP BY evidence HAVING min(stream = ? OR patient IS NULL)",
        )
        .bind(stream.as_str())
        .bind(stream.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(EvidenceId).collect())
    }
}

pub(super) const HEAD: &str = "SELECT term, commits, position, recorded_at, chain, peaks FROM head";

fn names(streams: &[StreamId]) -> String {
    serde_json::json!(streams).to_string()
}
