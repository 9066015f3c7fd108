//! A record's history at two times: what held on a day (`valid_on`), as it was known at a moment (`known_at`).
//!
//! A history is a replay of the record's events up to the moment, and nothing else: the same events give
//! the same history for ever. Nothing in it that speaks of a 未委託 month carries a payer, recipient or
//! issue number, whoever else knew one; other months keep theirs.

mod build;
mod period;
mod view;

#[cfg(test)]
mod tests;

pub use period::Period;
pub use view::{
    History, NotCommissionedView, Opened, QualificationView, TicketView, VerificationView,
};

use jiff::Timestamp;
use jiff::civil::Date;
use shikaku_schemas::event::EventHead;
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::value::{FacilityCode, Position};

/// What is asked of a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryQuestion {
    /// Only what covers this day; without it everything known.
    pub valid_on: Option<Date>,
    /// As it was known then; without it as it is known now.
    pub known_at: Option<KnownAt>,
    /// Tickets, verifications and 未委託 of this facility alone; without it of all that share the record. A month
    /// that is 未委託 at any of these hides numbers.
    pub facility: Option<FacilityCode>,
}

/// A moment of knowledge, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownAt {
    /// After this position of the ledger.
    Position(Position),
    /// At this time of the ledger's clock.
    Time(Timestamp),
}

impl KnownAt {
    /// Whether the event was recorded by then.
    pub fn includes(self, head: &EventHead) -> bool {
        match self {
            Self::Position(position) => head.position <= position,
            Self::Time(time) => head.recorded_at <= time || planted(Mutant::KnowTooEarly),
        }
    }
}

/// The history that the events of one record's stream, in order, tell. `None` stands for a payload whose
/// key was destroyed.
pub fn history(events: &[Opened], question: &HistoryQuestion) -> History {
    let known: Vec<&Opened> = events
        .iter()
        .filter(|(head, _)| question.known_at.is_none_or(|at| at.includes(head)))
        .collect();
    build::build(&known, question)
}
