//! What an item will be answered once its batch is durable.

use shikaku_schemas::command::CommandReply;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{FacilityCode, InquiryId, ObservationId, Position};
use uuid::Uuid;

use super::Reply;
use crate::desk::DeskNews;

/// Where a command's effect stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is the so-manieth event of this batch, from 1; 0 = before the batch.
    Batch(usize),
    /// It was committed before.
    Ledger(Position),
}

/// An answer that nobody's message waits for: a parked observation was decided anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announcement {
    pub(crate) facility: FacilityCode,
    pub(crate) source: String,
    pub(crate) device: String,
    pub(crate) observation_id: ObservationId,
    pub(crate) outcome: CommitOutcome,
}

/// The answer to one item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    answer: Answer,
    /// To be told once durable.
    pub(crate) announcements: Vec<Announcement>,
    /// What screens are told once it is durable.
    pub(crate) news: Option<DeskNews>,
    /// The unit of a job that counts once it is durable.
    pub(crate) unit: Option<(InquiryId, CommitOutcome)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Reply(Reply),
    Done { place: Place, id: Option<Uuid> },
}

impl Verdict {
    /// An observation was judged.
    pub(crate) fn committed(outcome: CommitOutcome, reason: Option<String>) -> Self {
        Self::reply_with(Reply::Committed { outcome, reason })
    }

    /// With what screens are told once it is durable.
    pub(crate) fn with_news(self, news: Option<DeskNews>) -> Self {
        Self { news, ..self }
    }

    /// With the unit of a job that counts once it is durable.
    pub(crate) fn with_unit(self, unit: Option<(InquiryId, CommitOutcome)>) -> Self {
        Self { unit, ..self }
    }

    /// Nothing is committed before all of its evidence is here.
    pub(crate) fn evidence_missing() -> Self {
        Self::reply_with(Reply::EvidenceMissing)
    }

    /// A command was carried out.
    pub(crate) fn done(place: Place, id: Option<Uuid>) -> Self {
        Self {
            answer: Answer::Done { place, id },
            announcements: Vec::new(),
            news: None,
            unit: None,
        }
    }

    /// A command breaks a rule.
    pub(crate) fn refused(rule: &str) -> Self {
        let reply = crate::commands::refused(rule, crate::parked::message(rule));
        Self::reply_with(Reply::Command(reply))
    }

    fn reply_with(reply: Reply) -> Self {
        Self {
            answer: Answer::Reply(reply),
            announcements: Vec::new(),
            news: None,
            unit: None,
        }
    }

    /// The answer, for a batch that follows `head`.
    pub(crate) fn reply(self, head: Position) -> Reply {
        match self.answer {
            Answer::Reply(reply) => reply,
            Answer::Done { place, id } => Reply::Command(CommandReply::Done {
                position: match place {
                    Place::Batch(events) => Position(head.0 + events as u64),
                    Place::Ledger(position) => position,
                },
                id,
            }),
        }
    }
}
