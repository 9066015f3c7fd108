use jiff::civil::date;

use super::*;
use crate::oqs::single::{self, Search};

fn request() -> single::Request {
    single::Request {
        head: Head::new("1319912349", "hub-000871"),
        confirmed_on: date(2026, 5, 11),
        search: Search {
            insurer_number: "12137014".to_owned(),
            symbol: None,
            number: "4820155".to_owned(),
            branch: None,
            birth_date: date(1971, 9, 15),
            limit_certificate_consent: false,
            arbitrary_identifier: Some("P<&>髙島".to_owned()),
        },
    }
}

fn with(change: impl FnOnce(&mut single::Request)) -> single::Request {
    let mut request = request();
    change(&mut request);
    request
}

#[test]
fn writes_the_reference_shape_in_both_encodings() {
    for encoding in [Encoding::Utf8, Encoding::Cp932] {
        let bytes = request().write(encoding).unwrap();
        let decoded = crate::oqs::text::decode(&bytes).unwrap();
        assert_eq!(decoded.encoding, encoding);
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"{}\" standalone=\"no\"?>\r\n",
            encoding.name()
        );
        let rest = decoded.text.strip_prefix(&head).unwrap();
        assert_eq!(rest, include_str!("expected.xml").replace('\n', "\r\n"));
    }
}

#[test]
fn short_insurer_numbers_are_padded_with_spaces() {
    let short = with(|request| {
        request.search.insurer_number = "998013".to_owned();
        request.search.symbol = Some("５１".to_owned());
        request.search.branch = Some("01".to_owned());
    });
    let text = String::from_utf8(short.write(Encoding::Utf8).unwrap()).unwrap();
    assert!(text.contains("<InsurerNumber>  998013</InsurerNumber>"));
    assert!(text.contains("<InsuredCardSymbol>５１</InsuredCardSymbol>"));
}

#[test]
fn refuses_what_the_encoding_lacks_without_telling_the_value() {
    for (value, position, code_point) in [
        ("a鷗", 2, 0x9DD7),
        ("¥", 1, 0xA5),
        ("‾", 1, 0x203E),
        ("😀", 1, 0x1F600),
        ("a\u{1}", 2, 1),
    ] {
        let wrong = with(|request| request.search.arbitrary_identifier = Some(value.to_owned()));
        let error = wrong.write(Encoding::Cp932).unwrap_err();
        let element = "ArbitraryIdentifier";
        assert_eq!(
            error,
            RequestError::Character {
                element,
                position,
                code_point
            }
        );
        assert!(!error.to_string().contains(value));
    }
    let outside = with(|request| request.search.arbitrary_identifier = Some("鷗".to_owned()));
    assert!(outside.write(Encoding::Utf8).is_ok());
}

#[test]
fn refuses_blank_and_overlong_values() {
    let blank = with(|request| request.search.number = " ".to_owned());
    assert_eq!(
        blank.write(Encoding::Utf8),
        Err(RequestError::Blank {
            element: "InsuredIdentificationNumber"
        })
    );
    let long = with(|request| request.head.file_identifier = Some("x".repeat(51)));
    assert!(matches!(
        long.write(Encoding::Utf8),
        Err(RequestError::TooLong { most: 50, .. })
    ));
}

#[test]
fn a_list_has_one_row_at_least() {
    let empty = crate::oqs::bulk::Request {
        head: Head::new("1319912349", "hub"),
        confirmed_on: date(2026, 5, 11),
        searches: Vec::new(),
    };
    let written = empty.write(Encoding::Utf8);
    assert!(matches!(written, Err(RequestError::Rows { count: 0, .. })));
}

#[test]
fn requests_of_other_programs_are_read_as_they_come() {
    let text = "<XmlMsg>\n<MessageBody><QualificationConfirmSearchInfo>\n<Birthdate> 19710915 </Birthdate><New>x</New>\
        <InsurerNumber>  998013</InsurerNumber><InsuredCardSymbol/>\
        <InsuredIdentificationNumber>208</InsuredIdentificationNumber></QualificationConfirmSearchInfo></MessageBody>\
        <MessageHeader><MedicalInstitutionCode>1319912349</MedicalInstitutionCode>\
        <QualificationConfirmationDate>20260511</QualificationConfirmationDate></MessageHeader></XmlMsg>";
    let read = |text: &str| single::Request::read(text.as_bytes(), &Limits::SINGLE);
    let request = read(text).unwrap();
    assert_eq!(request.search.insurer_number, "998013");
    assert_eq!(request.search.symbol, None);
    assert_eq!(request.search.birth_date, date(1971, 9, 15));
    for (from, to, reason) in [
        ("19710915", "1971-09-15", "unreadable-element"),
        (
            "<InsuredIdentificationNumber>208<",
            "<InsuredIdentificationNumber><",
            "missing-element",
        ),
        ("<New>x</New>", "<InsurerNumber/>", "duplicate-element"),
        (
            "QualificationConfirmSearchInfo",
            "Elsewhere",
            "missing-element",
        ),
        ("</XmlMsg>", "", "incomplete"),
        ("XmlMsg", "Other", "not-a-message"),
    ] {
        let error = read(&text.replace(from, to)).unwrap_err();
        assert_eq!(error.reason(), reason, "{to}");
    }
}
