//! Requests and sample answers against our XSDs, judged by xmllint, which shares no code with us.

use std::io::Write as _;
use std::process::{Command, Stdio};

use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::oqs::{Direction, Family, Form, Message, Phase};

use super::examples::{files, in_crate, requests};

/// In the field "Shift_JIS" means Microsoft's flavour, which libxml2 knows by its own name only.
fn as_cp932(bytes: &[u8]) -> Vec<u8> {
    const DECLARED: &[u8] = b"encoding=\"Shift_JIS\"";
    let place = bytes
        .windows(DECLARED.len())
        .position(|part| part == DECLARED);
    match place {
        Some(at) => [
            &bytes[..at],
            b"encoding=\"CP932\"",
            &bytes[at + DECLARED.len()..],
        ]
        .concat(),
        None => bytes.to_vec(),
    }
}

/// What xmllint says against; `None` when it is content.
fn against(schema: &str, bytes: &[u8]) -> Option<String> {
    let schema = in_crate(&format!("xsd/{schema}.xsd"));
    let mut child = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("xmllint is installed (make setup)");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&as_cp932(bytes))
        .unwrap();
    let output = child.wait_with_output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn schema_of(message: Message) -> &'static str {
    match (message.family, message.phase) {
        (Family::Single, _) => "eligibility-answer",
        (Family::Registration, _) => "registration-answer",
        (Family::Drugs | Family::Checkups, _) => "medical-answer",
        (_, Phase::First) => "accepted",
        (Family::BulkRegistration, Phase::Second) => "registration-answer",
        (_, Phase::Second) => "bulk-answer",
    }
}

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

/// The schemas of requests are strict: what one has more or less is wrong.
#[test]
fn request_schemas_refuse_what_no_request_has() {
    for example in requests() {
        let text = String::from_utf8((example.write)(Encoding::Utf8)).unwrap();
        let wrong = [
            text.replace("</MessageBody>", "<Future/></MessageBody>"),
            text.replace("<MessageHeader>", "<MessageHeader><Future>1</Future>"),
            text.replace("1319912349", "131991234"),
            text.replace("<MessageBody>", "<Body>")
                .replace("</MessageBody>", "</Body>"),
        ];
        for text in wrong {
            let complaint = against(example.schema, text.as_bytes());
            assert!(complaint.is_some(), "{}\n{text}", example.message);
        }
    }
}

#[test]
fn every_sample_answer_is_valid() {
    for (name, bytes) in files("samples/oqs/answers") {
        let message = Message::recognise(&name, &bytes).unwrap();
        if message.form != Form::Xml {
            continue;
        }
        assert_eq!(message.direction, Direction::Answer);
        assert_eq!(against(schema_of(message), &bytes), None, "{name}");
    }
}

/// Known elements are held to their form wherever they stand.
#[test]
fn answer_schemas_refuse_wrong_values() {
    for (name, from, to) in [
        (
            "OQSmuquc02res_mixed.xml",
            "<NumberOfError>1",
            "<NumberOfError>one",
        ),
        (
            "OQSmuquc02res_mixed.xml",
            "<Birthdate>19600101",
            "<Birthdate>1960-01-01",
        ),
        (
            "OQSmuquc01res_accepted.xml",
            "<ReceptionDateTime>2026",
            "<ReceptionDateTime>26",
        ),
        (
            "OQSmuimm02res_mixed.xml",
            "<InsurerNumber>",
            "<InsurerNumber>000000000",
        ),
        (
            "YZKsiquc01res_drugs.xml",
            "<MeTrMonth>202604",
            "<MeTrMonth>2026-04",
        ),
        (
            "TKKsiquc01res_two-days.xml",
            "<EffectiveTime>2024",
            "<EffectiveTime>R6.",
        ),
    ] {
        let good = String::from_utf8(super::examples::answer(name)).unwrap();
        let wrong = good.replacen(from, to, 1);
        assert_ne!(good, wrong, "{from}");
        let message = Message::recognise(name, b"").unwrap();
        assert!(
            against(schema_of(message), wrong.as_bytes()).is_some(),
            "{to}"
        );
    }
}
