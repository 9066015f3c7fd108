//! `01res_` of a job: the 受付番号, or why there is none.

use crate::oqs::answer::ReadingError;
use crate::oqs::envelope::{Envelope, Refusal, Verdict};
use crate::oqs::error::OqsError;
use crate::oqs::text;
use crate::oqs::xml::Limits;
use crate::value::{AsOf, InstitutionCode};

/// The centre took a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// 受付番号.
    pub reception_number: String,
    /// 受付日時.
    pub received_at: Option<AsOf>,
    /// 処理実行日時.
    pub executed_at: Option<AsOf>,
    /// 医療機関コード, as received.
    pub institution_code: Option<InstitutionCode>,
    /// 任意のファイル識別子, echoed.
    pub file_identifier: Option<String>,
}

impl Accepted {
    /// Reads the answer to a job's request: accepted, or refused.
    ///
    /// # Errors
    /// As for every message; an answer without a 受付番号 that refuses nothing says nothing.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Result<Self, Refusal>, OqsError> {
        limits.check_size(bytes.len())?;
        let decoded = text::decode(bytes)?;
        let envelope = Envelope::read(&decoded.text, limits)?;
        match envelope.verdict()? {
            Verdict::Refused(refusal) => return Ok(Err(refusal)),
            Verdict::Working => return Err(ReadingError::StillProcessing.into()),
            Verdict::Done => {}
        }
        Ok(Ok(Self {
            reception_number: envelope
                .text("ReceptionNumber")
                .ok_or(ReadingError::Missing("ReceptionNumber"))?,
            received_at: envelope.received_at(),
            executed_at: envelope.executed_at(),
            institution_code: envelope.institution_code(),
            file_identifier: envelope.text("ArbitraryFileIdentifier"),
        }))
    }
}
