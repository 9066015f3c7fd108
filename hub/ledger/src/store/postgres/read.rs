//! Reading, through a pool of its own.

use std::collections::HashMap;
use std::str::FromStr as _;

use jiff::Timestamp;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{CaseId, EvidenceId, ObservationId, Position, RecordId, StreamId};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use uuid::Uuid;

use super::{migrate, pool, prove_durable};
use crate::LedgerError;
use crate::model::{CaseRow, IdentityKey, StoredEvent};
use crate::store::rows::{
    self, Epoch, EvidencePart, Genesis, HeadRow, RawCase, RawEvent, RawHead, RawInbox, StoredInbox,
    event_columns, inbox_columns, int, outcome_word,
};

const MIGRATIONS: &[&str] = &[include_str!("../../../migrations/postgres-1.sql")];
const READERS: u32 = 8;

/// The read side.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(super) options: Box<PgConnectOptions>,
    pool: PgPool,
}

impl Tables {
    pub(crate) async fn open(url: &str, read_only: bool) -> Result<Self, LedgerError> {
        let options = PgConnectOptions::from_str(url)?.application_name("shikaku-ledger");
        let mut connection = PgConnection::connect_with(&options).await?;
        prove_durable(&mut connection).await?;
        migrate(&mut connection, "ledger", MIGRATIONS, read_only).await?;
        connection.close().await?;
        let pool = pool(options.clone(), READERS);
        let options = Box::new(options);
        Ok(Self { options, pool })
    }

    pub(crate) async fn begin(&self, genesis: &Genesis) -> Result<(), LedgerError> {
        sqlx::query(
            "WITH first AS (
               INSERT INTO genesis (epoch, store_id, after, created_at)
               SELECT $1, $2, 0, $3 WHERE NOT EXISTS (SELECT 1 FROM genesis)
               ON CONFLICT DO NOTHING RETURNING 1
             )
             INSERT INTO head (term, commits, position, recorded_at, chain, peaks)
             SELECT 0, 0, 0, $3, $4, '' FROM first",
        )
        .bind(i32::try_from(genesis.identity.epoch).unwrap_or(i32::MAX))
        .bind(genesis.identity.store_id)
        .bind(genesis.created_at.as_microsecond())
        .bind(genesis.chain.as_slice())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub(crate) async fn epochs(&self) -> Result<Vec<Epoch>, LedgerError> {
        let found: Vec<(i32, Uuid, i64)> =
            sqlx::query_as("SELECT epoch, store_id, after FROM genesis ORDER BY epoch")
                .fetch_all(&self.pool)
                .await?;
        let epoch =
            |(epoch, store_id, after): (i32, _, _)| rows::epoch(epoch.into(), store_id, after);
        found.into_iter().map(epoch).collect()
    }

