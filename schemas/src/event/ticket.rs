//! Payloads about 医療券・調剤券, and about months without one.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PersonDetails;
use crate::value::{
    InquiryId, InstitutionCode, Method, Month, PayerNumber, QualificationId, RecipientNumber,
    TicketKind, TicketUse, TreatmentType,
};

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
