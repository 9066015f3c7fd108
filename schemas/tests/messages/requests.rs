//! What is written is what was meant, byte by byte for the golden files, and reads back as itself.

use std::fs;

use proptest::prelude::*;
use shikaku_schemas::oqs::consented::{Basis, Service};
use shikaku_schemas::oqs::job::Poll;
use shikaku_schemas::oqs::medical::{self, Wanted};
use shikaku_schemas::oqs::registration::{self, Registration};
use shikaku_schemas::oqs::request::{Head, RequestError};
use shikaku_schemas::oqs::single::{self, Search};
use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::oqs::{Form, Limits, Request, bulk, commissioned, consented};
use shikaku_schemas::value::Month;

use super::examples::{in_crate, requests};

/// `UPDATE_SAMPLES=1` writes them anew.
#[test]
fn golden_requests_are_written_byte_for_byte() {
    for example in requests() {
        for (encoding, suffix) in [(Encoding::Cp932, "cp932"), (Encoding::Utf8, "utf8")] {
            let name = format!("{}{suffix}.xml", example.message);
            let path = in_crate("samples/oqs/requests").join(&name);
            let bytes = (example.write)(encoding);
            if std::env::var_os("UPDATE_SAMPLES").is_some() {
                fs::write(&path, &bytes).unwrap();
            }
            assert!(fs::read(&path).unwrap_or_default() == bytes, "{name}");
        }
    }
}

fn text(most: usize) -> BoxedStrategy<String> {
    // Nothing blank at either end: it would be padding.
    proptest::collection::vec(
        prop_oneof![
            Just('あ'),
            Just('髙'),
            Just('ｱ'),
            Just('<'),
            Just('&'),
            Just('"'),
            proptest::char::range('!', '~')
        ],
        1..=most,
    )
    .prop_map(|characters| characters.into_iter().collect())
    .boxed()
}

fn maybe(most: usize) -> BoxedStrategy<Option<String>> {
    prop::option::of(text(most)).boxed()
}

fn day() -> BoxedStrategy<jiff::civil::Date> {
    (1900i16..2100, 1i8..=12, 1i8..=28)
        .prop_map(|(year, month, day)| jiff::civil::date(year, month, day))
        .boxed()
}

fn month() -> BoxedStrategy<Month> {
    (2000i16..2100, 1i8..=12)
        .prop_map(|(year, month)| Month { year, month })
        .boxed()
}

fn head() -> BoxedStrategy<Head> {
    ("[0-9]{10}", maybe(50))
        .prop_map(|(institution_code, file_identifier)| Head {
            institution_code,
            file_identifier,
        })
        .boxed()
}

fn search() -> BoxedStrategy<Search> {
    (
        "[0-9]{1,8}",
        maybe(20),
        text(20),
        prop::option::of("[0-9]{2}"),
        day(),
        any::<bool>(),
        maybe(100),
    )
        .prop_map(
            |(insurer_number, symbol, number, branch, birth_date, consent, identifier)| Search {
                insurer_number,
                symbol,
                number,
                branch,
                birth_date,
                limit_certificate_consent: consent,
                arbitrary_identifier: identifier,
            },
        )
        .boxed()
}

fn entry() -> BoxedStrategy<Registration> {
    (text(50), search())
        .prop_map(|(reference_number, search)| Registration {
            reference_number,
            insurer_number: search.insurer_number,
            symbol: search.symbol,
            number: search.number,
            branch: search.branch,
        })
        .boxed()
}

fn wanted() -> BoxedStrategy<Wanted> {
    prop_oneof![
        Just(Wanted::Checkups),
        (month(), month(), any::<bool>()).prop_map(|(from, to, with_treatments)| Wanted::Drugs {
            from,
            to,
            with_treatments
        })
    ]
    .boxed()
}

/// Written in either encoding and read back, it is itself.
fn returns<R: Request + PartialEq + std::fmt::Debug>(request: &R) -> Result<(), TestCaseError> {
    for encoding in [Encoding::Utf8, Encoding::Cp932] {
        let bytes = request.write(encoding).unwrap();
        let read = R::read(&bytes, &Limits::SINGLE);
        prop_assert_eq!(read.as_ref(), Ok(request));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inquiries_return(head in head(), on in day(), searches in prop::collection::vec(search(), 1..5)) {
        let search = searches[0].clone();
        returns(&single::Request { head: head.clone(), confirmed_on: on, search })?;
        returns(&bulk::Request { head, confirmed_on: on, searches })?;
    }

    #[test]
    fn fetches_return(head in head(), month in month(), from in day(), to in day(), online: bool, examined: bool) {
        returns(&commissioned::Request { head: head.clone(), month })?;
        let service = if online { Service::Online } else { Service::HomeVisit };
        let basis = if examined { Basis::Examination } else { Basis::Consent };
        returns(&consented::Request { head, service, basis, from, to })?;
    }

    #[test]
    fn registrations_return(head in head(), registrations in prop::collection::vec(entry(), 1..5)) {
        let registration = registrations[0].clone();
        returns(&registration::Request { head: head.clone(), registration })?;
        returns(&registration::BulkRequest { head, registrations })?;
    }

    #[test]
    fn the_rest_returns(head in head(), number in "[0-9A-Z]{1,50}", search in search(), wanted in wanted(), pdf: bool) {
        returns(&Poll { institution_code: head.institution_code.clone(), reception_number: number })?;
        returns(&medical::Request {
            head,
            insurer_number: search.insurer_number,
            symbol: search.symbol,
            number: search.number,
            branch: search.branch,
            wanted,
            form: if pdf { Form::Pdf } else { Form::Xml },
        })?;
    }

    /// The error names the field and the code point, and nothing of the value.
    #[test]
    fn what_the_encoding_lacks_is_named(before in "[a-z]{0,5}", lacking in "[鷗𠮷🙂é]", search in search()) {
        let reference_number = format!("{before}{lacking}");
        let request = registration::Request {
            head: Head::new("1319912349", "hub"),
            registration: Registration {
                reference_number: reference_number.clone(),
                insurer_number: search.insurer_number,
                symbol: None,
                number: "1".to_owned(),
                branch: None,
            },
        };
        let error = request.write(Encoding::Cp932).unwrap_err();
        let expected = RequestError::Character {
            element: "ReferenceNumber",
            position: before.len() + 1,
            code_point: u32::from(lacking.chars().next().unwrap()),
        };
        prop_assert!(!error.to_string().contains(&reference_number));
        prop_assert_eq!(error, expected);
        prop_assert!(request.write(Encoding::Utf8).is_ok());
    }

    #[test]
    fn no_bytes_make_a_reader_of_requests_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(bulk::Request::read(&bytes, &Limits::SINGLE).is_err());
    }
}
