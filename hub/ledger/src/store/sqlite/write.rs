//! Writing a batch: all statements in one call, since each call costs a hop to the connection's thread.

use serde::Serialize;
use serde::ser::SerializeTuple as _;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use crate::model::CaseChange;
use crate::store::rows::{CommitError, Prepared, StoredInbox, int, outcome_word, reason_word};

/// Rows come as JSON. `MATERIALIZED` has each row's text made once and not once a column.
///
/// A head that is not ours makes `term` null, an observation that was answered makes `outcome` null: both
/// columns refuse that, which ends the call before its COMMIT.
const HEAD: &str = "
UPDATE head SET
  term = CASE WHEN term = ? AND commits = ? AND position = ? THEN term END,
  commits = commits + 1, position = ?, recorded_at = ?, chain = ?, peaks = ?;";
const EVENTS: &str = "
INSERT INTO events WITH r(v) AS MATERIALIZED (SELECT value FROM json_each(?))
SELECT v ->> 0, v ->> 1, v ->> 2, v ->> 3, v ->> 4, v ->> 5, v ->> 6, v ->> 7, v ->> 8, v ->> 9, v ->> 10,
       v ->> 11, substr(?, v ->> 12, v ->> 13), unhex(v ->> 14) FROM r;";
const RELEASED: &str = "
DELETE FROM identity_key WHERE (kind, scope, digest) IN (
  SELECT value ->> 0, value ->> 1, unhex(value ->> 2) FROM json_each(?));";
const TAKEN: &str = "
INSERT INTO identity_key WITH r(v) AS MATERIALIZED (SELECT value FROM json_each(?))
SELECT v ->> 0, v ->> 1, unhex(v ->> 2), v ->> 3 FROM r;";
const INBOX: &str = "
INSERT INTO inbox (observation_id, facility, outcome, first_position, last_position, case_id, reason,
                   observation)
WITH r(v) AS MATERIALIZED (SELECT value FROM json_each(?))
SELECT v ->> 0, v ->> 1, v ->> 2, v ->> 3, v ->> 4, v ->> 5, v ->> 6, unhex(v ->> 7)
FROM r WHERE true
ON CONFLICT (observation_id) DO UPDATE SET
  outcome = CASE WHEN inbox.outcome IN ('waiting', 'parked') THEN excluded.outcome END,
  first_position = excluded.first_position, last_position = excluded.last_position,
  case_id = excluded.case_id, reason = excluded.reason, observation = excluded.observation;";
const EVIDENCE: &str = "
INSERT INTO evidence SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
ON CONFLICT DO NOTHING;
INSERT INTO evidence_chunk SELECT value ->> 0, value ->> 3, substr(?, value ->> 4, value ->> 5)
FROM json_each(?) WHERE true ON CONFLICT DO NOTHING;";
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
    call.add_events(batch);
    call.add(RELEASED, &released(batch));
    call.add(TAKEN, &taken(batch));
    call.add(INBOX, &batch.inbox.iter().map(inbox).collect::<Vec<_>>());
    call.add_evidence(batch);
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
    for argument in call.arguments {
        query = match argument {
            Argument::Rows(rows) => query.bind(rows),
            Argument::Bytes(bytes) => query.bind(bytes),
        };
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

/// The statements that this batch needs, and what they are called with.
#[derive(Default)]
struct Call {
    sql: String,
    arguments: Vec<Argument>,
}

enum Argument {
    /// Rows as JSON.
    Rows(String),
    /// What the rows point into: bytes in JSON would be twice as long and read twice.
    Bytes(Vec<u8>),
}

impl Call {
    fn add<Row: Serialize>(&mut self, statement: &str, rows: &[Row]) {
        if !rows.is_empty() {
            self.sql.push_str(statement);
            self.arguments.push(Argument::Rows(json(rows)));
        }
    }

    fn add_events(&mut self, batch: &Prepared) {
        if batch.events.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        let rows: Vec<_> = batch
            .events
            .iter()
            .map(|event| EventRow {
                event,
                place: put(&mut bytes, &event.sealed),
            })
            .collect();
        self.sql.push_str(EVENTS);
        self.arguments.push(Argument::Rows(json(&rows)));
        self.arguments.push(Argument::Bytes(bytes));
    }

    fn add_evidence(&mut self, batch: &Prepared) {
        if batch.evidence.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        let rows: Vec<_> = batch
            .evidence
            .iter()
            .map(|part| {
                let (start, length) = put(&mut bytes, &part.sealed);
                let (id, media) = (&part.id, &part.media);
                (id, media, part.chunks, part.index, start, length)
            })
            .collect();
        let rows = json(&rows);
        self.sql.push_str(EVIDENCE);
        self.arguments.push(Argument::Rows(rows.clone()));
        self.arguments.push(Argument::Bytes(bytes));
        self.arguments.push(Argument::Rows(rows));
    }
}

fn json<Row: Serialize>(rows: &[Row]) -> String {
    serde_json::to_string(rows).expect("rows of texts and numbers are JSON")
}

/// Where `part` stands once it is put behind `bytes`: SQLite counts from 1.
fn put(bytes: &mut Vec<u8>, part: &[u8]) -> (usize, usize) {
    let start = bytes.len() + 1;
    bytes.extend_from_slice(part);
    (start, part.len())
}

/// One event in the order of the table's columns.
struct EventRow<'a> {
    event: &'a crate::StoredEvent,
    place: (usize, usize),
}

impl Serialize for EventRow<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let head = &self.event.head;
        let mut row = serializer.serialize_tuple(15)?;
        row.serialize_element(&head.position)?;
        row.serialize_element(&head.event_id)?;
        row.serialize_element(&head.stream)?;
        row.serialize_element(&head.stream_version)?;
        row.serialize_element(&head.kind)?;
        row.serialize_element(&head.schema_version)?;
        row.serialize_element(&head.recorded_at.as_microsecond())?;
        row.serialize_element(&head.facility)?;
        row.serialize_element(&head.patient)?;
        row.serialize_element(&head.observation_id)?;
        row.serialize_element(&head.evidence)?;
        row.serialize_element(&head.as_of.map(|at| at.0.as_microsecond()))?;
        row.serialize_element(&self.place.0)?;
        row.serialize_element(&self.place.1)?;
        row.serialize_element(&hex::encode(self.event.leaf))?;
        row.end()
    }
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
