//! What 未委託 forbids beyond the record itself: its numbers must not travel inside any other text either.

use super::coded::code;
use super::record::{Context, Pair};
use crate::observation::AnswerRecord;
use crate::oqs::Eligibility;

/// Numbers that stand in a 未委託 answer and must go no further, not even inside a text.
pub(super) struct Hidden(Option<Vec<String>>);

impl Hidden {
    /// Whether the answer has a 未委託 record at all.
    pub(super) fn any(&self) -> bool {
        self.0.is_some()
    }

    /// Takes them out of the texts of a record.
    pub(super) fn scrub(&self, record: &mut AnswerRecord) {
        let texts = [&mut record.issuer_name, &mut record.reason_of_loss];
        for text in texts {
            text.take_if(|text| self.stand_in(text));
        }
        record.extra.retain(|_, text| !self.stand_in(text));
        record
            .reference_number
            .take_if(|number| self.stand_in(number.as_str()));
    }

    /// Whether one of the numbers stands in `text`.
    pub(super) fn stand_in(&self, text: &str) -> bool {
        self.0
            .iter()
            .flatten()
            .any(|number| text.contains(number.as_str()))
    }
}

/// Shorter texts are no numbers, and would stand in anything.
const SHORTEST_NUMBER: usize = 5;

pub(super) fn hidden_numbers(message: &Eligibility<'_>, context: &Context<'_>) -> Hidden {
    let mut found: Option<Vec<String>> = None;
    for record in &message.body.records {
        let pair = Pair::of(record);
        if !context.is_not_commissioned(context.half(record), &pair) {
            continue;
        }
        let direct = [
            &record.insurer_number,
            &record.insured_identification_number,
        ];
        let numbers = direct
            .into_iter()
            .filter_map(code)
            .chain(
                record
                    .public_expense_numbers
                    .iter()
                    .map(|number| number.trim()),
            )
            .chain(
                record
                    .beneficiary_numbers
                    .iter()
                    .map(|number| number.trim()),
            )
            .filter(|number| number.len() >= SHORTEST_NUMBER)
            .map(str::to_owned);
        found.get_or_insert_default().extend(numbers);
    }
    if let (Some(found), Some(search)) = (&mut found, &message.body.search) {
        let echoed = [
            &search.insurer_number,
            &search.insured_identification_number,
        ];
        found.extend(
            echoed
                .into_iter()
                .filter_map(code)
                .filter(|number| number.len() >= SHORTEST_NUMBER)
                .map(str::to_owned),
        );
    }
    Hidden(found)
}
