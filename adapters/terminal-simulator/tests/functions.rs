//! Every function of the terminal, asked through real folders and read by another reader in another language.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod checkups;
mod packs;
mod terminal;

use std::io::Read as _;
use std::sync::Arc;

use serde_json::{Value, json};
use shikaku_terminal_simulator::{
    Centre, Knobs, OTHER_INSTITUTION, Person, Scenario, payer_number, recipient_number, town,
};
use terminal::{Terminal, clock, request, second_reader, until, valid};

const INSTITUTION: (&str, &str) = ("MedicalInstitutionCode", "1319912349");
const DAY: (&str, &str) = ("QualificationConfirmationDate", "20260511");
const SEARCH: &str = "QualificationConfirmSearchInfo";

fn person(id: &str) -> Person {
    town().into_iter().find(|person| person.id == id).unwrap()
}

fn numbers(id: &str) -> (String, String, String) {
    let person = person(id);
    let half = person.assistance.unwrap();
    let born = person.birth_date.strftime("%Y%m%d").to_string();
    (half.payer_number, half.recipient_number, born)
}

fn single(id: &str, on: &str) -> String {
    let (payer, recipient, born) = numbers(id);
    let search = [
        ("InsurerNumber", &*payer),
        ("InsuredIdentificationNumber", &*recipient),
        ("Birthdate", &*born),
        ("LimitApplicationCertificateRelatedConsFlg", "0"),
    ];
    request(
        &[("QualificationConfirmationDate", on), INSTITUTION],
        &[],
        &[(SEARCH, &search)],
    )
}

fn many(ids: &[&str]) -> String {
    let rows: Vec<_> = ids.iter().map(|id| (*id, numbers(id))).collect();
    let rows: Vec<Vec<(&str, &str)>> = rows
        .iter()
        .map(|(id, (payer, recipient, born))| {
            vec![
                ("InsurerNumber", &**payer),
                ("InsuredIdentificationNumber", &**recipient),
                ("Birthdate", &**born),
                ("LimitApplicationCertificateRelatedConsFlg", "0"),
                ("ArbitraryIdentifier", id),
            ]
        })
        .collect();
    let groups: Vec<_> = rows.iter().map(|row| (SEARCH, &**row)).collect();
    request(&[DAY, INSTITUTION], &[], &groups)
}

fn month(month: &str) -> String {
    let search = [("MedicalTreatmentMonth", month)];
    request(&[INSTITUTION], &[], &[(SEARCH, &search)])
}

fn period(flag: &str) -> String {
    let search = [
        ("ConsentDateFrom", "20260501"),
        ("ConsentDateTo", "20260531"),
        ("MedicalTreatmentFlag", flag),
    ];
    request(&[INSTITUTION], &[], &[(SEARCH, &search)])
}

fn registration(rows: &[(&str, &str)]) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|(id, reference)| (numbers(id), *reference))
        .collect();
    let rows: Vec<Vec<(&str, &str)>> = rows
        .iter()
        .map(|((payer, recipient, _), reference)| {
            vec![
                ("ReferenceNumber", *reference),
                ("InsurerNumber", &**payer),
                ("InsuredIdentificationNumber", &**recipient),
            ]
        })
        .collect();
    let groups: Vec<_> = rows
        .iter()
        .map(|row| ("ReferenceNumberRegistrationInfo", &**row))
        .collect();
    request(&[INSTITUTION], &[], &groups)
}

fn medical(id: &str, months: Option<(&str, &str)>, category: &str) -> String {
    let (payer, recipient, _) = numbers(id);
    let header = [
        INSTITUTION,
        ("InsurerNumber", &*payer),
        ("InsuredPersonIdentificationNumber", &*recipient),
    ];
    let mut body = Vec::new();
    if let Some((from, to)) = months {
        body.extend([("StartDate", from), ("EndDate", to)]);
    }
    body.extend([
        ("FileCategory", category),
        ("PrDiInfClassification", "1"),
        ("MedicalTreatmentFlag", "1"),
    ]);
    request(&header, &body, &[])
}

