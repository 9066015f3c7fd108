//! What any answer tells beside its records: who answered whom, when, and how it went.
//!
//! The functions place these elements differently, so they are looked for by name. What says how it went may
//! stand at any depth; what says whose answer it is, in the header alone.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{ReadingError, day};
use super::eligibility::Header;
use super::xml::{Fault, Limits, Reader, Step, XmlError};
use crate::value::{AsOf, InstitutionCode};

/// Elements that count in MessageHeader alone.
const HEADER: [&str; 9] = [
    "ProcessExecutionTime",
    "QualificationConfirmationDate",
    "MedicalInstitutionCode",
    "ArbitraryFileIdentifier",
    "ReferenceClassification",
    "CharacterCodeIdentifier",
    "NumberOfProcessingResult",
    "NumberOfNormalProcessing",
    "NumberOfError",
];

/// Elements that count wherever they stand, outside units.
const ANYWHERE: [&str; 10] = [
    "ReceptionNumber",
    "ReceptionDateTime",
    "SegmentOfResult",
    "ErrorCode",
    "ErrorMessage",
    "ProcessingResultStatus",
    "ProcessingResultCode",
    "ProcessingResultMessage",
    "ResultCode",
    "MessageContents",
];

/// Why the centre refused, in its own words. Only for showing: nothing is decided by them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// エラーコード / 処理結果コード.
    pub code: Option<String>,
    /// Its message.
    pub message: Option<String>,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The result is here.
    Done,
    /// 処理中: ask again later, under a new name.
    Working,
    /// Refused.
    Refused(Refusal),
}

/// The frame of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    texts: Vec<(&'static str, String)>,
    /// A record stood in it, where only units may hold records.
    has_record: bool,
}

impl Envelope {
    /// Reads a whole message, taking in nothing but the frame.
    ///
    /// # Errors
    /// As for every message; an element of the frame with two different texts is refused.
    pub fn read(text: &str, limits: &Limits) -> Result<Self, XmlError> {
        let mut xml = Reader::new(text, limits)?;
        let mut envelope = Self::default();
        let mut path: Vec<&str> = Vec::with_capacity(8);
        loop {
            match xml.step()? {
                Step::Open(name) => {
                    if path.is_empty() && name != "XmlMsg" {
                        return Err(xml.error(Fault::NotAMessage));
                    }
                    envelope.has_record |= name == "ResultOfQualificationConfirmation";
                    path.push(name);
                }
                Step::Leaf(name, _) if path.is_empty() && name != "XmlMsg" => {
                    return Err(xml.error(Fault::NotAMessage));
                }
                Step::Leaf(name, text) => {
                    let in_header = path.get(1) == Some(&"MessageHeader");
                    if let Some(known) = known(name, in_header)
                        && !envelope.take(known, &text)
                    {
                        return Err(xml.error(Fault::Duplicate(known)));
                    }
                }
                Step::Close => {
                    path.pop();
                }
                Step::Done => return Ok(envelope),
            }
        }
    }

    fn take(&mut self, name: &'static str, text: &str) -> bool {
        let text = text.trim_ascii();
        if text.trim().is_empty() {
            return true;
        }
        match self.get(name) {
            Some(present) => present == text,
            None => {
                self.texts.push((name, text.to_owned()));
                true
            }
        }
    }

    /// The text of an element of the frame, as received; blank is absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| &**text)
    }

    /// The same, owned.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// 処理実行日時.
    pub fn executed_at(&self) -> Option<AsOf> {
        self.get("ProcessExecutionTime")
            .and_then(AsOf::from_compact)
    }

    /// 受付日時.
    pub fn received_at(&self) -> Option<AsOf> {
        self.get("ReceptionDateTime").and_then(AsOf::from_compact)
    }

    /// 資格確認日.
    pub fn confirmed_on(&self) -> Option<Date> {
        self.get("QualificationConfirmationDate").and_then(day)
    }

    /// 医療機関コード.
    pub fn institution_code(&self) -> Option<InstitutionCode> {
        self.text("MedicalInstitutionCode").map(InstitutionCode)
    }

    /// A count that the header states.
    pub fn count(&self, name: &str) -> Option<u32> {
        self.get(name)?.parse().ok()
    }

    /// Whether a record stands in the frame.
    pub fn has_record(&self) -> bool {
        self.has_record
    }

    /// How it went, by 処理結果区分, 処理結果状況 and ResultCode alone.
    ///
    /// # Errors
    /// [`ReadingError::UnknownCode`].
    pub fn verdict(&self) -> Result<Verdict, ReadingError> {
        let refused = match self.get("SegmentOfResult") {
            None | Some("1") => false,
            Some("2") => return Ok(Verdict::Working),
            Some("9") => true,
            Some(_) => return Err(ReadingError::UnknownCode("SegmentOfResult")),
        };
        let failed = match self.get("ProcessingResultStatus") {
            None | Some("1") => false,
            Some("2") => true,
            Some(_) => return Err(ReadingError::UnknownCode("ProcessingResultStatus")),
        };
        let unsuccessful = self.get("ResultCode").is_some_and(|code| code != "1");
        if refused || failed || unsuccessful {
            return Ok(Verdict::Refused(self.refusal()));
        }
        Ok(Verdict::Done)
    }

    fn refusal(&self) -> Refusal {
        let first = |names: [&str; 3]| names.into_iter().find_map(|name| self.text(name));
        Refusal {
            code: first(["ErrorCode", "ProcessingResultCode", "ResultCode"]),
            message: first(["ErrorMessage", "ProcessingResultMessage", "MessageContents"]),
        }
    }

    /// The header as units of a bulk answer need it to be judged.
    pub(super) fn header(&self) -> Header<'_> {
        let text = |name: &str| self.get(name).map(Into::into);
        Header {
            process_execution_time: text("ProcessExecutionTime"),
            qualification_confirmation_date: text("QualificationConfirmationDate"),
            medical_institution_code: text("MedicalInstitutionCode"),
            arbitrary_file_identifier: text("ArbitraryFileIdentifier"),
            reference_classification: text("ReferenceClassification"),
            ..Header::default()
        }
    }
}

fn known(name: &str, in_header: bool) -> Option<&'static str> {
    let header = HEADER.iter().filter(|_| in_header);
    ANYWHERE
        .iter()
        .chain(header)
        .find(|known| **known == name)
        .copied()
}