    pub(crate) async fn begin_epoch(&self, epoch: Epoch, at: Timestamp) -> Result<(), LedgerError> {
        sqlx::query(
            "WITH begun AS (
               INSERT INTO genesis (epoch, store_id, after, created_at) VALUES ($1, $2, $3, $4)
             )
             UPDATE head SET term = $5",
        )
        .bind(i32::try_from(epoch.identity.epoch).unwrap_or(i32::MAX))
        .bind(epoch.identity.store_id)
        .bind(int(epoch.after.0))
        .bind(at.as_microsecond())
        .bind(int(epoch.first_term()))
        .execute(&self.pool)
        .await?;
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
        let found: Vec<RawEvent<Uuid>> = sqlx::query_as(concat!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE position > $1 ORDER BY position LIMIT $2"
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
        let found: Vec<RawEvent<Uuid>> = sqlx::query_as(concat!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE position > $1 AND type = ANY($2) ORDER BY position LIMIT $3"
        ))
        .bind(int(after.0))
        .bind(kinds)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(rows::event).collect()
    }

    pub(crate) async fn load_streams(
        &self,
        streams: &[StreamId],
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        let found: Vec<RawEvent<Uuid>> = sqlx::query_as(concat!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE stream = ANY($1) ORDER BY stream, stream_version"
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
            "SELECT s.stream, h.stream_version FROM unnest($1::text[]) AS s(stream)
             CROSS JOIN LATERAL (
               SELECT stream_version FROM events WHERE events.stream = s.stream
               ORDER BY stream_version DESC LIMIT 1) AS h",
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
             WHERE e.position > $1 AND e.position <= $2 AND e.stream_version <> 1
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
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let found: Vec<RawInbox<Uuid>> = sqlx::query_as(concat!(
            "SELECT ",
            inbox_columns!(),
            " FROM inbox WHERE observation_id = ANY($1)"
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
        let found: Vec<RawInbox<Uuid>> = sqlx::query_as(concat!(
            "SELECT ",
            inbox_columns!(),
            " FROM inbox WHERE outcome = $1 AND arrival >
               COALESCE((SELECT arrival FROM inbox WHERE observation_id = $2), 0)
             ORDER BY arrival LIMIT $3"
        ))
        .bind(outcome_word(outcome))
        .bind(after.map(|id| id.0))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(rows::inbox).collect()
    }

    pub(crate) async fn resolve(
        &self,
        keys: &[IdentityKey],
    ) -> Result<HashMap<IdentityKey, RecordId>, LedgerError> {
        let kinds: Vec<&str> = keys.iter().map(|key| key.kind.as_str()).collect();
        let scopes: Vec<&str> = keys.iter().map(|key| key.scope.as_str()).collect();
        let digests: Vec<&[u8]> = keys.iter().map(|key| key.digest.as_slice()).collect();
        let found: Vec<(i64, Uuid)> = sqlx::query_as(
            "SELECT k.n, i.record
             FROM unnest($1::text[], $2::text[], $3::bytea[]) WITH ORDINALITY AS k(kind, scope, digest, n)
             JOIN identity_key i USING (kind, scope, digest)",
        )
        .bind(&kinds)
        .bind(&scopes)
        .bind(&digests)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows::resolved(keys, found))
    }

    pub(crate) async fn cases(&self, open_only: bool) -> Result<Vec<CaseRow>, LedgerError> {
        let found: Vec<RawCase<Uuid>> = sqlx::query_as(
            "SELECT case_id, facility, reason, observation_id, candidates, opened, closed FROM cases
             WHERE closed IS NULL OR NOT $1 ORDER BY opened, case_id",
        )
        .bind(open_only)
        .fetch_all(&self.pool)
        .await?;
        found.into_iter().map(rows::case).collect()
    }

    pub(crate) async fn waiting_in(&self, case: CaseId) -> Result<Vec<ObservationId>, LedgerError> {
        let found: Vec<Uuid> = sqlx::query_scalar(
            "SELECT observation_id FROM inbox WHERE outcome = 'waiting' AND case_id = $1 ORDER BY arrival",
        )
        .bind(case.0)
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(ObservationId).collect())
    }

    pub(crate) async fn evidence_complete(
        &self,
        ids: &[EvidenceId],
    ) -> Result<Vec<EvidenceId>, LedgerError> {
        let ids: Vec<&str> = ids.iter().map(EvidenceId::as_str).collect();
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM evidence e WHERE id = ANY($1)
             AND chunks = (SELECT count(*) FROM evidence_chunk c WHERE c.id = e.id)",
        )
        .bind(&ids)
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(EvidenceId).collect())
    }

    pub(crate) async fn evidence(
        &self,
        id: &EvidenceId,
    ) -> Result<Option<(u32, Vec<EvidencePart>)>, LedgerError> {
        let found: Vec<(i32, String, i32, Vec<u8>)> = sqlx::query_as(
            "SELECT e.chunks, e.media, c.index, c.payload FROM evidence e JOIN evidence_chunk c USING (id)
             WHERE id = $1 ORDER BY c.index",
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
               SELECT evidence FROM events WHERE stream = $1 AND evidence IS NOT NULL)
             GROUP BY evidence HAVING bool_and(stream = $1 OR patient IS NULL)",
        )
        .bind(stream.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(EvidenceId).collect())
    }
}

pub(super) const HEAD: &str = "SELECT term, commits, position, recorded_at, chain, peaks FROM head";

fn names(streams: &[StreamId]) -> Vec<&str> {
    streams.iter().map(StreamId::as_str).collect()
}
