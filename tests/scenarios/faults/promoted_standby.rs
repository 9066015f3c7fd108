//! A Postgres primary that waits for its standby is lost while files arrive; the standby is promoted and reached under the
//! primary's address, here a proxy, as a hospital's floating address or DNS name would do it.

use std::time::{Duration, Instant};

use shikaku_tests::chance::{Moments, number};
use shikaku_tests::checker;
use shikaku_tests::line::Line;
use shikaku_tests::outside::user;
use shikaku_tests::postgres::Postgres;
use shikaku_tests::until;

use super::scene::{Scene, settings};

const FILES: u32 = 150;
const STANDBY: &str = "standby";

/// T1: no acknowledged event is lost.
#[test]
fn has_every_acknowledged_event_and_the_hub_goes_on_by_itself() {
    let failovers = u32::try_from(number("SHIKAKU_FAILOVERS", 1)).unwrap();
    let mut primary = Postgres::start();
    primary.database("ledger");
    let line = Line::to_socket(&primary.socket());
    let mut settings = settings();
    let address = line.address;
    settings.database = Some(format!(
        "postgres://postgres@{address}/ledger?sslmode=disable"
    ));
    let mut scene = Scene::prepare(&settings);
    scene.begin();
    scene.drop_faces(4);
    scene.check();
    let mut moments = Moments::seeded();
    for _ in 0..failovers {
        primary = lose(primary, &line, &mut scene, &mut moments);
        scene.check();
        assert!(scene.hub.runs(), "nobody had to start it again");
    }
}

/// The primary dies busy; the standby that is the primary from then on.
fn lose(primary: Postgres, line: &Line, scene: &mut Scene, moments: &mut Moments) -> Postgres {
    let standby = primary.standby(STANDBY);
    primary.wait_for(STANDBY);
    let before = events(&primary);
    scene.drop_faces(FILES);
    until("it is busy", || (events(&primary) > before).then_some(()));
    // The moment of its death.
    std::thread::park_timeout(Duration::from_millis(moments.next(200)));
    let acknowledged = scene.hub.metric("shikaku_hub_events_total", "");
    primary.kill();
    line.cut();
    let begin = Instant::now();
    standby.promote();
    let held = events(&standby);
    assert!(held as f64 >= acknowledged, "{held} of {acknowledged}");
    line.lead_to_socket(&standby.socket());
    line.mend();
    scene.await_recorded(scene.people as usize);
    println!(
        "the hub had counted {acknowledged} events of this run, the promoted standby had {held}; all {} files recorded {:.1?} after the loss",
        scene.people,
        begin.elapsed(),
    );
    agree(&primary, scene, acknowledged as usize);
    standby
}

/// The lost one may hold what nobody was told of. What it had acknowledged stands in the promoted one as it stood there,
/// and `LOG` tells the promoted one's history alone.
fn agree(primary: &Postgres, scene: &Scene, acknowledged: usize) {
    let log = scene.hub.log();
    primary.resume();
    let theirs = primary.ask("ledger", "SELECT event_id FROM events ORDER BY position");
    primary.kill();
    assert!(acknowledged > 0);
    for (lost, event) in theirs.lines().zip(&log).take(acknowledged) {
        assert_eq!(event["event_id"], lost, "{event}");
    }
    checker::copy(&user(&scene.hub, "projections"), &log);
}

fn events(server: &Postgres) -> u64 {
    let count = server.ask("ledger", "SELECT count(*) FROM events");
    count.parse().unwrap()
}
