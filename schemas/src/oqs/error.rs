//! One error for the whole way from bytes to an answer.

use super::answer::ReadingError;
use super::archive::ArchiveError;
use super::text::TextError;
use super::xml::XmlError;

/// Why a file is no answer. Carries nothing of the content; `Display` is Japanese with English beside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OqsError {
    /// The bytes are no text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The text is no whole, acceptable XML.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The message can't be judged.
    #[error(transparent)]
    Reading(#[from] ReadingError),
    /// The pack can't be opened.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The bytes can't be had.
    #[error("読み込めません (can't be read): {0}")]
    Source(std::io::ErrorKind),
}

impl OqsError {
    /// Whether more bytes may still come: wait, and quarantine only when the file stays so.
    pub fn is_incomplete(&self) -> bool {
        match self {
            Self::Text(error) => error.is_incomplete(),
            Self::Xml(error) => error.is_incomplete(),
            Self::Archive(error) => error.is_incomplete(),
            Self::Reading(_) | Self::Source(_) => false,
        }
    }

    /// Stable word for metrics, `parked list` and tests.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Text(error) => error.reason(),
            Self::Xml(error) => error.reason(),
            Self::Reading(error) => error.reason(),
            Self::Archive(error) => error.reason(),
            Self::Source(_) => "unreadable",
        }
    }
}