fn poll(reception: &Value) -> String {
    let number = [("ReceptionNumber", reception.as_str().unwrap())];
    request(&[INSTITUTION], &number, &[])
}

const AT: &str = "2026-05-11T09:15:00";
const REMOTE: &str = "[[step]]\nat = \"09:00:00\"\nperson = \"one-ticket\"\nby = \"home-visit\"\n\
    [[step]]\nat = \"09:00:01\"\nperson = \"two-tickets\"\nby = \"online\"\n\
    [[step]]\nat = \"09:00:02\"\nperson = \"one-ticket\"";

/// Asks for everything once, and looks at each answer with xmllint and with the second reader.
#[tokio::test]
async fn every_function_is_answered_in_both_phases() {
    for knobs in [
        &["encoding=utf-8"][..],
        &[
            "encoding=utf-8-bom",
            "order=shuffled",
            "reception-place=header",
            "numbers=both",
        ],
    ] {
        let terminal = Terminal::start(AT, REMOTE, knobs);
        let faces = terminal.folders.faces();
        until("the card was read", || {
            std::fs::read_dir(&faces).unwrap().any(|entry| {
                let name = entry.unwrap().file_name();
                name.to_string_lossy().ends_with(".xml")
            })
        })
        .await;
        let mut seen = Vec::new();
        for (prefix, asked) in [
            ("OQSsiquc01", single("combined", "20260511")),
            ("OQSsiimm01", registration(&[("one-ticket", "カルテ1")])),
            (
                "YZKsiquc01",
                medical("one-ticket", Some(("202601", "202605")), "4"),
            ),
            ("TKKsiquc01", medical("one-ticket", None, "2")),
        ] {
            let path = terminal.ask(prefix, "1", &asked).await;
            valid(&path);
            seen.extend(second_reader(&[path]));
        }
        assert!(
            seen.iter().all(|answer| answer["verdict"] == "done"),
            "{seen:#?}"
        );
        let record = &seen[0]["unit"]["records"][0];
        assert_eq!(record["texts"]["InsuredCardClassification"], "A1");
        assert_eq!(seen[1]["registration"]["registered"], true);
        assert!(seen[2]["medical"]["drugs"].as_u64().unwrap() > 0);
        for (prefix, asked, units) in [
            (
                "OQSmuquc",
                many(&["one-ticket", "combined", "not-found"]),
                3,
            ),
            ("OQSmutic", month("202605"), 5),
            ("OQSmuhvq", period("2"), 1),
            ("OQSmuonq", period("3"), 1),
            (
                "OQSmuimm",
                registration(&[("one-ticket", "1"), ("lost", "2")]),
                2,
            ),
        ] {
            let path = terminal.ask(&format!("{prefix}01"), "1", &asked).await;
            valid(&path);
            let accepted = second_reader(&[path]).remove(0);
            assert_eq!(accepted["verdict"], "done", "{prefix}");
            let asked = poll(&accepted["reception_number"]);
            let path = terminal.ask(&format!("{prefix}02"), "1", &asked).await;
            valid(&path);
            let answer = second_reader(&[path]).remove(0);
            assert_eq!(answer["verdict"], "done", "{prefix}");
            assert_eq!(answer["reception_number"], accepted["reception_number"]);
            let found = answer.get("units").or(answer.get("registrations")).unwrap();
            assert_eq!(
                found.as_array().unwrap().len(),
                units,
                "{prefix}: {found:#}"
            );
        }
        terminal.stop().await;
    }
}

