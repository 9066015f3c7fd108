//! Commands to the hub, over the local socket and over `shikaku.cmd.<facility>.<kind>`.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::Ticket;
use crate::task::QualificationNumbers;
use crate::value::{
    CaseId, ConsentScope, FacilityCode, InquiryId, Month, PatientNumber, PayerNumber, Position,
    RecipientNumber, RecordId,
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
    /// Ask the centre about many people at once.
    InquireBulk(InquireBulk),
    /// Fetch every ticket of a month that names the facility.
    InquireCommissioned(InquireCommissioned),
    /// Fetch everybody who consented beside the desk in a period.
    InquirePeriod(InquirePeriod),
    /// Fetch medical information that a person consented to at the card reader.
    InquireMedical(InquireMedical),
    /// Register chart numbers as 照会番号.
    RegisterReference(RegisterReference),
    /// Record a ticket learnt by paper or telephone.
    AddTicket(AddTicket),
    /// Record that a ticket was requested from the welfare office.
    RequestTicket(RequestTicket),
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
        /// Of vanished tickets: they are gone indeed. Without it the answer was a mistake.
        #[serde(default)]
        gone: bool,
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
            Self::InquireBulk(_) => "inquire-bulk",
            Self::InquireCommissioned(_) => "inquire-commissioned",
            Self::InquirePeriod(_) => "inquire-period",
            Self::InquireMedical(_) => "inquire-medical",
            Self::RegisterReference(_) => "register-reference",
            Self::AddTicket(_) => "add-ticket",
            Self::RequestTicket(_) => "request-ticket",
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

/// A 一括照会: rows of one kind, at most `BULK_ROWS`; who has more sends several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquireBulk {
    /// The facility.
    pub facility: FacilityCode,
    /// 資格確認日; default today.
    pub on: Option<Date>,
    /// Whether these are insurance numbers.
    pub insurance: bool,
    /// About whom.
    pub rows: Vec<ListedPerson>,
    /// Why it is asked.
    pub purpose: String,
    /// The job whose errors are asked about again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<InquiryId>,
}

/// Rows of one bulk command at most: with it the command, its event and its task stay below what one message
/// may hold.
pub const BULK_ROWS: usize = 500;

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedPerson {
    /// The numbers.
    #[serde(flatten)]
    pub numbers: QualificationNumbers,
    /// 生年月日.
    pub birth_date: Date,
    /// The facility's chart number, where the list tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientNumber>,
}

/// 委託先資格情報の一括取得.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquireCommissioned {
    /// The facility.
    pub facility: FacilityCode,
    /// 診療年月, from 2023-10.
    pub month: Month,
    /// Why it is asked.
    pub purpose: String,
}

/// 訪問診療等, オンライン診療等の一括取得.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquirePeriod {
    /// The facility.
    pub facility: FacilityCode,
    /// オンライン診療等; else 訪問診療等.
    pub online: bool,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// Why it is asked.
    pub purpose: String,
}

/// 薬剤情報, 診療情報, 健診情報 of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquireMedical {
    /// The facility.
    pub facility: FacilityCode,
    /// The chart number.
    pub patient: PatientNumber,
    /// `drug`, `treatment` or `checkup`.
    pub scope: ConsentScope,
    /// The first month; default: the guide's.
    pub from: Option<Month>,
    /// The last month; default: the guide's.
    pub to: Option<Month>,
    /// Why it is asked; logged.
    pub purpose: String,
}

/// 照会番号の登録 of one person, or of everybody whose number is known and not registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegisterReference {
    /// The facility.
    pub facility: FacilityCode,
    /// The chart number; null = all that are missing.
    pub patient: Option<PatientNumber>,
    /// Why it is asked.
    pub purpose: String,
}

/// A ticket learnt by paper or telephone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddTicket {
    /// The facility.
    pub facility: FacilityCode,
    /// The chart number.
    pub patient: PatientNumber,
    /// 公費負担者番号 as told.
    pub payer_number: Option<PayerNumber>,
    /// 受給者番号 as told.
    pub recipient_number: Option<RecipientNumber>,
    /// The ticket as told.
    pub ticket: Ticket,
    /// `paper` or `telephone`.
    pub source: String,
    /// Why.
    pub reason: String,
}

/// A ticket was requested from the welfare office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestTicket {
    /// The facility.
    pub facility: FacilityCode,
    /// The chart number.
    pub patient: Option<PatientNumber>,
    /// The record, for somebody without a chart number.
    pub record: Option<RecordId>,
    /// The month.
    pub month: Month,
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
