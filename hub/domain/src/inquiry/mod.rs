//! The life of one request to a terminal:
//! `Requested → Submitted → Accepted → Polled* → Answered | Rejected | TimedOut | Uncertain → Resolved`.
//!
//! A single inquiry is never sent twice: the welfare office may see each as a visit. `TimedOut` means that
//! our file was still there and was withdrawn; `Uncertain` that it was taken and nothing came. What comes late
//! settles an uncertain one. Repeated notes of the same thing tell nothing new, because adapters repeat them.

mod decide;
mod forwarded;
mod row;
mod state;

#[cfg(test)]
mod tests;

pub use decide::{REPEATS_AT_MOST, decide, evolve, repeat};
pub use forwarded::forwarded;
pub use row::{issuer_differs, row_of};
pub use state::{InquiryCommand, InquiryProcess, InquiryRejection, InquiryState};
