//! Events: the facts of the ledger, and the envelope they travel in.
//!
//! Type names and member names are the contract's and never change; a new shape is a new
//! `schema_version` beside the old one, read through the steps in `shapes`.

mod envelope;
#[cfg(test)]
mod golden;
mod identity;
mod inquiry;
mod patient;
mod qualification;
mod shapes;
mod ticket;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use envelope::{EventHead, EventRecord, SealedEvent, event_aad};
pub use identity::{
    CaseReason, IdentityCaseClosed, IdentityCaseOpened, MergeUndone, PersonLinked, PersonUnlinked,
    PersonsMerged,
};
pub use inquiry::{
    InquiryAccepted, InquiryAnswered, InquiryPolled, InquiryRejected, InquiryRequested,
    InquiryResolved, InquirySubmitted, InquiryTimedOut, InquiryUncertain, JobResult, PartOf,
};
pub use patient::{
    AppointmentBooked, ConsentEnded, ConsentRecorded, HalfVerified, MedicalInformationReceived,
    MonthSettled, NonDisclosure, PatientFirstSeen, PatientNumbered, PersonDetails, RecordErased,
    ReferenceNumberLapsed, ReferenceNumberRegistered, Sightings, UnknownLoss, Verified,
    VisitAccepted,
};
pub use qualification::{
    ElderlyCertificate, LimitCertificate, QualificationDetails, QualificationLost,
    QualificationObserved, QualificationSuperseded, SpecificDisease,
};
pub use ticket::{
    CommissionedTicket, CommissionedTicketWithdrawn, NotCommissionedObserved, Ticket, TicketKey,
    TicketRequested, TicketSourcedOffline,
};

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($payload:ty) => $name:literal),+ $(,)?) => {
        /// A fact. Serialises as `{"type": …, "data": …}`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type", content = "data")]
        pub enum Event { $($(#[$doc])* #[serde(rename = $name)] $variant($payload)),+ }

        impl Event {
            /// Every event type of this version, in the contract's order.
            pub const TYPES: &'static [&'static str] = &[$($name),+];

            /// The type as it stands in `type`, subjects and `ce-type`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),+ }
            }

            /// The version of the payload's shape.
            pub fn schema_version(&self) -> u32 {
                Self::version(self.kind())
            }

            /// The payload alone.
            pub fn data(&self) -> serde_json::Result<Vec<u8>> {
                match self { $(Self::$variant(payload) => serde_json::to_vec(payload)),+ }
            }

            /// The payload in the shape of its version, as it is sealed and stored.
            pub fn stored(&self) -> serde_json::Result<Vec<u8>> {
                self.data().map(|data| shapes::written(self.kind(), data))
            }

            /// Reads a payload as [`Event::data`] gives it.
            ///
            /// # Errors
            /// An unknown type, or a payload that does not have its shape.
            pub fn from_data(kind: &str, data: &[u8]) -> Result<Self, EventError> {
                match kind {
                    $($name => serde_json::from_slice(data)
                        .map(Self::$variant)
                        .map_err(|source| EventError::Shape { kind: $name, source }),)+
                    _ => Err(EventError::UnknownType),
                }
            }

            /// The version of the present shape of `kind`.
            pub fn version(kind: &str) -> u32 {
                shapes::version(kind)
            }

            /// Whether payloads of `kind` and `version` can be read by this program; who meets another stops.
            pub fn is_known(kind: &str, version: u32) -> bool {
                shapes::is_known(kind, version)
            }

            /// Reads a payload as it is stored, of whatever released version.
            ///
            /// # Errors
            /// An unknown type or version, or a payload that does not have its shape.
            pub fn read(kind: &str, version: u32, data: &[u8]) -> Result<Self, EventError> {
                shapes::read(kind, version, data)
            }

            /// JSON Schema of the payload of `kind`.
            pub fn schema_of(kind: &str) -> Option<schemars::Schema> {
                match kind { $($name => Some(schemars::schema_for!($payload)),)+ _ => None }
            }
        }
    };
}

/// Why stored bytes are no event of this version. Carries no payload.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// A type this version does not know: a reader stops, it never skips.
    #[error("event type is not known to this version")]
    UnknownType,
    /// A version of a known type that this program does not know, for a later one wrote it: a reader stops.
    #[error("{kind} version {version} is not known to this program")]
    UnknownVersion {
        /// The type.
        kind: String,
        /// The version of its shape.
        version: u32,
    },
    /// An old shape that could not be brought to the present one.
    #[error("{kind} version {version} could not be brought to the present shape")]
    Step {
        /// The type.
        kind: String,
        /// The version of its shape.
        version: u32,
    },
    /// A payload that lacks its shape.
    #[error("payload of {kind} does not have its shape")]
    Shape {
        /// The type.
        kind: &'static str,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
}

