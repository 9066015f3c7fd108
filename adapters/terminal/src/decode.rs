//! Bytes of one file to an answer, or to the reason why there is none.

use shikaku_schemas::group::{Facility, Scheme};
use shikaku_schemas::observation::{OqsAnswer, OqsFolder};
use shikaku_schemas::oqs::{Limits, OqsError, Reading, read_answer};
use shikaku_schemas::value::InquiryId;

/// What the bytes turned out to be.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// A whole answer.
    Answer(Box<OqsAnswer>),
    /// Not whole, or not readable as it stands. A writer may still be at work, so it is only final once the
    /// file has stayed unchanged for long.
    Unfinished(Fault),
    /// No further byte can make it good.
    Broken(Fault),
}

/// Why a file is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Stable word.
    pub(crate) reason: &'static str,
    /// For people, Japanese with English beside; nothing of the content.
    pub(crate) message: String,
    /// Whether the file is a whole message all the same, which another program may understand.
    pub(crate) whole: bool,
}

/// Where a file lay and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) folder: OqsFolder,
    pub(crate) facility: &'a Facility,
    pub(crate) schemes: &'a [Scheme],
    pub(crate) inquiry: Option<InquiryId>,
}

/// Bytes of one file at most.
pub(crate) const FILE_BYTES: usize = Limits::SINGLE.bytes;

/// Reads one file.
pub(crate) fn judge(bytes: &[u8], place: Place<'_>) -> Verdict {
    let reading = Reading {
        folder: place.folder,
        facility: place.facility,
        schemes: place.schemes,
        inquiry: place.inquiry,
    };
    match read_answer(bytes, &Limits::SINGLE, &reading) {
        Ok(answer) => Verdict::Answer(Box::new(answer)),
        Err(error) => {
            let fault = Fault {
                reason: error.reason(),
                message: error.to_string(),
                whole: matches!(error, OqsError::Reading(_)),
            };
            match is_final(&error) {
                true => Verdict::Broken(fault),
                false => Verdict::Unfinished(fault),
            }
        }
    }
}

/// A whole message that can't be judged, and what stands in the part already written, stay as they are.
/// All else may be a copy in progress: blocks still empty, the end still missing.
fn is_final(error: &OqsError) -> bool {
    match error {
        OqsError::Reading(_) => true,
        OqsError::Archive(_) | OqsError::Source(_) => false,
        OqsError::Text(_) | OqsError::Xml(_) => matches!(
            error.reason(),
            "dtd" | "entity" | "too-deep" | "too-many-elements" | "text-too-long"
        ),
    }
}
