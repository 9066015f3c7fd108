//! Writing a batch: one statement, or one short transaction around it.

use shikaku_schemas::event::CaseReason;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::keys::{Keys, NewKeys};
use crate::model::{CaseChange, IdentityKey};
use crate::store::rows::{CommitError, Prepared, int, outcome_word, reason_word};

/// Everything but cases and released keys. A head that is not ours makes `term` null, an observation that was
/// answered makes `outcome` null: both columns refuse that, and nothing of the statement stays.
const APPEND: &str = "
WITH fenced AS (
  UPDATE head SET
    term = CASE WHEN term = $1 AND commits = $2 AND position = $3 THEN term END,
    commits = $2 + 1, position = $4, recorded_at = $5, chain = $6, peaks = $7
), new_events AS (
  INSERT INTO events (position, event_id, stream, stream_version, type, schema_version, recorded_at,
                      facility, patient, observation_id, evidence, as_of, payload, leaf)
  SELECT $3 + n, event_id, stream, stream_version, type, schema_version, $5,
         facility, patient, observation_id, evidence, as_of, payload, leaf
  FROM unnest($8::uuid[], $9::text[], $10::bigint[], $11::text[], $12::integer[], $13::text[],
              $14::uuid[], $15::uuid[], $16::text[], $17::bigint[], $18::bytea[], $19::bytea[])
       WITH ORDINALITY AS e(event_id, stream, stream_version, type, schema_version, facility,
                            patient, observation_id, evidence, as_of, payload, leaf, n)
), answered AS (
  INSERT INTO inbox (observation_id, facility, outcome, first_position, last_position, case_id,
                     reason, observation)
  SELECT * FROM unnest($20::uuid[], $21::text[], $22::text[], $23::bigint[], $24::bigint[],
                       $25::uuid[], $26::text[], $27::bytea[])
  ON CONFLICT (observation_id) DO UPDATE SET
    outcome = CASE WHEN inbox.outcome IN ('waiting', 'parked') THEN excluded.outcome END,
    first_position = excluded.first_position, last_position = excluded.last_position,
    case_id = excluded.case_id, reason = excluded.reason, observation = excluded.observation
), taken AS (
  INSERT INTO identity_key (kind, scope, digest, record)
  SELECT * FROM unnest($28::text[], $29::text[], $30::bytea[], $31::uuid[])
), known AS (
  INSERT INTO evidence (id, media, chunks)
  SELECT DISTINCT ON (id) id, media, chunks
  FROM unnest($32::text[], $33::text[], $34::integer[]) AS v(id, media, chunks)
  ON CONFLICT DO NOTHING
)
INSERT INTO evidence_chunk (id, index, payload)
SELECT * FROM unnest($32::text[], $35::integer[], $36::bytea[])
ON CONFLICT DO NOTHING";

pub(super) async fn commit(
    connection: &mut PgConnection,
    batch: &Prepared,
    keys: &Keys,
    new: &NewKeys,
) -> Result<(), CommitError> {
    if new.is_empty() && batch.released_keys.is_empty() && batch.cases.is_empty() {
        return append(connection, batch).await.map_err(classify);
    }
    let run = |sql| sqlx::raw_sql(sql);
    let lost = |error: sqlx::Error| CommitError::Lost(error.into());
    run("BEGIN").execute(&mut *connection).await.map_err(lost)?;
    let outcome = in_transaction(connection, batch, keys, new).await;
    if outcome.is_ok() {
        run("COMMIT")
            .execute(&mut *connection)
            .await
            .map_err(lost)?;
    } else if !matches!(outcome, Err(CommitError::Lost(_))) {
        run("ROLLBACK")
            .execute(&mut *connection)
            .await
            .map_err(lost)?;
    }
    outcome
}

/// New keys become durable while the rows are on their way: COMMIT waits for both.
async fn in_transaction(
    connection: &mut PgConnection,
    batch: &Prepared,
    keys: &Keys,
    new: &NewKeys,
) -> Result<(), CommitError> {
    let rows = async {
        release(&mut *connection, &batch.released_keys).await?;
        append(&mut *connection, batch).await?;
        change_cases(&mut *connection, batch).await
    };
    let (written, kept) = tokio::join!(rows, keys.persist(new));
    written.map_err(classify)?;
    kept.map_err(CommitError::Keys)
}

