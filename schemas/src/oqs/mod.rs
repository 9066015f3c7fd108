//! Messages of the 資格確認端末 (OQS): reading answers, writing requests, and the names of their files.
//!
//! Bytes go through three steps, each with its own errors: [`text`] makes UTF-8 of them, [`xml`] walks the
//! elements within limits, then a message is made of them. Content is untrusted: any host may write into the
//! folders.
//!
//! [`Message::recognise`] tells what a file is. Then:
//!
//! | function | request | answer |
//! |---|---|---|
//! | one person, face files | [`single::Request`] | [`read_answer`] |
//! | 一括照会 | [`bulk::Request`] | [`job`] |
//! | 委託先資格情報の一括取得 | [`commissioned::Request`] | [`job`] |
//! | 訪問診療等, オンライン診療等 | [`consented::Request`] | [`job`] |
//! | 照会番号の登録 | [`registration::Request`], [`registration::BulkRequest`] | [`registration::Outcome`], [`job`] |
//! | 薬剤・診療情報, 健診情報 | [`medical::Request`] | [`medical::Overview`], or a PDF |
//!
//! Of a job: [`job::Accepted`] is the answer to its request, [`job::Poll`] asks for the result, [`job::survey`]
//! and [`job::Units`] read it. A result in a ZIP is opened by [`archive::Archive`].

pub mod answer;
pub mod archive;
pub mod bulk;
pub mod commissioned;
pub mod consented;
pub mod eligibility;
mod envelope;
mod error;
pub mod file;
pub mod job;
pub mod medical;
mod message;
pub mod registration;
pub mod request;
mod scalar;
pub mod single;
pub mod text;
pub mod xml;

pub use answer::{Reading, ReadingError, to_answer};
pub use eligibility::Eligibility;
pub use envelope::{Envelope, Refusal, Verdict};
pub use error::OqsError;
pub use message::{Direction, Family, Form, Message, Phase};
pub use request::Request;
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
