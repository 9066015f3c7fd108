//! Writing a batch: all statements in one call, since each call costs a hop to the connection's thread.

use serde::Serialize;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use crate::model::CaseChange;
use crate::store::rows::{CommitError, Prepared, StoredInbox, int, outcome_word, reason_word};

/// A head that is not ours makes `term` null, an observation that was answered makes `outcome` null: both
/// columns refuse that, which ends the call before its COMMIT.
const HEAD: &str = "
UPDATE head SET
  term = CASE WHEN term = ? AND commits = ? AND position = ? THEN term END,
  commits = commits + 1, position = ?, recorded_at = ?, chain = ?, peaks = ?;";
const EVENTS: &str = "
INSERT INTO events
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
       value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11,
       unhex(value ->> 12), unhex(value ->> 13)
FROM json_each(?);";
const RELEASED: &str = "
DELETE FROM identity_key WHERE (kind, scope, digest) IN (
  SELECT value ->> 0, value ->> 1, unhex(value ->> 2) FROM json_each(?));";
const TAKEN: &str = "
INSERT INTO identity_key
SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3 FROM json_each(?);";
const INBOX: &str = "
INSERT INTO inbox (observation_id, facility, outcome, first_position, last_position, case_id, reason,
                   observation)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
       unhex(value ->> 7)
FROM json_each(?) WHERE true
ON CONFLICT (observation_id) DO UPDATE SET
  outcome = CASE WHEN inbox.outcome IN ('waiting', 'parked') THEN excluded.outcome END,
  first_position = excluded.first_position, last_position = excluded.last_position,
  case_id = excluded.case_id, reason = excluded.reason, observation = excluded.observation;";
const EVIDENCE: &str = "
INSERT INTO evidence SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
ON CONFLICT DO NOTHING;
INSERT INTO evidence_chunk SELECT value ->> 0, value ->> 3, unhex(value ->> 4) FROM json_each(?)
WHERE true ON CONFLICT DO NOTHING;";
const OPENED: &str = "
INSERT INTO cases (case_id, facility, reason, observation_id, candidates, opened)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?);";
const CLOSED: &str = "
UPDATE cases SET closed = (SELECT position FROM head)
WHERE closed IS NULL AND case_id IN (SELECT value FROM json_each(?));";

pub(super) async fn commit(
    connection: &mut SqliteConnection,
    batch: &Prepared,
) -> Result<(), CommitError> {
    let mut call = Call::default();
    call.add(EVENTS, &events(batch));
    call.add(RELEASED, &released(batch));
    call.add(TAKEN, &taken(batch));
    call.add(INBOX, &batch.inbox.iter().map(inbox).collect::<Vec<_>>());
    let parts = evidence(batch);
    call.add(EVIDENCE, &parts);
    if !parts.is_empty() {
        call.rows.extend(call.rows.last().cloned());
    }
    let (opened, closed) = cases(batch);
    call.add(OPENED, &opened);
    call.add(CLOSED, &closed);
    let sql = format!("BEGIN IMMEDIATE;{HEAD}{}\nCOMMIT", call.sql);
    let (before, after) = (&batch.before, &batch.after);
    let mut query = sqlx::query(AssertSqlSafe(sql))
        .bind(int(before.term))
        .bind(int(before.commits))
        .bind(int(before.tree.size()))
        .bind(int(after.tree.size()))
        .bind(after.recorded_at.as_microsecond())
        .bind(after.chain.as_slice())
        .bind(after.tree.to_bytes());
    for rows in call.rows {
        query = query.bind(rows);
    }
    let Err(error) = query.execute(&mut *connection).await else {
        return Ok(());
    };
    let refused = classify(error);
    if !matches!(refused, CommitError::Lost(_)) {
        let undone = sqlx::raw_sql("ROLLBACK").execute(connection).await;
        undone.map_err(|error| CommitError::Lost(error.into()))?;
    }
    Err(refused)
}

/// The statements that this batch needs, and their rows.
#[derive(Default)]
struct Call {
    sql: String,
    rows: Vec<String>,
}

impl Call {
    fn add<Row: Serialize>(&mut self, statement: &str, rows: &[Row]) {
        if !rows.is_empty() {
            self.sql.push_str(statement);
            let text = serde_json::to_string(rows).expect("rows of texts and numbers are JSON");
            self.rows.push(text);
        }
    }
}

fn events(batch: &Prepared) -> Vec<impl Serialize> {
    let row = |event: &crate::StoredEvent| {
        let head = event.head.clone();
        (
            head.position,
            head.event_id,
            head.stream,
            head.stream_version,
            head.kind,
            head.schema_version,
            head.recorded_at.as_microsecond(),
            head.facility,
            head.patient,
            head.observation_id,
            head.evidence,
            head.as_of.map(|at| at.0.as_microsecond()),
            hex::encode(&event.sealed),
            hex::encode(event.leaf),
        )
    };
    batch.events.iter().map(row).collect()
}

fn released(batch: &Prepared) -> Vec<impl Serialize> {
    let keys = batch.released_keys.iter();
    keys.map(|key| {
        (
            key.kind.as_str(),
            key.scope.clone(),
            hex::encode(key.digest),
        )
    })
    .collect()
}

fn taken(batch: &Prepared) -> Vec<impl Serialize> {
    let keys = batch.identity_keys.iter();
    keys.map(|(key, record)| {
        let digest = hex::encode(key.digest);
        (key.kind.as_str(), key.scope.clone(), digest, *record)
    })
    .collect()
}

fn inbox(row: &StoredInbox) -> impl Serialize + use<> {
    (
        row.observation_id,
        row.facility.clone(),
        outcome_word(row.outcome),
        row.first,
        row.last,
        row.case,
        row.reason.clone(),
        row.observation.as_ref().map(hex::encode),
    )
}

fn evidence(batch: &Prepared) -> Vec<impl Serialize> {
    let parts = batch.evidence.iter();
    parts
        .map(|part| {
            let sealed = hex::encode(&part.sealed);
            (
                part.id.clone(),
                part.media.clone(),
                part.chunks,
                part.index,
                sealed,
            )
        })
        .collect()
}

fn cases(batch: &Prepared) -> (Vec<impl Serialize>, Vec<String>) {
    let position = batch.after.position();
    let (mut opened, mut closed) = (Vec::new(), Vec::new());
    for change in &batch.cases {
        match change {
            CaseChange::Opened {
                case,
                facility,
                reason,
                observation_id,
                candidates,
            } => opened.push((
                *case,
                facility.clone(),
                reason_word(*reason),
                *observation_id,
                serde_json::json!(candidates).to_string(),
                position,
            )),
            CaseChange::Closed { case } => closed.push(case.to_string()),
        }
    }
    (opened, closed)
}

/// What a refusal means. SQLite names the columns only in its message.
fn classify(error: sqlx::Error) -> CommitError {
    let Some(cause) = error.as_database_error() else {
        return CommitError::Lost(error.into());
    };
    let failed = |what: &str| cause.message().contains(what);
    if failed("NOT NULL constraint failed: head.term") {
        CommitError::Fenced
    } else if failed("NOT NULL constraint failed: inbox.outcome") {
        CommitError::AlreadyAnswered
    } else if failed("UNIQUE constraint failed: events.stream") {
        CommitError::StreamTaken
    } else if failed("UNIQUE constraint failed: identity_key.") {
        CommitError::KeyTaken
    } else if failed("constraint failed") || failed("datatype mismatch") {
        tracing::error!(%error, "the database refused a row");
        CommitError::Refused
    } else {
        CommitError::Lost(error.into())
    }
}
