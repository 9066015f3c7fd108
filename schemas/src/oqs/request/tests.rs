use super::*;

fn request<'a>() -> SingleRequest<'a> {
    SingleRequest {
        confirmed_on: jiff::civil::date(2026, 5, 11),
        institution_code: "1319912349",
        file_identifier: "hub-000871",
        insurer_number: "12137014",
        symbol: None,
        number: "4820155",
        branch: None,
        birth_date: jiff::civil::date(1971, 9, 15),
        arbitrary_identifier: Some("P<&>髙島"),
    }
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
    let short = SingleRequest {
        insurer_number: "998013",
        symbol: Some("５１"),
        branch: Some("01"),
        ..request()
    };
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
        let wrong = SingleRequest {
            arbitrary_identifier: Some(value),
            ..request()
        };
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
    let outside = SingleRequest {
        arbitrary_identifier: Some("鷗"),
        ..request()
    };
    assert!(outside.write(Encoding::Utf8).is_ok());
}

#[test]
fn refuses_blank_and_overlong_values() {
    let blank = SingleRequest {
        number: " ",
        ..request()
    };
    assert_eq!(
        blank.write(Encoding::Utf8),
        Err(RequestError::Blank {
            element: "InsuredIdentificationNumber"
        })
    );
    let long = "x".repeat(51);
    let long = SingleRequest {
        file_identifier: &long,
        ..request()
    };
    assert!(matches!(
        long.write(Encoding::Utf8),
        Err(RequestError::TooLong { most: 50, .. })
    ));
}
