//! What may be asked of a patient record, and what it answers when it must not be done.

use shikaku_schemas::event::{
    AppointmentBooked, ConsentRecorded, MedicalInformationReceived, RecordErased, TicketRequested,
    TicketSourcedOffline, VisitAccepted,
};
use shikaku_schemas::observation::OqsAnswer;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::task::QualificationNumbers;
use shikaku_schemas::value::{AsOf, FacilityCode, PatientNumber, RecordId, ReferenceNumber};

use super::month::WithdrawTicket;
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
    /// Record that the person is expected.
    BookAppointment(AppointmentBooked),
    /// Record that the centre took a 照会番号.
    RecordRegistration(RecordRegistration),
    /// Record a consent that staff entered; whatever source it names, it is kept as entered.
    EnterConsent {
        /// The facility whose staff did.
        facility: FacilityCode,
        /// The consent.
        consent: ConsentRecorded,
    },
    /// Record that medical information came.
    ReceiveMedicalInformation {
        /// The facility whose chart record it is.
        facility: FacilityCode,
        /// What is held, one a scope.
        received: Vec<MedicalInformationReceived>,
    },
    /// Record a ticket learnt by paper or telephone.
    AddTicket(Box<TicketSourcedOffline>),
    /// Record that a ticket was requested from the welfare office.
    RequestTicket(TicketRequested),
    /// Record that a ticket is no longer registered.
    WithdrawTicket(WithdrawTicket),
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

/// A 照会番号 that the centre says it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRegistration {
    /// The facility that registered it.
    pub facility: FacilityCode,
    /// The number.
    pub reference_number: ReferenceNumber,
    /// The qualification it belongs to, by its numbers.
    pub numbers: QualificationNumbers,
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
    /// No qualification of the record has these numbers.
    #[error("no qualification of the record has these numbers")]
    QualificationUnknown,
    /// The newest month is 未委託: numbers of the assistance half must not be used.
    #[error("the month is not commissioned")]
    NotCommissioned,
    /// No half that is valid now has numbers to ask with.
    #[error("no numbers are known that are valid now")]
    NumbersUnknown,
    /// Nobody consented to it at the card reader.
    #[error("no consent was given at the card reader")]
    ConsentMissing,
    /// Staff entered a consent, which permits no request.
    #[error("the consent was entered by staff")]
    ConsentEnteredOnly,
    /// The consent states no 閲覧可能期限, so that none can be kept.
    #[error("the consent states no end")]
    ConsentWithoutEnd,
    /// The consent is over.
    #[error("the consent is over")]
    ConsentOver,
    /// Nothing exists of the months asked for.
    #[error("nothing exists of months before the first")]
    BeforeFirstMonth,
    /// The last month lies before the first.
    #[error("the last month lies before the first")]
    MonthsReversed,
    /// 限度額 does not exist for 医療扶助 (guide 4.1.1(5)).
    #[error("limit certificates do not exist for public assistance")]
    LimitCertificateNotForAssistance,
    /// No claim is transferred to or split for a welfare office (guide 2.2.3).
    #[error("claims of welfare offices are not transferred")]
    ClaimTransferNotForAssistance,
    /// This scope has no request of its own.
    #[error("the scope has no request of its own")]
    ScopeNotAsked,
}

impl PatientRejection {
    /// Stable name of the rule, for callers outside.
    pub fn rule(self) -> &'static str {
        match self {
            Self::RecordErased => "record-erased",
            Self::AnswerNamesNobody => "answer-names-nobody",
            Self::NumberedOtherwise => "numbered-otherwise",
            Self::RecordUnknown => "record-unknown",
            Self::QualificationUnknown => "qualification-unknown",
            Self::NotCommissioned => "not-commissioned",
            Self::NumbersUnknown => "numbers-unknown",
            Self::ConsentMissing => "consent-missing",
            Self::ConsentEnteredOnly => "consent-entered-only",
            Self::ConsentWithoutEnd => "consent-without-end",
            Self::ConsentOver => "consent-over",
            Self::BeforeFirstMonth => "before-first-month",
            Self::MonthsReversed => "months-reversed",
            Self::LimitCertificateNotForAssistance => "limit-certificate-not-for-assistance",
            Self::ClaimTransferNotForAssistance => "claim-transfer-not-for-assistance",
            Self::ScopeNotAsked => "scope-not-asked",
        }
    }
}
