//! Tasks: what the hub asks of an adapter.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{FacilityCode, InquiryId, PayerNumber, RecipientNumber};

/// One request to a terminal. Idempotent by `inquiry`: an adapter that has journalled it does not send again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// The inquiry; also the task's message id.
    pub inquiry: InquiryId,
    /// The facility.
    pub facility: FacilityCode,
    /// The terminal chosen.
    pub device: String,
    /// When the hub asked.
    pub requested_at: Timestamp,
    /// After this the adapter gives up: timed out, or uncertain.
    pub deadline: Timestamp,
    /// What to ask.
    #[serde(flatten)]
    pub body: TaskBody,
}

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "body", rename_all = "kebab-case")]
pub enum TaskBody {
    /// Single inquiry by 医療券/調剤券.
    Ticket(TicketQuestion),
}

impl TaskBody {
    /// The kind as it stands in the subject.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ticket(_) => "ticket",
        }
    }
}

/// 公費負担者番号, 受給者番号, 生年月日, 資格確認日 (guide 4.1.1(3)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketQuestion {
    /// 公費負担者番号.
    pub payer_number: PayerNumber,
    /// 受給者番号.
    pub recipient_number: RecipientNumber,
    /// 生年月日.
    pub birth_date: Date,
    /// 資格確認日.
    pub confirmed_on: Date,
}