async fn append(connection: &mut PgConnection, batch: &Prepared) -> Result<(), sqlx::Error> {
    let (before, after) = (&batch.before, &batch.after);
    let events = &batch.events;
    macro_rules! column {
        ($rows:expr, $row:ident => $value:expr) => {
            $rows.iter().map(|$row| $value).collect::<Vec<_>>()
        };
    }
    let inbox = &batch.inbox;
    let taken = &batch.identity_keys;
    let parts = &batch.evidence;
    sqlx::query(APPEND)
        .bind(int(before.term))
        .bind(int(before.commits))
        .bind(int(before.tree.size()))
        .bind(int(after.tree.size()))
        .bind(after.recorded_at.as_microsecond())
        .bind(after.chain.as_slice())
        .bind(after.tree.to_bytes())
        .bind(column!(events, e => e.head.event_id.0))
        .bind(column!(events, e => e.head.stream.as_str()))
        .bind(column!(events, e => int(e.head.stream_version)))
        .bind(column!(events, e => e.head.kind.as_str()))
        .bind(column!(events, e => small(e.head.schema_version)))
        .bind(column!(events, e => e.head.facility.as_ref().map(|code| code.as_str())))
        .bind(column!(events, e => e.head.patient.map(|id| id.0)))
        .bind(column!(events, e => e.head.observation_id.map(|id| id.0)))
        .bind(column!(events, e => e.head.evidence.as_ref().map(|id| id.as_str())))
        .bind(column!(events, e => e.head.as_of.map(|at| at.0.as_microsecond())))
        .bind(column!(events, e => e.sealed.as_slice()))
        .bind(column!(events, e => e.leaf.as_slice()))
        .bind(column!(inbox, i => i.observation_id.0))
        .bind(column!(inbox, i => i.facility.as_str()))
        .bind(column!(inbox, i => outcome_word(i.outcome)))
        .bind(column!(inbox, i => i.first.map(|at| int(at.0))))
        .bind(column!(inbox, i => i.last.map(|at| int(at.0))))
        .bind(column!(inbox, i => i.case.map(|id| id.0)))
        .bind(column!(inbox, i => i.reason.as_deref()))
        .bind(column!(inbox, i => i.observation.as_deref()))
        .bind(column!(taken, t => t.0.kind.as_str()))
        .bind(column!(taken, t => t.0.scope.as_str()))
        .bind(column!(taken, t => t.0.digest.as_slice()))
        .bind(column!(taken, t => t.1.0))
        .bind(column!(parts, p => p.id.as_str()))
        .bind(column!(parts, p => p.media.as_str()))
        .bind(column!(parts, p => small(p.chunks)))
        .bind(column!(parts, p => small(p.index)))
        .bind(column!(parts, p => p.sealed.as_slice()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn release(connection: &mut PgConnection, keys: &[IdentityKey]) -> Result<(), sqlx::Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let kinds: Vec<&str> = keys.iter().map(|key| key.kind.as_str()).collect();
    let scopes: Vec<&str> = keys.iter().map(|key| key.scope.as_str()).collect();
    let digests: Vec<&[u8]> = keys.iter().map(|key| key.digest.as_slice()).collect();
    sqlx::query(
        "DELETE FROM identity_key k USING unnest($1::text[], $2::text[], $3::bytea[]) AS r(kind, scope, digest)
         WHERE k.kind = r.kind AND k.scope = r.scope AND k.digest = r.digest",
    )
    .bind(&kinds)
    .bind(&scopes)
    .bind(&digests)
    .execute(connection)
    .await?;
    Ok(())
}

async fn change_cases(connection: &mut PgConnection, batch: &Prepared) -> Result<(), sqlx::Error> {
    let position = int(batch.after.tree.size());
    let mut opened: Vec<(Uuid, &str, CaseReason, Option<Uuid>, String)> = Vec::new();
    let mut closed: Vec<Uuid> = Vec::new();
    for change in &batch.cases {
        match change {
            CaseChange::Opened {
                case,
                facility,
                reason,
                observation_id,
                candidates,
            } => opened.push((
                case.0,
                facility.as_str(),
                *reason,
                observation_id.map(|id| id.0),
                serde_json::json!(candidates).to_string(),
            )),
            CaseChange::Closed { case } => closed.push(case.0),
        }
    }
    if !opened.is_empty() {
        sqlx::query(
            "INSERT INTO cases (case_id, facility, reason, observation_id, candidates, opened)
             SELECT *, $6 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[])",
        )
        .bind(opened.iter().map(|row| row.0).collect::<Vec<_>>())
        .bind(opened.iter().map(|row| row.1).collect::<Vec<_>>())
        .bind(
            opened
                .iter()
                .map(|row| reason_word(row.2))
                .collect::<Vec<_>>(),
        )
        .bind(opened.iter().map(|row| row.3).collect::<Vec<_>>())
        .bind(opened.iter().map(|row| row.4.as_str()).collect::<Vec<_>>())
        .bind(position)
        .execute(&mut *connection)
        .await?;
    }
    if !closed.is_empty() {
        sqlx::query("UPDATE cases SET closed = $2 WHERE case_id = ANY($1) AND closed IS NULL")
            .bind(&closed)
            .bind(position)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// What a refusal means. What is no refusal of the rows leaves the outcome to the head.
fn classify(error: sqlx::Error) -> CommitError {
    let Some(cause) = error.as_database_error() else {
        return CommitError::Lost(error.into());
    };
    let code = cause.code().unwrap_or_default();
    match (code.as_ref(), cause.table(), cause.constraint()) {
        ("23502", Some("head"), _) => CommitError::Fenced,
        ("23502", Some("inbox"), _) => CommitError::AlreadyAnswered,
        ("23505", _, Some("events_stream")) => CommitError::StreamTaken,
        ("23505", _, Some("identity_key_taken")) => CommitError::KeyTaken,
        // Bad data, or another constraint: the same rows will never do.
        (code, ..) if code.starts_with("22") || code.starts_with("23") => {
            tracing::error!(%error, "the database refused a row");
            CommitError::Refused
        }
        _ => CommitError::Lost(error.into()),
    }
}

fn small(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
