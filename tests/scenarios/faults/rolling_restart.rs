//! An upgrade takes one process after the other: each is ended in order and started again while files arrive.
//! `SHIKAKU_ROUNDS` sets how often all of them are taken (default 2).

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use shikaku_tests::chance::number;
use shikaku_tests::folder::Terminal;
use shikaku_tests::postgres::Postgres;
use shikaku_tests::site::{Site, drop_face};
use shikaku_tests::until;

const RHYTHM: Duration = Duration::from_millis(120);
/// As many new files have to be recorded after each step before the next one.
const GOES_ON: u32 = 5;
const STANDING_BY: &str = "standing by";

/// T33: versions meet without loss.
#[test]
fn loses_nothing_and_repeats_nothing() {
    let rounds = number("SHIKAKU_ROUNDS", 2);
    let postgres = Postgres::start();
    let mut site = Site::start(&postgres.database("ledger"));
    let folders = site.folders();
    let (over, dropped) = (AtomicBool::new(false), AtomicU32::new(0));
    let mut pauses = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| drop_files(&folders, &over, &dropped));
        // Also when a step fails: the files must end.
        let _end = End(&over);
        for _ in 0..rounds {
            for step in STEPS {
                let begin = Instant::now();
                step.1(&mut site);
                goes_on(&postgres);
                pauses.push((step.0, begin.elapsed()));
            }
        }
    });
    site.people = dropped.load(Ordering::Acquire);
    let counts = site.check();
    println!("rounds={rounds} files={} {counts}", site.people);
    for (name, pause) in pauses {
        println!("{name}: ended, started and {GOES_ON} files recorded after {pause:.1?}");
    }
    assert!(site.hubs.iter_mut().all(shikaku_tests::hub::Hub::runs));
}

type Step = (&'static str, fn(&mut Site));

const STEPS: [Step; 6] = [
    ("first hub", |site| restart_hub(site, 0)),
    ("second hub", |site| restart_hub(site, 1)),
    ("projections", |site| {
        site.projections.stop();
        site.projections.resume();
        site.projections.await_said("ready ");
    }),
    ("terminal", |site| {
        site.terminal.stop();
        site.terminal.resume();
    }),
    ("receipt's consumer", |site| {
        site.leave(0);
        site.listen(0);
    }),
    ("ward's consumer", |site| {
        site.leave(1);
        site.listen(1);
    }),
];

/// The other one takes over, so the next to be ended is the active one.
fn restart_hub(site: &mut Site, hub: usize) {
    site.hubs[hub].stop();
    site.hubs[1 - hub].await_said("ready ");
    site.hubs[hub].resume();
    site.hubs[hub].await_said(STANDING_BY);
}

fn drop_files(folders: &[Terminal; 2], over: &AtomicBool, dropped: &AtomicU32) {
    while !over.load(Ordering::Acquire) {
        drop_face(folders, dropped.fetch_add(1, Ordering::AcqRel));
        std::thread::park_timeout(RHYTHM);
    }
}

fn goes_on(postgres: &Postgres) {
    let verified = || -> u32 {
        let sql = "SELECT count(*) FROM events WHERE type = 'verified'";
        postgres.ask("ledger", sql).parse().unwrap()
    };
    let before = verified();
    until("new files are recorded", || {
        (verified() >= before + GOES_ON).then_some(())
    });
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
