//! What became of a registration: `OQSsiimm01res_`, or one unit of `OQSmuimm02res_`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::INFO;
use crate::oqs::answer::ReadingError;
use crate::oqs::envelope::Refusal;
use crate::oqs::error::OqsError;
use crate::oqs::text;
use crate::oqs::xml::{Fault, Limits, Reader, Step};
use crate::value::{AsOf, ReferenceNumber};

/// A registration as the centre echoes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Registered {
    /// 照会番号.
    pub reference_number: Option<ReferenceNumber>,
    /// 保険者番号 / 公費負担者番号, trimmed.
    pub insurer_number: Option<String>,
    /// 記号.
    pub symbol: Option<String>,
    /// 番号 / 受給者番号.
    pub number: Option<String>,
    /// 枝番.
    pub branch: Option<String>,
}

/// What became of one registration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// 処理実行日時; only in the answer about one person.
    pub executed_at: Option<AsOf>,
    /// What was asked for, echoed.
    pub registered: Registered,
    /// Why it was refused; absent: it is registered now.
    pub refusal: Option<Refusal>,
}

impl Outcome {
    /// Reads the answer about one person.
    ///
    /// # Errors
    /// As for every message; an answer that neither registers nor refuses says nothing.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, OqsError> {
        limits.check_size(bytes.len())?;
        let decoded = text::decode(bytes)?;
        Self::parse(&decoded.text, "XmlMsg", limits)
    }

    /// Reads one unit of a bulk answer.
    pub(in crate::oqs) fn of_unit(text: &str, limits: &Limits) -> Result<Self, OqsError> {
        Self::parse(text, "BulkRegistrationUnit", limits)
    }

    fn parse(text: &str, root: &'static str, limits: &Limits) -> Result<Self, OqsError> {
        let mut xml = Reader::new(text, limits)?;
        let mut path: Vec<&str> = Vec::with_capacity(4);
        let mut outcome = Self::default();
        let mut said = Said::default();
        loop {
            match xml.step()? {
                Step::Open(name) if path.is_empty() && name != root => {
                    return Err(xml.error(Fault::NotAMessage).into());
                }
                Step::Open(name) => path.push(name),
                Step::Leaf(name, _) if path.is_empty() && name != root => {
                    return Err(xml.error(Fault::NotAMessage).into());
                }
                Step::Leaf(name, text) => {
                    let text = text.trim_ascii();
                    if text.trim().is_empty() {
                        continue;
                    }
                    let field = if path.last() == Some(&INFO) {
                        outcome.registered.field(name, text)
                    } else {
                        said.field(name, text)
                    };
                    if let Err(known) = field {
                        return Err(xml.error(Fault::Duplicate(known)).into());
                    }
                }
                Step::Close => {
                    path.pop();
                }
                Step::Done => break,
            }
        }
        outcome.executed_at = said.time.as_deref().and_then(AsOf::from_compact);
        outcome.refusal = said.refusal()?;
        Ok(outcome)
    }
}

impl Registered {
    fn field(&mut self, name: &str, text: &str) -> Result<(), &'static str> {
        match name {
            "ReferenceNumber" => {
                let number = ReferenceNumber::from(text);
                match self.reference_number.replace(number) {
                    None => Ok(()),
                    Some(_) => Err("ReferenceNumber"),
                }
            }
            "InsurerNumber" => once(&mut self.insurer_number, text.trim(), "InsurerNumber"),
            "InsuredCardSymbol" => once(&mut self.symbol, text, "InsuredCardSymbol"),
            "InsuredIdentificationNumber" => {
                once(&mut self.number, text, "InsuredIdentificationNumber")
            }
            "InsuredBranchNumber" => once(&mut self.branch, text, "InsuredBranchNumber"),
            _ => Ok(()),
        }
    }
}

/// What decides, and the words beside it.
#[derive(Default)]
struct Said {
    time: Option<String>,
    segment: Option<String>,
    status: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl Said {
    fn field(&mut self, name: &str, text: &str) -> Result<(), &'static str> {
        match name {
            "ProcessExecutionTime" => once(&mut self.time, text, "ProcessExecutionTime"),
            "SegmentOfResult" => once(&mut self.segment, text, "SegmentOfResult"),
            "ProcessingResultStatus" => once(&mut self.status, text, "ProcessingResultStatus"),
            "ErrorCode" | "ProcessingResultCode" => {
                self.code.get_or_insert_with(|| text.to_owned());
                Ok(())
            }
            "ErrorMessage" | "ProcessingResultMessage" => {
                self.message.get_or_insert_with(|| text.to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn refusal(self) -> Result<Option<Refusal>, ReadingError> {
        let refused = match (self.segment.as_deref(), self.status.as_deref()) {
            (Some("2"), _) => return Err(ReadingError::StillProcessing),
            (Some("9"), _) | (None | Some("1"), Some("2")) => true,
            (None | Some("1"), Some("1")) => false,
            // 処理結果区分 1 alone says only that the centre was reached.
            (None | Some("1"), None) => return Err(ReadingError::SaysNothing),
            (None | Some("1"), Some(_)) => {
                return Err(ReadingError::UnknownCode("ProcessingResultStatus"));
            }
            (Some(_), _) => return Err(ReadingError::UnknownCode("SegmentOfResult")),
        };
        Ok(refused.then_some(Refusal {
            code: self.code,
            message: self.message,
        }))
    }
}

fn once(place: &mut Option<String>, text: &str, name: &'static str) -> Result<(), &'static str> {
    match place.replace(text.to_owned()) {
        None => Ok(()),
        Some(_) => Err(name),
    }
}