#[tokio::test]
async fn medical_information_needs_a_consent_of_the_last_day() {
    let terminal = Terminal::start(AT, "", &[]);
    let asked = medical("one-ticket", Some(("202604", "202605")), "2");
    let before = terminal.read("YZKsiquc01", "1", &asked).await;
    assert_eq!(before["verdict"], "refused");
    terminal.stop().await;

    let card = "[[step]]\nat = \"09:00:00\"\nperson = \"one-ticket\"";
    let terminal = Terminal::start(AT, card, &[]);
    let mut count = 0;
    let mut consented = json!(null);
    // The card is read beside us.
    while consented["verdict"] != "done" {
        count += 1;
        assert!(count < 500);
        consented = terminal
            .read("YZKsiquc01", &count.to_string(), &asked)
            .await;
    }
    assert!(consented["medical"]["months"].as_array().unwrap().len() <= 2);
    let pdf = medical("one-ticket", Some(("202604", "202605")), "3");
    let path = terminal.ask("YZKsiquc01", "pdf", &pdf).await;
    assert_eq!(
        second_reader(&[path]),
        [json!({
            "file": "YZKsiquc01res_pdf.pdf",
            "pdf": { "whole": true, "table": true, "pages": 1, "counted": 1 },
        })]
    );
    terminal.put("2026-05-12T09:15:01");
    let after = terminal.read("YZKsiquc01", "late", &asked).await;
    assert_eq!(after["verdict"], "refused");
    terminal.stop().await;
}

#[tokio::test]
async fn nothing_is_known_of_whom_nobody_examined() {
    let terminal = Terminal::start(AT, "", &["medical=nothing", "consent-check=assumed"]);
    let drugs = medical("one-ticket", Some(("202604", "202605")), "4");
    for (prefix, asked) in [
        ("YZKsiquc01", drugs),
        ("TKKsiquc01", medical("one-ticket", None, "2")),
    ] {
        let answer = terminal.read(prefix, "1", &asked).await;
        assert_eq!(answer["verdict"], "done");
        assert_eq!(
            (&answer["medical"]["drugs"], &answer["medical"]["results"]),
            (&json!(0), &json!(0))
        );
    }
    terminal.stop().await;
}

