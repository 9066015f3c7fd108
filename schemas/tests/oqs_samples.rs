//! Every sample in `samples/oqs` reads to the answer in its snapshot, and every refused one says why.

#![expect(clippy::unwrap_used, reason = "a test panics on what must not happen")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use shikaku_schemas::group::{Facility, Scheme};
use shikaku_schemas::observation::{OqsAnswer, OqsFolder};
use shikaku_schemas::oqs::{Eligibility, Limits, OqsError, Reading, read_answer, text};
use shikaku_schemas::value::InquiryId;

fn samples(folder: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| !name.starts_with("OQSmu"))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn facility() -> Facility {
    serde_json::from_value(serde_json::json!({ "code": "1319912349", "name": "見本病院" })).unwrap()
}

fn schemes() -> Vec<Scheme> {
    let elements = [
        ("IncomeClassification", "income_classification"),
        ("UpperLimitAmount", "upper_limit_yen"),
    ];
    vec![Scheme {
        code: "54".to_owned(),
        classification: "B5".to_owned(),
        elements: BTreeMap::from(elements.map(|(from, to)| (from.to_owned(), to.to_owned()))),
    }]
}

fn read(name: &str, bytes: &[u8]) -> Result<OqsAnswer, OqsError> {
    let (facility, schemes) = (facility(), schemes());
    let ours = name.starts_with("ticket-");
    let reading = Reading {
        folder: if ours {
            OqsFolder::Res
        } else {
            OqsFolder::Face
        },
        facility: &facility,
        schemes: &schemes,
        inquiry: ours.then(|| InquiryId(uuid::Uuid::from_u128(7))),
    };
    read_answer(bytes, &Limits::SINGLE, &reading)
}

#[test]
fn samples_read_to_their_snapshots() {
    for (name, path) in samples("samples/oqs") {
        let answer =
            read(&name, &fs::read(path).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        insta::assert_json_snapshot!(name, answer);
    }
}

/// Their messages, one a line: for people, without anything of the content.
#[test]
fn refused_samples_say_why() {
    let mut lines = String::new();
    for (name, path) in samples("samples/oqs/refused") {
        let error = read(&name, &fs::read(path).unwrap()).expect_err(&name);
        let wait = if error.is_incomplete() {
            "wait"
        } else {
            "quarantine"
        };
        lines += &format!("{name}: {wait}: {}: {error}\n", error.reason());
    }
    insta::assert_snapshot!("refused", lines);
}

#[test]
fn whole_messages_keep_every_element() {
    for name in [
        "face-insurance-full",
        "face-shuffled",
        "face-dispensing-ticket",
    ] {
        let bytes = fs::read(format!(
            "{}/samples/oqs/{name}.xml",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap();
        let decoded = text::decode(&bytes).unwrap();
        let message = Eligibility::parse(&decoded.text, &Limits::SINGLE).unwrap();
        insta::assert_debug_snapshot!(format!("message-{name}"), message);
    }
}

/// Numbers in a 未委託 answer go no further, wherever they hid: only the evidence keeps them.
#[test]
fn not_commissioned_hides_every_number() {
    let path = "/samples/oqs/not-commissioned-canaries.xml";
    let bytes = fs::read(format!("{}{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let answer = serde_json::to_string(&read("canaries", &bytes).unwrap()).unwrap();
    for canary in ["129979", "9991", "備考", "試料　係", "番地"] {
        assert!(!answer.contains(canary), "{canary} in {answer}");
    }
}

/// Any host may write into the folders: a file cut anywhere is never taken for a whole one. It must be waited
/// for, not set aside at once: it is being written.
#[test]
fn cut_anywhere_means_wait() {
    const NAMES: [&str; 6] = [
        "face-assistance-only-cp932",
        "face-no-declaration-cp932",
        "face-shuffled",
        "face-utf8-bom",
        "not-commissioned-canaries",
        "ticket-rejected",
    ];
    let chosen = |(name, _): &(String, PathBuf)| NAMES.contains(&name.as_str());
    for (name, path) in samples("samples/oqs").into_iter().filter(chosen) {
        let bytes = fs::read(path).unwrap();
        for length in 0..bytes.trim_ascii_end().len() {
            let error = read(&name, &bytes[..length]).expect_err(&name);
            assert!(error.is_incomplete(), "{name} cut at {length}: {error}");
        }
    }
}

#[test]
fn a_50_mib_file_is_refused_unread() {
    let bytes = vec![b' '; 50 << 20];
    assert_eq!(read("face", &bytes).unwrap_err().reason(), "too-large");
}

/// Depth is bounded, so that a small stack is enough for any file.
#[test]
fn the_deepest_message_needs_little_stack() {
    let deep =
        format!("<XmlMsg>{}{}", "<A>".repeat(30), "</A>".repeat(30)) + "<MessageBody/></XmlMsg>";
    let reader = std::thread::Builder::new().stack_size(512 << 10);
    let error = reader
        .spawn(move || read("face", deep.as_bytes()).unwrap_err())
        .unwrap();
    assert_eq!(error.join().unwrap().reason(), "no-date");
}
