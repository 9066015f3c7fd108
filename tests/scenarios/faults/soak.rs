//! A long mixed load with faults: kills of hub and broker, a broker wiped, consumers that come and go, syncs that fail,
//! while cards are read and people ask. `make soak HOURS=N` sets how long, a fraction too (default: a few seconds); every
//! period ends with the whole checker and a line of the table. Memory and open files are held flat.

use std::fmt::Write as _;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use shikaku_tests::centre::Centre;
use shikaku_tests::chance::Moments;
use shikaku_tests::count::Counts;
use shikaku_tests::desk::Desk;
use shikaku_tests::folder::Terminal;
use shikaku_tests::injection::Injection;
use shikaku_tests::settings::Settings;
use shikaku_tests::settled::settled;
use shikaku_tests::town::Town;
use shikaku_tests::until;

use super::scene::{Scene, settings};

const PEOPLE: u32 = 200;
const ANSWER_TIMEOUT_S: u32 = 5;
const LATE: Duration = Duration::from_secs(9);

/// Of the hub's process, just after a check.
struct Row {
    minutes: f64,
    dropped: u32,
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
    let town = Town::of(PEOPLE);
    let mut scene = Scene::prepare(&Settings {
        answer_timeout_s: ANSWER_TIMEOUT_S,
        ..settings()
    });
    scene.begin();
    let terminals = ["t1", "t2"].map(|id| scene.hub.terminal(id));
    let centre = Centre::behind(&terminals, &town, scene.hub.folder().join("centre"), LATE);
    let mut desk = Desk::at(scene.hub.data_dir(), &town);
    let mut load = Load {
        town: &town,
        terminals: &terminals,
        moments: Moments::seeded(),
        files: 0,
    };
    let begin = Instant::now();
    let mut rows: Vec<Row> = Vec::new();
    std::thread::scope(|scope| {
        let _open = centre.until_dropped();
        scope.spawn(|| centre.work());
        while begin.elapsed() < lasts {
            // The process lives for a whole period, so that what it gathers shows; it dies at the beginning of every
            // other.
            if rows.len() % 2 == 1 {
                scene.hub.kill();
                scene.hub.resume();
            }
            load.goes_on(&mut scene, &mut desk, period);
            scene.listen();
            let heard = [0, 1].map(|feed| {
                let scene = &scene;
                move || scene.heard(feed)
            });
            let found = settled(&scene.hub, &town, &centre, desk.done(), &heard);
            println!("inquiries={:?} {}", found.inquiries, found.counts);
            assert_eq!(found.broken, Vec::<String>::new());
            assert_eq!(found.counts, Counts::default());
            rows.push(row(&scene, load.files, begin));
            println!("{}", table(&rows[rows.len() - 1..]));
        }
    });
    println!(
        "minutes  files  hub MiB  hub fds  broker MiB\n{}",
        table(&rows)
    );
    flat(&rows);
}

/// Cards, questions and faults.
struct Load<'a> {
    town: &'a Town,
    terminals: &'a [Terminal; 2],
    moments: Moments,
    files: u32,
}

impl Load<'_> {
    /// For one period.
    fn goes_on(&mut self, scene: &mut Scene, desk: &mut Desk<'_>, period: Duration) {
        let begin = Instant::now();
        std::thread::scope(|scope| {
            let (asks, asked) = channel();
            let asker = scope.spawn(move || asked.iter().for_each(|()| desk.asks()));
            while begin.elapsed() < period {
                self.drop_faces();
                if self.moments.next(4) == 0 {
                    asks.send(()).unwrap();
                }
                self.disturb(scene);
                scene.hub.resume_if_ended();
                // The load's rhythm, not a condition.
                std::thread::park_timeout(Duration::from_millis(self.moments.next(2000)));
            }
            drop(asks);
            // Whoever still asks is answered by a hub that runs.
            until("the desk has its answers", || {
                scene.hub.resume_if_ended();
                asker.is_finished().then_some(())
            });
            asker.join().unwrap();
        });
    }

    fn drop_faces(&mut self) {
        for _ in 0..4 {
            self.town.face(self.terminals);
            self.files += 1;
        }
    }

    /// One time in a few something happens.
    fn disturb(&mut self, scene: &mut Scene) {
        match self.moments.next(24) {
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
                self.drop_faces();
                until("a sync fails", || {
                    (injection.fired() > 0 || !scene.hub.runs()).then_some(())
                });
                drop(injection);
            }
            _ => {}
        }
    }
}

fn kill_broker(scene: &Scene) {
    if let Some(broker) = scene.hub.broker() {
        broker.kill();
        until("the broker runs again", || {
            scene.hub.broker().filter(|again| *again != broker)
        });
    }
}

fn row(scene: &Scene, files: u32, begin: Instant) -> Row {
    let hub = scene.hub.process();
    Row {
        minutes: begin.elapsed().as_secs_f64() / 60.0,
        dropped: files,
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
            row.dropped,
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
