//! Commands to the hub, over the local socket and over `shikaku.cmd.<facility>.<kind>`.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::value::{
    CaseId, FacilityCode, InquiryId, PatientNumber, PayerNumber, Position, RecipientNumber,
    RecordId,
};

/// A command with who gave it. Repeating one with the same `command_id` has no further effect and gets the
/// same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandEnvelope {
    /// Chosen by the caller.
    pub command_id: Uuid,
    /// The account or operating-system user.
    pub by: String,
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "command", content = "arguments", rename_all = "kebab-case")]
pub enum Command {
    /// Ask the centre about a ticket.
    InquireTicket(InquireTicket),
    /// Settle an uncertain inquiry by hand.
    ResolveInquiry {
        /// The inquiry.
        inquiry: InquiryId,
        /// What was found out.
        note: String,
    },
    /// Decide an identity case.
    DecideCase {
        /// The case.
        case: CaseId,
        /// The record; null = a new one (or declines an offered link).
        record: Option<RecordId>,
    },
    /// Join records to one person.
    LinkRecords {
        /// The records.
        records: Vec<RecordId>,
        /// Why.
        reason: String,
    },
    /// Take a record from its person.
    UnlinkRecord {
        /// The record.
        record: RecordId,
        /// Why.
        reason: String,
    },
    /// Decide a parked observation again.
    RetryParked {
        /// Its id, as `parked list` shows it.
        id: String,
    },
    /// Give a parked observation up; its bytes stay as evidence.
    DiscardParked {
        /// Its id, as `parked list` shows it.
        id: String,
        /// Why.
        reason: String,
    },
}

impl Command {
    /// The kind as it stands in the subject.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InquireTicket(_) => "inquire-ticket",
            Self::ResolveInquiry { .. } => "resolve-inquiry",
            Self::DecideCase { .. } => "decide-case",
            Self::LinkRecords { .. } => "link-records",
            Self::UnlinkRecord { .. } => "unlink-record",
            Self::RetryParked { .. } => "retry-parked",
            Self::DiscardParked { .. } => "discard-parked",
        }
    }
}

/// A ticket inquiry: by the numbers, or by the chart number of somebody known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquireTicket {
    /// The facility.
    pub facility: FacilityCode,
    /// 公費負担者番号.
    pub payer_number: Option<PayerNumber>,
    /// 受給者番号.
    pub recipient_number: Option<RecipientNumber>,
    /// 生年月日.
    pub birth_date: Option<Date>,
    /// The chart number.
    pub patient: Option<PatientNumber>,
    /// 資格確認日; default today.
    pub on: Option<Date>,
    /// Why it is asked.
    pub purpose: String,
}

/// The hub's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum CommandReply {
    /// Done, and durable at `position`.
    Done {
        /// Where.
        position: Position,
        /// The inquiry, case or person concerned.
        id: Option<Uuid>,
    },
    /// The rule that forbids it.
    Refused {
        /// Stable name of the rule, kebab-case.
        rule: String,
        /// For people, Japanese with English beside.
        message: String,
    },
    /// The hub could not act now; nothing was done.
    Unavailable {
        /// For people.
        message: String,
    },
}
