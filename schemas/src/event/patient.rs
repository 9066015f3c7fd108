//! Payloads of a patient record's stream.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{
    AsOf, ConsentScope, ConsentSource, Coverage, EvidenceId, InquiryId, InstitutionCode, Method,
    Month, PatientNumber, PayerNumber, QualificationId, RecipientNumber, ReferenceNumber,
    SchemeCode, Sex, TicketKind, TicketUse, TreatmentType, Validity,
};

/// Who a person is, as an answer states it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PersonDetails {
    /// 氏名 as received.
    pub name: Option<String>,
    /// 氏名カナ as received (half width).
    pub name_kana: Option<String>,
    /// 生年月日.
    pub birth_date: Option<Date>,
    /// 性別: `Sex2` where the issuer states one, else `Sex1`.
    pub sex: Option<Sex>,
}

/// `patient-first-seen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatientFirstSeen {
    /// Who.
    #[serde(flatten)]
    pub person: PersonDetails,
    /// No number of any kind was known: found by name until one arrives.
    pub provisional: bool,
}

/// `patient-numbered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatientNumbered {
    /// The chart number.
    pub patient_number: PatientNumber,
}

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

/// 医療券・調剤券情報. Diagnoses and remarks stay in the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ticket {
    /// 医療券・調剤券別.
    pub kind: TicketKind,
    /// 交付番号.
    pub issue_number: Option<String>,
    /// 診療年月.
    pub treatment_month: Month,
    /// 有効期間開始.
    pub valid_from: Option<Date>,
    /// 有効期間終了, inclusive.
    pub valid_to: Option<Date>,
    /// 指定医療機関コード.
    pub institution_code: Option<InstitutionCode>,
    /// Whether the ticket is for the asking institution.
    pub institution_matches: bool,
    /// 処方箋発行元医療機関コード (調剤券).
    pub prescriber_code: Option<InstitutionCode>,
    /// 診療別.
    pub treatment_type: Option<TreatmentType>,
    /// 本人支払額, yen; null = not stated, 0 = nil.
    pub self_pay_yen: Option<u64>,
    /// 単独・併用別.
    #[serde(rename = "use")]
    pub usage: Option<TicketUse>,
    /// 社会保険状況.
    pub social_insurance: Option<bool>,
    /// 社会保険状況の整合性フラグ = 1.
    pub inconsistent: bool,
    /// 感染症法37条の2.
    pub infectious_disease_37_2: Option<bool>,
    /// 後期高齢者医療.
    pub elderly_medical_care: Option<bool>,
    /// 都道府県費.
    pub prefectural_expenses: Option<bool>,
}

/// What makes two sightings the same ticket, inside one record.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct TicketKey {
    /// 医療券・調剤券別.
    pub kind: TicketKind,
    /// 指定医療機関コード.
    pub institution_code: Option<InstitutionCode>,
    /// 診療年月.
    pub treatment_month: Month,
    /// 診療別.
    pub treatment_type: Option<TreatmentType>,
    /// 公費負担者番号.
    pub payer_number: Option<PayerNumber>,
    /// 受給者番号.
    pub recipient_number: Option<RecipientNumber>,
    /// 処方箋発行元医療機関コード.
    pub prescriber_code: Option<InstitutionCode>,
    /// 交付番号.
    pub issue_number: Option<String>,
}

/// `commissioned-ticket-arrived`, `commissioned-ticket-revised`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommissionedTicket {
    /// The qualification it belongs to.
    pub qualification_id: Option<QualificationId>,
    /// 公費負担者番号.
    pub payer_number: Option<PayerNumber>,
    /// 受給者番号.
    pub recipient_number: Option<RecipientNumber>,
    /// 福祉事務所名.
    pub welfare_office: Option<String>,
    /// The ticket.
    pub ticket: Ticket,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// How it was seen.
    pub method: Method,
}

impl CommissionedTicket {
    /// Its identity inside the record.
    pub fn key(&self) -> TicketKey {
        TicketKey {
            kind: self.ticket.kind,
            institution_code: self.ticket.institution_code.clone(),
            treatment_month: self.ticket.treatment_month,
            treatment_type: self.ticket.treatment_type,
            payer_number: self.payer_number.clone(),
            recipient_number: self.recipient_number.clone(),
            prescriber_code: self.ticket.prescriber_code.clone(),
            issue_number: self.ticket.issue_number.clone(),
        }
    }
}

/// `commissioned-ticket-withdrawn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommissionedTicketWithdrawn {
    /// The ticket.
    pub key: TicketKey,
    /// The runs that no longer showed it.
    pub runs: Vec<InquiryId>,
}

/// `not-commissioned-observed`. No number is in it, whoever knew one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotCommissionedObserved {
    /// The month it speaks of.
    pub month: Month,
    /// 福祉事務所名.
    pub welfare_office: Option<String>,
    /// Who.
    #[serde(flatten)]
    pub person: PersonDetails,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// How it was seen.
    pub method: Method,
}