#[tokio::test]
async fn a_registered_number_comes_back_and_is_the_facilitys_own() {
    let clock = clock(AT);
    let centre = Arc::new(Centre::new(&Scenario::quiet(), &Knobs::default()));
    let here = Terminal::join(clock.clone(), "", &[], Some(Arc::clone(&centre)));
    let elsewhere = format!("institution = \"{OTHER_INSTITUTION}\"");
    let there = Terminal::join(clock, &elsewhere, &[], Some(centre));
    here.ask("OQSsiimm01", "1", &registration(&[("one-ticket", "8001")]))
        .await;
    let number = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let (_, rest) = text.split_once("<ReferenceNumber>").unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let seen = here
        .ask("OQSsiquc01", "2", &single("one-ticket", "20260511"))
        .await;
    assert_eq!(number(seen), "8001");
    let asked = single("one-ticket", "20260511").replace("1319912349", OTHER_INSTITUTION);
    let seen = there.ask("OQSsiquc01", "2", &asked).await;
    assert_eq!(number(seen), "T00002");
    let unknown = here
        .read(
            "OQSsiimm01",
            "3",
            &registration(&[("not-commissioned-new", "1")]),
        )
        .await;
    assert_eq!(unknown["registration"]["registered"], false);
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn a_job_is_worked_on_told_and_forgotten() {
    let knobs = ["working-rounds=2", "processing-s=600", "reception-days=7"];
    let terminal = Terminal::start(AT, "", &knobs);
    let accepted = terminal.read("OQSmutic01", "a", &month("202605")).await;
    let asked = poll(&accepted["reception_number"]);
    let verdict = async |unique: &str| terminal.read("OQSmutic02", unique, &asked).await;
    assert_eq!(verdict("1").await["verdict"], "working");
    assert_eq!(verdict("2").await["verdict"], "working");
    assert_eq!(
        verdict("3").await["verdict"],
        "working",
        "ten minutes are not over"
    );
    terminal.put("2026-05-11T09:25:00");
    assert_eq!(verdict("4").await["verdict"], "done");
    terminal.put("2026-05-18T09:15:00");
    assert_eq!(verdict("5").await["verdict"], "done");
    terminal.put("2026-05-18T09:15:01");
    let dead = verdict("6").await;
    assert_eq!(
        (&dead["verdict"], &dead["code"]),
        (&json!("refused"), &json!("SIM0007"))
    );
    let unknown = poll(&json!("202605110000009999"));
    let unknown = terminal.read("OQSmutic02", "7", &unknown).await;
    assert_eq!(unknown["code"], "SIM0008");
    let other = terminal.read("OQSmuquc02", "8", &asked).await;
    assert_eq!(other["code"], "SIM0008", "a number of another function");
    terminal.stop().await;
}

#[tokio::test]
async fn jobs_that_cannot_be_done_are_refused_at_once() {
    let terminal = Terminal::start(AT, "", &["bulk-most=2"]);
    let three = many(&["one-ticket", "combined", "lost"]);
    let wrong = month("202605").replace("1319912349", OTHER_INSTITUTION);
    let blank = request(&[INSTITUTION], &[], &[(SEARCH, &[])]);
    for (prefix, asked, code) in [
        ("OQSmuquc01", three, "SIM0002"),
        ("OQSmutic01", wrong, "SIM0003"),
        ("OQSmutic01", blank, "SIM0001"),
        ("OQSmuhvq01", period("3"), "SIM0001"),
    ] {
        let refused = terminal.read(prefix, code, &asked).await;
        assert_eq!(
            (&refused["verdict"], &refused["code"]),
            (&json!("refused"), &json!(code))
        );
        assert_eq!(refused["reception_number"], json!(null));
    }
    terminal.stop().await;
}

#[tokio::test]
async fn tickets_appear_on_the_day_of_their_office() {
    for (knob, before, after) in [("calendar=15", "14", "15"), ("calendar=20", "19", "20")] {
        let at = format!("2026-05-{before}T09:00:00");
        let terminal = Terminal::start(&at, "", &[knob]);
        let check = async |unique: &str, day: &str| {
            let on = format!("202605{day}");
            let single = terminal
                .read("OQSsiquc01", unique, &single("one-ticket", &on))
                .await;
            let april = terminal
                .read(
                    "OQSsiquc01",
                    &format!("{unique}a"),
                    &self::single("one-ticket", "20260430"),
                )
                .await;
            assert_eq!(april["unit"]["validity"], "1", "last month is registered");
            let accepted = terminal.read("OQSmutic01", unique, &month("202605")).await;
            let asked = poll(&accepted["reception_number"]);
            let units = terminal.read("OQSmutic02", unique, &asked).await["units"].clone();
            (
                single["unit"]["validity"].clone(),
                units.as_array().unwrap().len(),
            )
        };
        assert_eq!(check("1", before).await, (json!("6"), 0), "{knob}");
        terminal.put(&format!("2026-05-{after}T09:00:00"));
        assert_eq!(check("2", after).await, (json!("1"), 5), "{knob}");
        terminal.stop().await;
    }
}

/// The result of a job of three people under a knob.
async fn three(knobs: &[&str]) -> Vec<Value> {
    let terminal = Terminal::start(AT, "", knobs);
    let asked = many(&["one-ticket", "combined", "rejected"]);
    let accepted = terminal.read("OQSmuquc01", "a", &asked).await;
    let asked = poll(&accepted["reception_number"]);
    let mut seen = Vec::new();
    for unique in ["1", "2"] {
        seen.push(terminal.read("OQSmuquc02", unique, &asked).await);
    }
    terminal.stop().await;
    seen
}

fn identifiers(answer: &Value) -> Vec<Value> {
    let units = answer["units"].as_array().unwrap();
    units
        .iter()
        .map(|unit| unit["identifier"].clone())
        .collect()
}

#[tokio::test]
async fn results_go_wrong_as_the_knob_says() {
    let plain = three(&[]).await.remove(0);
    assert_eq!(identifiers(&plain), ["one-ticket", "combined", "rejected"]);
    assert_eq!(plain["units"][2]["status"], "2");
    let reversed = three(&["bulk-order=reversed"]).await.remove(0);
    assert_eq!(
        identifiers(&reversed),
        ["rejected", "combined", "one-ticket"]
    );
    let blank = three(&["bulk-mistake=blank-identifiers"]).await.remove(0);
    assert_eq!(identifiers(&blank), [json!(null), json!(null), json!(null)]);
    let repeated = three(&["bulk-mistake=repeated"]).await.remove(0);
    assert_eq!(identifiers(&repeated).len(), 6);
    let once = three(&["bulk-mistake=empty-once"]).await;
    assert_eq!(
        (identifiers(&once[0]).len(), identifiers(&once[1]).len()),
        (0, 3)
    );
}

/// A result of 一括取得 as it lies in `res/`.
async fn fetched(knobs: &[&str]) -> (String, Vec<u8>) {
    let terminal = Terminal::start("2026-05-21T09:00:00", "", knobs);
    let accepted = terminal.read("OQSmutic01", "a", &month("202605")).await;
    let asked = poll(&accepted["reception_number"]);
    let path = terminal.ask("OQSmutic02", "b", &asked).await;
    let bytes = std::fs::read(&path).unwrap();
    terminal.stop().await;
    (
        path.extension().unwrap().to_str().unwrap().to_owned(),
        bytes,
    )
}

fn count(bytes: &[u8], element: &str) -> usize {
    let text = String::from_utf8_lossy(bytes);
    text.matches(&format!("<{element}>")).count()
}

#[tokio::test]
async fn results_come_in_every_form() {
    let (_, plain) = fetched(&[]).await;
    for (knob, entries) in [
        ("bulk-form=zip", 1),
        ("bulk-form=zip-odd", 4),
        ("bulk-form=zip-encrypted", 1),
    ] {
        let (extension, bytes) = fetched(&[knob]).await;
        assert_eq!(extension, "zip");
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(zip.len(), entries, "{knob}");
        let mut text = Vec::new();
        let last = entries - 1;
        if knob.ends_with("encrypted") {
            assert!(zip.by_index(last).is_err());
            zip.by_index_decrypt(last, b"himitsu")
                .unwrap()
                .read_to_end(&mut text)
                .unwrap();
        } else {
            zip.by_index(last).unwrap().read_to_end(&mut text).unwrap();
        }
        assert_eq!(text, plain, "{knob}");
    }
    let (_, cut) = fetched(&["bulk-mistake=cut"]).await;
    assert!(plain.starts_with(&cut) && cut.len() < plain.len());
    let (_, miscounted) = fetched(&["bulk-mistake=miscounted"]).await;
    assert!(
        String::from_utf8(miscounted)
            .unwrap()
            .contains("<NumberOfProcessingResult>6<")
    );
}

#[tokio::test]
async fn units_are_of_patients_or_of_tickets() {
    let (_, by_patient) = fetched(&[]).await;
    let (_, by_ticket) = fetched(&["bulk-units=per-ticket"]).await;
    let (_, insured) = fetched(&["bulk-insurance=with"]).await;
    assert_eq!(count(&by_patient, "BulkConfirmUnit"), 5);
    assert_eq!(count(&by_ticket, "BulkConfirmUnit"), 6);
    assert_eq!(count(&by_patient, "MedicalTicketInfo"), 6);
    assert_eq!(count(&by_ticket, "MedicalTicketInfo"), 6);
    assert_eq!(count(&insured, "ResultOfQualificationConfirmation"), 6);
}

/// `SHIKAKU_PEOPLE=100000` makes it a large town.
#[tokio::test]
async fn a_generated_town_is_fetched_whole_and_always_the_same() {
    let people: usize =
        std::env::var("SHIKAKU_PEOPLE").map_or(500, |people| people.parse().unwrap());
    let knob = format!("people={people}");
    let (_, first) = fetched(&[&knob, "seed=3"]).await;
    let (_, second) = fetched(&[&knob, "seed=3"]).await;
    assert!(first == second, "the same seed");
    let units = count(&first, "BulkConfirmUnit");
    // Two in a hundred have lost their qualification.
    assert!(units > people * 95 / 100 && units < people, "{units}");
}

#[tokio::test]
async fn generated_people_are_shared_out_among_institutions() {
    let both = "institutions = [\"1319912349\", \"1345077885\"]\nknobs = [\"people=10\"]";
    let terminal = Terminal::start(AT, both, &[]);
    let asked = |row: u32, office: u16, born: &str| {
        let search = [
            ("InsurerNumber", payer_number(office)),
            (
                "InsuredIdentificationNumber",
                recipient_number(100_000 + row),
            ),
            ("Birthdate", born.to_owned()),
            ("LimitApplicationCertificateRelatedConsFlg", "0".to_owned()),
        ];
        let search: Vec<_> = search.iter().map(|(name, text)| (*name, &**text)).collect();
        request(&[DAY, INSTITUTION], &[], &[(SEARCH, &search)])
    };
    // Nobody is told by numbers alone.
    let wrong = terminal
        .read("OQSsiquc01", "1", &asked(0, 801, "19000101"))
        .await;
    assert_eq!(wrong["unit"]["validity"], "4");
    let accepted = terminal.read("OQSmutic01", "a", &month("202605")).await;
    let here = terminal
        .read("OQSmutic02", "b", &poll(&accepted["reception_number"]))
        .await;
    let generated = here["units"].as_array().unwrap().len() - 5;
    assert!((4..=5).contains(&generated), "half of ten: {generated}");
    terminal.stop().await;
}

#[tokio::test]
async fn terminals_of_a_group_share_their_centre() {
    let clock = clock(AT);
    let centre = Arc::new(Centre::new(&Scenario::quiet(), &Knobs::default()));
    let first = Terminal::join(clock.clone(), "", &[], Some(Arc::clone(&centre)));
    let second = Terminal::join(clock, "", &[], Some(centre));
    let accepted = first.read("OQSmutic01", "a", &month("202605")).await;
    first.stop().await;
    let asked = poll(&accepted["reception_number"]);
    assert_eq!(
        second.read("OQSmutic02", "b", &asked).await["verdict"],
        "done"
    );
    second.stop().await;
}

#[tokio::test]
async fn what_nobody_takes_is_tidied_away() {
    let terminal = Terminal::start(AT, "", &["stay-minutes=1440"]);
    let asked = single("one-ticket", "20260511");
    let path = terminal.ask("OQSsiquc01", "1", &asked).await;
    terminal.put("2026-05-12T09:14:00");
    let other = terminal.ask("OQSsiquc01", "2", &asked).await;
    assert!(path.exists());
    terminal.put("2026-05-12T09:16:00");
    until("the older one is gone", || !path.exists()).await;
    assert!(other.exists());
    terminal.stop().await;
}

#[tokio::test]
async fn encrypted_interfaces_pack_all_but_those_that_never_are() {
    let card = "[[step]]\nat = \"09:00:00\"\nperson = \"one-ticket\"";
    let terminal = Terminal::start(AT, card, &["interfaces=encrypted"]);
    let path = terminal
        .ask("OQSsiquc01", "1", &single("one-ticket", "20260511"))
        .await;
    assert_eq!(path.file_name().unwrap(), "OQSsiquc01res_1.zip");
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_index_decrypt(0, b"himitsu")
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.contains("<QualificationValidity>1<"));
    let accepted = terminal.read("OQSmutic01", "a", &month("202605")).await;
    assert_eq!(accepted["verdict"], "done");
    let faces = terminal.folders.faces();
    until("a packed face lies there", || {
        std::fs::read_dir(&faces).unwrap().any(|entry| {
            entry
                .unwrap()
                .path()
                .extension()
                .is_some_and(|extension| extension == "zip")
        })
    })
    .await;
    terminal.stop().await;
}
