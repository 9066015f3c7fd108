//! Questions answered from the ledger alone: what was valid, what did we know, and when?
//!
//! Works beside a running hub and without one. Nothing here writes, and nothing here logs who asked: the
//! caller does.

use jiff::Timestamp;
use jiff::civil::Date;
use shikaku_ledger::{Ledger, LedgerError};
use shikaku_schemas::group::Group;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{FacilityCode, PatientNumber, Position, RecordId};
use uuid::Uuid;

/// Whom a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// By chart number.
    Patient(PatientNumber),
    /// By record.
    Record(RecordId),
}

/// What was known when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KnownAt {
    /// Everything known now.
    #[default]
    Now,
    /// What had been recorded up to a position, inclusive.
    Position(Position),
    /// What had been recorded up to an instant, inclusive.
    Time(Timestamp),
}

/// Answers questions from one ledger.
#[derive(Clone)]
pub struct Queries {
    ledger: Ledger,
    group: Group,
    identity: SealKey,
}
