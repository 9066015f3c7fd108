//! Answers as readers see them that share nothing with the writer: xmllint, and lxml under Python.
//! A missing tool fails here; `make setup` brings both.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::civil::{Date, date};
use serde::Deserialize;
use shikaku_terminal_simulator::{
    Answered, INSTITUTION, Knobs, OTHER_INSTITUTION, Person, Question, render_answer, render_face,
    town,
};

type Fields = std::collections::BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
struct Seen {
    encoding: String,
    header: Fields,
    status: Option<String>,
    validity: Option<String>,
    echo: Fields,
    order: Vec<String>,
    records: Vec<SeenRecord>,
}

#[derive(Debug, Deserialize)]
struct SeenRecord {
    classification: String,
    name: String,
    birth_date: String,
    ended_on: Option<String>,
    reference_number: Option<String>,
    numbers: Fields,
    ticket_list: bool,
    tickets: Vec<Fields>,
}

/// Python with lxml: `SHIKAKU_PYTHON`, or the one that `make setup` brings.
fn python() -> PathBuf {
    std::env::var_os("SHIKAKU_PYTHON").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/python"),
        PathBuf::from,
    )
}

fn pipe(command: &mut Command, bytes: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} is missing ({error}); run `make setup`"));
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} refuses:\n{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(bytes)
    );
    output.stdout
}

