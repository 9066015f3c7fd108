//! Which record is an answer about, and which records are one human?
//!
//! Numbers lead to records ([`keys_of`], [`resolve`]); names never join records. What numbers cannot
//! settle becomes a case for a person ([`case`]). Persons join records of the group and let them go
//! again ([`person`]): nothing is rewritten, a person's history is the union of its records at read time.

pub mod case;
mod key;
mod offer;
pub mod person;
mod resolve;

#[cfg(test)]
mod tests;

pub use key::{CandidateKey, KeyKind, keys_of, nameless_key, tells_a_number};
pub use offer::{Arrival, WaitingPerson, arrivals, offer};
pub use resolve::{Found, PersonSummary, Resolution, resolve};
