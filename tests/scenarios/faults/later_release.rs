//! An event of a type that this release does not know, as a later one would write it.
//!
//! There is one release, so a trigger of the database gives one person's event a type of the future while it is written.
//! The readers meet it where they would meet a real one; what a later release would do with it is not shown. Its
//! type is put right again instead.

use shikaku_tests::hub::Hub;
use shikaku_tests::postgres::Postgres;
use shikaku_tests::until;

use super::scene::{Scene, settings};

/// One for each audience that may be told of a person.
const PROJECTIONS: f64 = 4.0;
const FUTURE: &str = "verified-by-chip";

/// T33: versions meet without loss.
#[test]
fn stops_its_readers_with_a_word_and_costs_them_nothing_once_it_is_known() {
    let postgres = Postgres::start();
    let mut settings = settings();
    settings.database = Some(postgres.database("ledger"));
    let mut scene = Scene::prepare(&settings);
    scene.begin();
    scene.drop_faces(4);
    scene.check();

    write_as_a_later_release(&postgres, &mut scene);
    scene.drop_faces(4);
    readers_stop(&mut scene.hub);
    recording_goes_on(&postgres, scene.people);
    assert_eq!(
        scene.hub.run(&["audit", "verify"]).code,
        1,
        "a type that was not written by us is found"
    );

    scene.hub.kill();
    let sql = format!("UPDATE events SET type = 'verified' WHERE type = '{FUTURE}'");
    postgres.ask("ledger", &sql);
    scene.forget_the_broker();
    scene.hub.resume();
    scene.drop_faces(4);
    scene.check();
}

/// The next person's answer.
fn write_as_a_later_release(postgres: &Postgres, scene: &mut Scene) {
    let sql = format!(
        "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN NEW.type := '{FUTURE}'; RETURN NEW; END $$;
         CREATE TRIGGER later BEFORE INSERT ON events FOR EACH ROW
           WHEN (NEW.type = 'verified') EXECUTE FUNCTION later()"
    );
    postgres.ask("ledger", &sql);
    scene.drop_faces(1);
    let written = format!("SELECT count(*) FROM events WHERE type = '{FUTURE}'");
    until("it is written", || {
        (postgres.ask("ledger", &written) == "1").then_some(())
    });
    postgres.ask("ledger", "DROP TRIGGER later ON events");
}

fn readers_stop(hub: &mut Hub) {
    until("every projection has stopped", || {
        let stops = hub.metric("shikaku_projection_stops_total", "");
        (stops >= PROJECTIONS).then_some(())
    });
    let said = hub.said();
    assert!(said.contains(FUTURE) && said.contains("is not known to this version"));
    assert!(hub.runs());
}

/// One of the files is the one of the future.
fn recording_goes_on(postgres: &Postgres, people: u32) {
    let verified = "SELECT count(*) FROM events WHERE type = 'verified'";
    until("the files after it are recorded", || {
        (postgres.ask("ledger", verified) == (people - 1).to_string()).then_some(())
    });
}
