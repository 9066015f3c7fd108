//! `kill -9` at random moments, of the hub alone and of its broker alone, while files arrive; in the middle the
//! broker's store is wiped. `SHIKAKU_KILLS` sets how often (default 10; `make crash KILLS=100` is the long form),
//! `SHIKAKU_SEED` when. It ends with one line of counts, of what was lost, doubled and out of order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shikaku_tests::chance::{Moments, number};
use shikaku_tests::checker;
use shikaku_tests::count::Counts;
use shikaku_tests::face::Face;
use shikaku_tests::feed::Subscriber;
use shikaku_tests::folder::Terminal;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::Settings;
use shikaku_tests::until;

const FILES: u32 = 500;

/// T1: no acknowledged event is lost.
#[test]
fn and_repeat_nothing() {
    let kills = number("SHIKAKU_KILLS", 10);
    let settings = Settings {
        taking: vec!["t2".to_owned()],
        ..Settings::default()
    };
    let mut hub = Hub::start(
        &settings
            .terminals(&["t1", "t2"])
            .consumers(&[("receipt-a", "receipt"), ("ward-3", "department")]),
    );
    let receipt = Subscriber::of(&hub, "receipt-a");
    let ward = Subscriber::of(&hub, "ward-3");
    let terminals = [hub.terminal("t1"), hub.terminal("t2")];
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| drop_files(&terminals, kills, &over));
        kill_at_random(&mut hub, kills);
        over.store(true, Ordering::Release);
        writer.join().unwrap();
    });
    let files = FILES as usize;
    let counts = Counts::of(
        &hub,
        &receipt,
        &ward,
        &Default::default(),
        files,
        checker::REST,
    );
    println!("kills={kills} files={files} {counts}");
    assert_eq!(counts, Counts::default());
    checker::recorded(&hub, files);
    checker::told(&receipt, &ward, &[], files);
}

/// Files arrive during the whole storm, the rest at its end; half of them are copied, half are taken.
fn drop_files(terminals: &[Terminal; 2], kills: u64, over: &AtomicBool) {
    let pause = Duration::from_millis(kills * 400 / u64::from(FILES));
    for (n, terminal) in (0..FILES).zip(terminals.iter().cycle()) {
        terminal.drop_face(&Face::assistance_only(n).utf8());
        if !over.load(Ordering::Acquire) {
            std::thread::park_timeout(pause);
        }
    }
}

fn kill_at_random(hub: &mut Hub, kills: u64) {
    let mut moments = Moments::seeded();
    for kill in 0..kills {
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
