//! What may be asked of a patient record, and what it answers when it must not be done.

use shikaku_schemas::event::{RecordErased, VisitAccepted};
use shikaku_schemas::observation::OqsAnswer;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{AsOf, PatientNumber, RecordId};

use crate::FacilityFacts;

/// What to do with one record.
#[derive(Debug, Clone, PartialEq)]
pub enum PatientCommand {
    /// Record an answer of the centre about this person.
    RecordVerification(Box<RecordVerification>),
    /// Record the chart number that a receipt computer or EHR opened.
    NumberPatient(PatientNumber),
    /// Record that a visit was accepted.
    AcceptVisit(VisitAccepted),
    /// Close the record for good; its key is destroyed by the ledger.
    EraseRecord(RecordErased),
}

/// An answer, and all that judging it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordVerification {
    /// The record that identity resolved.
    pub record: RecordId,
    /// The answer.
    pub answer: OqsAnswer,
    /// The facility that asked.
    pub facility: FacilityFacts,
    /// The centre's time; without one the answer counts as of the beginning of its 資格確認日. The drafts
    /// made of the events must carry the same value, because [`evolve`](super::evolve) orders by it.
    pub as_of: Option<AsOf>,
    /// The device it came through.
    pub device: Option<String>,
    /// Makes qualification ids: keyed, so that an id in a feed tells nothing of the numbers. The same for
    /// the whole group (`group.derive("qualification")`).
    pub ids: SealKey,
}

/// Why a record does not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatientRejection {
    /// The record was erased.
    #[error("the record was erased")]
    RecordErased,
    /// A refusal, or an answer without a record, is about nobody: it belongs to the inquiry.
    #[error("the answer names nobody")]
    AnswerNamesNobody,
    /// The record has another chart number.
    #[error("the record has another chart number")]
    NumberedOtherwise,
    /// Nothing is known of this record yet.
    #[error("the record is not known")]
    RecordUnknown,
}

impl PatientRejection {
    /// Stable name of the rule, for callers outside.
    pub fn rule(self) -> &'static str {
        match self {
            Self::RecordErased => "record-erased",
            Self::AnswerNamesNobody => "answer-names-nobody",
            Self::NumberedOtherwise => "numbered-otherwise",
            Self::RecordUnknown => "record-unknown",
        }
    }
}
