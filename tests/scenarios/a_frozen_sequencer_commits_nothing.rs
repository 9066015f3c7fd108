//! Two hubs on one Postgres: the active one is frozen, the other takes over, the first wakes and commits nothing.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use shikaku_tests::broker::Broker;
use shikaku_tests::face::Face;
use shikaku_tests::hub::Hub;
use shikaku_tests::postgres::Postgres;
use shikaku_tests::settings::Settings;
use shikaku_tests::until_within;

const TAKE_OVER: Duration = Duration::from_secs(60);

struct Site {
    postgres: Postgres,
    _broker: Broker,
    first: Hub,
    second: Hub,
    terminal: Hub,
}

/// A broker of its own, two hubs and one terminal adapter, all from one group key.
fn site() -> Site {
    let postgres = Postgres::start();
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut settings = Settings {
        keys: Some(folder.path().join("keys")),
        ..Settings::default()
    };
    let prepare = |name: &str, command: &[&str], settings: &Settings| {
        Hub::prepare(Arc::clone(&folder), name, command, settings)
    };
    let planner = prepare("planner", &["up"], &settings);
    let broker = Broker::of(&planner, &folder.path().join("nats"));
    settings.nats = Some(broker.url.clone());
    settings.database = Some(postgres.database("ledger"));
    let mut first = prepare("first", &["run", "hub"], &settings);
    first.resume();
    until_within(TAKE_OVER, "the first hub made its tables", || {
        let tables = postgres.ask(
            "ledger",
            "SELECT count(*) FROM pg_tables WHERE tablename = 'events'",
        );
        (tables == "1").then_some(())
    });
    let mut second = prepare("second", &["run", "hub"], &settings);
    second.resume();
    let mut terminal = prepare("terminal", &["run", "terminal"], &settings);
    terminal.resume();
    Site {
        postgres,
        _broker: broker,
        first,
        second,
        terminal,
    }
}

impl Site {
    fn number(&self, sql: &str) -> i64 {
        self.postgres.ask("ledger", sql).parse().unwrap()
    }

    fn verified(&self) -> i64 {
        self.number("SELECT count(*) FROM events WHERE type = 'verified'")
    }

    fn drop_faces(&self, people: Range<u32>) {
        for n in people {
            let face = Face::assistance_only(n).utf8();
            self.terminal.terminal("t1").drop_face(&face);
        }
    }

    fn await_verified(&self, count: i64) {
        until_within(TAKE_OVER, &format!("{count} answers are committed"), || {
            let verified = self.verified();
            assert!(verified <= count, "an answer was committed twice");
            (verified == count).then_some(())
        });
    }

    fn term(&self) -> i64 {
        self.number("SELECT max(term) FROM head")
    }

    /// Freezes the hub that commits, busy. Which one that is shows by the term: the other one takes a new one.
    fn freeze_the_active(&mut self, people: &mut Range<u32>) {
        for _ in 0..4 {
            let before = self.term();
            let busy = self.verified();
            self.drop_faces(people.start..people.start + 40);
            until_within(TAKE_OVER, "it is busy", || {
                (self.verified() > busy).then_some(())
            });
            self.first.process().stop();
            people.start += 41;
            self.drop_faces(people.start - 1..people.start);
            self.await_verified(i64::from(people.start));
            if self.term() > before {
                return;
            }
            // It was the one that stood by: a busy machine let the first lose its place already.
            self.first.process().resume();
            std::mem::swap(&mut self.first, &mut self.second);
        }
        panic!("freezing a hub never made the other one take over");
    }
}

/// T4: a paused writer that wakes commits nothing.
#[test]
fn after_it_wakes() {
    let mut site = site();
    site.drop_faces(0..1);
    site.await_verified(1);
    let mut people = 1..u32::MAX;

    site.freeze_the_active(&mut people);
    let term = site.term();

    site.first.process().resume();
    for n in people.take(10) {
        site.drop_faces(n..n + 1);
        site.await_verified(i64::from(n) + 1);
        assert_eq!(
            site.term(),
            term,
            "the woken hub wrote nothing under its old term, and took no new one"
        );
    }
    let count = site.number("SELECT count(*) FROM events");
    assert_eq!(
        site.number("SELECT max(position) FROM events"),
        count,
        "positions are gapless"
    );
    assert!(site.second.runs());
}
