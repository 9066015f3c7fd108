//! The single inquiry against our XSDs, judged by xmllint.

#![expect(clippy::unwrap_used, reason = "a test panics on what must not happen")]

use std::fs;
use std::path::Path;

use shikaku_schemas::oqs::Request as _;
use shikaku_schemas::oqs::request::Head;
use shikaku_schemas::oqs::single::{self, Search};
use shikaku_schemas::oqs::text::{self, Encoding};
use shikaku_schemas::oqs::{Eligibility, eligibility};

mod xmllint;

use xmllint::against;

#[test]
fn the_answer_schema_knows_every_element_that_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("xsd");
    let schema: String = [
        "answer-header",
        "answer-record",
        "answer-ticket",
        "eligibility-answer",
    ]
    .map(|name| fs::read_to_string(folder.join(format!("{name}.xsd"))).unwrap())
    .concat();
    for name in eligibility::all_names() {
        assert!(
            schema.contains(&format!("<xs:element name=\"{name}\"")),
            "{name}"
        );
    }
}

fn request(arbitrary_identifier: &str) -> single::Request {
    single::Request {
        head: Head::new("1319912349", "hub-000871"),
        confirmed_on: jiff::civil::date(2026, 5, 11),
        search: Search {
            insurer_number: "998013".to_owned(),
            symbol: Some("５１-い".to_owned()),
            number: "208".to_owned(),
            branch: Some("01".to_owned()),
            birth_date: jiff::civil::date(1971, 9, 15),
            limit_certificate_consent: false,
            arbitrary_identifier: Some(arbitrary_identifier.to_owned()),
        },
    }
}

#[test]
fn written_requests_are_valid_in_both_encodings() {
    for encoding in [Encoding::Utf8, Encoding::Cp932] {
        for identifier in ["P004417", "<&>\"'", "資格ｶｸﾆﾝ、ー"] {
            let bytes = request(identifier).write(encoding).unwrap();
            assert_eq!(
                against("single-request", &bytes),
                None,
                "{encoding:?} {identifier}"
            );
            let digits_follow = bytes.windows(2).any(|two| two == b"&#");
            assert!(!digits_follow, "no numeric references");
        }
    }
}

/// What we write, our own reader reads back as the search condition.
#[test]
fn written_requests_read_back() {
    for encoding in [Encoding::Utf8, Encoding::Cp932] {
        let bytes = request("<&> 髙島").write(encoding).unwrap();
        let decoded = text::decode(&bytes).unwrap();
        let limits = shikaku_schemas::oqs::Limits::SINGLE;
        let message = Eligibility::parse(&decoded.text, &limits).unwrap();
        let search = message.body.search.unwrap();
        assert_eq!(search.insurer_number.as_deref(), Some("  998013"));
        assert_eq!(search.insured_card_symbol.as_deref(), Some("５１-い"));
        assert_eq!(search.arbitrary_identifier.as_deref(), Some("<&> 髙島"));
        assert_eq!(search.birthdate.as_deref(), Some("19710915"));
    }
}
