//! Other programs that take or rename what is ours in `res/`.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use shikaku_kit::suite::eventually;
use shikaku_schemas::group::FaceMode;
use shikaku_schemas::observation::Progress;
use shikaku_schemas::task::{TaskBody, TicketQuestion};

use crate::job::{commissioned, hears, manifest, progress, task};
use crate::support::{Played, Scene, answer};

fn ticket() -> TaskBody {
    TaskBody::Ticket(TicketQuestion {
        payer_number: "12137014".into(),
        recipient_number: "4820155".into(),
        birth_date: jiff::civil::date(1971, 9, 15),
        confirmed_on: jiff::civil::date(2026, 5, 21),
    })
}

/// The request lies in `req/`; the terminal takes it, and its answer will lie here.
async fn taken(scene: &Scene) -> PathBuf {
    let path = eventually("a request", async || {
        let entries = fs::read_dir(scene.place.root().join("req")).expect("req");
        let mut paths = entries.map(|entry| entry.expect("an entry").path());
        paths.find(|path| path.extension().is_some_and(|ending| ending == "xml"))
    })
    .await;
    fs::remove_file(&path).expect("taken");
    let name = path.file_name().expect("a name").to_string_lossy();
    scene
        .place
        .root()
        .join("res")
        .join(name.replace("req_", "res_"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_stolen_before_it_was_read_makes_its_inquiry_uncertain_at_once() {
    let scene = Scene::new(FaceMode::Copy).await;
    scene.hub.give(&task(1, ticket())).await;
    let path = taken(&scene).await;
    // Never whole, so that it is surely still being looked at when it goes.
    fs::write(&path, b"<?xml version=\"1.0\"?><XmlMsg>").expect("written");
    let looks = Cell::new(0);
    eventually("uncertain", async || {
        looks.set(looks.get() + 1);
        match path.exists() {
            true if looks.get() > 20 => fs::remove_file(&path).expect("stolen"),
            _ => {}
        }
        let told = progress(&scene, 1);
        told.into_iter()
            .find(|told| told.progress == Progress::Uncertain)
    })
    .await;
    // Should it come once more, it counts.
    fs::write(&path, answer(5)).expect("written");
    eventually("the late answer", async || {
        let seen = scene.hub.observations();
        seen.iter()
            .any(|seen| seen.evidence.is_some())
            .then_some(())
    })
    .await;
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_another_program_renamed_makes_its_inquiry_uncertain() {
    let scene = Scene::new(FaceMode::Copy).await;
    scene.hub.give(&task(1, ticket())).await;
    let path = taken(&scene).await;
    let name = path.file_name().expect("a name").to_string_lossy();
    let renamed = path.with_file_name(name.replace(".xml", "_done.xml"));
    fs::write(&renamed, answer(5)).expect("written");
    hears(&scene, 1, Progress::Uncertain).await;
    assert!(renamed.exists(), "it is not ours any more");
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_results_are_stolen_is_asked_after_until_one_stays() {
    let scene = Scene::new(FaceMode::Copy).await;
    scene.hub.give(&task(1, commissioned())).await;
    let accepted = Played::over(scene.place.root(), &["processing-s=9999999"], None);
    hears(&scene, 1, Progress::Polled).await;
    accepted.stop().await;
    for _ in 0..2 {
        let stolen = taken(&scene).await;
        fs::write(&stolen, b"<?xml version=\"1.0\"?><XmlMsg>").expect("written");
        fs::remove_file(stolen).expect("stolen");
    }
    // One that is another job's is none: a name comes twice where the journal was lost.
    for number in ["<ReceptionNumber>1</ReceptionNumber>", ""] {
        let result = format!(
            "<XmlMsg><MessageHeader><SegmentOfResult>1</SegmentOfResult>{number}\
             <ProcessExecutionTime>20260521091500</ProcessExecutionTime></MessageHeader><MessageBody/></XmlMsg>"
        );
        fs::write(taken(&scene).await, result).expect("written");
    }
    assert_eq!(manifest(&scene, 1).await.units, 0);
    let told = progress(&scene, 1);
    assert!(told.iter().all(|told| told.progress != Progress::Uncertain));
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_only_gets_its_final_name_is_nobodys_theft() {
    let scene = Scene::new(FaceMode::Copy).await;
    scene.hub.give(&task(1, ticket())).await;
    let path = taken(&scene).await;
    for beginning in ["writing", "zip"] {
        fs::write(path.with_extension(beginning), b"<XmlMsg>").expect("written");
    }
    // Long enough for several looks at what is still being written.
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    fs::rename(path.with_extension("zip"), &path).expect("renamed");
    fs::write(&path, answer(5)).expect("written");
    eventually("the answer", async || {
        let seen = scene.hub.observations();
        seen.iter()
            .any(|seen| seen.evidence.is_some())
            .then_some(())
    })
    .await;
    let told = progress(&scene, 1);
    assert!(
        told.iter().all(|told| told.progress == Progress::Submitted),
        "{told:?}"
    );
    scene.running.stop().await;
}