/// What an answer says of one half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HalfVerified {
    /// The qualification, where it is known; null for 未委託 and what was never granted.
    pub qualification_id: Option<QualificationId>,
    /// Its scheme.
    pub scheme: Option<SchemeCode>,
    /// What was found.
    pub validity: Validity,
}

/// What an answer says again, or says of something not known here: without it, an older answer that
/// arrives later could not be told from news. No number is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Sightings {
    /// Known tickets seen again unchanged, by their order of arrival in this record, from 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tickets: Vec<u32>,
    /// Qualifications seen lost that were never granted here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_losses: Vec<UnknownLoss>,
}

impl Sightings {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty() && self.unknown_losses.is_empty()
    }
}

/// The end of a qualification that is not known here: it is granted never, unless an older answer still
/// arrives that saw it valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownLoss {
    /// The id it would have: a keyed digest that tells nothing of its numbers.
    pub qualification_id: QualificationId,
    /// 喪失/廃止日 as received: the first day not covered.
    pub ended_on: Option<Date>,
    /// Last covered day, inclusive.
    pub valid_to: Option<Date>,
    /// OQSCD008, as received.
    pub reason_of_loss: Option<String>,
    /// The centre says that there is a newer one.
    pub newer: bool,
}

/// `verified`: exactly one for each answer about one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// 資格確認日.
    pub confirmed_on: Date,
    /// How.
    pub method: Method,
    /// Of the assistance half; of the insurance where there is no other.
    pub validity: Validity,
    /// Which halves there are.
    pub coverage: Coverage,
    /// Each half for itself.
    pub qualifications: Vec<HalfVerified>,
    /// Who was answered about.
    #[serde(flatten)]
    pub person: PersonDetails,
    /// 照会番号 in the answer.
    pub reference_number: Option<ReferenceNumber>,
    /// A ticket of the day's month is there but for another institution.
    pub other_institution: bool,
    /// Valid with numbers, and no ticket of the day's month (資格あり・券なし).
    pub without_ticket: bool,
    /// The answer contradicts itself: shown raw, an alert raised.
    pub inconsistent: bool,
    /// The centre's time lies before what was known already: late knowledge.
    pub late: bool,
    /// The inquiry it answers, if one of ours.
    pub inquiry: Option<InquiryId>,
    /// The source device (terminal) it came through.
    pub device: Option<String>,
    /// What it says again, for the order of knowledge; no feed carries it.
    #[serde(default, skip_serializing_if = "Sightings::is_empty")]
    pub sightings: Sightings,
}

/// `visit-accepted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VisitAccepted {
    /// The day of the visit.
    pub visited_on: Date,
    /// The department, as the peer names it.
    pub department: Option<String>,
}

/// `reference-number-registered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceNumberRegistered {
    /// The number.
    pub reference_number: ReferenceNumber,
    /// The qualification it hangs on.
    pub qualification_id: Option<QualificationId>,
}

/// `reference-number-lapsed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceNumberLapsed {
    /// The number.
    pub reference_number: ReferenceNumber,
    /// The qualification it hung on.
    pub qualification_id: Option<QualificationId>,
}

/// `consent-recorded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentRecorded {
    /// What it permits.
    pub scope: ConsentScope,
    /// Where it comes from.
    pub source: ConsentSource,
    /// 同意日時.
    pub given_at: Option<AsOf>,
    /// 閲覧可能期限.
    pub available_until: Option<AsOf>,
}

/// `consent-ended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentEnded {
    /// What it permitted.
    pub scope: ConsentScope,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// `medical-information-received`: that it is held, never what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MedicalInformationReceived {
    /// What kind.
    pub scope: ConsentScope,
    /// First month it speaks of.
    pub from_month: Option<Month>,
    /// Last month it speaks of.
    pub to_month: Option<Month>,
    /// Where the bytes are.
    pub evidence: EvidenceId,
    /// The centre holds none.
    pub empty: bool,
}

/// `ticket-sourced-offline`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketSourcedOffline {
    /// The ticket as told.
    #[serde(flatten)]
    pub ticket: CommissionedTicket,
    /// `paper` or `telephone`.
    pub source: String,
    /// Who entered it.
    pub entered_by: String,
    /// Why.
    pub reason: String,
}

/// `ticket-requested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketRequested {
    /// The month.
    pub month: Month,
    /// 福祉事務所名.
    pub welfare_office: Option<String>,
    /// Who asked.
    pub requested_by: String,
}

/// `record-erased`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordErased {
    /// Who ordered it.
    pub ordered_by: String,
    /// Why.
    pub reason: String,
}

/// `month-settled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonthSettled {
    /// The month.
    pub month: Month,
    /// The run it rests on.
    pub run: InquiryId,
    /// Tickets that arrived.
    pub arrived: u32,
    /// Tickets that changed.
    pub revised: u32,
    /// Tickets that vanished.
    pub withdrawn: u32,
    /// People still 未委託.
    pub waiting: u32,
}

/// `non-disclosure-flagged`, `non-disclosure-cleared`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NonDisclosure {
    /// Who set or cleared it.
    pub by: String,
    /// Why.
    pub reason: String,
}