events! {
    /// A record was opened.
    PatientFirstSeen(PatientFirstSeen) => "patient-first-seen",
    /// A qualification became known.
    QualificationGranted(QualificationObserved) => "qualification-granted",
    /// What is known of a qualification changed.
    QualificationAmended(QualificationObserved) => "qualification-amended",
    /// A known qualification ended.
    QualificationLost(QualificationLost) => "qualification-lost",
    /// An ended qualification is valid again.
    QualificationResumed(QualificationObserved) => "qualification-resumed",
    /// An ended qualification has a successor.
    QualificationSuperseded(QualificationSuperseded) => "qualification-superseded",
    /// A ticket was seen for the first time.
    CommissionedTicketArrived(CommissionedTicket) => "commissioned-ticket-arrived",
    /// A known ticket changed.
    CommissionedTicketRevised(CommissionedTicket) => "commissioned-ticket-revised",
    /// A ticket is no longer registered.
    CommissionedTicketWithdrawn(CommissionedTicketWithdrawn) => "commissioned-ticket-withdrawn",
    /// 未委託 was seen for a month.
    NotCommissionedObserved(NotCommissionedObserved) => "not-commissioned-observed",
    /// One answer about one person.
    Verified(Verified) => "verified",
    /// A visit was accepted by a receipt computer or EHR.
    VisitAccepted(VisitAccepted) => "visit-accepted",
    /// Somebody with a record is expected on a day.
    AppointmentBooked(AppointmentBooked) => "appointment-booked",
    /// 照会番号 was registered at the centre.
    ReferenceNumberRegistered(ReferenceNumberRegistered) => "reference-number-registered",
    /// 照会番号 lapsed with its qualification.
    ReferenceNumberLapsed(ReferenceNumberLapsed) => "reference-number-lapsed",
    /// A consent was given.
    ConsentRecorded(ConsentRecorded) => "consent-recorded",
    /// A consent ended.
    ConsentEnded(ConsentEnded) => "consent-ended",
    /// Medical information arrived as evidence.
    MedicalInformationReceived(MedicalInformationReceived) => "medical-information-received",
    /// A ticket was learnt by paper or telephone.
    TicketSourcedOffline(TicketSourcedOffline) => "ticket-sourced-offline",
    /// A ticket was requested from the welfare office.
    TicketRequested(TicketRequested) => "ticket-requested",
    /// The chart number became known.
    PatientNumbered(PatientNumbered) => "patient-numbered",
    /// A record was joined to a person.
    PersonLinked(PersonLinked) => "person-linked",
    /// A record was taken from a person.
    PersonUnlinked(PersonUnlinked) => "person-unlinked",
    /// Two persons are one human.
    PersonsMerged(PersonsMerged) => "persons-merged",
    /// A merge was undone.
    MergeUndone(MergeUndone) => "merge-undone",
    /// A question of identity needs a person.
    IdentityCaseOpened(IdentityCaseOpened) => "identity-case-opened",
    /// A question of identity was answered.
    IdentityCaseClosed(IdentityCaseClosed) => "identity-case-closed",
    /// A record's keys were destroyed.
    RecordErased(RecordErased) => "record-erased",
    /// A month of a facility was settled.
    MonthSettled(MonthSettled) => "month-settled",
    /// A person must not be disclosed.
    NonDisclosureFlagged(NonDisclosure) => "non-disclosure-flagged",
    /// The flag was cleared.
    NonDisclosureCleared(NonDisclosure) => "non-disclosure-cleared",
    /// An inquiry was asked for.
    InquiryRequested(InquiryRequested) => "inquiry-requested",
    /// Its request lies in a terminal's `req/`.
    InquirySubmitted(InquirySubmitted) => "inquiry-submitted",
    /// A bulk job has its 受付番号.
    InquiryAccepted(InquiryAccepted) => "inquiry-accepted",
    /// A bulk job was asked after.
    InquiryPolled(InquiryPolled) => "inquiry-polled",
    /// The centre answered.
    InquiryAnswered(InquiryAnswered) => "inquiry-answered",
    /// The centre refused.
    InquiryRejected(InquiryRejected) => "inquiry-rejected",
    /// Our request was never taken and has been withdrawn.
    InquiryTimedOut(InquiryTimedOut) => "inquiry-timed-out",
    /// The request was taken and nothing came: a person looks.
    InquiryUncertain(InquiryUncertain) => "inquiry-uncertain",
    /// A person, or the late answer, settled it.
    InquiryResolved(InquiryResolved) => "inquiry-resolved",
}
