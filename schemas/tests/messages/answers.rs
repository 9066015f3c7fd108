//! Answers that are read whole: accepted jobs, registrations of one person, medical information.

use shikaku_schemas::oqs::job::Accepted;
use shikaku_schemas::oqs::medical::{Overview, pdf_is_whole};
use shikaku_schemas::oqs::registration::Outcome;
use shikaku_schemas::oqs::{Direction, Family, Form, Limits, Message, Phase, Refusal};

use super::examples::{answer, files};

#[test]
fn every_sample_is_recognised_by_its_name_and_form() {
    for (name, bytes) in files("samples/oqs/answers") {
        let message = Message::recognise(&name, &bytes[..64]).unwrap();
        assert_eq!(message.direction, Direction::Answer, "{name}");
        assert_eq!(message.form == Form::Pdf, name.ends_with(".pdf"), "{name}");
        assert!(name.starts_with(&message.prefix()), "{name}");
    }
}

#[test]
fn each_bulk_function_tells_a_reception_number() {
    for (family, number) in [
        (Family::Bulk, "202605160000000021"),
        (Family::Commissioned, "202605160000000022"),
        (Family::HomeVisit, "202605160000000023"),
        (Family::Online, "202605160000000024"),
        (Family::BulkRegistration, "202605160000000025"),
    ] {
        let bytes = answer(&format!("{}01res_accepted.xml", family.prefix()));
        let accepted = Accepted::read(&bytes, &Limits::SINGLE).unwrap().unwrap();
        assert_eq!(accepted.reception_number, number);
        assert_eq!(
            accepted.received_at.unwrap().to_string(),
            "2026-05-16T01:59:59+09:00"
        );
        assert_eq!(accepted.file_identifier.as_deref(), Some("hub-000900"));
    }
}

#[test]
fn the_reception_number_is_found_where_it_stands() {
    let bytes = answer("OQSmuquc01res_accepted-in-header.xml");
    let accepted = Accepted::read(&bytes, &Limits::SINGLE).unwrap().unwrap();
    assert_eq!(accepted.reception_number, "202605160000000021");
}

#[test]
fn a_refused_job_has_the_centres_words_and_no_number() {
    for (family, code) in [
        (Family::Bulk, "SIM0002"),
        (Family::Commissioned, "SIM0001"),
        (Family::HomeVisit, "SIM0001"),
        (Family::Online, "SIM0001"),
        (Family::BulkRegistration, "SIM0003"),
    ] {
        let bytes = answer(&format!("{}01res_refused.xml", family.prefix()));
        let read = Accepted::read(&bytes, &Limits::SINGLE).unwrap();
        assert_eq!(read.unwrap_err().code.as_deref(), Some(code));
    }
    let silent = b"<XmlMsg><MessageHeader/><MessageBody/></XmlMsg>";
    let error = Accepted::read(silent, &Limits::SINGLE).unwrap_err();
    assert_eq!(error.reason(), "missing-element");
}

#[test]
fn two_different_reception_numbers_are_refused() {
    let text = String::from_utf8(answer("OQSmutic01res_accepted.xml")).unwrap();
    let second = "<A><ReceptionNumber>2</ReceptionNumber></A></MessageBody>";
    let error = Accepted::read(
        text.replace("</MessageBody>", second).as_bytes(),
        &Limits::SINGLE,
    )
    .unwrap_err();
    assert_eq!(error.reason(), "duplicate-element");
}

#[test]
fn registrations_of_one_person() {
    let read = |name: &str| Outcome::read(&answer(name), &Limits::SINGLE).unwrap();
    let registered = read("OQSsiimm01res_registered.xml");
    assert_eq!(registered.refusal, None);
    assert_eq!(
        registered
            .registered
            .reference_number
            .as_ref()
            .map(|n| n.as_str()),
        Some("B00001")
    );
    assert_eq!(
        registered.registered.insurer_number.as_deref(),
        Some("12997151")
    );
    let refused = read("OQSsiimm01res_refused.xml").refusal.unwrap();
    assert_eq!(refused.code.as_deref(), Some("SIM0005"));
    assert_eq!(refused.message.as_deref(), Some("該当する資格がありません"));
    assert_eq!(
        read("OQSsiimm01res_rejected.xml").refusal.unwrap().code,
        Some("SIM0001".to_owned())
    );
}

#[test]
fn a_registration_that_says_nothing_is_no_success() {
    let bytes = answer("OQSsiimm01res_registered.xml");
    let text = String::from_utf8(bytes).unwrap();
    let read = |text: &str| Outcome::read(text.as_bytes(), &Limits::SINGLE).unwrap_err();
    let status = "<ProcessingResultStatus>1</ProcessingResultStatus>";
    assert_eq!(read(&text.replace(status, "")).reason(), "says-nothing");
    let other = status.replace('1', "7");
    assert_eq!(read(&text.replace(status, &other)).reason(), "unknown-code");
}

/// Whole overviews: nothing but months, kinds and counts gets into them.
#[test]
fn medical_answers_tell_what_they_are_and_nothing_of_what_they_say() {
    for (name, bytes) in files("samples/oqs/answers") {
        let message = Message::recognise(&name, &bytes).unwrap();
        let is_medical = matches!(message.family, Family::Drugs | Family::Checkups);
        if !is_medical || message.form != Form::Xml {
            continue;
        }
        let overview = Overview::read(&bytes, message.family, &Overview::LIMITS).unwrap();
        let json = serde_json::to_string(&overview).unwrap();
        for clinical in ["見本錠", "見本処置", "試料", "身長", "160", "9900"] {
            assert!(!json.contains(clinical), "{name}: {clinical}");
        }
        insta::assert_json_snapshot!(
            format!("medical-{}", name.trim_end_matches(".xml")),
            overview
        );
    }
}

#[test]
fn empty_medical_answers_are_empty_and_refused_ones_are_refused() {
    let read =
        |name: &str, family| Overview::read(&answer(name), family, &Overview::LIMITS).unwrap();
    assert!(read("TKKsiquc01res_none.xml", Family::Checkups).is_empty());
    assert!(read("YZKsiquc01res_none.xml", Family::Drugs).is_empty());
    assert!(!read("YZKsiquc01res_drugs.xml", Family::Drugs).is_empty());
    let refused = read("YZKsiquc01res_refused.xml", Family::Drugs).refusal;
    let message = Some("同意の有効期限が切れています".to_owned());
    assert_eq!(
        refused,
        Some(Refusal {
            code: Some("2".to_owned()),
            message
        })
    );
}

#[test]
fn a_pdf_is_waited_for_until_its_end_mark() {
    let bytes = answer("YZKsiquc01res_drugs.pdf");
    pdf_is_whole(&bytes).unwrap();
    for length in 0..bytes.len() - 6 {
        assert!(pdf_is_whole(&bytes[..length]).unwrap_err().is_incomplete());
    }
    assert!(!pdf_is_whole(b"<html>").unwrap_err().is_incomplete());
}

/// Other phases of a function are no answer of this one.
#[test]
fn phases_are_told_apart() {
    let phase = |name: &str| Message::recognise(name, b"").unwrap().phase;
    assert_eq!(phase("OQSmutic01res_1.xml"), Phase::First);
    assert_eq!(phase("OQSmutic02res_1.xml"), Phase::Second);
}
