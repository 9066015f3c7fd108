//! What a history shows.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shikaku_schemas::event::{
    CommissionedTicket, ConsentRecorded, Event, EventHead, HalfVerified,
    MedicalInformationReceived, PersonDetails, QualificationDetails,
};
use shikaku_schemas::value::{
    AsOf, Coverage, FacilityCode, Method, Month, PatientNumber, Position, QualificationId,
    RecordId, ReferenceNumber, Validity,
};

use super::period::Period;

/// An event of the stream; without a payload when its key was destroyed.
pub type Opened = (EventHead, Option<Event>);

/// One record's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The record.
    pub record: Option<RecordId>,
    /// The day asked about.
    pub valid_on: Option<Date>,
    /// The last event it rests on.
    pub position: Position,
    /// Payloads are gone for good.
    pub erased: bool,
    /// Known by name only.
    pub provisional: bool,
    /// The chart number.
    pub patient: Option<PatientNumber>,
    /// Who, by the newest answer.
    #[serde(flatten)]
    pub person: PersonDetails,
    /// 照会番号 of the newest answer that told one.
    pub reference_number: Option<ReferenceNumber>,
    /// Some answer shown here contradicts itself.
    pub inconsistent: bool,
    /// Must not be disclosed.
    pub non_disclosure: bool,
    /// Qualifications, in order of arrival.
    pub qualifications: Vec<QualificationView>,
    /// Tickets, in order of arrival.
    pub tickets: Vec<TicketView>,
    /// Months seen 未委託, oldest first.
    pub not_commissioned: Vec<NotCommissionedView>,
    /// Answers, in order of arrival.
    pub verifications: Vec<VerificationView>,
    /// Consents.
    pub consents: Vec<ConsentRecorded>,
    /// Medical information held: that it is, never what it says.
    pub medical_information: Vec<MedicalInformationReceived>,
}

/// One qualification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualificationView {
    /// Its id; null when the day's month is 未委託.
    pub qualification_id: Option<QualificationId>,
    /// `valid`, `lost` or `lost-with-newer`, on the day asked about or by the newest knowledge.
    pub validity: Validity,
    /// What is known of it; its numbers only where `numbers_hidden` is false.
    #[serde(flatten)]
    pub details: QualificationDetails,
    /// Numbers are known from other months, and not shown because this month is 未委託.
    pub numbers_hidden: bool,
    /// Months whose answers or tickets told the numbers.
    pub known_in_months: Vec<Month>,
    /// Covered periods, oldest first.
    pub periods: Vec<Period>,
    /// First day not covered, as received.
    pub ended_on: Option<Date>,
    /// OQSCD008.
    pub reason_of_loss: Option<String>,
    /// Its successor, where known.
    pub superseded_by: Option<QualificationId>,
    /// 資格確認日 of the event that told this last.
    pub confirmed_on: Date,
    /// How it was checked then.
    pub method: Method,
    /// The event that told this last.
    pub position: Position,
}

/// One ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketView {
    /// The facility that was told.
    pub facility: Option<FacilityCode>,
    /// What it says; without numbers when its month is 未委託 by newer knowledge.
    #[serde(flatten)]
    pub content: CommissionedTicket,
    /// No longer registered.
    pub withdrawn: bool,
}

/// One month seen 未委託 at one facility.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotCommissionedView {
    /// The facility.
    pub facility: Option<FacilityCode>,
    /// The month.
    pub month: Month,
    /// 福祉事務所名.
    pub welfare_office: Option<String>,
    /// Whether no newer ticket of the month is known.
    pub waiting: bool,
    /// The newest answer that said so.
    pub as_of: Option<AsOf>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerificationView {
    /// Where it stands in the ledger.
    pub position: Position,
    /// When it became known.
    pub recorded_at: jiff::Timestamp,
    /// The centre's time.
    pub as_of: Option<AsOf>,
    /// The facility that asked.
    pub facility: Option<FacilityCode>,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// How.
    pub method: Method,
    /// Of the leading half.
    pub validity: Validity,
    /// Which halves there were.
    pub coverage: Coverage,
    /// Each half.
    pub qualifications: Vec<HalfVerified>,
    /// The ticket of the month was another institution's.
    pub other_institution: bool,
    /// 資格あり・券なし.
    pub without_ticket: bool,
    /// It contradicted itself.
    pub inconsistent: bool,
    /// It was late knowledge.
    pub late: bool,
}
