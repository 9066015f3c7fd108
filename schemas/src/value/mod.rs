//! Value types: identifiers, numbers with check digits, days and months, and the closed word lists
//! of the contract.

mod code;
mod day;
mod id;
mod number;
mod word;

pub use code::{InstitutionCode, SchemeCode};
pub use day::{AsOf, Month, jst_day, parse_day, show_day};
pub use id::{
    CaseId, EventId, EvidenceId, FacilityCode, InquiryId, ObservationId, PatientNumber, PersonId,
    Position, QualificationId, RecordId, ReferenceNumber, StreamId,
};
pub use number::{PayerNumber, RecipientNumber, check_digit, passes_check_digit};
pub use word::{
    ConsentScope, ConsentSource, Coverage, InquiryKind, Method, Sex, TicketKind, TicketUse,
    TreatmentType, Validity,
};
