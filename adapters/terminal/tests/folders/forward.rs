//! Requests of existing programs: forwarded once, answered byte for byte under the names they expect.

use std::fs;
use std::io::{Cursor, Read as _};
use std::path::PathBuf;

use shikaku_kit::suite::eventually;
use shikaku_schemas::group::FaceMode;
use shikaku_schemas::observation::{Observation, ObservationBody, Progress, RequestForwarded};
use shikaku_schemas::oqs::archive::{Archive, ArchiveLimits, pack};
use shikaku_schemas::oqs::job::{Accepted, Poll};
use shikaku_schemas::oqs::medical::{self, Wanted};
use shikaku_schemas::oqs::request::Head;
use shikaku_schemas::oqs::single::Search;
use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::oqs::{Form, Limits, Request, bulk, commissioned, single};

use crate::job::{MAY, is_tidy, numbers, person};
use crate::support::{FACILITY, Place, Played, Scene};

const PROGRAM: &str = "receipt-a";
const DAY: jiff::civil::Date = jiff::civil::date(2026, 5, 21);

/// Under which the simulator encrypts and opens.
const PASSWORD: &str = "himitsu";

async fn scene() -> Scene {
    scene_with(None).await
}

async fn scene_with(zip_password: Option<&'static str>) -> Scene {
    let mut place = Place {
        zip_password,
        ..Place::new(FaceMode::Copy)
    };
    place.virtual_terminals = vec![PROGRAM.to_owned()];
    for folder in ["req", "res", "face"] {
        fs::create_dir_all(place.virtual_folder(PROGRAM, folder)).expect("a folder");
    }
    Scene::of(place).await
}

fn head() -> Head {
    Head::new(FACILITY, "program-1")
}

fn search() -> Search {
    let numbers = numbers("one-ticket");
    Search {
        insurer_number: numbers.insurer_number,
        symbol: None,
        number: numbers.number,
        branch: None,
        birth_date: person("one-ticket").birth_date,
        limit_certificate_consent: false,
        arbitrary_identifier: None,
    }
}

fn ticket() -> Vec<u8> {
    let request = single::Request {
        head: head(),
        confirmed_on: DAY,
        search: search(),
    };
    request.write(Encoding::Utf8).expect("a request")
}

fn drugs(form: Form) -> Vec<u8> {
    let numbers = numbers("one-ticket");
    medical::Request {
        head: head(),
        insurer_number: numbers.insurer_number,
        symbol: None,
        number: numbers.number,
        branch: None,
        wanted: Wanted::Drugs {
            from: MAY,
            to: MAY,
            with_treatments: true,
        },
        form,
    }
    .write(Encoding::Utf8)
    .expect("a request")
}

/// The program puts a request there, as good programs do.
fn put(scene: &Scene, name: &str, bytes: &[u8]) {
    let folder = scene.place.virtual_folder(PROGRAM, "req");
    let temporary = folder.join(format!("{name}.tmp"));
    fs::write(&temporary, bytes).expect("written");
    fs::rename(temporary, folder.join(name)).expect("renamed");
}

fn month() -> Vec<u8> {
    let head = head();
    let request = commissioned::Request { head, month: MAY };
    request.write(Encoding::Cp932).expect("a request")
}

/// A list of one person.
fn list() -> Vec<u8> {
    let request = bulk::Request {
        head: head(),
        confirmed_on: DAY,
        searches: vec![Search {
            arbitrary_identifier: Some("1".to_owned()),
            ..search()
        }],
    };
    request.write(Encoding::Cp932).expect("a request")
}

/// As it is, or packed under `password`.
fn put_as(scene: &Scene, base: &str, text: &[u8], password: Option<&str>) {
    let xml = format!("{base}.xml");
    match password {
        None => put(scene, &xml, text),
        Some(password) => {
            let packed = pack(&xml, text, password.as_bytes()).expect("a good message");
            put(scene, &format!("{base}.zip"), &packed);
        }
    }
}

