//! Observations: what an adapter saw, before anybody judged it.

mod answer;
mod card;
mod consequence;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use answer::{
    AnswerRecord, AnswerValidity, ConsentGiven, OqsAnswer, OqsFolder, RecordNumbers, SearchEcho,
};
pub use card::{CardEnd, CardKind, CardPresented, CardRemoved, CardUnread};
pub use consequence::{
    ConsentEntered, MedicalAnswer, RegistrationOutcome, RequestForwarded, TicketEntered,
};

use crate::oqs::Refusal;
use crate::value::{
    AsOf, EvidenceId, FacilityCode, InquiryId, InstitutionCode, Month, ObservationId,
    PatientNumber, ReferenceNumber,
};

/// Bytes that an observation rests on. They travel apart, sealed and in chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRef {
    /// Keyed digest of the bytes, hex.
    pub id: EvidenceId,
    /// Length in bytes.
    pub bytes: u64,
    /// How many chunks carry them.
    pub chunks: u32,
    /// Media type: `application/xml`, `application/pdf`, `application/zip`.
    pub media: String,
}

/// One thing seen. At most 64 KiB as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Derived from what was seen: the same bytes from the same facility and folder give the same id.
    pub observation_id: ObservationId,
    /// The facility.
    pub facility: FacilityCode,
    /// Kind of adapter: `terminal`, `card-reader`, `receipt` …
    pub source: String,
    /// The device: terminal id, reader id …
    pub device: String,
    /// The spool's own sequence.
    pub sequence: u64,
    /// When the adapter saw it.
    pub seen_at: Timestamp,
    /// The centre's time, where there is one.
    pub as_of: Option<AsOf>,
    /// The bytes.
    pub evidence: Option<EvidenceRef>,
    /// What was seen.
    #[serde(flatten)]
    pub body: ObservationBody,
}

/// What was seen. Kinds are the contract's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "body")]
pub enum ObservationBody {
    /// An answer file about at most one person.
    #[serde(rename = "oqs-answer")]
    OqsAnswer(Box<OqsAnswer>),
    /// One person of a bulk answer.
    #[serde(rename = "oqs-answer-unit")]
    OqsAnswerUnit(Box<OqsAnswer>),
    /// The close of a bulk answer: how many units it had.
    #[serde(rename = "oqs-answer-manifest")]
    OqsAnswerManifest(AnswerManifest),
    /// What became of a registration of a 照会番号.
    #[serde(rename = "registration-outcome")]
    RegistrationOutcome(Box<RegistrationOutcome>),
    /// Medical information came; what it says stays in the evidence.
    #[serde(rename = "medical-answer")]
    MedicalAnswer(Box<MedicalAnswer>),
    /// What became of a task that the hub gave.
    #[serde(rename = "inquiry-progress")]
    InquiryProgress(InquiryProgress),
    /// What became of a request of an existing program.
    #[serde(rename = "request-forwarded")]
    RequestForwarded(RequestForwarded),
    /// A card lies on a reader.
    #[serde(rename = "card-presented")]
    CardPresented(CardPresented),
    /// It was taken away.
    #[serde(rename = "card-removed")]
    CardRemoved(CardRemoved),
    /// A receipt computer or EHR opened a chart.
    #[serde(rename = "chart-opened")]
    ChartOpened(ChartOpened),
    /// A visit was accepted.
    #[serde(rename = "visit-accepted")]
    VisitAccepted(VisitSeen),
    /// A chart number changed.
    #[serde(rename = "patient-renumbered")]
    PatientRenumbered(NumberPair),
    /// Two charts were merged.
    #[serde(rename = "patient-merged")]
    PatientMerged(NumberPair),
    /// An appointment.
    #[serde(rename = "appointment-booked")]
    AppointmentBooked(VisitSeen),
    /// A paper ticket or a telephone call.
    #[serde(rename = "ticket-entered-offline")]
    TicketEnteredOffline(Box<TicketEntered>),
    /// A consent entered by staff.
    #[serde(rename = "consent-entered")]
    ConsentEntered(ConsentEntered),
    /// Non-disclosure set or cleared.
    #[serde(rename = "disclosure-changed")]
    DisclosureChanged(serde_json::Value),
}

impl ObservationBody {
    /// The kind as it stands in the subject.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OqsAnswer(_) => "oqs-answer",
            Self::OqsAnswerUnit(_) => "oqs-answer-unit",
            Self::OqsAnswerManifest(_) => "oqs-answer-manifest",
            Self::RegistrationOutcome(_) => "registration-outcome",
            Self::MedicalAnswer(_) => "medical-answer",
            Self::InquiryProgress(_) => "inquiry-progress",
            Self::RequestForwarded(_) => "request-forwarded",
            Self::CardPresented(_) => "card-presented",
            Self::CardRemoved(_) => "card-removed",
            Self::ChartOpened(_) => "chart-opened",
            Self::VisitAccepted(_) => "visit-accepted",
            Self::PatientRenumbered(_) => "patient-renumbered",
            Self::PatientMerged(_) => "patient-merged",
            Self::AppointmentBooked(_) => "appointment-booked",
            Self::TicketEnteredOffline(_) => "ticket-entered-offline",
            Self::ConsentEntered(_) => "consent-entered",
            Self::DisclosureChanged(_) => "disclosure-changed",
        }
    }
}

