//! Two hubs on one Postgres, killed in turn while files arrive: whichever copies, `LOG`'s sequence is the position and
//! each message is the event, byte for byte. `SHIKAKU_RELAY_KILLS` sets how often (default 10).

use std::sync::Arc;
use std::time::Duration;

use shikaku_tests::broker::Broker;
use shikaku_tests::chance::{Moments, number};
use shikaku_tests::checker;
use shikaku_tests::face::Face;
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{asked, user_at};
use shikaku_tests::postgres::Postgres;
use shikaku_tests::settings::Settings;
use shikaku_tests::until_within;

const WORKS_OFF: Duration = Duration::from_secs(120);
const FILES: u32 = 12;

/// T12: the relay copies each event once.
#[test]
fn and_a_second_one_copy_each_event_once() {
    let kills = u32::try_from(number("SHIKAKU_RELAY_KILLS", 10)).unwrap();
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
    let mut hubs = ["first", "second"].map(|name| prepare(name, &["run", "hub"], &settings));
    let mut terminal = prepare("terminal", &["run", "terminal"], &settings);
    hubs[0].resume();
    terminal.resume();
    until_within(WORKS_OFF, "the tables are made", || {
        let sql = "SELECT count(*) FROM pg_tables WHERE tablename = 'events'";
        (postgres.ask("ledger", sql) == "1").then_some(())
    });
    hubs[1].resume();

    let verified = || -> u32 {
        let sql = "SELECT count(*) FROM events WHERE type = 'verified'";
        postgres.ask("ledger", sql).parse().unwrap()
    };
    let mut moments = Moments::seeded();
    for kill in 0..kills {
        for n in kill * FILES..(kill + 1) * FILES {
            let face = Face::assistance_only(n).utf8();
            terminal.terminal("t1").drop_face(&face);
        }
        until_within(WORKS_OFF, "it commits", || {
            (verified() > kill * FILES).then_some(())
        });
        // The moment of death: between a commit and its copy, or soon after.
        std::thread::park_timeout(Duration::from_millis(moments.next(60)));
        // Every other time the one that stands by dies instead.
        let hub = &mut hubs[moments.next(2) as usize];
        hub.kill();
        hub.resume();
        until_within(WORKS_OFF, "all is recorded", || {
            (verified() == (kill + 1) * FILES).then_some(())
        });
    }
    let log = hubs[0].log();
    checker::every_file_once(&log, (kills * FILES) as usize);
    let at_the_broker = |name: &str| user_at(&planner, name, &broker.url);
    until_within(WORKS_OFF, "LOG holds every event", || {
        let stream = asked(&at_the_broker("operator"), "$JS.API.STREAM.INFO.LOG", "");
        (stream["state"]["last_seq"].as_u64() == Some(log.len() as u64)).then_some(())
    });
    let copied = checker::copy(&at_the_broker("projections"), &log);
    let stored = postgres.ask(
        "ledger",
        "SELECT translate(encode(payload, 'base64'), E'\\n', '') FROM events ORDER BY position",
    );
    for (message, payload) in copied.iter().zip(stored.lines()) {
        assert_eq!(message["body"]["sealed"], payload, "of {message}");
    }
}