/// Puts a request and gives its answer, opened.
async fn ask(scene: &Scene, base: &str, text: &[u8], password: Option<&str>) -> Vec<u8> {
    put_as(scene, base, text, password);
    let base = base.replace("req_", "res_");
    let Some(password) = password else {
        return get(scene, &format!("{base}.xml")).await;
    };
    let packed = get(scene, &format!("{base}.zip")).await;
    let limits = ArchiveLimits::DEFAULT;
    let password = Some(password.as_bytes());
    let mut archive =
        Archive::open(Cursor::new(packed), &limits, password).expect("a good message");
    let mut text = Vec::new();
    // Inside it has the name under which the terminal was asked.
    let mut message = archive
        .message(&base[..=base.find('_').expect("a name")])
        .expect("a good message");
    message.read_to_end(&mut text).expect("a good message");
    text
}

/// The program waits for an answer and takes it.
async fn get(scene: &Scene, name: &str) -> Vec<u8> {
    let path = scene.place.virtual_folder(PROGRAM, "res").join(name);
    let bytes = eventually(name, async || fs::read(&path).ok()).await;
    fs::remove_file(path).expect("taken");
    bytes
}

fn forwarded(scene: &Scene) -> Vec<RequestForwarded> {
    let observations = scene.hub.observations();
    let told = observations.into_iter().filter_map(|seen| match seen.body {
        ObservationBody::RequestForwarded(told) => Some(told),
        _ => None,
    });
    told.collect()
}

