//! Samples and written requests against our XSDs, judged by xmllint, which shares no code with us.

#![expect(clippy::unwrap_used, reason = "a test panics on what must not happen")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use shikaku_schemas::oqs::Request as _;
use shikaku_schemas::oqs::request::Head;
use shikaku_schemas::oqs::single::{self, Search};
use shikaku_schemas::oqs::text::{self, Encoding};
use shikaku_schemas::oqs::{Eligibility, eligibility};

fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What xmllint says against; `None` when it is content.
fn complaint(arguments: &[&str], bytes: &[u8]) -> Option<String> {
    let mut child = Command::new("xmllint")
        .args(["--noout", "--nonet"])
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("xmllint is installed (make setup)");
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn against(schema: &str, bytes: &[u8]) -> Option<String> {
    let schema = in_crate(&format!("xsd/{schema}.xsd"));
    complaint(&["--schema", schema.to_str().unwrap()], bytes)
}

/// The text of a sample as UTF-8: libxml2 does not know all of CP932.
fn sample(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let text = text::decode(&bytes).unwrap().text.into_owned();
    text.replacen("encoding=\"Shift_JIS\"", "encoding=\"UTF-8\"", 1)
}

#[test]
fn samples_are_valid_answers() {
    let mut count = 0;
    for entry in fs::read_dir(in_crate("samples/oqs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".xml") || name.starts_with("OQSmu") {
            continue;
        }
        assert_eq!(
            against("eligibility-answer", sample(&path).as_bytes()),
            None,
            "{name}"
        );
        count += 1;
    }
    assert!(count > 30);
}

#[test]
fn the_answer_schema_holds_known_elements_wherever_they_stand() {
    let good = sample(&in_crate("samples/oqs/face-shuffled.xml"));
    for (from, to) in [
        ("<SelfPayAmount>1500", "<SelfPayAmount>1,500"),
        ("> 19710102 <", ">1971-01-02<"),
        ("<Sex1>2", "<Sex1>male"),
        ("<MessageBody>", "<Body/><MessageBody>"),
    ] {
        let wrong = good.replacen(from, to, 1);
        assert_ne!(wrong, good, "{from}");
        assert!(
            against("eligibility-answer", wrong.as_bytes()).is_some(),
            "{to}"
        );
    }
}

#[test]
fn the_answer_schema_knows_every_element_that_is_read() {
    let schema = fs::read_to_string(in_crate("xsd/eligibility-answer.xsd")).unwrap();
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
            assert_eq!(complaint(&[], &bytes), None, "{encoding:?} {identifier}");
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
