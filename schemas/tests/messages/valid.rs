//! Requests against our XSDs, judged by xmllint.

use shikaku_schemas::oqs::Family;
use shikaku_schemas::oqs::Phase;
use shikaku_schemas::oqs::text::Encoding;

use super::examples::{Example, requests};
use super::xmllint::against;

#[test]
fn every_request_is_valid_in_both_encodings() {
    for example in requests() {
        for encoding in [Encoding::Utf8, Encoding::Cp932] {
            let bytes = (example.write)(encoding);
            assert_eq!(against(example.schema, &bytes), None, "{}", example.message);
            let digits_follow = bytes.windows(2).any(|two| two == b"&#");
            assert!(!digits_follow, "no numeric references");
        }
    }
}

fn text(example: &Example) -> String {
    String::from_utf8((example.write)(Encoding::Utf8)).unwrap()
}

fn refused(example: &Example, text: &str) {
    let complaint = against(example.schema, text.as_bytes());
    assert!(complaint.is_some(), "{}\n{text}", example.message);
}

/// The schemas of requests are strict: what one has more or less is wrong.
#[test]
fn request_schemas_refuse_what_no_request_has() {
    for example in requests() {
        let text = text(&example);
        for wrong in [
            text.replace("</MessageBody>", "<Future/></MessageBody>"),
            text.replace("<MessageHeader>", "<MessageHeader><Future>1</Future>"),
            text.replace("1319912349", "131991234"),
            text.replace("<MessageBody>", "<Body>")
                .replace("</MessageBody>", "</Body>"),
        ] {
            refused(&example, &wrong);
        }
    }
}

/// A request of one function is none of another, even where they have the same elements.
#[test]
fn request_schemas_tell_functions_apart() {
    for example in requests() {
        let text = text(&example);
        for other in requests() {
            // The request of a result is the same of all; many may be one.
            let same = other.schema == example.schema
                || matches!(
                    (example.schema, other.schema),
                    ("single-request", "bulk-request")
                        | ("registration-request", "bulk-registration-request")
                );
            if !same {
                refused(&other, &text);
            }
        }
    }
}

fn example(family: Family) -> Example {
    let mut all = requests().into_iter();
    all.find(|one| one.message.family == family && one.message.phase == Phase::First)
        .unwrap()
}

#[test]
fn request_schemas_refuse_what_is_another_functions() {
    let info = "<ReferenceNumberRegistrationInfo>";
    let second = "<ReferenceNumberRegistrationInfo><ReferenceNumber>2</ReferenceNumber>\
        <InsurerNumber>12997151</InsurerNumber><InsuredIdentificationNumber>1</InsuredIdentificationNumber>\
        </ReferenceNumberRegistrationInfo><ReferenceNumberRegistrationInfo>";
    let months = "<StartDate>202601</StartDate><EndDate>202605</EndDate><FileCategory>";
    for (family, from, to) in [
        (Family::Registration, info, second),
        (Family::HomeVisit, "Flag>2<", "Flag>3<"),
        (Family::HomeVisit, "Flag>2<", "Flag>1<"),
        (Family::HomeVisit, "ConsentDate", "ExaminationDate"),
        (Family::Online, "Flag>3<", "Flag>2<"),
        (Family::Online, "ExaminationDateTo", "ConsentDateTo"),
        (Family::Checkups, "<FileCategory>", months),
        (Family::Checkups, "Category>1<", "Category>3<"),
        (Family::Drugs, "Category>4<", "Category>5<"),
        (Family::Drugs, "StartDate>", "FirstDate>"),
        (Family::Drugs, "202605", "202613"),
        (Family::Drugs, "Flag>1<", "Flag>5<"),
        (Family::Drugs, "InsuredPersonIdent", "InsuredIdent"),
        (Family::Single, "InsuredIdent", "InsuredPersonIdent"),
        (Family::Single, "12997151", "1299715"),
        (Family::Commissioned, "202605", "202600"),
    ] {
        let example = example(family);
        let good = text(&example);
        let wrong = good.replace(from, to);
        assert_ne!(good, wrong, "{from}");
        refused(&example, &wrong);
    }
}

/// What the function may also ask.
#[test]
fn request_schemas_take_every_kind_of_a_request() {
    for (family, from, to) in [
        (Family::Online, "ExaminationDate", "ConsentDate"),
        (Family::Checkups, "Category>1<", "Category>2<"),
        (Family::Drugs, "Category>4<", "Category>1<"),
    ] {
        let example = example(family);
        let good = text(&example);
        let other = good.replace(from, to);
        assert_ne!(good, other, "{from}");
        assert_eq!(against(example.schema, other.as_bytes()), None, "{to}");
    }
}
