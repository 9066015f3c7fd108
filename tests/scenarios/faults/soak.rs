//! A long mixed load with faults: kills of hub and broker, a broker wiped, consumers that come and go, syncs that fail.
//! `make soak HOURS=N` sets how long, a fraction too (default: a few seconds); every period ends with the whole checker
//! and a line of the table. Memory and open files are held flat.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use shikaku_tests::chance::Moments;
use shikaku_tests::injection::Injection;
use shikaku_tests::until;

use super::scene::Scene;

/// Of the hub's process, just after a check.
struct Row {
    minutes: f64,
    people: u32,
    resident: u64,
    files: usize,
    broker: u64,
}

fn hours() -> f64 {
    std::env::var("SHIKAKU_SOAK_HOURS").map_or(0.003, |text| text.parse().expect("hours"))
}

/// T36: a long mixed load stays right and flat.
#[test]
fn stays_right_and_flat() {
    let lasts = Duration::from_secs_f64(hours() * 3600.0);
    let period = (lasts / 10).clamp(Duration::from_secs(5), Duration::from_secs(300));
    let mut scene = Scene::start();
    let mut moments = Moments::seeded();
    let begin = Instant::now();
    let mut rows: Vec<Row> = Vec::new();
    while begin.elapsed() < lasts {
        let end = begin.elapsed() + period;
        // The process lives for a whole period, so that what it gathers shows; it dies at the beginning of every other.
        if rows.len() % 2 == 1 {
            scene.hub.kill();
            scene.hub.resume();
        }
        while begin.elapsed() < end {
            scene.drop_faces(4);
            disturb(&mut scene, &mut moments);
            // The load's rhythm, not a condition.
            std::thread::park_timeout(Duration::from_millis(moments.next(2000)));
        }
        scene.check();
        rows.push(row(&scene, begin));
        println!("{}", table(&rows[rows.len() - 1..]));
    }
    println!(
        "minutes  files  hub MiB  hub fds  broker MiB\n{}",
        table(&rows)
    );
    flat(&rows);
}

/// One time in a few something happens.
fn disturb(scene: &mut Scene, moments: &mut Moments) {
    match moments.next(24) {
        0 | 1 => kill_broker(scene),
        2 => {
            scene.hub.kill();
            scene.forget_the_broker();
            scene.hub.resume();
        }
        3 | 4 => scene.leave(),
        5 | 6 => scene.listen(),
        7 => {
            let injection =
                Injection::into(scene.hub.process(), "fsync,fdatasync:error=EIO:when=2+3");
            scene.drop_faces(4);
            until("a sync fails", || {
                (injection.fired() > 0 || !scene.hub.runs()).then_some(())
            });
            drop(injection);
        }
        _ => {}
    }
    scene.hub.resume_if_ended();
}

fn kill_broker(scene: &Scene) {
    if let Some(broker) = scene.hub.broker() {
        broker.kill();
        until("the broker runs again", || {
            scene.hub.broker().filter(|again| *again != broker)
        });
    }
}

fn row(scene: &Scene, begin: Instant) -> Row {
    let hub = scene.hub.process();
    Row {
        minutes: begin.elapsed().as_secs_f64() / 60.0,
        people: scene.people,
        resident: hub.memory().resident,
        files: hub.open_files(),
        broker: scene
            .hub
            .broker()
            .map_or(0, |broker| broker.memory().resident),
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let _ = writeln!(
            text,
            "{:7.1} {:6} {:8} {:8} {:11}",
            row.minutes,
            row.people,
            row.resident >> 20,
            row.files,
            row.broker >> 20
        );
    }
    text.trim_end().to_owned()
}

/// The later half needs no more than the earlier one did at most, but for a margin.
fn flat(rows: &[Row]) {
    let (early, late) = rows.split_at(rows.len().div_ceil(2));
    let most = |rows: &[Row], of: fn(&Row) -> u64| rows.iter().map(of).max().unwrap_or(0);
    let memory = |row: &Row| row.resident >> 20;
    let files = |row: &Row| row.files as u64;
    assert!(
        most(late, memory) <= most(early, memory) * 3 / 2 + 32,
        "memory grows"
    );
    assert!(
        most(late, files) <= most(early, files) + 16,
        "open files grow"
    );
}
