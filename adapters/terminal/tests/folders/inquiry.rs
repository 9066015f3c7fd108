//! Ticket inquiries against a terminal played by the test.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::{Scene, answer, body, facility, identifier};
use jiff::{SignedDuration, Timestamp};
use shikaku_kit::suite::eventually;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::group::FaceMode;
use shikaku_schemas::observation::{InquiryProgress, ObservationBody, OqsFolder, Progress};
use shikaku_schemas::task::{Task, TaskBody, TicketQuestion};
use shikaku_schemas::value::InquiryId;

pub fn task(n: u128, patience: SignedDuration) -> Task {
    let now = SystemClock.now();
    Task {
        inquiry: InquiryId(uuid::Uuid::from_u128(n)),
        facility: facility(),
        device: "t1".to_owned(),
        requested_at: now,
        deadline: now + patience,
        resume: None,
        body: TaskBody::Ticket(TicketQuestion {
            payer_number: "12137014".into(),
            recipient_number: "4820155".into(),
            birth_date: jiff::civil::date(1971, 9, 15),
            confirmed_on: jiff::civil::date(2026, 5, 11),
        }),
    }
}

pub const LONG: SignedDuration = SignedDuration::from_secs(600);
const SHORT: SignedDuration = SignedDuration::from_millis(700);

fn requests(scene: &Scene) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(scene.place.root().join("req"))
        .expect("req")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .collect();
    files.sort();
    files
}

async fn request(scene: &Scene) -> PathBuf {
    eventually("a request", async || requests(scene).pop()).await
}

fn response(request: &std::path::Path) -> PathBuf {
    let name = request.file_name().expect("a name").to_string_lossy();
    let root = request
        .parent()
        .and_then(|req| req.parent())
        .expect("a root");
    root.join("res").join(name.replace("req_", "res_"))
}

fn told(scene: &Scene) -> Vec<InquiryProgress> {
    let observations = scene.hub.observations();
    let progress = observations.into_iter().filter_map(|seen| match seen.body {
        ObservationBody::InquiryProgress(progress) => Some(progress),
        _ => None,
    });
    progress.collect()
}

