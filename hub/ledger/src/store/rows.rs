//! Rows as both databases know them.

use std::collections::HashMap;

use jiff::Timestamp;
use shikaku_schemas::event::{CaseReason, EventHead};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{
    AsOf, CaseId, EventId, EvidenceId, FacilityCode, ObservationId, Position, RecordId, StreamId,
};
use uuid::Uuid;

use crate::LedgerError;
use crate::keys::PersistError;
use crate::model::{CaseChange, CaseRow, IdentityKey, StoreIdentity, StoredEvent};
use crate::proof::{self, CompactRange, Hash};

/// The beginning of a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Genesis {
    pub(crate) identity: StoreIdentity,
    pub(crate) created_at: Timestamp,
    pub(crate) chain: Hash,
}

impl Genesis {
    pub(crate) fn new(identity: StoreIdentity, created_at: Timestamp) -> Self {
        Self {
            identity,
            created_at,
            chain: proof::genesis(identity.store_id),
        }
    }
}

/// The beginning of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub(crate) identity: StoreIdentity,
    /// The last event that it took over.
    pub(crate) after: Position,
}

impl Epoch {
    /// Its terms are above every term of an earlier epoch, those included that the database has forgotten: a writer that
    /// lived through the restore must not find its own term again.
    pub(crate) fn first_term(&self) -> u64 {
        u64::from(self.identity.epoch) << 32
    }
}

pub(super) fn epoch(epoch: i64, store_id: Uuid, after: i64) -> Result<Epoch, LedgerError> {
    let bad = |column| LedgerError::Malformed {
        table: "genesis",
        column,
    };
    let epoch = u32::try_from(epoch).map_err(|_| bad("epoch"))?;
    let after = u64::try_from(after).map_err(|_| bad("after"))?;
    Ok(Epoch {
        identity: StoreIdentity { store_id, epoch },
        after: Position(after),
    })
}

/// The head row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeadRow {
    pub(crate) term: u64,
    /// Counts commits, those without events too: so a commit can be recognised after a broken line.
    pub(crate) commits: u64,
    pub(crate) recorded_at: Timestamp,
    pub(crate) chain: Hash,
    pub(crate) tree: CompactRange,
}

impl HeadRow {
    pub(crate) fn position(&self) -> Position {
        Position(self.tree.size())
    }
}

/// term, commits, position, recorded_at, chain, peaks.
pub(super) type RawHead = (i64, i64, i64, i64, Vec<u8>, Vec<u8>);

pub(super) fn head(
    (term, commits, position, recorded_at, chain, peaks): RawHead,
) -> Result<HeadRow, LedgerError> {
    let bad = |column| {
        move || LedgerError::Malformed {
            table: "head",
            column,
        }
    };
    Ok(HeadRow {
        term: u64::try_from(term).ok().ok_or_else(bad("term"))?,
        commits: u64::try_from(commits).ok().ok_or_else(bad("commits"))?,
        recorded_at: Timestamp::from_microsecond(recorded_at)
            .ok()
            .ok_or_else(bad("recorded_at"))?,
        chain: chain.try_into().ok().ok_or_else(bad("chain"))?,
        tree: u64::try_from(position)
            .ok()
            .and_then(|size| CompactRange::from_bytes(size, &peaks))
            .ok_or_else(bad("peaks"))?,
    })
}

/// The columns of `events`, in the order of [`EVENT_COLUMNS`].
pub(super) type RawEvent<Id> = (
    i64,
    Id,
    String,
    i64,
    String,
    i32,
    i64,
    Option<String>,
    Option<Id>,
    Option<Id>,
    Option<String>,
    Option<i64>,
    Vec<u8>,
    Vec<u8>,
);

/// The columns of `events`, in order.
macro_rules! event_columns {
    () => {
        "position, event_id, stream, stream_version, type, schema_version, recorded_at, \
         facility, patient, observation_id, evidence, as_of, payload, leaf"
    };
}
pub(super) use event_columns;