/// Namespace of observation ids.
const OBSERVATIONS: Uuid = Uuid::from_u128(0x7f0b_66c1_8f6e_5c39_9f1e_5a1c_a2b0_44d1);

impl ObservationId {
    /// The id of bytes seen at one facility in one place (`t1/face`), `unit` counting inside a bulk answer.
    pub fn of_evidence(
        facility: &FacilityCode,
        place: &str,
        evidence: &EvidenceId,
        unit: u32,
    ) -> Self {
        Self(Uuid::new_v5(
            &OBSERVATIONS,
            format!("{facility}|{place}|{evidence}|{unit}").as_bytes(),
        ))
    }

    /// The id of something without bytes, named by what makes it unique.
    pub fn of_fact(facility: &FacilityCode, place: &str, fact: &str) -> Self {
        Self(Uuid::new_v5(
            &OBSERVATIONS,
            format!("{facility}|{place}|fact|{fact}").as_bytes(),
        ))
    }
}

/// The close of a bulk answer: only now is it known that nothing of it is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerManifest {
    /// The inquiry.
    pub inquiry: Option<InquiryId>,
    /// 受付番号.
    pub reception_number: Option<String>,
    /// 診療年月 (一括取得).
    pub month: Option<Month>,
    /// 医療機関コード of the header, as received.
    pub institution_code: Option<InstitutionCode>,
    /// 処理実行日時.
    pub executed_at: Option<AsOf>,
    /// Units published before this one.
    pub units: u32,
    /// Units that could not be judged and were set aside one by one.
    #[serde(default)]
    pub unreadable: u32,
    /// Published units that repeat another one byte for byte.
    #[serde(default)]
    pub repeated: u32,
    /// 処理結果件数.
    pub stated_results: Option<u32>,
    /// 正常件数.
    pub stated_normal: Option<u32>,
    /// エラー件数.
    pub stated_errors: Option<u32>,
    /// Whether the stated counts fit the units that were there.
    #[serde(default)]
    pub counts_agree: bool,
    /// Why the centre gave no result; absent: it did.
    pub refusal: Option<Refusal>,
}

/// How a task went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryProgress {
    /// The inquiry.
    pub inquiry: InquiryId,
    /// What happened.
    pub progress: Progress,
    /// The request's file name.
    pub file: Option<String>,
    /// 受付番号 of a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reception_number: Option<String>,
    /// How often the job was asked after (`polled`), or how many units its result has (`received`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Why the centre refused (`rejected`, `lapsed`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// What happened to a request file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// It lies in `req/`.
    Submitted,
    /// It was never taken and has been withdrawn.
    TimedOut,
    /// It was taken and nothing came, or a restart fell between intent and outcome.
    Uncertain,
    /// It can never be sent: the terminal or the content does not allow it.
    Refused,
    /// The centre took the job and gave it a 受付番号.
    Accepted,
    /// The job was asked after; it is still being worked on.
    Polled,
    /// The job's whole result lies here and is being taken in, unit by unit.
    Received,
    /// The centre refused the request.
    Rejected,
    /// The centre does not know the 受付番号 any more: only now may the job be asked for again.
    Lapsed,
}

/// A chart opened by a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChartOpened {
    /// The chart number.
    pub patient: PatientNumber,
    /// 照会番号, where the peer tells it.
    pub reference_number: Option<ReferenceNumber>,
    /// The record, where the peer learnt it from a feed.
    pub record: Option<crate::value::RecordId>,
    /// 生年月日.
    pub birth_date: Option<Date>,
}

/// A visit or an appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VisitSeen {
    /// The chart number.
    pub patient: PatientNumber,
    /// The day.
    pub on: Date,
    /// The department.
    pub department: Option<String>,
}

/// Two chart numbers, the second replacing the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NumberPair {
    /// The old one.
    pub from: PatientNumber,
    /// The new one.
    pub into: PatientNumber,
}

/// The hub's answer on `shikaku.committed…`: only now may the spool let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Committed {
    /// Which observation.
    pub observation_id: ObservationId,
    /// What became of it.
    pub outcome: CommitOutcome,
}

/// What became of an observation. Stored in the inbox: redelivery gets the same answer for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommitOutcome {
    /// Events were recorded.
    Recorded,
    /// It told nothing new and needs no event.
    NothingNew,
    /// It waits in an identity case.
    Waiting,
    /// It was set aside with a reason; bytes stay in the spool until retry or discard.
    Parked,
}
