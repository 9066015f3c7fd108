//! What goes into the ledger and what comes out.

use jiff::Timestamp;
use shikaku_schemas::event::{CaseReason, Event, EventHead, SealedEvent};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{
    AsOf, CaseId, EvidenceId, FacilityCode, ObservationId, Position, RecordId, StreamId,
};
use uuid::Uuid;

/// Which history this is. Changes at init, restore and promotion only; everything that remembers a position
/// remembers this too, and stops when it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreIdentity {
    /// The store.
    pub store_id: Uuid,
    /// How often its history was begun anew, from 1.
    pub epoch: u32,
}

/// The end of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Position of the last event; 0 while there is none.
    pub position: Position,
    /// The ledger's clock at the last commit.
    pub recorded_at: Timestamp,
    /// How often a writer has taken over.
    pub term: u64,
}

/// An event as it lies in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The routing columns.
    pub head: EventHead,
    /// The payload, sealed.
    pub sealed: Vec<u8>,
    /// Digest of the row.
    pub leaf: [u8; 32],
}

impl StoredEvent {
    /// The event as it travels on `LOG`.
    pub fn on_log(&self) -> SealedEvent {
        SealedEvent::new(self.head.clone(), &self.sealed)
    }
}

/// An event whose payload was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The routing columns.
    pub head: EventHead,
    /// The event in its present shape; `None` when its key was destroyed.
    pub event: Option<Event>,
}

/// An event to append.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The fact.
    pub event: Event,
    /// Where.
    pub stream: StreamId,
    /// The stream's version before this event, from 0. A second draft of one stream in a batch counts the first.
    pub expected_version: u64,
    /// The facility it is of.
    pub facility: Option<FacilityCode>,
    /// The record it is about, on patient streams. The payload is sealed under that record's key, else under
    /// the stream's own.
    pub patient: Option<RecordId>,
    /// For a stream of its own (inquiry, case) that speaks of a known record: erasing that record destroys the
    /// stream's key too.
    pub key_of: Option<RecordId>,
    /// What brought it.
    pub observation_id: Option<ObservationId>,
    /// The bytes it rests on.
    pub evidence: Option<EvidenceId>,
    /// The centre's time.
    pub as_of: Option<AsOf>,
}

impl Draft {
    /// A draft with nothing but the fact and its place.
    pub fn new(event: Event, stream: StreamId, expected_version: u64) -> Self {
        Self {
            event,
            stream,
            expected_version,
            facility: None,
            patient: None,
            key_of: None,
            observation_id: None,
            evidence: None,
            as_of: None,
        }
    }
}

/// What became of an observation, for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// Which.
    pub observation_id: ObservationId,
    /// Of which facility.
    pub facility: FacilityCode,
    /// What became of it. `Waiting` and `Parked` may be answered anew; the others are final.
    pub outcome: CommitOutcome,
    /// Its first event.
    pub first: Option<Position>,
    /// Its last event.
    pub last: Option<Position>,
    /// The case it waits in.
    pub case: Option<CaseId>,
    /// Why it was set aside. Never personal.
    pub reason: Option<String>,
    /// The observation itself, plain here and sealed in the store; kept only while it waits or is parked.
    pub observation: Option<Vec<u8>>,
}

/// What kind of key leads to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// Chart numbering + 照会番号 or chart number.
    Chart,
    /// 公費負担者番号 + 受給者番号 + birth date.
    Assistance,
    /// Insurer + symbol + number + branch + birth date.
    Insurance,
    /// Facility + exact name, kana, birth date and sex, while no number is known.
    Provisional,
    /// Somebody who waits in an identity case.
    Waiting,
    /// A record linked to a person: leads to the person.
    Person,
}

impl KeyKind {
    /// The word in the database; stays.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chart => "chart",
            Self::Assistance => "assistance",
            Self::Insurance => "insurance",
            Self::Provisional => "provisional",
            Self::Waiting => "waiting",
            Self::Person => "person",
        }
    }

    /// The kind of a word in the database.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Chart,
            Self::Assistance,
            Self::Insurance,
            Self::Provisional,
            Self::Waiting,
            Self::Person,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// A key that leads to a record: unique, and only a keyed digest of what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentityKey {
    /// Its kind.
    pub kind: KeyKind,
    /// The chart numbering it belongs to.
    pub scope: String,
    /// HMAC of the numbers (label `identity`).
    pub digest: [u8; 32],
}

