//! The hub's own system calls fail now and then: a sync that reports EIO, a write that finds no room, a rename that is
//! refused. What fails is tried again, and nothing counts that was not kept.

use std::time::Duration;

use shikaku_tests::injection::Injection;
use shikaku_tests::until_within;

use super::scene::Scene;

/// Calls of the ledger and of the read models (`pwrite64`, `fdatasync`), of spool and heads (`fsync`), and the names of files.
const FAULTS: &[&str] = &[
    "fsync,fdatasync:error=EIO:when=2+3",
    "pwrite64:error=ENOSPC:when=3+7",
    "pwrite64,ftruncate:error=EIO:when=2+5",
    "rename,renameat,renameat2,unlink,unlinkat:error=EIO:when=1+2",
    "pread64:error=EIO:when=4+9",
];
const FILES: u32 = 20;

/// T19: a full, read-only or failing disk: nothing acknowledged falsely, recovery by itself.
#[test]
fn loses_nothing_and_repeats_nothing() {
    let mut scene = Scene::start();
    for fault in FAULTS {
        let before = scene.people;
        let injection = Injection::into(scene.hub.process(), fault);
        scene.drop_faces(FILES);
        // As long as it lasts, some get through or the hub gives up.
        until_within(
            Duration::from_secs(60),
            "files are seen under the fault",
            || {
                if !scene.hub.runs() {
                    return Some(());
                }
                let seen = scene.hub.files("seen");
                (seen >= f64::from(scene.people - before)).then_some(())
            },
        );
        // The kept files may have met none of it yet.
        let fired = until_within(Duration::from_secs(60), "the fault happens", || {
            Some(injection.fired()).filter(|fired| *fired > 0)
        });
        drop(injection);
        let ended = scene.hub.resume_if_ended();
        println!(
            "{fault}: happened {fired} times, the hub {}",
            if ended {
                "ended and was started again"
            } else {
                "went on"
            }
        );
        scene.check();
    }
}
