//! When two statements are about the same qualification of one person.

use shikaku_schemas::event::QualificationDetails;
use shikaku_schemas::observation::AnswerRecord;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{QualificationId, RecordId, SchemeCode};

use crate::text;

/// Scheme and numbers, normalised. The start is no part of it: 停止/再開 keeps the qualification. Nor is the
/// branch, which older layouts leave out and which cannot differ inside one person's insurance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Numbers(String);

impl Numbers {
    /// Of a record of an answer; `None` when its numbers are not enough to know it again.
    pub(super) fn of_record(record: &AnswerRecord) -> Option<Self> {
        let numbers = &record.numbers;
        Self::of(
            record.scheme.as_ref(),
            record.classification.as_deref(),
            [
                numbers.payer_number.as_ref().map(|number| number.as_str()),
                numbers
                    .recipient_number
                    .as_ref()
                    .map(|number| number.as_str()),
                numbers.insurer_number.as_deref(),
                numbers.symbol.as_deref(),
                numbers.number.as_deref(),
            ],
        )
    }

    /// Of a known qualification.
    pub(super) fn of_details(details: &QualificationDetails) -> Option<Self> {
        Self::of(
            details.scheme.as_ref(),
            details.classification.as_deref(),
            [
                details.payer_number.as_ref().map(|number| number.as_str()),
                details
                    .recipient_number
                    .as_ref()
                    .map(|number| number.as_str()),
                details.insurer_number.as_deref(),
                details.symbol.as_deref(),
                details.number.as_deref(),
            ],
        )
    }

    fn of(
        scheme: Option<&SchemeCode>,
        classification: Option<&str>,
        numbers: [Option<&str>; 5],
    ) -> Option<Self> {
        let [payer, recipient, insurer, symbol, number] =
            numbers.map(|number| number.map(text::number).unwrap_or_default());
        let insurance = scheme.is_some_and(SchemeCode::is_insurance);
        let parts = if insurance {
            let enough = !(insurer.is_empty() && number.is_empty());
            enough.then(|| [insurer, symbol, number].join("|"))
        } else {
            let enough = !payer.is_empty() && !recipient.is_empty();
            enough.then(|| [payer, recipient].join("|"))
        }?;
        let scheme = scheme.map_or_else(
            || format!("?{}", classification.unwrap_or_default()),
            |code| code.0.clone(),
        );
        Some(Self(format!("{scheme}|{parts}")))
    }

    /// The id of a qualification that is not known yet. Keyed: seven digits could be guessed from a plain digest.
    pub(super) fn id(&self, record: RecordId, ids: &SealKey) -> QualificationId {
        let digest = ids.digest(format!("{record}|{}", self.0).as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        QualificationId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}
