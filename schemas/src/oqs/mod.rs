//! Messages of the 資格確認端末 (OQS): reading answers, writing requests, and the names of their files.
//!
//! Bytes go through three steps, each with its own errors: [`text`] makes UTF-8 of them, [`xml`] walks the
//! elements within limits, [`eligibility`] holds every element of the message by name; [`answer`] then types it
//! for judgement. [`read_answer`] does all of it. Content is untrusted: any host may write into the folders.

pub mod answer;
pub mod eligibility;
mod error;
pub mod file;
pub mod request;
pub mod text;
pub mod xml;

pub use answer::{Reading, ReadingError, to_answer};
pub use eligibility::Eligibility;
pub use error::OqsError;
pub use xml::Limits;

use crate::observation::OqsAnswer;

/// Reads one answer file about at most one person, from bytes to the observation's body.
///
/// # Errors
/// [`OqsError::is_incomplete`] tells a file that is still being written from one that will never be read;
/// no error carries anything of the content.
pub fn read_answer(
    bytes: &[u8],
    limits: &Limits,
    reading: &Reading<'_>,
) -> Result<OqsAnswer, OqsError> {
    limits.check_size(bytes.len())?;
    let decoded = text::decode(bytes)?;
    let message = Eligibility::parse(&decoded.text, limits)?;
    Ok(to_answer(&message, reading)?)
}