fn read(bytes: &[u8]) -> Seen {
    let schema =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/xsd/eligibility-answer.xsd");
    pipe(
        Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .arg(schema)
            .arg("-"),
        bytes,
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/second_reader.py");
    let json = pipe(Command::new(python()).arg(script), bytes);
    serde_json::from_slice(&json).unwrap()
}

const DAY: Date = date(2026, 5, 11);

fn answered() -> Answered {
    Answered::now(DAY.at(9, 15, 0, 0), INSTITUTION)
}

fn person(id: &str) -> Person {
    town().into_iter().find(|person| person.id == id).unwrap()
}

fn face(id: &str, knobs: &[&str]) -> Seen {
    let knobs = Knobs::parse(knobs).unwrap();
    read(&render_face(&person(id), &answered(), &knobs))
}

fn ask(id: &str) -> Question {
    let person = person(id);
    let (insurer, number) = match (&person.assistance, &person.insurance) {
        (Some(half), _) => (half.payer_number.clone(), half.recipient_number.clone()),
        (None, Some(half)) => (half.insurer_number.clone(), half.number.clone()),
        (None, None) => unreachable!("everybody has a half"),
    };
    Question {
        confirmed_on: Some(DAY),
        institution_code: Some(INSTITUTION.to_owned()),
        file_identifier: Some("hub-1".to_owned()),
        insurer_number: Some(insurer),
        number: Some(number),
        birth_date: Some(person.birth_date),
        limit_certificate_consent: Some("0".to_owned()),
        ..Question::default()
    }
}

fn answer(question: &Question) -> Seen {
    read(&render_answer(
        &town(),
        question,
        &answered(),
        &Knobs::default(),
    ))
}

#[test]
fn everybody_is_readable_in_every_encoding_and_order() {
    for knobs in [
        ["encoding=utf-8", "order=fixed"],
        ["encoding=shift-jis", "order=shuffled"],
        ["encoding=utf-8-bom", "order=shuffled"],
    ] {
        for person in town() {
            let seen = face(&person.id, &knobs);
            assert_eq!(seen.header["MedicalInstitutionCode"], INSTITUTION);
            assert_eq!(seen.header["ProcessExecutionTime"], "20260511091500");
            for record in &seen.records {
                assert_eq!(record.name, person.name);
                assert_eq!(
                    record.birth_date,
                    person.birth_date.strftime("%Y%m%d").to_string()
                );
            }
        }
    }
}

#[test]
fn the_declared_encoding_and_its_code_agree() {
    for (knobs, encoding, code) in [
        (["encoding=utf-8", "character-code=01"], "UTF-8", "0"),
        (
            ["encoding=shift-jis", "character-code=01"],
            "Shift_JIS",
            "1",
        ),
        (["encoding=utf-8", "character-code=12"], "UTF-8", "1"),
        (
            ["encoding=shift-jis", "character-code=12"],
            "Shift_JIS",
            "2",
        ),
    ] {
        let seen = face("one-ticket", &knobs);
        assert_eq!(seen.encoding, encoding);
        assert_eq!(seen.header["CharacterCodeIdentifier"], code);
    }
}

#[test]
fn each_standing_has_its_validity_and_records() {
    for (id, validity, classifications) in [
        ("insured-only", "1", &["01"][..]),
        ("one-ticket", "1", &["A1"]),
        ("combined", "1", &["01", "A1"]),
        ("not-commissioned-new", "6", &["A1"]),
        ("not-commissioned-known", "6", &["A1"]),
        ("combined-not-commissioned", "6", &["01", "A1"]),
        ("lost", "2", &["A1"]),
        ("lost-with-newer", "3", &["A1"]),
        ("not-found", "4", &[]),
        ("multiple", "5", &[]),
    ] {
        let seen = face(id, &[]);
        let found: Vec<_> = seen
            .records
            .iter()
            .map(|record| record.classification.as_str())
            .collect();
        assert_eq!(seen.header["SegmentOfResult"], "1", "{id}");
        assert_eq!(seen.status.as_deref(), Some("1"), "{id}");
        assert_eq!(seen.validity.as_deref(), Some(validity), "{id}");
        assert_eq!(found, classifications, "{id}");
    }
}

#[test]
fn a_refusal_names_nobody() {
    let seen = face("rejected", &[]);
    assert_eq!(seen.header["SegmentOfResult"], "9");
    assert_eq!(seen.header["ErrorCode"], "SIM0009");
    assert_eq!(seen.validity, None);
    assert!(seen.records.is_empty());
}

#[test]
fn what_is_lost_has_an_end_and_no_ticket() {
    for id in ["lost", "lost-with-newer"] {
        let seen = face(id, &[]);
        assert_eq!(seen.records[0].ended_on.as_deref(), Some("20260501"));
        assert!(seen.records[0].tickets.is_empty());
    }
}

#[test]
fn tickets_are_of_the_month_asked_for() {
    let seen = face("two-tickets", &[]);
    let types: Vec<_> = seen.records[0]
        .tickets
        .iter()
        .map(|ticket| ticket["MedicalTreatmentType"].as_str())
        .collect();
    assert_eq!(types, ["02", "01"]);
    for ticket in &seen.records[0].tickets {
        assert_eq!(ticket["MedicalTreatmentMonth"], "202605");
        assert_eq!(ticket["MedicalTicketValidDate"], "20260501");
        assert_eq!(ticket["MedicalTicketExpirationDate"], "20260531");
        assert_eq!(ticket["DesignatedMedicalInstitutionFlag"], "0");
        assert_eq!(ticket["SingleOrCombinedUse"], "01");
    }
    let dispensing = &face("dispensing", &[]).records[0].tickets[0];
    assert_eq!(dispensing["TicketType"], "02");
    assert_eq!(
        dispensing["PrescriptionIssuerMedicalInstitutionCode"],
        OTHER_INSTITUTION
    );
    let combined = &face("combined", &[]).records[1].tickets[0];
    assert_eq!(combined["SingleOrCombinedUse"], "02");
    assert_eq!(combined["StatusOfSocialInsurance"], "01");
}

#[test]
fn not_commissioned_answers_hold_no_number_in_any_form() {
    for (knob, validity, elements, list) in [
        ("not-commissioned=absent", "6", 0, false),
        ("not-commissioned=blank", "6", 2, false),
        ("not-commissioned=validity-1", "1", 0, false),
        ("not-commissioned=empty-list", "6", 0, true),
    ] {
        for id in ["not-commissioned-known", "combined-not-commissioned"] {
            let knobs = Knobs::parse([knob, "numbers=both"]).unwrap();
            let someone = person(id);
            let bytes = render_face(&someone, &answered(), &knobs);
            let text = String::from_utf8(bytes.clone()).unwrap();
            let assistance = someone.assistance.unwrap();
            assert!(!text.contains(&assistance.payer_number), "{knob} {id}");
            assert!(!text.contains(&assistance.recipient_number), "{knob} {id}");
            let seen = read(&bytes);
            let record = seen.records.last().unwrap();
            assert_eq!(seen.validity.as_deref(), Some(validity));
            assert_eq!(record.numbers.len(), elements);
            assert!(record.numbers.values().all(String::is_empty));
            assert_eq!(record.ticket_list, list);
        }
    }
}

#[test]
fn the_numbers_stand_where_the_knob_says() {
    for (knob, expected) in [
        (
            "numbers=h1",
            &["InsuredIdentificationNumber", "InsurerNumber"][..],
        ),
        ("numbers=h2", &["BeneficiaryNumber", "PublicExpenseNumber"]),
        (
            "numbers=both",
            &[
                "BeneficiaryNumber",
                "InsuredIdentificationNumber",
                "InsurerNumber",
                "PublicExpenseNumber",
            ],
        ),
    ] {
        let seen = face("one-ticket", &[knob]);
        let names: Vec<_> = seen.records[0].numbers.keys().map(String::as_str).collect();
        assert_eq!(names, expected, "{knob}");
    }
}

#[test]
fn order_and_spelling_and_tickets_follow_their_knobs() {
    let first = |seen: &Seen| seen.records[0].classification.clone();
    assert_eq!(first(&face("combined", &["combined-order=a1-first"])), "A1");
    assert_eq!(
        first(&face(
            "combined",
            &["combined-order=a1-first", "order=shuffled"]
        )),
        "A1"
    );
    assert_ne!(
        face("combined", &["order=shuffled"]).order,
        face("combined", &["order=fixed"]).order
    );
    let ticket = |knob: &str| {
        face("one-ticket", &[knob])
            .records
            .remove(0)
            .tickets
            .remove(0)
    };
    assert!(ticket("spelling=infecton").contains_key("StatusOfInfecton"));
    assert!(ticket("spelling=infection").contains_key("StatusOfInfection"));
    assert_eq!(
        ticket("tickets=other-institution")["DesignatedMedicalInstitutionFlag"],
        "1"
    );
    assert_eq!(
        ticket("tickets=out-of-term")["MedicalTreatmentMonth"],
        "202604"
    );
    assert_eq!(ticket("tickets=inconsistent")["ConsistencyFlag"], "1");
    assert_eq!(ticket("tickets=dispensing")["TicketType"], "02");
    assert_eq!(
        face("one-ticket", &["tickets=several"]).records[0]
            .tickets
            .len(),
        2
    );
}

/// In the field "Shift_JIS" means Microsoft's flavour, which these two readers know by its own name only.
fn as_cp932(bytes: Vec<u8>) -> Vec<u8> {
    const DECLARED: &[u8] = b"encoding=\"Shift_JIS\"";
    let Some(at) = bytes
        .windows(DECLARED.len())
        .position(|part| part == DECLARED)
    else {
        return bytes;
    };
    [
        &bytes[..at],
        b"encoding=\"CP932\"",
        &bytes[at + DECLARED.len()..],
    ]
    .concat()
}

#[test]
fn hard_names_survive_both_encodings() {
    for encoding in ["encoding=utf-8", "encoding=shift-jis"] {
        let name = |names: &str| {
            let knobs = Knobs::parse([encoding, names]).unwrap();
            let bytes = render_face(&person("one-ticket"), &answered(), &knobs);
            read(&as_cp932(bytes)).records.remove(0).name
        };
        assert_eq!(name("names=plain"), "見本　一葉");
        assert_eq!(name("names=unmappable"), "●本　一葉");
        assert_eq!(name("names=level3"), "髙見本　一葉德");
        assert!(name("names=long").chars().count() > 80);
    }
}

#[test]
fn what_shift_jis_lacks_becomes_a_black_circle() {
    let mut someone = person("one-ticket");
    someone.name = "𠮷本　一葉".to_owned();
    let knobs = Knobs::parse(["encoding=shift-jis"]).unwrap();
    let seen = read(&render_face(&someone, &answered(), &knobs));
    assert_eq!(seen.records[0].name, "●本　一葉");
}

#[test]
fn a_ticket_inquiry_is_answered_with_the_assistance_half_alone() {
    let seen = answer(&ask("combined"));
    assert_eq!(seen.header["ReferenceClassification"], "2");
    assert_eq!(seen.header["ArbitraryFileIdentifier"], "hub-1");
    assert_eq!(seen.records.len(), 1);
    assert_eq!(seen.records[0].classification, "A1");
    assert_eq!(seen.records[0].reference_number.as_deref(), Some("T00006"));
    assert_eq!(
        seen.echo["InsuredIdentificationNumber"],
        seen.records[0].numbers["InsuredIdentificationNumber"]
    );
}

#[test]
fn an_insurance_inquiry_is_answered_with_insurance_alone() {
    let seen = answer(&ask("insured-only"));
    assert_eq!(seen.records[0].classification, "01");
    assert_eq!(seen.records[0].numbers["InsurerNumber"], "06139992");
}

#[test]
fn by_ticket_what_is_lost_shows_no_record() {
    for (id, validity) in [
        ("lost", "2"),
        ("lost-with-newer", "3"),
        ("not-found", "4"),
        ("multiple", "5"),
    ] {
        let seen = answer(&ask(id));
        assert_eq!(seen.validity.as_deref(), Some(validity), "{id}");
        assert!(seen.records.is_empty(), "{id}");
    }
}

#[test]
fn wrong_questions_are_told_so() {
    let mut stranger = ask("one-ticket");
    stranger.birth_date = Some(date(1900, 1, 1));
    assert_eq!(answer(&stranger).validity.as_deref(), Some("4"));
    let mut incomplete = ask("one-ticket");
    incomplete.birth_date = None;
    assert_eq!(answer(&incomplete).header["ErrorCode"], "SIM0001");
    let mut elsewhere = ask("one-ticket");
    elsewhere.institution_code = Some(OTHER_INSTITUTION.to_owned());
    assert_eq!(answer(&elsewhere).header["ErrorCode"], "SIM0003");
}