async fn hears(scene: &Scene, progress: Progress) -> InquiryProgress {
    eventually(&format!("{progress:?}"), async || {
        told(scene)
            .into_iter()
            .find(|told| told.progress == progress)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_written_once_and_its_answer_taken_with_its_inquiry() {
    let scene = Scene::new(FaceMode::Copy).await;
    let task = task(1, LONG);
    scene.hub.give(&task).await;
    let file = request(&scene).await;
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let unique = name
        .strip_prefix("OQSsiquc01req_")
        .unwrap()
        .strip_suffix(".xml")
        .unwrap();
    assert!(unique.len() == 12 && unique.bytes().all(|byte| byte.is_ascii_digit()));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("<InsurerNumber>12137014</InsurerNumber>"));
    assert_eq!(hears(&scene, Progress::Submitted).await.file, Some(name));
    fs::remove_file(&file).unwrap();
    scene.hub.give(&task).await;
    eventually("both deliveries settled", async || {
        (scene.hub.open_tasks().await == 0).then_some(())
    })
    .await;
    assert!(requests(&scene).is_empty(), "never a second request");

    fs::write(response(&file), answer(1)).unwrap();
    let found = eventually("the answer", async || {
        scene
            .hub
            .observations()
            .into_iter()
            .find(|seen| body(seen).is_some())
    })
    .await;
    let found = body(&found).unwrap();
    assert_eq!(found.inquiry, Some(task.inquiry));
    assert_eq!(found.folder, OqsFolder::Res);
    eventually("an empty res", async || {
        (!response(&file).exists()).then_some(())
    })
    .await;
    scene.running.stop().await;
}

/// After a lost journal a name comes a second time, and with it the late answer to what was asked first.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_names_another_inquiry_is_not_taken_for_ours() {
    let scene = Scene::new(FaceMode::Copy).await;
    let (forgotten, ours) = (task(31, LONG), task(32, LONG));
    scene.hub.give(&ours).await;
    let file = request(&scene).await;
    let of = |inquiry: InquiryId| {
        let text = String::from_utf8(answer(1)).unwrap();
        text.replace("n1<", &format!("{inquiry}<"))
    };
    let seen = async |inquiry: InquiryId| {
        eventually("an answer", async || {
            let seen = scene.hub.observations();
            let text = inquiry.to_string();
            let found = seen
                .iter()
                .find(|seen| identifier(seen) == Some(text.clone()));
            found.map(|found| body(found).unwrap().inquiry)
        })
        .await
    };
    fs::write(response(&file), of(forgotten.inquiry)).unwrap();
    assert_eq!(seen(forgotten.inquiry).await, None);
    eventually("it is let go of", async || {
        (!response(&file).exists()).then_some(())
    })
    .await;
    fs::write(response(&file), of(ours.inquiry)).unwrap();
    assert_eq!(seen(ours.inquiry).await, Some(ours.inquiry));
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_nobody_took_is_withdrawn_and_timed_out() {
    let scene = Scene::new(FaceMode::Copy).await;
    scene.hub.give(&task(1, SHORT)).await;
    request(&scene).await;
    hears(&scene, Progress::TimedOut).await;
    eventually("an empty req", async || {
        let left = fs::read_dir(scene.place.root().join("req"))
            .unwrap()
            .count();
        (left == 0).then_some(())
    })
    .await;
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_taken_without_an_answer_is_uncertain_and_a_late_answer_still_counts() {
    let mut scene = Scene::new(FaceMode::Copy).await;
    let task = task(1, SHORT);
    scene.hub.give(&task).await;
    let file = request(&scene).await;
    fs::remove_file(&file).unwrap();
    hears(&scene, Progress::Uncertain).await;
    scene = scene.restart().await;
    fs::write(response(&file).with_extension("XML"), answer(5)).unwrap();
    eventually("the late answer", async || {
        let seen = scene.hub.observations();
        seen.iter()
            .filter(|seen| identifier(seen).as_deref() == Some("n5"))
            .find(|seen| body(seen).unwrap().inquiry == Some(task.inquiry))
            .map(drop)
    })
    .await;
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_comes_after_its_deadline_asks_nothing() {
    let scene = Scene::new(FaceMode::Copy).await;
    let mut late = task(1, LONG);
    late.deadline = Timestamp::UNIX_EPOCH;
    scene.hub.give(&late).await;
    let told = hears(&scene, Progress::TimedOut).await;
    assert_eq!(told.file, None);
    assert!(requests(&scene).is_empty());
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_sent_is_refused_and_set_aside() {
    let scene = Scene::new(FaceMode::Copy).await;
    let mut impossible = task(1, LONG);
    let TaskBody::Ticket(question) = &mut impossible.body else {
        panic!("a ticket is asked for");
    };
    question.recipient_number = "😀".into();
    scene.hub.give(&impossible).await;
    hears(&scene, Progress::Refused).await;
    let mut foreign = task(2, LONG);
    foreign.device = "t2".to_owned();
    let payload = serde_json::to_vec(&foreign).unwrap();
    scene
        .hub
        .give_raw("shikaku.task.1319912349.terminal.t1.ticket", payload)
        .await;
    eventually("two dead letters", async || {
        (scene.hub.dead_letters().len() == 2).then_some(())
    })
    .await;
    assert!(requests(&scene).is_empty());
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_go_on_after_a_restart_and_never_meet_a_foreign_answer() {
    let mut scene = Scene::new(FaceMode::Copy).await;
    scene.hub.give(&task(1, LONG)).await;
    let first = request(&scene).await;
    fs::remove_file(&first).unwrap();
    let first = first.file_name().unwrap().to_str().unwrap().to_owned();
    let (day, sequence) = (&first[14..22], first[22..26].parse::<u32>().unwrap());
    let foreign = format!("OQSsiquc01res_{day}{:04}.xml", sequence + 1);
    fs::write(scene.place.root().join("res").join(&foreign), answer(3)).unwrap();
    scene = scene.restart().await;
    scene.hub.give(&task(2, LONG)).await;
    let second = request(&scene).await;
    let second = second.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(
        second,
        format!("OQSsiquc01req_{day}{:04}.xml", sequence + 2)
    );
    assert!(scene.place.root().join("res").join(foreign).exists());
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_puts_the_task_off_until_it_is_back() {
    let scene = Scene::new(FaceMode::Copy).await;
    let req = scene.place.root().join("req");
    fs::remove_dir(&req).unwrap();
    scene.hub.give(&task(1, LONG)).await;
    tokio::time::timeout(
        Duration::from_millis(300),
        hears(&scene, Progress::Submitted),
    )
    .await
    .expect_err("nothing is submitted into a folder that is away");
    fs::create_dir(&req).unwrap();
    request(&scene).await;
    scene.running.stop().await;
}

/// Writes the journal that a crash at the given moment leaves behind.
fn left_behind(scene_dir: &std::path::Path, step: &str, file: &str, deadline: Timestamp) {
    let directory = scene_dir.join("terminal/1319912349-t1");
    fs::create_dir_all(&directory).expect("a directory");
    let line = serde_json::json!({
        "inquiry": uuid::Uuid::from_u128(1), "step": step, "file": file,
        "deadline": deadline, "at": SystemClock.now(),
    });
    fs::write(
        directory.join("requests.jsonl"),
        format!("{line}\n{{\"torn"),
    )
    .expect("a journal");
}

const FILE: &str = "OQSsiquc01req_202605115001.xml";

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_without_outcome_is_uncertain_after_a_restart() {
    let place = crate::support::Place::new(FaceMode::Copy);
    left_behind(&place.data_dir(), "intent", FILE, SystemClock.now() + LONG);
    fs::write(
        place
            .root()
            .join("req/OQSsiquc01req_202605115001.shikaku.tmp"),
        "x",
    )
    .unwrap();
    let scene = Scene::of(place).await;
    hears(&scene, Progress::Uncertain).await;
    // The task comes again: it must not be asked again.
    scene.hub.give(&task(1, LONG)).await;
    eventually("a settled task", async || {
        (scene.hub.open_tasks().await == 0).then_some(())
    })
    .await;
    assert!(requests(&scene).is_empty());
    assert_eq!(
        fs::read_dir(scene.place.root().join("req"))
            .unwrap()
            .count(),
        0
    );
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_whose_file_is_still_in_req_is_waited_for_and_withdrawn_at_its_deadline() {
    let place = crate::support::Place::new(FaceMode::Copy);
    left_behind(&place.data_dir(), "intent", FILE, SystemClock.now() + SHORT);
    fs::write(place.root().join("req").join(FILE), "x").unwrap();
    let scene = Scene::of(place).await;
    hears(&scene, Progress::Submitted).await;
    hears(&scene, Progress::TimedOut).await;
    assert!(
        told(&scene)
            .iter()
            .all(|told| told.progress != Progress::Uncertain)
    );
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_whose_answer_lies_in_res_is_answered() {
    let place = crate::support::Place::new(FaceMode::Copy);
    left_behind(&place.data_dir(), "intent", FILE, SystemClock.now() + LONG);
    fs::write(
        place.root().join("res/OQSsiquc01res_202605115001.xml"),
        answer(1),
    )
    .unwrap();
    let scene = Scene::of(place).await;
    eventually("the answer", async || {
        scene
            .hub
            .observations()
            .iter()
            .find_map(body)
            .map(|answer| answer.inquiry)
    })
    .await;
    assert!(
        told(&scene)
            .iter()
            .all(|told| told.progress != Progress::Uncertain)
    );
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_inquiries_answered_with_the_same_bytes_are_both_answered() {
    let scene = Scene::new(FaceMode::Copy).await;
    let asked = [task(1, LONG), task(2, LONG)];
    for task in &asked {
        scene.hub.give(task).await;
    }
    let files = eventually("both requests", async || {
        let files = requests(&scene);
        (files.len() == 2).then_some(files)
    })
    .await;
    for file in &files {
        fs::remove_file(file).unwrap();
        fs::write(response(file), answer(1)).unwrap();
    }
    let told = eventually("both answers", async || {
        let seen = scene.hub.observations();
        let answers = seen.iter().filter_map(|seen| body(seen)?.inquiry);
        let answers: std::collections::BTreeSet<InquiryId> = answers.collect();
        (answers.len() == 2).then_some(answers)
    })
    .await;
    assert_eq!(told, asked.iter().map(|task| task.inquiry).collect());
    scene.running.stop().await;
}

/// Seed 20628 of the simulation: a crash between a temporary file and the journal's line about it.
#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_file_of_ours_that_no_journal_knows_goes_and_anothers_stays() {
    let place = crate::support::Place::new(FaceMode::Copy);
    let req = place.root().join("req");
    fs::create_dir_all(&req).unwrap();
    fs::write(req.join("OQSsiquc01req_202605115001.shikaku.tmp"), "ours").unwrap();
    fs::write(req.join("OQSsiquc01req_202605110001.tmp"), "another's").unwrap();
    let scene = Scene::of(place).await;
    eventually("ours is gone", async || {
        let mut names = fs::read_dir(&req)
            .unwrap()
            .map(|file| file.unwrap().file_name());
        names
            .all(|name| !name.to_string_lossy().contains("shikaku"))
            .then_some(())
    })
    .await;
    assert!(req.join("OQSsiquc01req_202605110001.tmp").exists());
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_request_goes_at_the_start_and_an_earlier_asking_of_a_job_stays() {
    let place = crate::support::Place::new(FaceMode::Copy);
    let req = place.root().join("req");
    fs::create_dir_all(&req).unwrap();
    let directory = place.data_dir().join("terminal/1319912349-t1");
    fs::create_dir_all(&directory).unwrap();
    let asking = |n| format!("OQSmuquc02req_20260511500{n}.xml");
    let lines = [
        (1, "uncertain", FILE.to_owned()),
        (2, "accepted", asking(1)),
        (2, "answered", asking(2)),
    ];
    let mut journal = String::new();
    for (inquiry, step, file) in lines {
        fs::write(req.join(&file), "x").unwrap();
        let line = serde_json::json!({
            "inquiry": uuid::Uuid::from_u128(inquiry), "step": step, "file": file,
            "deadline": SystemClock.now(), "at": SystemClock.now(),
        });
        journal += &format!("{line}\n");
    }
    fs::write(directory.join("requests.jsonl"), journal).unwrap();
    let scene = Scene::of(place).await;
    eventually("what is over is gone", async || {
        let is_there = |file: &str| req.join(file).exists();
        (!is_there(FILE) && !is_there(&asking(2))).then_some(())
    })
    .await;
    assert!(req.join(asking(1)).exists());
    scene.running.stop().await;
}
