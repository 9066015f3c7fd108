//! What confirms no qualification: registrations of 照会番号, medical information, consents that staff entered,
//! requests of programs of the facility's own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InquiryProgress;
use crate::event::Ticket;
use crate::oqs::medical::Overview;
use crate::oqs::registration::Outcome;
use crate::task::TaskBody;
use crate::value::{AsOf, ConsentScope, InquiryId, PatientNumber, PayerNumber, RecipientNumber};

/// What became of one registration: the answer about one person, or one unit of a bulk answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegistrationOutcome {
    /// Our inquiry, when the answer belongs to a journalled request.
    pub inquiry: Option<InquiryId>,
    /// What the centre says.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Medical information that came for one inquiry. It is the facility's chart record: the bytes are evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MedicalAnswer {
    /// Our inquiry, when the answer belongs to a journalled request.
    pub inquiry: Option<InquiryId>,
    /// What was asked for: drugs (with treatments or without), or check-ups.
    pub scopes: Vec<ConsentScope>,
    /// What kind of answer it is; null for a PDF, whose content is not read.
    pub overview: Option<Overview>,
}

/// A consent as staff entered it into a chart. It is kept beside the card's, and permits no request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentEntered {
    /// The chart number.
    pub patient: PatientNumber,
    /// What it permits.
    pub scope: ConsentScope,
    /// 同意日時.
    #[serde(default)]
    pub given_at: Option<AsOf>,
    /// 閲覧可能期限.
    #[serde(default)]
    pub available_until: Option<AsOf>,
}

/// A ticket as a peer's staff entered it from paper or by telephone. The sender answers for it; the online ticket is
/// compared with it when it comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketEntered {
    /// The chart number.
    pub patient: PatientNumber,
    /// 公費負担者番号 as told.
    #[serde(default)]
    pub payer_number: Option<PayerNumber>,
    /// 受給者番号 as told.
    #[serde(default)]
    pub recipient_number: Option<RecipientNumber>,
    /// The ticket as told.
    pub ticket: Ticket,
    /// `paper` or `telephone`.
    pub source: String,
    /// Why it was entered by hand.
    pub reason: String,
}

/// How a request went that an existing program made through its virtual terminal. Its answer goes back to that program,
/// and is told as any other answer too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestForwarded {
    /// The virtual terminal.
    pub program: String,
    /// The function, as its names begin: `OQSsiquc`.
    pub function: String,
    /// What is asked, with the first step, as far as the request could be read and is about one person, a month or a
    /// period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Box<TaskBody>>,
    /// What happened. The inquiry is the program's own: nobody here asked for it.
    #[serde(flatten)]
    pub progress: InquiryProgress,
}
