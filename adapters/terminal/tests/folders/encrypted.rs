//! Interfaces that the terminal encrypts: requests go packed under the password, answers come so.

use std::fs;
use std::io::Cursor;

use shikaku_kit::suite::eventually;
use shikaku_schemas::group::FaceMode;
use shikaku_schemas::oqs::archive::{Archive, ArchiveLimits, pack};
use shikaku_schemas::oqs::{Limits, Request as _, single};

use crate::inquiry::{LONG, task};
use crate::support::{Place, Scene, answer, body};

const PASSWORD: &str = "himitsu";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_packed_and_its_answer_comes_so() {
    let place = Place {
        zip_password: Some(PASSWORD),
        encrypted: vec!["oqsSIQUC"],
        ..Place::new(FaceMode::Copy)
    };
    let scene = Scene::of(place).await;
    let task = task(41, LONG);
    scene.hub.give(&task).await;
    let requests = scene.place.root().join("req");
    let file = eventually("a request", async || {
        let mut files = fs::read_dir(&requests)
            .unwrap()
            .map(|file| file.unwrap().path());
        files.find(|path| path.extension().is_some_and(|extension| extension != "tmp"))
    })
    .await;
    assert_eq!(file.extension().unwrap(), "zip");
    let packed = fs::read(&file).unwrap();
    let open = |password: Option<&[u8]>| {
        let limits = ArchiveLimits::DEFAULT;
        let mut archive = Archive::open(Cursor::new(&packed), &limits, password).unwrap();
        let mut text = Vec::new();
        let read = archive.message("OQSsiquc01req_").map(|mut entry| {
            std::io::Read::read_to_end(&mut entry, &mut text).unwrap();
        });
        read.map(|()| text)
    };
    assert!(open(None).is_err() && open(Some(b"another")).is_err());
    let request = single::Request::read(&open(Some(PASSWORD.as_bytes())).unwrap(), &Limits::SINGLE);
    assert_eq!(request.unwrap().search.number, "4820155");

    let base = file
        .file_stem()
        .unwrap()
        .to_string_lossy()
        .replace("req_", "res_");
    let answered = pack(&format!("{base}.xml"), &answer(1), PASSWORD.as_bytes()).unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(
        scene.place.root().join("res").join(format!("{base}.zip")),
        answered,
    )
    .unwrap();
    let inquiry = eventually("the answer", async || {
        let seen = scene.hub.observations();
        seen.iter().find_map(|seen| body(seen)?.inquiry)
    })
    .await;
    assert_eq!(inquiry, task.inquiry);
    scene.running.stop().await;
}
