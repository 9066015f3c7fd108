//! Which row of a 一括照会 an answer belongs to, and whether it is about what was asked.

use shikaku_schemas::observation::{AnswerRecord, OqsAnswer};
use shikaku_schemas::task::{BulkQuestion, BulkRow};

use crate::{FacilityFacts, text};

/// The row that was asked: by the identifier that the centre echoes, then by 照会番号, then by the numbers. Units do
/// not come in the order of the rows.
pub fn row_of<'a>(
    question: &'a BulkQuestion,
    answer: &OqsAnswer,
    facility: &FacilityFacts,
) -> Option<&'a BulkRow> {
    let echo = answer.search.as_ref();
    let identifier = echo.and_then(|echo| echo.arbitrary_identifier.as_deref());
    let by_identifier =
        |row: &&BulkRow| identifier.is_some_and(|known| known.trim() == row.identifier);
    let chart = answer
        .records
        .iter()
        .filter_map(|record| record.reference_number.as_ref())
        .find_map(|reference| facility.chart_number(reference));
    let by_chart = |row: &&BulkRow| row.patient.is_some() && row.patient == chart;
    let rows = || question.rows.iter();
    rows()
        .find(by_identifier)
        .or_else(|| only(rows().filter(by_chart)))
        .or_else(|| only(rows().filter(|row| by_numbers(row, question.insurance, answer))))
}

/// Two equal ones are no answer.
fn only<'a>(mut rows: impl Iterator<Item = &'a BulkRow>) -> Option<&'a BulkRow> {
    let first = rows.next()?;
    rows.next().is_none().then_some(first)
}

fn by_numbers(row: &BulkRow, insurance: bool, answer: &OqsAnswer) -> bool {
    let same = |insurer: Option<&str>, number: Option<&str>| {
        insurer.map(text::number) == Some(text::number(&row.numbers.insurer_number))
            && number.map(text::number) == Some(text::number(&row.numbers.number))
    };
    let echoed = answer.search.as_ref().is_some_and(|echo| {
        same(echo.insurer_number.as_deref(), echo.number.as_deref())
            && echo.birth_date.is_none_or(|birth| birth == row.birth_date)
    });
    echoed
        || answer.records.iter().any(|record| {
            record.is_insurance() == insurance
                && same(issuer(record), number(record))
                && record.person.birth_date == Some(row.birth_date)
        })
}

/// Whether the answer names another payer or insurer than the one asked about: then nothing is updated silently.
/// An answer that names none (未委託) differs in nothing.
pub fn issuer_differs(row: &BulkRow, insurance: bool, answer: &OqsAnswer) -> bool {
    let mut named = answer
        .records
        .iter()
        .filter(|record| record.is_insurance() == insurance)
        .filter_map(issuer)
        .map(text::number)
        .peekable();
    let asked = text::number(&row.numbers.insurer_number);
    named.peek().is_some() && !named.any(|issuer| issuer == asked)
}

fn issuer(record: &AnswerRecord) -> Option<&str> {
    match record.is_insurance() {
        true => record.numbers.insurer_number.as_deref(),
        false => record.numbers.payer_number.as_ref().map(|it| it.as_str()),
    }
}

fn number(record: &AnswerRecord) -> Option<&str> {
    match record.is_insurance() {
        true => record.numbers.number.as_deref(),
        false => record
            .numbers
            .recipient_number
            .as_ref()
            .map(|it| it.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::{Value, json};
    use shikaku_schemas::task::QualificationNumbers;

    use super::*;

    fn facility() -> FacilityFacts {
        FacilityFacts {
            code: "1319912349".into(),
            numbering: "1319912349".to_owned(),
            reference_number: Default::default(),
            designated: true,
            loss_day_is_covered: false,
        }
    }

    fn row(identifier: &str, number: &str, patient: Option<&str>) -> BulkRow {
        BulkRow {
            numbers: QualificationNumbers {
                insurer_number: "12997011".to_owned(),
                symbol: None,
                number: number.to_owned(),
                branch: None,
            },
            birth_date: date(1960, 4, 1),
            identifier: identifier.to_owned(),
            patient: patient.map(Into::into),
        }
    }

    fn question() -> BulkQuestion {
        BulkQuestion {
            confirmed_on: date(2026, 5, 11),
            insurance: false,
            rows: vec![row("1", "1234567", Some("7001")), row("2", "7654321", None)],
        }
    }

    fn answer(
        search: Value,
        payer: Option<&str>,
        number: &str,
        reference: Option<&str>,
    ) -> OqsAnswer {
        serde_json::from_value(json!({
            "folder": "res", "method": "bulk", "confirmed_on": "2026-05-11", "rejected": false,
            "validity": "valid", "search": search,
            "records": [{ "classification": "A1", "scheme": "12", "payer_number": payer,
                "recipient_number": number, "birth_date": "1960-04-01", "reference_number": reference }],
        }))
        .unwrap()
    }

    fn found(answer: &OqsAnswer) -> Option<String> {
        let question = question();
        row_of(&question, answer, &facility()).map(|row| row.identifier.clone())
    }

    #[test]
    fn the_echoed_identifier_goes_before_everything() {
        let echo = json!({ "arbitrary_identifier": "2" });
        let told = answer(echo, Some("12997011"), "1234567", Some("7001"));
        assert_eq!(found(&told).as_deref(), Some("2"));
    }

    #[test]
    fn without_it_the_reference_number_and_then_the_numbers_tell() {
        let by_chart = answer(Value::Null, Some("12997011"), "9999999", Some("7001"));
        assert_eq!(found(&by_chart).as_deref(), Some("1"));
        let by_numbers = answer(Value::Null, Some("12997011"), "7654321", None);
        assert_eq!(found(&by_numbers).as_deref(), Some("2"));
        let unknown = answer(Value::Null, Some("12997011"), "1111111", None);
        assert_eq!(found(&unknown), None);
    }

    #[test]
    fn another_payer_is_told_and_no_payer_is_none() {
        let asked = row("1", "1234567", None);
        let told = |payer| answer(Value::Null, payer, "1234567", None);
        assert!(!issuer_differs(&asked, false, &told(Some("12997011"))));
        assert!(issuer_differs(&asked, false, &told(Some("12997029"))));
        assert!(!issuer_differs(&asked, false, &told(None)));
        assert!(!issuer_differs(&asked, true, &told(Some("12997029"))));
    }
}
