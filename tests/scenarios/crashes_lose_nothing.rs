//! `kill -9` at random moments, of the hub alone and of its broker alone, while files arrive and people ask; in the
//! middle the broker's store is wiped. `SHIKAKU_KILLS` sets how often (default 10; `make crash KILLS=100` is the long
//! form), `SHIKAKU_SEED` when and what. It ends with one line of counts, of what was lost, doubled and out of order.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use shikaku_tests::centre::Centre;
use shikaku_tests::chance::{Moments, number};
use shikaku_tests::count::Counts;
use shikaku_tests::desk::Desk;
use shikaku_tests::feed::Subscriber;
use shikaku_tests::folder::Terminal;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::Settings;
use shikaku_tests::settled::settled;
use shikaku_tests::town::Town;
use shikaku_tests::until;

/// Of a run that is not long.
const FILES: u64 = 500;
/// Each kill meets a hub with work to do, however many there are.
const FILES_PER_KILL: u64 = 4;
/// Answers about one person.
const EACH: u64 = 12;
/// In which a wave of files comes.
const WAVE: Duration = Duration::from_millis(400);
const ANSWER_TIMEOUT_S: u32 = 5;
const LATE: Duration = Duration::from_secs(9);

/// T1: no acknowledged event is lost.
#[test]
fn and_repeat_nothing() {
    let kills = number("SHIKAKU_KILLS", 10);
    let wave = FILES.div_ceil(kills).max(FILES_PER_KILL);
    let files = kills * wave;
    let town = Town::of(u32::try_from(files / EACH).unwrap());
    let mut hub = hub();
    let receipt = Subscriber::of(&hub, "receipt-a");
    let ward = Subscriber::of(&hub, "ward-3");
    let terminals = [hub.terminal("t1"), hub.terminal("t2")];
    let centre = Centre::behind(&terminals, &town, hub.folder().join("centre"), LATE);
    let found = std::thread::scope(|scope| {
        let _open = centre.until_dropped();
        scope.spawn(|| centre.work());
        let (files, begin) = channel();
        let writer = scope.spawn(|| drop_files(&town, &terminals, wave, begin));
        let (asks, begin) = channel();
        let desk = Desk::at(hub.data_dir(), &town);
        let asker = scope.spawn(|| ask(desk, begin));
        kill_at_random(&mut hub, kills, [files, asks]);
        writer.join().unwrap();
        let desk = asker.join().unwrap();
        let done = desk.done();
        assert_eq!(done.len() as u64, kills, "each command was answered");
        let heard = [&receipt, &ward].map(|feed| move || feed.messages());
        settled(&hub, &town, &centre, done, &heard)
    });
    println!(
        "kills={kills} files={files} requests-taken={} inquiries={:?} {}",
        found.asked, found.inquiries, found.counts
    );
    assert_eq!(found.broken, Vec::<String>::new());
    assert_eq!(found.counts, Counts::default());
}

/// `t1` copying, `t2` taking, and two consumers.
fn hub() -> Hub {
    let settings = Settings {
        taking: vec!["t2".to_owned()],
        answer_timeout_s: ANSWER_TIMEOUT_S,
        ..Settings::default()
    };
    Hub::start(
        &settings
            .terminals(&["t1", "t2"])
            .consumers(&[("receipt-a", "receipt"), ("ward-3", "department")]),
    )
}

/// Before each kill a wave of files.
fn drop_files(town: &Town, terminals: &[Terminal; 2], wave: u64, begin: Receiver<()>) {
    let pause = WAVE / u32::try_from(wave).unwrap();
    for () in begin {
        for _ in 0..wave {
            town.face(terminals);
            std::thread::park_timeout(pause);
        }
    }
}

/// Before each kill somebody asks.
fn ask<'a>(mut desk: Desk<'a>, begin: Receiver<()>) -> Desk<'a> {
    for () in begin {
        desk.asks();
    }
    desk
}

fn kill_at_random(hub: &mut Hub, kills: u64, work: [Sender<()>; 2]) {
    let mut moments = Moments::seeded();
    for kill in 0..kills {
        for begin in &work {
            begin.send(()).unwrap();
        }
        std::thread::park_timeout(Duration::from_millis(moments.next(700)));
        let wipe = kill == kills / 2;
        if wipe {
            wipe_the_broker(hub);
        } else if moments.next(2) == 0 {
            hub.kill();
            hub.resume();
        } else if let Some(broker) = hub.broker() {
            broker.kill();
            until("the broker runs again", || {
                hub.broker().filter(|again| *again != broker)
            });
        }
    }
}

/// Both die, and the broker's store is gone.
fn wipe_the_broker(hub: &mut Hub) {
    hub.kill();
    if let Some(broker) = hub.broker() {
        broker.kill();
        until("the broker is gone", || {
            hub.broker().is_none().then_some(())
        });
    }
    let store = hub.store();
    std::fs::remove_dir_all(&store).unwrap();
    hub.resume();
    assert!(store.exists(), "the broker has a store again");
}
