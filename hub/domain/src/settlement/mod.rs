//! `MonthlySettlement`: one facility and month, and the complete 一括取得 runs of it.
//!
//! Only a complete run says anything by its silence, and only two of them withdraw a ticket: one that was last seen
//! before the submission of the first, and that neither showed. An empty answer withdraws nothing, ever; nor does
//! one that lacks more than a set share, before a person has looked at just those that it lacks.

mod decide;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use shikaku_schemas::event::{MonthSettled, TicketKey};
use shikaku_schemas::value::{InquiryId, Month, Position, RecordId};

pub use decide::{decide, evolve, missing, withdrawals};

/// What is known of one facility's month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthlySettlement {
    /// The complete runs, in order.
    pub runs: Vec<MonthSettled>,
}

impl MonthlySettlement {
    /// The newest complete run.
    pub fn last(&self) -> Option<&MonthSettled> {
        self.runs.last()
    }
}

/// One ticket of the month, as the ledger knows it when a run is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementTicket {
    /// Whose.
    pub record: RecordId,
    /// How many events of the record this rests on.
    pub record_version: u64,
    /// Which.
    pub key: TicketKey,
    /// Where in the ledger it was seen last.
    pub last_seen: Position,
    /// It was withdrawn before.
    pub withdrawn: bool,
    /// The run brought it.
    pub arrived: bool,
    /// The run changed it.
    pub revised: bool,
}

/// A run whose answer is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleMonth {
    /// The month.
    pub month: Month,
    /// The run.
    pub run: InquiryId,
    /// Nothing of its result is missing, in doubt, or still on its way.
    pub complete: bool,
    /// People it named.
    pub units: u32,
    /// Where in the ledger it was submitted.
    pub submitted: Position,
    /// The same of the newest run settled before.
    pub previous_submitted: Option<Position>,
    /// Every ticket of the month that is known at the facility.
    pub tickets: Vec<SettlementTicket>,
    /// People 未委託.
    pub waiting: u32,
    /// More than this share vanishing is for a person to look at.
    pub vanishing_percent: u8,
    /// Where the newest run was submitted of which a person says that what it did not show is gone indeed: tickets
    /// last seen before that are no longer in question.
    pub accepted: Option<Position>,
}

/// Why a run settles nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettlementRejection {
    /// The run was settled before.
    #[error("the run was settled before")]
    AlreadySettled,
    /// Something of its result is missing, in doubt, or still on its way.
    #[error("the run is not complete")]
    RunIncomplete,
    /// It named nobody, though tickets of the month are known.
    #[error("the answer is empty")]
    EmptyAnswer,
    /// More than a set share vanished.
    #[error("too many tickets vanished")]
    TooManyVanished,
}

impl SettlementRejection {
    /// Stable name of the rule, for callers outside.
    pub fn rule(self) -> &'static str {
        match self {
            Self::AlreadySettled => "run-already-settled",
            Self::RunIncomplete => "run-incomplete",
            Self::EmptyAnswer => "answer-empty",
            Self::TooManyVanished => "too-many-vanished",
        }
    }
}
