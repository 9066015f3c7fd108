//! An OQS answer about one person, read and made ready for judgement: typed, trimmed, without
//! diagnoses, remarks, addresses or anything unknown. Those stay in the evidence.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{ElderlyCertificate, LimitCertificate, PersonDetails, SpecificDisease, Ticket};
use crate::value::{
    AsOf, ConsentScope, InquiryId, InstitutionCode, Method, PayerNumber, RecipientNumber,
    ReferenceNumber, SchemeCode,
};

/// The folder an answer lay in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OqsFolder {
    /// `face/`: any host may write there.
    Face,
    /// `res/`: an answer to a request.
    Res,
}

/// `QualificationValidity` (OQSCD006) of the whole body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerValidity {
    /// 1 有効.
    Valid,
    /// 2 無効.
    Lost,
    /// 3 無効（新しい資格あり）.
    LostWithNewer,
    /// 4 該当資格なし.
    NotFound,
    /// 5 複数該当.
    Multiple,
    /// 6 有効（未登録） = 未委託.
    NotCommissioned,
}

/// One answer about at most one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OqsAnswer {
    /// Where it lay.
    pub folder: OqsFolder,
    /// From 照会区分, never from the folder; `commissioned`/`bulk` … from the message family.
    pub method: Method,
    /// 照会区分 as received.
    pub reference_classification: Option<String>,
    /// 処理実行日時.
    pub executed_at: Option<AsOf>,
    /// 資格確認日; absent: the day of `executed_at`.
    pub confirmed_on: Date,
    /// 医療機関コード of the header, as received.
    pub institution_code: Option<InstitutionCode>,
    /// 任意のファイル識別子.
    pub file_identifier: Option<String>,
    /// Our inquiry, when the answer belongs to a journalled request.
    pub inquiry: Option<InquiryId>,
    /// Segment 9 or status 2: refused, nothing else is said.
    pub rejected: bool,
    /// エラーコード / 処理結果コード.
    pub code: Option<String>,
    /// Its message; also a notice on success.
    pub message: Option<String>,
    /// 資格有効性; absent in 一括取得 and older layouts.
    pub validity: Option<AnswerValidity>,
    /// 資格確認結果, in the order received. All of one person.
    pub records: Vec<AnswerRecord>,
    /// 検索条件, echoed.
    pub search: Option<SearchEcho>,
    /// Names of what looked wrong but was read (`payer-check-digit`, `institution-differs` …).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The two placements of a record's numbers, resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RecordNumbers {
    /// 公費負担者番号 (assistance half).
    pub payer_number: Option<PayerNumber>,
    /// 受給者番号 (assistance half).
    pub recipient_number: Option<RecipientNumber>,
    /// 保険者番号 (insurance half), trimmed.
    pub insurer_number: Option<String>,
    /// 記号.
    pub symbol: Option<String>,
    /// 番号.
    pub number: Option<String>,
    /// 枝番.
    pub branch: Option<String>,
    /// H1 and H2 both stood there and differed: neither was taken.
    pub disagree: bool,
}

/// One ResultOfQualificationConfirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerRecord {
    /// 被保険者証区分 as received.
    pub classification: Option<String>,
    /// `insurance`, a 法別番号, or null when unknown.
    pub scheme: Option<SchemeCode>,
    /// Numbers.
    #[serde(flatten)]
    pub numbers: RecordNumbers,
    /// Who.
    #[serde(flatten)]
    pub person: PersonDetails,
    /// 保険者名称 / 福祉事務所名.
    pub issuer_name: Option<String>,
    /// 本人・家族.
    pub family: Option<String>,
    /// 資格取得年月日 / 保護開始・再開日.
    pub qualified_on: Option<Date>,
    /// 資格喪失年月日 / 停止・廃止日: the first day not covered.
    pub disqualified_on: Option<Date>,
    /// 有効開始年月日.
    pub valid_from: Option<Date>,
    /// 有効終了年月日.
    pub valid_to: Option<Date>,
    /// 資格喪失事由.
    pub reason_of_loss: Option<String>,
    /// 一部負担金割合, percent.
    pub copay_percent: Option<u8>,
    /// 限度額適用認定証 (insurance only).
    pub limit_certificate: Option<LimitCertificate>,
    /// 特定疾病療養受療証 (insurance only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specific_diseases: Vec<SpecificDisease>,
    /// 高齢受給者証 (insurance only).
    pub elderly_certificate: Option<ElderlyCertificate>,
    /// 医療券・調剤券.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickets: Vec<Ticket>,
    /// Consents given at the reader.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<ConsentGiven>,
    /// 照会番号; blank = none.
    pub reference_number: Option<ReferenceNumber>,
    /// Elements that config names for other 公費 schemes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

impl AnswerRecord {
    /// Whether this is medical insurance.
    pub fn is_insurance(&self) -> bool {
        self.scheme.as_ref().is_some_and(SchemeCode::is_insurance)
    }
}

/// A consent flag = 1 in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentGiven {
    /// What it permits.
    pub scope: ConsentScope,
    /// 同意日時.
    pub given_at: Option<AsOf>,
    /// 閲覧可能期限.
    pub available_until: Option<AsOf>,
}

/// What the centre says it was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SearchEcho {
    /// 保険者番号 / 公費負担者番号 as echoed.
    pub insurer_number: Option<String>,
    /// 番号 / 受給者番号 as echoed.
    pub number: Option<String>,
    /// 生年月日.
    pub birth_date: Option<Date>,
    /// 任意の識別子.
    pub arbitrary_identifier: Option<String>,
}
