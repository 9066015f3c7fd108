//! Payloads about a qualification: what an answer states of it, that it ended, that it has a successor.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PersonDetails;
use crate::value::{Method, PayerNumber, QualificationId, RecipientNumber, SchemeCode};

/// 限度額適用認定証関連情報 (insurance only).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LimitCertificate {
    /// OQSCD011, as received.
    pub classification: Option<String>,
    /// OQSCD012, as received.
    pub classification_flag: Option<String>,
    /// 交付年月日.
    pub issued_on: Option<Date>,
    /// 有効開始年月日.
    pub valid_from: Option<Date>,
    /// 有効終了年月日.
    pub valid_to: Option<Date>,
    /// 長期該当年月日.
    pub long_term_on: Option<Date>,
}

/// One 特定疾病療養受療証 (insurance only).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SpecificDisease {
    /// OQSCD013, as received.
    pub category: Option<String>,
    /// 交付年月日.
    pub issued_on: Option<Date>,
    /// 有効開始年月日.
    pub valid_from: Option<Date>,
    /// 有効終了年月日.
    pub valid_to: Option<Date>,
    /// 自己負担限度額, yen.
    pub self_pay_yen: Option<u64>,
}

/// 高齢受給者証情報 (insurance only).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ElderlyCertificate {
    /// 交付年月日.
    pub issued_on: Option<Date>,
    /// 有効開始年月日.
    pub valid_from: Option<Date>,
    /// 有効終了年月日.
    pub valid_to: Option<Date>,
    /// 一部負担金割合, percent.
    pub copay_percent: Option<u8>,
}

/// One qualification as an answer states it, without its id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QualificationDetails {
    /// 被保険者証区分 as received (`A1`, `01` …).
    pub classification: Option<String>,
    /// 法別番号, `insurance`, or null when unknown.
    pub scheme: Option<SchemeCode>,
    /// 公費負担者番号.
    pub payer_number: Option<PayerNumber>,
    /// 受給者番号.
    pub recipient_number: Option<RecipientNumber>,
    /// 保険者番号, trimmed.
    pub insurer_number: Option<String>,
    /// 保険者名称.
    pub insurer_name: Option<String>,
    /// 記号 as received.
    pub symbol: Option<String>,
    /// 番号 as received.
    pub number: Option<String>,
    /// 枝番; absent is not `00`.
    pub branch: Option<String>,
    /// 本人・家族, as received.
    pub family: Option<String>,
    /// 一部負担金割合, percent.
    pub copay_percent: Option<u8>,
    /// 限度額適用認定証.
    pub limit_certificate: Option<LimitCertificate>,
    /// 特定疾病療養受療証.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub specific_diseases: Vec<SpecificDisease>,
    /// 高齢受給者証.
    pub elderly_certificate: Option<ElderlyCertificate>,
    /// 福祉事務所名.
    pub welfare_office: Option<String>,
    /// First covered day.
    pub valid_from: Option<Date>,
    /// Last covered day, inclusive; null = open.
    pub valid_to: Option<Date>,
    /// Elements that config names for other 公費 schemes, passed on as data.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub extra: std::collections::BTreeMap<String, String>,
}

/// `qualification-granted`, `qualification-amended`, `qualification-resumed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QualificationObserved {
    /// Which qualification.
    pub qualification_id: QualificationId,
    /// What is known of it now, whole.
    #[serde(flatten)]
    pub details: QualificationDetails,
    /// Who holds it.
    #[serde(flatten)]
    pub person: PersonDetails,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// How it was checked.
    pub method: Method,
}

/// `qualification-lost`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QualificationLost {
    /// Which qualification.
    pub qualification_id: QualificationId,
    /// Its scheme.
    pub scheme: Option<SchemeCode>,
    /// 喪失/廃止日 as received: the first day not covered.
    pub ended_on: Option<Date>,
    /// Last covered day, inclusive.
    pub valid_to: Option<Date>,
    /// OQSCD008, as received.
    pub reason_of_loss: Option<String>,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// How it was checked.
    pub method: Method,
}

/// `qualification-superseded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QualificationSuperseded {
    /// The one that ended.
    pub qualification_id: QualificationId,
    /// Its successor; null while the centre only says that there is one.
    pub superseded_by: Option<QualificationId>,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// How it was checked.
    pub method: Method,
}
