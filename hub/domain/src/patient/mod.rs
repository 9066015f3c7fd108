//! One patient record of one chart numbering.
//!
//! Order of knowledge is not order of arrival. Each thing known is therefore kept with the centre's
//! time of the newest answer that stated it, and an older answer never displaces it. What an older answer
//! says of something unknown is still recorded; when newer knowledge contradicts it, that is stated again
//! behind it, so that the last word in the stream about anything is always the newest knowledge.

mod command;
mod consent;
mod coverage;
mod decide;
mod evolve;
mod held;
mod human;
mod medical;
mod month;
mod number;
mod outside;
mod qualification;
mod reading;
mod reference;
mod state;
mod ticket;

#[cfg(test)]
pub(crate) mod tests;

pub use command::{PatientCommand, PatientRejection, RecordRegistration, RecordVerification};
pub use consent::permission;
pub use decide::decide;
pub use evolve::{Origin, evolve, evolve_erased, replay};
pub use human::Human;
pub use medical::{MedicalMonths, MedicalWish, medical_question, still_permitted};
pub use month::WithdrawTicket;
pub use outside::{with_claim_transfer, with_limit_certificate};
pub use reference::{Registrable, missing_registrations, registrable};
pub use state::{
    Current, CurrentHalf, KnownConsent, KnownLoss, KnownMedical, KnownMonth, KnownQualification,
    KnownReference, KnownTicket, PatientState, SeenLoss,
};
