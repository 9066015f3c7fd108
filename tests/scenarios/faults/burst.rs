//! Monday, half past eight: as many files at once as the folder takes.

use std::time::Instant;

use shikaku_tests::chance::number;

use super::scene::Scene;

/// Twice what a build for tests took, on a machine with two cores.
const MEBIBYTES: u64 = 400;

#[test]
fn is_worked_off_with_bounded_memory() {
    let files = u32::try_from(number("SHIKAKU_BURST", 2000)).unwrap();
    let mut scene = Scene::start();
    scene.drop_faces(20);
    scene.check();
    let before = scene.hub.process().memory();
    let begin = Instant::now();
    scene.drop_faces(files);
    let dropped = begin.elapsed();
    scene.check();
    let memory = scene.hub.process().memory();
    println!(
        "{files} files dropped in {dropped:.1?}, recorded and told in {:.1?}; the hub's peak {} MiB, before {} MiB",
        begin.elapsed(),
        memory.peak >> 20,
        before.peak >> 20,
    );
    assert!(memory.peak >> 20 < MEBIBYTES, "{memory:?}");
}