pub(super) fn event<Id: Into<Uuid>>(row: RawEvent<Id>) -> Result<StoredEvent, LedgerError> {
    let position = Position(u64::try_from(row.0).unwrap_or(0));
    let bad = |column| move || LedgerError::MalformedRow { position, column };
    let time = |micros| Timestamp::from_microsecond(micros).ok();
    let head = EventHead {
        position,
        event_id: EventId(row.1.into()),
        stream: StreamId(row.2),
        stream_version: u64::try_from(row.3)
            .ok()
            .ok_or_else(bad("stream_version"))?,
        kind: row.4,
        schema_version: u32::try_from(row.5)
            .ok()
            .ok_or_else(bad("schema_version"))?,
        recorded_at: time(row.6).ok_or_else(bad("recorded_at"))?,
        facility: row.7.map(FacilityCode),
        patient: row.8.map(|id| RecordId(id.into())),
        observation_id: row.9.map(|id| ObservationId(id.into())),
        evidence: row.10.map(EvidenceId),
        as_of: match row.11 {
            Some(micros) => Some(AsOf(time(micros).ok_or_else(bad("as_of"))?)),
            None => None,
        },
    };
    Ok(StoredEvent {
        head,
        sealed: row.12,
        leaf: row.13.try_into().ok().ok_or_else(bad("leaf"))?,
    })
}

/// An inbox row, its observation still sealed.
#[derive(Debug, Clone)]
pub(crate) struct StoredInbox {
    pub(crate) observation_id: ObservationId,
    pub(crate) facility: FacilityCode,
    pub(crate) outcome: CommitOutcome,
    pub(crate) first: Option<Position>,
    pub(crate) last: Option<Position>,
    pub(crate) case: Option<CaseId>,
    pub(crate) reason: Option<String>,
    pub(crate) observation: Option<Vec<u8>>,
}

/// The columns of `inbox`, in order.
macro_rules! inbox_columns {
    () => {
        "observation_id, facility, outcome, first_position, last_position, case_id, reason, observation"
    };
}
pub(super) use inbox_columns;

pub(super) type RawInbox<Id> = (
    Id,
    String,
    String,
    Option<i64>,
    Option<i64>,
    Option<Id>,
    Option<String>,
    Option<Vec<u8>>,
);

pub(super) fn inbox<Id: Into<Uuid>>(row: RawInbox<Id>) -> Result<StoredInbox, LedgerError> {
    let place =
        |position: Option<i64>| position.and_then(|at| u64::try_from(at).ok()).map(Position);
    Ok(StoredInbox {
        observation_id: ObservationId(row.0.into()),
        facility: FacilityCode(row.1),
        outcome: parse_outcome(&row.2).ok_or(LedgerError::Malformed {
            table: "inbox",
            column: "outcome",
        })?,
        first: place(row.3),
        last: place(row.4),
        case: row.5.map(|id| CaseId(id.into())),
        reason: row.6,
        observation: row.7,
    })
}

/// The word of an outcome in the database; stays.
pub(super) fn outcome_word(outcome: CommitOutcome) -> &'static str {
    match outcome {
        CommitOutcome::Recorded => "recorded",
        CommitOutcome::NothingNew => "nothing-new",
        CommitOutcome::Waiting => "waiting",
        CommitOutcome::Parked => "parked",
    }
}

fn parse_outcome(word: &str) -> Option<CommitOutcome> {
    [
        CommitOutcome::Recorded,
        CommitOutcome::NothingNew,
        CommitOutcome::Waiting,
        CommitOutcome::Parked,
    ]
    .into_iter()
    .find(|outcome| outcome_word(*outcome) == word)
}

/// case_id, facility, reason, observation_id, candidates, opened, closed.
pub(super) type RawCase<Id> = (Id, String, String, Option<Id>, String, i64, Option<i64>);

