//! One error for the whole way from bytes to an answer.

use super::answer::ReadingError;
use super::text::TextError;
use super::xml::XmlError;

/// Why a file is no answer. Carries nothing of the content; `Display` is Japanese with English beside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub enum OqsError {
    /// The bytes are no text.
    Text(#[from] TextError),
    /// The text is no whole, acceptable XML.
    Xml(#[from] XmlError),
    /// The message can't be judged.
    Reading(#[from] ReadingError),
}

impl OqsError {
    /// Whether more bytes may still come: wait, and quarantine only when the file stays so.
    pub fn is_incomplete(&self) -> bool {
        match self {
            Self::Text(error) => error.is_incomplete(),
            Self::Xml(error) => error.is_incomplete(),
            Self::Reading(_) => false,
        }
    }

    /// Stable word for metrics, `parked list` and tests.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Text(error) => error.reason(),
            Self::Xml(error) => error.reason(),
            Self::Reading(error) => error.reason(),
        }
    }
}
