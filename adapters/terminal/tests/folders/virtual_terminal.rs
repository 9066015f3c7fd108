//! Virtual terminals: each face file once, byte for byte, under its name.

use std::fs;

use crate::support::{Place, Scene, answer};
use shikaku_kit::suite::eventually;
use shikaku_schemas::group::FaceMode;

#[tokio::test(flavor = "multi_thread")]
async fn every_virtual_terminal_gets_each_file_once_also_over_restarts() {
    let mut place = Place::new(FaceMode::Take);
    place.virtual_terminals = vec!["receipt-a".to_owned(), "ehr-b".to_owned()];
    fs::create_dir_all(place.virtual_face("receipt-a")).unwrap();
    let mut scene = Scene::of(place).await;
    scene.place.drop_face("a.xml", &answer(1));
    let first = scene.place.virtual_face("receipt-a").join("a.xml");
    eventually("a copy", async || {
        (fs::read(&first).ok()? == answer(1)).then_some(())
    })
    .await;
    // The program takes its copy; the same bytes again are nothing new to it either.
    fs::remove_file(&first).unwrap();
    scene = scene.restart().await;
    scene.place.drop_face("again.xml", &answer(1));
    scene.place.drop_face("b.xml", &answer(2));
    let second = scene.place.virtual_face("receipt-a").join("b.xml");
    eventually("the second copy", async || {
        (fs::read(&second).ok()? == answer(2)).then_some(())
    })
    .await;
    assert!(!first.exists() && !second.with_file_name("again.xml").exists());
    assert!(
        !scene.place.face("a.xml").exists(),
        "a copy that waits holds nothing up"
    );

    // The other program's folder was away all the time: its copies waited.
    fs::create_dir_all(scene.place.virtual_face("ehr-b")).unwrap();
    for (name, n) in [("a.xml", 1), ("b.xml", 2)] {
        let copy = scene.place.virtual_face("ehr-b").join(name);
        eventually("a copy that waited", async || {
            (fs::read(&copy).ok()? == answer(n)).then_some(())
        })
        .await;
    }
    let left = fs::read_dir(scene.place.virtual_face("ehr-b"))
        .unwrap()
        .count();
    assert_eq!(left, 2, "no temporary file is left");
    scene.running.stop().await;
}
