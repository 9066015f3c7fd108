//! The first walk over a job's result: is it whole, how did it go, how much is there.

use std::io::Read;

use super::split::Splitter;
use crate::observation::AnswerManifest;
use crate::oqs::answer::ReadingError;
use crate::oqs::envelope::{Envelope, Verdict};
use crate::oqs::error::OqsError;
use crate::oqs::xml::{Fault, Limits, XmlError};
use crate::value::{InquiryId, Month};

/// How large a bulk answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkLimits {
    /// Bytes in all, decoded.
    pub bytes: u64,
    /// Units in all.
    pub units: u32,
    /// One unit.
    pub unit: Limits,
    /// Everything that is no unit.
    pub frame: Limits,
}

impl BulkLimits {
    /// A million people of 4 KiB each, none larger than 1 MiB.
    pub const DEFAULT: Self = Self {
        bytes: 4 << 30,
        units: 1_000_000,
        unit: Limits {
            bytes: 1 << 20,
            ..Limits::SINGLE
        },
        frame: Limits {
            bytes: 1 << 20,
            ..Limits::SINGLE
        },
    };
}

/// What a job's result is, before any unit of it is taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Header, and what else stands outside the units.
    pub envelope: Envelope,
    /// The text that the envelope was read from: the evidence of a result without its units.
    pub frame: String,
    /// How it went. Units count only when it is done.
    pub verdict: Verdict,
    /// Units that are there.
    pub units: u32,
}

/// Walks a result to its end.
///
/// # Errors
/// [`OqsError::is_incomplete`] when the message does not end: nothing of it may be taken in.
pub fn survey(source: impl Read, limits: &BulkLimits) -> Result<Survey, OqsError> {
    let mut splitter = Splitter::new(source, limits);
    let mut units = 0;
    while splitter.next_unit()?.is_some() {
        units += 1;
        if units > limits.units {
            return Err(too_many());
        }
    }
    let frame = splitter.into_frame();
    let envelope = Envelope::read(&frame, &limits.frame)?;
    let verdict = envelope.verdict()?;
    if envelope.has_record() {
        return Err(ReadingError::OutsideUnits.into());
    }
    Ok(Survey {
        envelope,
        frame,
        verdict,
        units,
    })
}

pub(super) fn too_many() -> OqsError {
    XmlError {
        fault: Fault::Elements,
        line: 0,
        byte: 0,
    }
    .into()
}

/// What became of the units, counted by whoever took them in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Units handed on.
    pub units: u32,
    /// Units that could not be judged, set aside one by one.
    pub unreadable: u32,
    /// Units that repeat another one byte for byte; they are among `units`.
    pub repeated: u32,
}

impl Survey {
    /// 受付番号.
    pub fn reception_number(&self) -> Option<&str> {
        self.envelope.get("ReceptionNumber")
    }

    /// Whether the header's counts fit the units that are there; a count that it does not state fits.
    pub fn counts_agree(&self) -> bool {
        let count = |name| self.envelope.count(name);
        let stated = count("NumberOfProcessingResult");
        let parts = count("NumberOfNormalProcessing").zip(count("NumberOfError"));
        stated.is_none_or(|stated| stated == self.units)
            && parts.is_none_or(|(normal, errors)| normal.checked_add(errors) == Some(self.units))
    }

    /// The closing observation's body.
    pub fn manifest(
        &self,
        inquiry: Option<InquiryId>,
        month: Option<Month>,
        tally: Tally,
    ) -> AnswerManifest {
        let refusal = match &self.verdict {
            Verdict::Refused(refusal) => Some(refusal.clone()),
            Verdict::Done | Verdict::Working => None,
        };
        AnswerManifest {
            inquiry,
            reception_number: self.reception_number().map(str::to_owned),
            month,
            institution_code: self.envelope.institution_code(),
            executed_at: self.envelope.executed_at(),
            units: tally.units,
            unreadable: tally.unreadable,
            repeated: tally.repeated,
            stated_results: self.envelope.count("NumberOfProcessingResult"),
            stated_normal: self.envelope.count("NumberOfNormalProcessing"),
            stated_errors: self.envelope.count("NumberOfError"),
            counts_agree: self.counts_agree(),
            refusal,
        }
    }
}
