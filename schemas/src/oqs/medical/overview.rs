//! What a medical answer is, without what it says: months, kinds, counts. Nothing clinical, no names.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::oqs::answer::ReadingError;
use crate::oqs::answer::day;
use crate::oqs::envelope::{Envelope, Refusal, Verdict};
use crate::oqs::error::OqsError;
use crate::oqs::message::Family;
use crate::oqs::text;
use crate::oqs::xml::{Fault, Limits, Reader, Step, XmlError};
use crate::value::{AsOf, InstitutionCode, Month};

/// Which part of a `YZKsiquc` answer months stand in, by the first characters of its elements.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Branch {
    /// `MeTrMonthInf`: 医科.
    Medical,
    /// `ShPrMonthInf`.
    Prescribed,
    /// `CzDiMonthInf`.
    Dispensed,
}

/// What came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// 処理実行日時.
    pub executed_at: Option<AsOf>,
    /// 医療機関コード of the header, as received.
    pub institution_code: Option<InstitutionCode>,
    /// 任意のファイル識別子, echoed.
    pub file_identifier: Option<String>,
    /// Why nothing came; absent: it was answered.
    pub refusal: Option<Refusal>,
    /// Parts that hold a month.
    pub branches: BTreeSet<Branch>,
    /// Months with drugs or treatments.
    pub months: BTreeSet<Month>,
    /// Drugs, all months together.
    pub drugs: u32,
    /// Treatments, all months together.
    pub treatments: u32,
    /// Days of check-ups.
    pub checked_on: BTreeSet<Date>,
    /// Results and questions of check-ups, all days together.
    pub results: u32,
}

impl Overview {
    /// How large such an answer may be.
    pub const LIMITS: Limits = Limits {
        bytes: 32 << 20,
        depth: 32,
        elements: 500_000,
        text: 64 << 10,
    };

    /// Reads an XML answer of `family`.
    ///
    /// # Errors
    /// As for every message.
    pub fn read(bytes: &[u8], family: Family, limits: &Limits) -> Result<Self, OqsError> {
        limits.check_size(bytes.len())?;
        let decoded = text::decode(bytes)?;
        let envelope = Envelope::read(&decoded.text, limits)?;
        let refusal = match envelope.verdict()? {
            Verdict::Refused(refusal) => Some(refusal),
            Verdict::Working => return Err(ReadingError::StillProcessing.into()),
            Verdict::Done => None,
        };
        let mut overview = Self {
            executed_at: envelope.executed_at(),
            institution_code: envelope.institution_code(),
            file_identifier: envelope.text("ArbitraryFileIdentifier"),
            refusal,
            ..Self::default()
        };
        overview.count(&decoded.text, family, limits)?;
        Ok(overview)
    }

    /// Whether it holds nothing. Of check-ups this means that the office registered none, no more.
    pub fn is_empty(&self) -> bool {
        self.drugs == 0 && self.treatments == 0 && self.results == 0 && self.checked_on.is_empty()
    }

    fn count(&mut self, text: &str, family: Family, limits: &Limits) -> Result<(), XmlError> {
        let mut xml = Reader::new(text, limits)?;
        let mut path: Vec<&str> = Vec::with_capacity(8);
        loop {
            match xml.step()? {
                Step::Open(name) => {
                    match (family, name) {
                        (Family::Drugs, "DrugInf" | "ShDrugInf" | "CzDrugInf") => self.drugs += 1,
                        (Family::Drugs, "MeTrInf") => self.treatments += 1,
                        (Family::Checkups, "HealthCheckupResultAndQuestionInfo") => {
                            self.results += 1;
                        }
                        _ => {}
                    }
                    path.push(name);
                }
                Step::Leaf(name, text) => self.leaf(family, path.last().copied(), name, &text),
                Step::Close => {
                    path.pop();
                }
                Step::Done => return Ok(()),
            }
        }
    }

    fn leaf(&mut self, family: Family, parent: Option<&str>, name: &str, text: &str) {
        let branch = match (family, parent, name) {
            (Family::Drugs, Some("MeTrMonthInf"), "MeTrMonth") => Branch::Medical,
            (Family::Drugs, Some("ShPrMonthInf"), "ShPrMonth") => Branch::Prescribed,
            (Family::Drugs, Some("CzDiMonthInf"), "CzDiMonth") => Branch::Dispensed,
            (Family::Checkups, Some("SpecificHealthCheckupInfo"), "EffectiveTime") => {
                self.checked_on
                    .extend(day(text.trim().get(..8).unwrap_or("")));
                return;
            }
            _ => return,
        };
        self.branches.insert(branch);
        self.months.extend(Month::from_compact(text.trim()));
    }
}

/// Whether a PDF has come to its end; before that it may still be written.
///
/// # Errors
/// [`Fault::Incomplete`] without the end mark, [`Fault::NotXml`] when it is no PDF at all.
pub fn pdf_is_whole(bytes: &[u8]) -> Result<(), XmlError> {
    const END: &[u8] = b"%%EOF";
    let fault = |fault| XmlError {
        fault,
        line: 0,
        byte: bytes.len() as u64,
    };
    if !bytes.starts_with(b"%PDF-") {
        return Err(fault(if b"%PDF-".starts_with(bytes) {
            Fault::Incomplete
        } else {
            Fault::NotXml
        }));
    }
    let tail = &bytes[bytes.len().saturating_sub(1024)..];
    if tail.windows(END.len()).any(|window| window == END) {
        Ok(())
    } else {
        Err(fault(Fault::Incomplete))
    }
}
