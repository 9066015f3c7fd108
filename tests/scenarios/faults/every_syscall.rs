//! The hub dies at its so-manieth write, sync, rename or removal: each file ends as exactly one of event, duplicate,
//! quarantined. `SHIKAKU_SYSCALLS` sets how many deaths (default 14).

use serde_json::Value;
use shikaku_tests::chance::number;
use shikaku_tests::face::Face;
use shikaku_tests::injection::Injection;
use shikaku_tests::until;
use shikaku_tests::words::objects;

use super::scene::Scene;

/// All that a file passes on its way through spool, ledger and folder. A thread counts its own calls.
const CALLS: [&str; 7] = [
    "write",
    "fsync",
    "pwrite64",
    "fdatasync",
    "unlink,unlinkat",
    "rename,renameat,renameat2",
    "openat",
];

/// Of files in one round, after which no thread will make so many of these calls any more.
const WAVES: u32 = 60;

/// T16: a crash at any system call: each file ends once.
#[test]
fn may_be_the_last_and_every_file_ends_once() {
    let deaths = number("SHIKAKU_SYSCALLS", 14);
    let mut scene = Scene::start();
    let mut broken = 0;
    let mut died = 0;
    for round in 0..deaths {
        let calls = CALLS[usize::try_from(round).unwrap() % CALLS.len()];
        let at = 1 + round / CALLS.len() as u64;
        let injection = Injection::into(
            scene.hub.process(),
            &format!("{calls}:signal=KILL:when={at}"),
        );
        let terminal = scene.hub.terminal("t2");
        // Files arrive until a thread has made so many of these calls.
        for wave in 0..WAVES {
            terminal.drop_face(format!("<broken>{round} {wave}").as_bytes());
            broken += 1;
            scene.drop_faces(4);
            let again = Face::assistance_only(scene.people - 1).utf8();
            terminal.drop_face(&again);
            if dies_before_it_records(&mut scene) {
                println!("{calls} number {at}: died in wave {wave}");
                died += 1;
                break;
            }
        }
        drop(injection);
        scene.hub.resume_if_ended();
    }
    println!("{died} of {deaths} rounds ended in death");
    assert_eq!(died, deaths, "each round ends in death");
    scene.check();
    until("the broken ones are set aside", || {
        let parked = scene.hub.ok(&["parked", "list", "--json"]).json();
        let reasons = objects(&parked, &|object: &Value| object["reason"].is_string());
        (reasons.len() == broken).then_some(())
    });
}

/// What happens first.
fn dies_before_it_records(scene: &mut Scene) -> bool {
    let people = scene.people as usize;
    until("it died or had nothing left to do", || {
        if !scene.hub.runs() {
            return Some(true);
        }
        let log = scene.hub.run(&["log", "--json"]).stdout;
        let recorded = log.matches("\"type\":\"verified\"").count();
        (recorded >= people).then_some(false)
    })
}
