//! A question of identity that needs a person: opened once, closed once.

use serde::{Deserialize, Serialize};
use shikaku_schemas::event::{CaseReason, Event, IdentityCaseClosed, IdentityCaseOpened};
use shikaku_schemas::value::{CaseId, ObservationId, RecordId};

/// One case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaseState {
    /// Not heard of.
    #[default]
    Unknown,
    /// A person has to look.
    Open {
        /// The case.
        case: CaseId,
        /// Why.
        reason: CaseReason,
        /// What waits for it.
        observation_id: Option<ObservationId>,
        /// The records in question.
        candidates: Vec<RecordId>,
    },
    /// Settled.
    Closed {
        /// The record decided on; none when an offer was declined.
        record: Option<RecordId>,
        /// Vanished tickets are gone indeed.
        gone: bool,
    },
}

/// What to do with a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseCommand {
    /// Open it.
    Open(IdentityCaseOpened),
    /// Settle it.
    Close {
        /// How.
        decision: CaseDecision,
        /// The account that decided.
        by: String,
    },
}

/// How a case is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseDecision {
    /// It is one of the records in question.
    Candidate(RecordId),
    /// It is somebody else: this new record.
    New(RecordId),
    /// The offered link is wrong; of vanished tickets: the answer was a mistake.
    Declined,
    /// The vanished tickets are gone indeed.
    Gone,
}

/// Why a case does not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CaseRejection {
    /// It was opened before.
    #[error("the case was opened before")]
    AlreadyOpened,
    /// It is not open.
    #[error("the case is not open")]
    NotOpen,
    /// No ticket vanished.
    #[error("the case is not about vanished tickets")]
    NothingVanished,
    /// The record is none of those in question.
    #[error("the record is not in question here")]
    NotACandidate,
    /// An observation waits: it needs a record, a new one if need be.
    #[error("an observation waits for a record")]
    RecordNeeded,
}

impl CaseRejection {
    /// Stable name of the rule, for callers outside.
    pub fn rule(self) -> &'static str {
        match self {
            Self::AlreadyOpened => "case-already-opened",
            Self::NotOpen => "case-not-open",
            Self::NothingVanished => "nothing-vanished",
            Self::NotACandidate => "not-a-candidate",
            Self::RecordNeeded => "record-needed",
        }
    }
}

/// What `command` makes of a case.
///
/// # Errors
/// The rule that forbids it.
pub fn decide(state: &CaseState, command: CaseCommand) -> Result<Vec<Event>, CaseRejection> {
    match (state, command) {
        (CaseState::Unknown, CaseCommand::Open(opened)) => {
            Ok(vec![Event::IdentityCaseOpened(opened)])
        }
        (_, CaseCommand::Open(_)) => Err(CaseRejection::AlreadyOpened),
        (
            CaseState::Open {
                case,
                reason,
                observation_id,
                candidates,
            },
            CaseCommand::Close { decision, by },
        ) => {
            let vanished = *reason == CaseReason::TicketsVanished;
            let record = match decision {
                CaseDecision::Gone if vanished => None,
                CaseDecision::Gone => return Err(CaseRejection::NothingVanished),
                CaseDecision::Candidate(record) if candidates.contains(&record) && !vanished => {
                    Some(record)
                }
                CaseDecision::Candidate(_) => return Err(CaseRejection::NotACandidate),
                CaseDecision::New(record) => Some(record),
                CaseDecision::Declined if observation_id.is_some() => {
                    return Err(CaseRejection::RecordNeeded);
                }
                CaseDecision::Declined => None,
            };
            Ok(vec![Event::IdentityCaseClosed(IdentityCaseClosed {
                case: *case,
                record,
                gone: vanished.then_some(decision == CaseDecision::Gone),
                by,
            })])
        }
        (_, CaseCommand::Close { .. }) => Err(CaseRejection::NotOpen),
    }
}

/// Records one event. Events of other streams change nothing.
pub fn evolve(state: &mut CaseState, event: &Event) {
    match event {
        Event::IdentityCaseOpened(opened) => {
            *state = CaseState::Open {
                case: opened.case,
                reason: opened.reason,
                observation_id: opened.observation_id,
                candidates: opened.candidates.clone(),
            };
        }
        Event::IdentityCaseClosed(closed) => {
            *state = CaseState::Closed {
                record: closed.record,
                gone: closed.gone == Some(true),
            };
        }
        _ => {}
    }
}