async fn evidence(scene: &Scene, what: &str, is: impl Fn(&Observation) -> bool) -> Vec<u8> {
    eventually(what, async || {
        let observations = scene.hub.observations();
        let seen = observations.iter().find(|seen| is(seen))?;
        scene.hub.evidence(&seen.evidence.as_ref()?.id)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programs_single_requests_come_back_byte_for_byte_and_are_told() {
    let scene = scene().await;
    let played = Played::over(scene.place.root(), &["consent-check=assumed"], None);
    put(&scene, "OQSsiquc01req_A1.xml", &ticket());
    let answer = get(&scene, "OQSsiquc01res_A1.xml").await;
    let is_answer = |seen: &Observation| matches!(&seen.body, ObservationBody::OqsAnswer(a) if a.inquiry.is_some());
    assert_eq!(evidence(&scene, "the answer", is_answer).await, answer);

    // Some programs name the patient.
    put(
        &scene,
        "YZKsiquc01req_042605210915P0044170.xml",
        &drugs(Form::Xml),
    );
    let xml = get(&scene, "YZKsiquc01res_042605210915P0044170.xml").await;
    put(&scene, "YZKsiquc01req_P0044170pdf.xml", &drugs(Form::Pdf));
    let pdf = get(&scene, "YZKsiquc01res_P0044170pdf.pdf").await;
    for (bytes, has_overview) in [(xml, true), (pdf, false)] {
        let is = |seen: &Observation| matches!(&seen.body, ObservationBody::MedicalAnswer(a) if a.overview.is_some() == has_overview);
        assert_eq!(evidence(&scene, "medical information", is).await, bytes);
    }
    is_tidy(&scene).await;
    let journal = scene
        .place
        .data_dir()
        .join(format!("terminal/{FACILITY}-t1/requests.jsonl"));
    assert!(
        !fs::read_to_string(journal)
            .expect("a journal")
            .contains("P0044170")
    );
    let told = forwarded(&scene);
    let submitted = told
        .iter()
        .filter(|told| told.progress.progress == Progress::Submitted);
    let functions: Vec<_> = submitted.map(|told| told.function.clone()).collect();
    assert_eq!(functions, ["OQSsiquc", "YZKsiquc", "YZKsiquc"]);
    let questions: Vec<_> = told
        .iter()
        .filter_map(|told| Some(told.question.as_ref()?.kind()))
        .collect();
    assert_eq!(questions, ["ticket", "drug-info", "drug-info"]);
    assert!(told.iter().all(|told| told.program == PROGRAM));
    scene.running.stop().await;
    played.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programs_job_is_its_own_and_its_result_is_read_beside() {
    for (form, extension, function, request) in [
        ("bulk-form=xml", "xml", "OQSmutic", month()),
        ("bulk-form=zip", "zip", "OQSmutic", month()),
        ("interfaces=encrypted", "zip", "OQSmuquc", list()),
    ] {
        let password = form.ends_with("encrypted").then_some(PASSWORD);
        let scene = scene_with(password).await;
        let played = Played::over(scene.place.root(), &["working-rounds=1", form], None);
        let accepted = ask(&scene, &format!("{function}01req_x"), &request, password).await;
        let accepted = Accepted::read(&accepted, &Limits::SINGLE).unwrap().unwrap();
        let poll = Poll {
            institution_code: FACILITY.to_owned(),
            reception_number: accepted.reception_number.clone(),
        };
        let poll = poll.write(Encoding::Cp932).unwrap();
        ask(&scene, &format!("{function}02req_1"), &poll, password).await;
        put_as(&scene, &format!("{function}02req_2"), &poll, password);
        let result = get(&scene, &format!("{function}02res_2.{extension}")).await;
        assert_eq!(result.starts_with(b"PK"), extension == "zip");
        let manifest = eventually("its manifest", async || {
            let observations = scene.hub.observations();
            observations.into_iter().find_map(|seen| match seen.body {
                ObservationBody::OqsAnswerManifest(manifest) => Some(manifest),
                _ => None,
            })
        })
        .await;
        let units = if function == "OQSmutic" { 5 } else { 1 };
        assert_eq!((manifest.units, manifest.inquiry), (units, None));
        let told = forwarded(&scene);
        let steps: Vec<_> = told.iter().map(|told| told.progress.progress).collect();
        let expected = [
            Progress::Submitted,
            Progress::Accepted,
            Progress::Polled,
            Progress::Received,
        ];
        assert_eq!(steps, expected, "and we ask after it never ourselves");
        let inquiry = told[0].progress.inquiry;
        assert!(told.iter().all(|told| told.progress.inquiry == inquiry));
        is_tidy(&scene).await;
        scene.running.stop().await;
        played.stop().await;
    }
}

/// What lies in the real `req/`.
fn requests(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.place.root().join("req")).expect("req");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "xml"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_function_passes_and_an_answer_waits_sealed_while_the_program_is_away() {
    let mut scene = scene().await;
    put(&scene, "EPSsiabc01req_P77.xml", b"<Anything/>");
    let request = eventually("it goes on", async || requests(&scene).pop()).await;
    assert_eq!(fs::read(&request).unwrap(), b"<Anything/>");
    eventually("it is taken from the program", async || {
        let mut left = fs::read_dir(scene.place.virtual_folder(PROGRAM, "req")).unwrap();
        left.next().is_none().then_some(())
    })
    .await;
    scene = scene.restart().await;
    assert_eq!(requests(&scene).len(), 1, "once");
    let name = request
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .replace("req_", "res_");
    fs::remove_file(&request).unwrap();
    let (home, away) = (
        scene.place.virtual_folder(PROGRAM, "res"),
        scene.place.virtual_folder(PROGRAM, "away"),
    );
    fs::rename(&home, &away).unwrap();
    let answer = b"whatever it is; \xff\x00";
    fs::write(scene.place.root().join("res").join(name), answer).unwrap();
    is_tidy(&scene).await;
    scene = scene.restart().await;
    fs::rename(&away, &home).unwrap();
    assert_eq!(get(&scene, "EPSsiabc01res_P77.xml").await, answer);
    assert!(forwarded(&scene).is_empty(), "nothing is known of it");
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_while_the_terminal_is_away_and_is_sent_once() {
    let scene = scene().await;
    let (home, away) = (
        scene.place.root(),
        scene.place.directory.path().join("away"),
    );
    fs::rename(&home, &away).unwrap();
    put(&scene, "OQSsiquc01req_A1.xml", &ticket());
    // It has every chance to go wrong first: a few scans long there is no terminal.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    fs::rename(&away, &home).unwrap();
    let request = eventually("it goes on", async || requests(&scene).pop()).await;
    assert_eq!(fs::read(&request).unwrap(), ticket());
    eventually("it is told", async || {
        (forwarded(&scene).len() == 1).then_some(())
    })
    .await;
    assert_eq!(requests(&scene).len(), 1);
    scene.running.stop().await;
}
