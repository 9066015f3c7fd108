//! Sample answers against our XSDs, judged by xmllint: what is good is valid, and what lacks something is not.

use std::io::{Cursor, Read as _};

use shikaku_schemas::oqs::archive::{Archive, ArchiveLimits};
use shikaku_schemas::oqs::{Direction, Family, Form, Message, Phase, text};

use super::examples::{answer, files};
use super::xmllint::against;

/// A file of another name is an answer about one person.
fn schema_of(name: &str) -> &'static str {
    let Some(message) = Message::recognise(name, b"") else {
        return "eligibility-answer";
    };
    assert_eq!(message.direction, Direction::Answer, "{name}");
    match (message.family, message.phase) {
        (Family::Single, _) => "eligibility-answer",
        (Family::Registration, _) => "registration-answer",
        (Family::Drugs, _) => "drugs-answer",
        (Family::Checkups, _) => "checkups-answer",
        (_, Phase::First) => "accepted",
        (Family::BulkRegistration, Phase::Second) => "bulk-registration-answer",
        (_, Phase::Second) => "bulk-answer",
    }
}

/// What xmllint is given of a sample: itself, the wanted entry of a pack, and nothing of what is no XML.
fn message(name: &str, bytes: Vec<u8>) -> Option<Vec<u8>> {
    let recognised = Message::recognise(name, &bytes);
    match recognised.map_or(Form::Xml, |message| message.form) {
        Form::Pdf => None,
        Form::Zip => {
            let packed = Cursor::new(bytes);
            let mut archive = Archive::open(packed, &ArchiveLimits::DEFAULT, None).unwrap();
            let mut entry = Vec::new();
            let prefix = recognised.unwrap().prefix();
            let mut found = archive.message(&prefix).unwrap();
            found.read_to_end(&mut entry).unwrap();
            Some(entry)
        }
        // Without a declaration, another reader takes anything for UTF-8.
        Form::Xml if !bytes.windows(5).take(9).any(|part| part == b"<?xml") => {
            Some(text::decode(&bytes).unwrap().text.into_owned().into_bytes())
        }
        Form::Xml => Some(bytes),
    }
}

/// Answers that our readers take in part only, or not at all.
const INVALID: [(&str, &str); 1] = [("OQSmuquc02res_outside.xml", "identity-constraint 'nowhere'")];

#[test]
fn every_sample_answer_is_valid() {
    let mut count = 0;
    for (name, bytes) in ["samples/oqs", "samples/oqs/answers"]
        .into_iter()
        .flat_map(files)
    {
        let Some(bytes) = message(&name, bytes) else {
            continue;
        };
        let complaint = against(schema_of(&name), &bytes);
        match INVALID.iter().find(|(invalid, _)| *invalid == name) {
            Some((_, why)) => assert!(complaint.unwrap().contains(why), "{name}"),
            None => assert_eq!(complaint, None, "{name}"),
        }
        count += 1;
    }
    assert!(count > 70, "{count}");
}

/// Answers that are set aside although they are valid, each with what a schema can't tell.
const ONLY_A_READER_SEES: [(&str, &str); 7] = [
    (
        "declared-euc-jp.xml",
        "another library knows more encodings",
    ),
    ("utf16.xml", "another library knows more encodings"),
    ("nobody-named.xml", "a code of validity asks for a record"),
    (
        "says-nothing.xml",
        "a status asks for a validity or a record",
    ),
    (
        "several-people.xml",
        "two records may be two schemes of one",
    ),
    ("two-spellings-differ.xml", "each spelling alone is good"),
    (
        "unknown-validity.xml",
        "codes that later layouts add are kept",
    ),
];

/// The others are broken XML, or lack what an answer must have.
#[test]
fn refused_samples_are_invalid_or_say_why_not() {
    let mut valid = Vec::new();
    for (name, bytes) in files("samples/oqs/refused") {
        if against("eligibility-answer", &bytes).is_none() {
            valid.push(name);
        }
    }
    let mut known: Vec<_> = ONLY_A_READER_SEES.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(valid, known);
}

pub fn good(name: &str) -> String {
    let samples = files("samples/oqs");
    let single = samples.into_iter().find(|(known, _)| known == name);
    let bytes = single.map_or_else(|| answer(name), |(_, bytes)| bytes);
    String::from_utf8(bytes).unwrap()
}

pub fn judged(name: &str, text: &str) -> Option<String> {
    against(schema_of(name), text.as_bytes())
}

/// The first such element of a text, whole.
fn element<'t>(text: &'t str, name: &str) -> &'t str {
    let alone = format!("<{name}/>");
    if let Some(from) = text.find(&alone) {
        return &text[from..from + alone.len()];
    }
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let from = text.find(&open).unwrap_or_else(|| panic!("no {name}"));
    let length = text[from..].find(&close).unwrap() + close.len();
    &text[from..from + length]
}

