//! Monday, half past eight: as many files at once as the folder takes.

use std::time::{Duration, Instant};

use shikaku_tests::chance::number;
use shikaku_tests::until_within;

use super::scene::Scene;

/// Twice what a build for tests took, on a machine with two cores.
const MEBIBYTES: u64 = 400;

const WORKED_OFF: Duration = Duration::from_secs(600);
/// Of one new person's file.
const EVENTS: u32 = 5;

/// T35: a burst is worked off with bounded memory.
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
    // Asked cheaply, so that the asking does not take the machine from the hub.
    until_within(WORKED_OFF, "every file has its events", || {
        let events = scene.hub.metric("shikaku_hub_events_total", "");
        (events >= f64::from(scene.people * EVENTS)).then_some(())
    });
    let recorded = begin.elapsed();
    scene.check();
    let memory = scene.hub.process().memory();
    println!(
        "{files} files dropped in {dropped:.1?}, recorded in {recorded:.1?}, told and checked in {:.1?}; the hub's peak {} MiB, before {} MiB",
        begin.elapsed(),
        memory.peak >> 20,
        before.peak >> 20,
    );
    assert!(memory.peak >> 20 < MEBIBYTES, "{memory:?}");
}
