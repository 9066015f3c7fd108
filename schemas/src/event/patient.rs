//! Payloads of a patient record's stream.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{
    AsOf, ConsentScope, ConsentSource, Coverage, EvidenceId, InquiryId, Method, Month,
    PatientNumber, QualificationId, ReferenceNumber, SchemeCode, Sex, Validity,
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

/// `appointment-booked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentBooked {
    /// The day of the appointment.
    pub on: Date,
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
    /// Tickets that this run did not show, and that no second run has confirmed gone yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u32>,
}

/// `non-disclosure-flagged`, `non-disclosure-cleared`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NonDisclosure {
    /// Who set or cleared it.
    pub by: String,
    /// Why.
    pub reason: String,
}