#[test]
fn an_answer_that_holds_nothing_is_none() {
    for (name, _) in MUST {
        for header in ["<MessageHeader/>", "<MessageHeader><A/></MessageHeader>"] {
            let empty = format!("<XmlMsg>{header}<MessageBody/></XmlMsg>");
            assert!(judged(name, &empty).is_some(), "{name}");
        }
        let text = good(name);
        for part in ["MessageHeader", "MessageBody"] {
            let missing = text.replacen(element(&text, part), "", 1);
            assert!(judged(name, &missing).is_some(), "{name} without {part}");
        }
    }
}

/// What each message must hold, once.
const MUST: [(&str, &[&str]); 10] = [
    ("face-combined.xml", ONE_PERSON),
    ("ticket-rejected.xml", HEADER),
    ("OQSmuquc01res_accepted.xml", &[TIME, INSTITUTION, NUMBER]),
    (
        "OQSmuquc01res_accepted-in-header.xml",
        &[TIME, INSTITUTION, NUMBER],
    ),
    (
        "OQSmutic02res_combined.xml",
        &[TIME, INSTITUTION, SEGMENT, NUMBER, STATUS],
    ),
    ("OQSmuhvq02res_working.xml", HEADER),
    (
        "OQSmuimm02res_mixed.xml",
        &[TIME, INSTITUTION, SEGMENT, NUMBER, STATUS, INFO],
    ),
    (
        "OQSsiimm01res_registered.xml",
        &[TIME, INSTITUTION, SEGMENT, STATUS, INFO, "ReferenceNumber"],
    ),
    ("YZKsiquc01res_drugs.xml", &["ResultCode"]),
    ("TKKsiquc01res_none.xml", &["ResultCode"]),
];
const TIME: &str = "ProcessExecutionTime";
const INSTITUTION: &str = "MedicalInstitutionCode";
const SEGMENT: &str = "SegmentOfResult";
const STATUS: &str = "ProcessingResultStatus";
const NUMBER: &str = "ReceptionNumber";
const INFO: &str = "ReferenceNumberRegistrationInfo";
const HEADER: &[&str] = &[TIME, INSTITUTION, SEGMENT];
const ONE_PERSON: &[&str] = &[
    TIME,
    INSTITUTION,
    SEGMENT,
    STATUS,
    "InsuredCardClassification",
    "Name",
    "Sex1",
    "Birthdate",
];

#[test]
fn what_an_answer_must_hold_stands_in_it_once() {
    for (name, elements) in MUST {
        let text = good(name);
        for must in elements {
            let one = element(&text, must);
            for (what, instead) in [("missing", String::new()), ("twice", one.repeat(2))] {
                let wrong = text.replacen(one, &instead, 1);
                let complaint = judged(name, &wrong);
                assert!(complaint.is_some(), "{name}: {must} {what}");
            }
        }
    }
}

/// Without these nothing can be read, so blank is missing.
#[test]
fn what_tells_how_it_went_is_not_blank() {
    let frame = [TIME, INSTITUTION, SEGMENT, STATUS, "ResultCode"];
    for (name, elements) in MUST {
        let text = good(name);
        for must in elements.iter().filter(|must| frame.contains(must)) {
            let blank = text.replacen(element(&text, must), &format!("<{must}> </{must}>"), 1);
            assert!(judged(name, &blank).is_some(), "{name}: blank {must}");
        }
    }
}

/// What an answer may hold, but not twice.
const ONCE: [(&str, &[&str]); 7] = [
    (
        "face-combined.xml",
        &[
            "ReferenceClassification",
            "ResultList",
            "QualificationValidity",
            "InsurerNumber",
            "PublicExpenseResultList",
            "TicketType",
        ],
    ),
    ("ticket-rejected.xml", &["ErrorCode", "ErrorMessage"]),
    ("OQSmuquc01res_accepted.xml", &["ReceptionDateTime"]),
    (
        "OQSmuquc02res_mixed.xml",
        &[
            "NumberOfError",
            "QualificationConfirmSearchInfo",
            "ArbitraryIdentifier",
        ],
    ),
    (
        "OQSmuimm02res_mixed.xml",
        &["ReferenceNumber", "InsurerNumber"],
    ),
    ("YZKsiquc01res_drugs.xml", &["QuaInf", "MeTrMonth"]),
    (
        "TKKsiquc01res_two-days.xml",
        &["QualificationsInfo", "EffectiveTime"],
    ),
];

#[test]
fn what_an_answer_may_hold_stands_in_it_once() {
    for (name, elements) in ONCE {
        let text = good(name);
        for once in elements {
            let one = element(&text, once);
            let wrong = text.replacen(one, &one.repeat(2), 1);
            assert!(judged(name, &wrong).is_some(), "{name}: {once} twice");
        }
    }
}
