//! Payloads of an inquiry's stream.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::task::TaskBody;
use crate::value::{
    AsOf, InquiryId, InquiryKind, Month, PayerNumber, RecipientNumber, RecordId, Validity,
};

/// `inquiry-requested`: who asks what, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryRequested {
    /// The inquiry.
    pub inquiry: InquiryId,
    /// What is asked.
    pub kind: InquiryKind,
    /// The account or schedule that asked.
    pub requested_by: String,
    /// Why.
    pub purpose: String,
    /// 公費負担者番号 asked with.
    pub payer_number: Option<PayerNumber>,
    /// 受給者番号 asked with.
    pub recipient_number: Option<RecipientNumber>,
    /// 生年月日 asked with.
    pub birth_date: Option<Date>,
    /// 資格確認日.
    pub on: Date,
    /// 診療年月 (一括取得).
    pub month: Option<Month>,
    /// The record it is about, when known.
    pub record: Option<RecordId>,
    /// All that is asked; absent in tickets asked for before other inquiries existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Box<TaskBody>>,
    /// The inquiry that this one asks again: its 受付番号 is dead, or a person asks about its errors once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<InquiryId>,
    /// The terminal it was given to, for good: after a restart it is told to no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// The virtual terminal of the existing program that made the request by itself: nobody here sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

/// `inquiry-submitted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquirySubmitted {
    /// The inquiry.
    pub inquiry: InquiryId,
    /// The terminal.
    pub terminal: String,
    /// The request's file name.
    pub file: String,
}

/// `inquiry-accepted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryAccepted {
    /// The inquiry.
    pub inquiry: InquiryId,
    /// 受付番号.
    pub reception_number: String,
}

/// `inquiry-polled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryPolled {
    /// The inquiry.
    pub inquiry: InquiryId,
    /// How often so far. Not every time is recorded.
    pub count: u32,
    /// The terminal that asked; absent where it is the one that the request went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
}

/// `inquiry-answered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryAnswered {
    /// The inquiry; null for an answer that nobody here asked for and that names nobody.
    pub inquiry: Option<InquiryId>,
    /// What the centre said of a qualification; null where it was asked for something else: a job as a whole,
    /// a registration, medical information.
    pub validity: Option<Validity>,
    /// The record it was about, when it named somebody.
    pub record: Option<RecordId>,
    /// What a job's result held; a job has no validity of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobResult>,
    /// The job and the row that this answer, which names nobody, is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<PartOf>,
}

/// The close of a job: only with it is it known that nothing of the result is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JobResult {
    /// Units that came.
    pub units: u32,
    /// Units that could not be read.
    pub unreadable: u32,
    /// Units that repeat another one byte for byte.
    pub repeated: u32,
    /// エラー件数 as stated.
    pub errors: u32,
    /// Whether the stated counts fit the units.
    pub counts_agree: bool,
    /// Whether month and institution, where they are stated, are those asked for.
    pub same_question: bool,
    /// 処理実行日時.
    pub executed_at: Option<AsOf>,
}

impl JobResult {
    /// Whether nothing of it is missing or in doubt: only then does silence about a ticket tell anything.
    pub fn is_complete(&self) -> bool {
        self.unreadable == 0 && self.errors == 0 && self.counts_agree && self.same_question
    }
}

/// One row of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartOf {
    /// The job.
    pub inquiry: InquiryId,
    /// 任意の識別子 of the row, as echoed; of a registration, its 照会番号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
}

/// `inquiry-rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryRejected {
    /// The inquiry; null for a refusal that nobody here asked for.
    pub inquiry: Option<InquiryId>,
    /// エラーコード / 処理結果コード.
    pub code: Option<String>,
    /// Its message, as text.
    pub message: Option<String>,
    /// The centre does not know the 受付番号 any more: the same may be asked for anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lapsed: bool,
    /// The job and the row that this refusal is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<PartOf>,
}

/// `inquiry-timed-out`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryTimedOut {
    /// The inquiry.
    pub inquiry: InquiryId,
}

/// `inquiry-uncertain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryUncertain {
    /// The inquiry.
    pub inquiry: InquiryId,
    /// `no-answer` or `restarted-between-intent-and-outcome`.
    pub reason: String,
}

/// `inquiry-resolved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryResolved {
    /// The inquiry.
    pub inquiry: InquiryId,
    /// The account that settled it, or `late-answer`.
    pub by: String,
    /// What was found out.
    pub note: String,
}
