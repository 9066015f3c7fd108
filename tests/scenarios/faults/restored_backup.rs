//! The machine of the database is lost with its disk, while files arrive. A backup and the archive of its log, which
//! every commit waited for, give all of it back on a fresh folder: the history goes on, and nobody is told that it is another.

use std::time::{Duration, Instant};

use shikaku_tests::archive::Archive;
use shikaku_tests::chance::Moments;
use shikaku_tests::line::Line;
use shikaku_tests::postgres::Postgres;
use shikaku_tests::site::Site;
use shikaku_tests::until;

const FILES: u32 = 100;

/// T32: a backup restores on a fresh machine.
#[test]
fn with_the_whole_log_holds_every_acknowledged_event_and_its_readers_go_on() {
    let server = Postgres::start();
    server.database("ledger");
    let line = Line::to_socket(&server.socket());
    let address = line.address;
    let mut site = Site::start(&format!(
        "postgres://postgres@{address}/ledger?sslmode=disable"
    ));
    site.drop_faces(4);
    site.check();
    let history = epochs(&server);

    let archive = Archive::of(&server);
    let before = events(&server);
    site.drop_faces(FILES);
    until("it is busy", || (events(&server) > before).then_some(()));
    // The moment of the loss.
    std::thread::park_timeout(Duration::from_millis(Moments::seeded().next(200)));
    // What others see is confirmed, and in the archive.
    let confirmed = events(&server);
    server.kill();
    server.lose_everything();
    line.cut();

    let begin = Instant::now();
    let restored = archive.restore();
    let held = events(&restored);
    assert!(held >= confirmed, "{held} of {confirmed}");
    line.lead_to_socket(&restored.socket());
    line.mend();
    let serves = begin.elapsed();
    site.await_recorded();
    let recorded = begin.elapsed();
    assert_eq!(epochs(&restored), history, "no new epoch is needed");
    for hub in &mut site.hubs {
        hub.resume_if_ended();
    }
    site.drop_faces(4);
    let counts = site.check();
    println!(
        "confirmed before the loss: {confirmed} events, restored: {held}; the database serves {serves:.1?} after the loss, all {} files are recorded after {recorded:.1?}; {counts}",
        site.people,
    );
}

fn events(server: &Postgres) -> u64 {
    let count = server.ask("ledger", "SELECT count(*) FROM events");
    count.parse().unwrap()
}

/// Every beginning of the history.
fn epochs(server: &Postgres) -> String {
    server.ask("ledger", "SELECT * FROM genesis ORDER BY epoch")
}
