//! Requests to the centre: one type for each message, all written and read as a [`Sheet`].
//!
//! A character that the encoding lacks is refused, never written as a numeric reference: the centre would
//! take the reference for the text. Reading is for requests of other programs, and for checking our own.

mod pen;
mod sheet;

pub use sheet::{Group, Sheet};

use super::answer::ReadingError;
use super::error::OqsError;
use super::text::{self, Encoding};
use super::xml::Limits;

/// Why a request can't be written. Tells element, place and code point, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A required value is blank.
    #[error("{element}が空です ({element} is blank)")]
    Blank {
        /// The element.
        element: &'static str,
    },
    /// A value is longer than the interface allows.
    #[error("{element}が長すぎます ({element} is longer than {most} characters)")]
    TooLong {
        /// The element.
        element: &'static str,
        /// Characters at most.
        most: usize,
    },
    /// A character that the encoding lacks, or that XML forbids.
    #[error(
        "{element}の{position}文字目 U+{code_point:04X} は書けません (character {position} of {element}, U+{code_point:04X}, can't be written)"
    )]
    Character {
        /// The element.
        element: &'static str,
        /// Which character of the value, from 1.
        position: usize,
        /// Its code point.
        code_point: u32,
    },
    /// A list without a single row, or with more than the interface allows.
    #[error(
        "{element}の件数が範囲外です ({element} occurs {count} times; 1 to {most} are allowed)"
    )]
    Rows {
        /// The element.
        element: &'static str,
        /// How many there are.
        count: usize,
        /// Rows at most.
        most: usize,
    },
}

/// Rows in one bulk request at most; config may allow fewer.
pub const MOST_ROWS: usize = 100_000;

/// What every request's header holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// 医療機関コード.
    pub institution_code: String,
    /// 任意のファイル識別子, at most 50 characters, echoed by the centre.
    pub file_identifier: Option<String>,
}

impl Head {
    /// A header that names the inquiry, so that a person can find it by the answer.
    pub fn new(institution_code: &str, file_identifier: &str) -> Self {
        Self {
            institution_code: institution_code.to_owned(),
            file_identifier: Some(file_identifier.to_owned()),
        }
    }

    pub(super) fn fill<'t>(&'t self, header: &mut Group<'t>) {
        header.must("MedicalInstitutionCode", &*self.institution_code);
        header.may("ArbitraryFileIdentifier", self.file_identifier.as_deref());
    }

    pub(super) fn of_group(header: &Group<'_>) -> Result<Self, ReadingError> {
        Ok(Self {
            institution_code: header.text("MedicalInstitutionCode")?,
            file_identifier: header.maybe("ArbitraryFileIdentifier"),
        })
    }
}

/// A request: what it says as a sheet, and back.
pub trait Request: Sized {
    /// Its elements, in the order they are written.
    fn sheet(&self) -> Sheet<'_>;

    /// What a sheet says.
    ///
    /// # Errors
    /// An element that must be there and is not, or that is no value of its kind.
    fn of_sheet(sheet: &Sheet<'_>) -> Result<Self, ReadingError>;

    /// The file's bytes, with CRLF line ends.
    ///
    /// # Errors
    /// [`RequestError`]: nothing is to be sent.
    fn write(&self, encoding: Encoding) -> Result<Vec<u8>, RequestError> {
        pen::write(&self.sheet(), encoding)
    }

    /// Reads a request's bytes, whoever wrote them. Elements that this version does not know are passed over.
    ///
    /// # Errors
    /// As for answers; nothing of the content is in an error.
    fn read(bytes: &[u8], limits: &Limits) -> Result<Self, OqsError> {
        limits.check_size(bytes.len())?;
        let decoded = text::decode(bytes)?;
        let sheet = Sheet::read(&decoded.text, limits)?;
        Ok(Self::of_sheet(&sheet)?)
    }
}

#[cfg(test)]
mod tests;
