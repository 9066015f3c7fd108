//! The running terminal over real folders.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shikaku_terminal_simulator::{
    Folders, Knobs, Scenario, Simulator, SimulatorError, SimulatorOptions, TicketShown,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const REQUEST: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<XmlMsg><MessageHeader><QualificationConfirmationDate>20260511</QualificationConfirmationDate>
<MedicalInstitutionCode>1319912349</MedicalInstitutionCode></MessageHeader>
<MessageBody><QualificationConfirmSearchInfo><InsurerNumber>12997011</InsurerNumber>
<InsuredIdentificationNumber>1</InsuredIdentificationNumber><Birthdate>19620719</Birthdate>
<LimitApplicationCertificateRelatedConsFlg>0</LimitApplicationCertificateRelatedConsFlg>
</QualificationConfirmSearchInfo></MessageBody></XmlMsg>"#;

struct Running {
    root: tempfile::TempDir,
    folders: Folders,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), SimulatorError>>,
    shown: mpsc::Receiver<TicketShown>,
}

fn start(scenario: &str, knobs: &[&str]) -> Running {
    let root = tempfile::tempdir().unwrap();
    let (desk, shown) = mpsc::channel(100);
    let simulator = Simulator::new(SimulatorOptions {
        root: root.path().to_owned(),
        scenario: Scenario::parse(scenario).unwrap(),
        knobs: Knobs::parse(knobs).unwrap(),
        clock: Arc::new(|| "2026-05-11T00:15:00Z".parse::<Timestamp>().unwrap()),
        speed: Some(1e6),
        centre: None,
        desk: Some(desk),
    })
    .unwrap();
    let cancel = CancellationToken::new();
    Running {
        folders: Folders::make(root.path()).unwrap(),
        root,
        task: tokio::spawn(simulator.run(cancel.clone())),
        cancel,
        shown,
    }
}

impl Running {
    async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
        drop(self.root);
    }
}

/// Waits until `condition` holds; the deadline only ends a failing test.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while !condition() {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn whole(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.trim_end().ends_with("</XmlMsg>"))
}

fn one_face(folder: &Path) -> Option<std::path::PathBuf> {
    names(folder)
        .into_iter()
        .find(|name| {
            name.starts_with("OQSsiquc01res_face_1319912349")
                && name.ends_with("_20260511091500.xml")
        })
        .map(|name| folder.join(name))
}

const ONE_CARD: &str = "[[step]]\nat = \"09:00:00\"\nperson = \"one-ticket\"";

#[tokio::test]
async fn a_request_is_taken_and_answered_under_its_name() {
    let running = start("", &["latency-ms=1"]);
    let request = running
        .folders
        .requests()
        .join("OQSsiquc01req_202605110001.xml");
    std::fs::write(running.folders.requests().join("EPSsiquc01req_1.xml"), "x").unwrap();
    std::fs::write(&request, REQUEST).unwrap();
    let answer = running
        .folders
        .answers()
        .join("OQSsiquc01res_202605110001.xml");
    until("the answer is whole", || whole(&answer)).await;
    assert_eq!(names(&running.folders.requests()), ["EPSsiquc01req_1.xml"]);
    assert!(
        std::fs::read_to_string(&answer)
            .unwrap()
            .contains("<QualificationValidity>4<")
    );
    running.stop().await;
}

#[tokio::test]
async fn a_silent_terminal_takes_and_says_nothing() {
    let running = start(ONE_CARD, &["silence=no-answer", "latency-ms=1"]);
    for request in ["OQSsiquc01req_1.xml", "OQSsiquc01req_2.xml"] {
        let request = running.folders.requests().join(request);
        std::fs::write(&request, REQUEST).unwrap();
        until("the request is taken", || !request.exists()).await;
    }
    assert!(names(&running.folders.answers()).is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_second_answer_comes_after_the_first_was_collected() {
    let running = start("", &["silence=duplicate", "latency-ms=20"]);
    std::fs::write(
        running.folders.requests().join("OQSsiquc01req_7.xml"),
        REQUEST,
    )
    .unwrap();
    let answer = running.folders.answers().join("OQSsiquc01res_7.xml");
    until("the first answer is whole", || whole(&answer)).await;
    std::fs::remove_file(&answer).unwrap();
    until("the second answer is whole", || whole(&answer)).await;
    running.stop().await;
}

#[tokio::test]
async fn what_is_no_request_is_taken_and_stays_without_answer() {
    let running = start("", &["latency-ms=1"]);
    let broken = running.folders.requests().join("OQSsiquc01req_1.xml");
    std::fs::write(&broken, "no XML").unwrap();
    until("it is taken", || !broken.exists()).await;
    std::fs::write(
        running.folders.requests().join("OQSsiquc01req_2.xml"),
        REQUEST,
    )
    .unwrap();
    let next = running.folders.answers().join("OQSsiquc01res_2.xml");
    until("the next one is answered", || whole(&next)).await;
    assert_eq!(names(&running.folders.answers()), ["OQSsiquc01res_2.xml"]);
    running.stop().await;
}

#[tokio::test]
async fn the_default_day_brings_every_card_and_every_ticket() {
    let mut running = start(include_str!("../src/day.toml"), &[]);
    let faces = running.folders.faces();
    until("eighteen cards were read", || {
        names(&faces)
            .iter()
            .filter(|name| name.ends_with(".xml"))
            .count()
            == 18
    })
    .await;
    let mut shown = Vec::new();
    for _ in 0..5 {
        shown.push(running.shown.recv().await.unwrap().person);
    }
    assert_eq!(
        shown,
        [
            "two-tickets",
            "not-found",
            "rejected",
            "one-ticket",
            "combined-lost-with-newer"
        ]
    );
    assert!(
        names(&faces)
            .iter()
            .any(|name| name.ends_with("_20260420091500.xml"))
    );
    running.stop().await;
}

#[tokio::test]
async fn files_come_to_lie_there_as_the_knob_says() {
    for (knob, in_the_end_whole) in [
        ("writing=atomic", true),
        ("writing=chunks", true),
        ("writing=locked", true),
        ("writing=truncated", false),
    ] {
        let running = start(ONE_CARD, &[knob]);
        let faces = running.folders.faces();
        until("a face file lies there", || one_face(&faces).is_some()).await;
        let face = one_face(&faces).unwrap();
        if in_the_end_whole {
            until("it is whole", || whole(&face)).await;
        } else {
            until("it is cut off", || {
                std::fs::metadata(&face).unwrap().len() > 100
            })
            .await;
            assert!(!whole(&face));
        }
        running.stop().await;
    }
}

#[tokio::test]
async fn a_vanishing_file_is_there_and_gone() {
    let running = start(ONE_CARD, &["writing=vanishing"]);
    let faces = running.folders.faces();
    until("it lies there", || one_face(&faces).is_some()).await;
    until("it is gone", || names(&faces).is_empty()).await;
    running.stop().await;
}
