//! Tasks: what the hub asks of an adapter.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{
    FacilityCode, InquiryId, Month, PatientNumber, PayerNumber, RecipientNumber, ReferenceNumber,
};

/// One inquiry that a terminal carries out. Idempotent by `inquiry`: an adapter that has journalled it does not
/// send its first request again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// The inquiry; with `device` also the task's message id.
    pub inquiry: InquiryId,
    /// The facility.
    pub facility: FacilityCode,
    /// The terminal chosen.
    pub device: String,
    /// When the hub asked.
    pub requested_at: Timestamp,
    /// After this the adapter gives up: timed out, or uncertain. Of a job, this concerns its first request alone.
    pub deadline: Timestamp,
    /// 受付番号 of a job that another terminal began: nothing is requested, its result is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// What to ask.
    #[serde(flatten)]
    pub body: TaskBody,
}

/// What to ask. An `inquiry-requested` event keeps it whole, so that the same can be asked of another terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "body", rename_all = "kebab-case")]
pub enum TaskBody {
    /// Single inquiry by 医療券/調剤券.
    Ticket(TicketQuestion),
    /// 一括照会: one kind of number, at most as many rows as one request may hold.
    Bulk(BulkQuestion),
    /// 委託先資格情報の一括取得.
    Commissioned(CommissionedQuestion),
    /// 訪問診療等の一括取得.
    HomeVisit(PeriodQuestion),
    /// オンライン診療等の一括取得.
    Online(PeriodQuestion),
    /// 照会番号の登録 of one person.
    Reference(ReferenceQuestion),
    /// 照会番号の一括登録.
    BulkReference(BulkReferenceQuestion),
    /// 薬剤情報, 診療情報.
    DrugInfo(DrugQuestion),
    /// 健診情報.
    CheckupInfo(CheckupQuestion),
}

impl TaskBody {
    /// The kind as it stands in the subject.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ticket(_) => "ticket",
            Self::Bulk(_) => "bulk",
            Self::Commissioned(_) => "commissioned",
            Self::HomeVisit(_) => "home-visit",
            Self::Online(_) => "online",
            Self::Reference(_) => "reference",
            Self::BulkReference(_) => "bulk-reference",
            Self::DrugInfo(_) => "drug-info",
            Self::CheckupInfo(_) => "checkup-info",
        }
    }

    /// Whether it is a job: a 受付番号 first, the result by requests of its own.
    pub fn is_job(&self) -> bool {
        match self {
            Self::Bulk(_)
            | Self::Commissioned(_)
            | Self::HomeVisit(_)
            | Self::Online(_)
            | Self::BulkReference(_) => true,
            Self::Ticket(_) | Self::Reference(_) | Self::DrugInfo(_) | Self::CheckupInfo(_) => {
                false
            }
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

/// Numbers of one qualification, as requests carry them: of a ticket, or of an insurance card.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct QualificationNumbers {
    /// 公費負担者番号 / 保険者番号, unpadded.
    pub insurer_number: String,
    /// 記号: insurance only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// 受給者番号 / 番号.
    pub number: String,
    /// 枝番: insurance only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// 一括照会 (guide 4.1.1(6)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkQuestion {
    /// 資格確認日.
    pub confirmed_on: Date,
    /// Whether these are insurance numbers; else 公費負担者番号 and 受給者番号. Never both in one job.
    pub insurance: bool,
    /// About whom.
    pub rows: Vec<BulkRow>,
}

/// One person of a 一括照会.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkRow {
    /// The numbers.
    #[serde(flatten)]
    pub numbers: QualificationNumbers,
    /// 生年月日.
    pub birth_date: Date,
    /// 任意の識別子, echoed by the centre: tells the answers of a job apart.
    pub identifier: String,
    /// The chart number, where the list told it; no request carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientNumber>,
}

/// 委託先資格情報の一括取得 of one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommissionedQuestion {
    /// 診療年月.
    pub month: Month,
}

/// Everybody who consented in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeriodQuestion {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

/// One 照会番号 and the qualification that it is to belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceQuestion {
    /// 照会番号.
    pub reference_number: ReferenceNumber,
    /// The qualification.
    #[serde(flatten)]
    pub numbers: QualificationNumbers,
}

/// Several of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkReferenceQuestion {
    /// One row a qualification.
    pub rows: Vec<ReferenceQuestion>,
}

/// 薬剤情報, and 診療情報 where that was consented to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrugQuestion {
    /// Whose.
    #[serde(flatten)]
    pub numbers: QualificationNumbers,
    /// The first month.
    pub from: Month,
    /// The last month.
    pub to: Month,
    /// 診療情報 too.
    pub with_treatments: bool,
}

/// 健診情報.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckupQuestion {
    /// Whose.
    #[serde(flatten)]
    pub numbers: QualificationNumbers,
}