pub(super) fn case<Id: Into<Uuid>>(row: RawCase<Id>) -> Result<CaseRow, LedgerError> {
    let bad = |column| {
        move |_| LedgerError::Malformed {
            table: "cases",
            column,
        }
    };
    let reason = serde_json::Value::String(row.2);
    Ok(CaseRow {
        case: CaseId(row.0.into()),
        facility: FacilityCode(row.1),
        reason: serde_json::from_value(reason).map_err(bad("reason"))?,
        observation_id: row.3.map(|id| ObservationId(id.into())),
        candidates: serde_json::from_str(&row.4).map_err(bad("candidates"))?,
        opened: Position(u64::try_from(row.5).unwrap_or(0)),
        closed: row.6.map(|at| Position(u64::try_from(at).unwrap_or(0))),
    })
}

/// The word of a reason in the database: as on the wire.
pub(super) fn reason_word(reason: CaseReason) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("a case reason is a word on the wire"),
    }
}

/// One sealed chunk.
#[derive(Debug, Clone)]
pub(crate) struct EvidencePart {
    pub(crate) id: EvidenceId,
    pub(crate) index: u32,
    pub(crate) chunks: u32,
    pub(crate) media: String,
    pub(crate) sealed: Vec<u8>,
}

/// A batch, sealed and numbered, with the head before and after it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) before: HeadRow,
    pub(crate) after: HeadRow,
    pub(crate) events: Vec<StoredEvent>,
    pub(crate) inbox: Vec<StoredInbox>,
    pub(crate) released_keys: Vec<IdentityKey>,
    pub(crate) identity_keys: Vec<(IdentityKey, RecordId)>,
    pub(crate) evidence: Vec<EvidencePart>,
    pub(crate) cases: Vec<CaseChange>,
}

/// Why a batch was not committed.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// The head is not what we left: another writer.
    Fenced,
    /// A stream has that version already.
    StreamTaken,
    /// An identity key exists already.
    KeyTaken,
    /// An observation has its final answer already.
    AlreadyAnswered,
    /// A row that the database will never take.
    Refused,
    /// New keys were not made.
    Keys(PersistError),
    /// Anything else: the connection is given up, and only the head can tell.
    Lost(LedgerError),
}

/// Why the session is not whole again.
#[derive(Debug)]
pub(crate) enum RecoverError {
    /// Another writer has taken over.
    Fenced,
    /// Not in time; may be tried again.
    NotYet(LedgerError),
}

/// Integers as the databases keep them. Positions and versions never come near the limit.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).expect("no counter reaches 2^63")
}

/// A position, as stored.
pub(super) fn position(found: Option<i64>) -> Option<Position> {
    found.and_then(|at| u64::try_from(at).ok()).map(Position)
}

/// Versions of streams, as stored.
pub(super) fn versions(found: Vec<(String, i64)>) -> HashMap<StreamId, u64> {
    found
        .into_iter()
        .map(|(stream, version)| (StreamId(stream), u64::try_from(version).unwrap_or(0)))
        .collect()
}

/// Records of keys, by the keys' number in the question, from 1.
pub(super) fn resolved<Id: Into<Uuid>>(
    keys: &[IdentityKey],
    found: Vec<(i64, Id)>,
) -> HashMap<IdentityKey, RecordId> {
    found
        .into_iter()
        .filter_map(|(number, record)| {
            let at = usize::try_from(number).ok()?.checked_sub(1)?;
            Some((keys.get(at)?.clone(), RecordId(record.into())))
        })
        .collect()
}

/// Chunks of one evidence: chunks, media, index, payload.
pub(super) fn evidence(
    id: &EvidenceId,
    found: Vec<(i32, String, i32, Vec<u8>)>,
) -> Option<(u32, Vec<EvidencePart>)> {
    let chunks = u32::try_from(found.first()?.0).unwrap_or(0);
    let part = |(_, media, index, sealed): (i32, String, i32, Vec<u8>)| EvidencePart {
        id: id.clone(),
        index: u32::try_from(index).unwrap_or(0),
        chunks,
        media,
        sealed,
    };
    Some((chunks, found.into_iter().map(part).collect()))
}
