//! `kill -9` at random moments, of the hub alone and of its broker alone, while files arrive; in the middle the
//! broker's store is wiped. `SHIKAKU_KILLS` sets how often (default 10; `make crash KILLS=100` is the long form),
//! `SHIKAKU_SEED` when.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use shikaku_tests::face::Face;
use shikaku_tests::feed::{Message, Subscriber, each_once};
use shikaku_tests::folder::Terminal;
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{Client, operator};
use shikaku_tests::settings::Settings;
use shikaku_tests::{until, until_within};

const FILES: u32 = 500;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// A small generator: enough to choose moments.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

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
    let log = hub.await_events_within(Duration::from_secs(240), "verified", FILES as usize);
    every_file_once(&log);
    let last = log.last().unwrap()["position"].as_u64().unwrap();
    assert_eq!(last, log.len() as u64);
    every_feed_message(&receipt, &ward);
    assert_eq!(hub.run(&["audit", "verify"]).code, 0);
    the_broker_was_refilled(&hub, last);
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
    let mut moments = Moments(number("SHIKAKU_SEED", 7));
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
    let store = store(hub);
    std::fs::remove_dir_all(&store).unwrap();
    hub.resume();
    assert!(store.exists(), "the broker has a store again");
}

/// JetStream's folder, wherever below `data_dir` the hub put it.
fn store(hub: &Hub) -> std::path::PathBuf {
    let mut folders = vec![hub.data_dir().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            if entry.file_name() == "jetstream" {
                return entry.path();
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    panic!("the broker has no store below data_dir");
}

fn every_file_once(log: &[Value]) {
    let mut people: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for event in log {
        if let Some(patient) = event["patient"].as_str() {
            let kind = event["type"].as_str().unwrap();
            *people.entry(patient).or_default().entry(kind).or_default() += 1;
        }
    }
    assert_eq!(people.len(), FILES as usize);
    for (patient, events) in people {
        for kind in [
            "patient-first-seen",
            "qualification-granted",
            "commissioned-ticket-arrived",
            "verified",
        ] {
            assert_eq!(
                events.get(kind),
                Some(&1),
                "{kind} of {patient}: {events:?}"
            );
        }
    }
    for (event, position) in log.iter().zip(1u64..) {
        assert_eq!(event["position"], position);
    }
}

fn every_feed_message(receipt: &Subscriber, ward: &Subscriber) {
    let all = |subscriber: &Subscriber, kind: &str| -> Vec<Message> {
        until_within(
            Duration::from_secs(120),
            &format!("{FILES} × {kind} came"),
            || {
                let messages = subscriber.messages();
                let ids: std::collections::BTreeSet<_> = messages
                    .iter()
                    .filter(|message| message.kind() == kind)
                    .map(|message| message.header("ce-id").to_owned())
                    .collect();
                (ids.len() >= FILES as usize).then_some(messages)
            },
        )
    };
    let tickets = each_once(&all(receipt, "commissioned-ticket-arrived"));
    let tickets = tickets
        .iter()
        .filter(|message| message.kind() == "commissioned-ticket-arrived");
    assert_eq!(tickets.count(), FILES as usize);
    assert_eq!(
        each_once(&all(ward, "assistance-changed")).len(),
        FILES as usize
    );
}

/// After the storm `LOG` holds every event again, each under its position.
fn the_broker_was_refilled(hub: &Hub, last: u64) {
    until("LOG holds every event", || {
        let state = &stream(hub, "LOG")["state"];
        let held = ["first_seq", "last_seq", "messages"].map(|member| state[member].as_u64());
        (held == [Some(1), Some(last), Some(last)]).then_some(())
    });
    until("nothing waits in OBSERVATIONS", || {
        (stream(hub, "OBSERVATIONS")["state"]["messages"] == 0).then_some(())
    });
}

fn stream(hub: &Hub, name: &str) -> Value {
    let subject = format!("$JS.API.STREAM.INFO.{name}");
    Client::start("request.py", &operator(hub), &[&subject, ""])
        .finish()
        .remove(0)
}