impl std::hash::Hash for IdentityKey {
    /// Kind and scope are part of what was digested.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// A piece of evidence. Chunks of one evidence may come in different batches and more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceChunk {
    /// The evidence.
    pub id: EvidenceId,
    /// Which piece, from 0.
    pub index: u32,
    /// How many there are.
    pub chunks: u32,
    /// Media type of the whole.
    pub media: String,
    /// Plain bytes; the ledger seals them.
    pub bytes: Vec<u8>,
}

/// A question of identity, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseRow {
    /// The case.
    pub case: CaseId,
    /// Where.
    pub facility: FacilityCode,
    /// Why.
    pub reason: CaseReason,
    /// What opened it; `None` for an offered link, where nothing waits.
    pub observation_id: Option<ObservationId>,
    /// The records in question.
    pub candidates: Vec<RecordId>,
    /// Last position of the batch that opened it.
    pub opened: Position,
    /// Last position of the batch that closed it.
    pub closed: Option<Position>,
}

/// A change to the table of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseChange {
    /// A case was opened.
    Opened {
        /// The case.
        case: CaseId,
        /// Where.
        facility: FacilityCode,
        /// Why.
        reason: CaseReason,
        /// What opened it.
        observation_id: Option<ObservationId>,
        /// The records in question.
        candidates: Vec<RecordId>,
    },
    /// A case was decided.
    Closed {
        /// The case.
        case: CaseId,
    },
}

/// Everything of one commit: all of it becomes durable, or nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Events, in order; they get consecutive positions after [`crate::Writer::head`].
    pub events: Vec<Draft>,
    /// Answers to observations. An answer once final is never changed.
    pub inbox: Vec<InboxRow>,
    /// Keys let go of, before `identity_keys` are taken.
    pub released_keys: Vec<IdentityKey>,
    /// Keys taken. One that already leads to the same record is harmless.
    pub identity_keys: Vec<(IdentityKey, RecordId)>,
    /// Evidence. What is already there is left as it is.
    pub evidence: Vec<EvidenceChunk>,
    /// Cases opened and closed.
    pub cases: Vec<CaseChange>,
}

/// Where a batch lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its first event; one more than `last` when the batch had none.
    pub first: Position,
    /// Its last event.
    pub last: Position,
    /// The ledger's clock of all of it.
    pub recorded_at: Timestamp,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyOwner {
    /// A patient record: all events with that `patient`.
    Record(RecordId),
    /// A stream that is of no record.
    Stream(StreamId),
    /// One evidence.
    Evidence(EvidenceId),
}

impl KeyOwner {
    /// Whose key seals the payload of an event. `record-erased` stays readable after the record's key is gone.
    pub fn of_event(kind: &str, stream: &StreamId, patient: Option<RecordId>) -> Self {
        match patient {
            Some(record) if kind != "record-erased" => Self::Record(record),
            _ => Self::Stream(stream.clone()),
        }
    }

    /// Whose key seals the payload of this event.
    pub fn of(head: &EventHead) -> Self {
        Self::of_event(&head.kind, &head.stream, head.patient)
    }
}

impl std::fmt::Display for KeyOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record(record) => write!(f, "record:{record}"),
            Self::Stream(stream) => write!(f, "stream:{stream}"),
            Self::Evidence(id) => write!(f, "evidence:{id}"),
        }
    }
}

/// The outcome of [`crate::Ledger::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Which history was read.
    pub identity: StoreIdentity,
    /// Events found good.
    pub events: u64,
    /// Of these, events whose key was destroyed; their proof still holds.
    pub erased: u64,
    /// Signed heads that agreed.
    pub heads: u64,
    /// Signed heads of an earlier epoch, of events that a later one began without: what a restore lost.
    pub voided: u64,
    /// Position of the last signed head.
    pub last_signed: Position,
    /// Root of the tree over everything read, hex.
    pub root: String,
    /// The first thing that does not hold.
    pub first_bad: Option<BadPosition>,
}

/// Where the proof breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPosition {
    /// The first position in doubt.
    pub position: Position,
    /// What is wrong there.
    pub reason: String,
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyProgress {
    /// Events read.
    pub done: u64,
    /// Events there are.
    pub total: u64,
}
