//! An event that this release does not know, as a later one would write it: of a new type, or a known one in a new shape.
//!
//! There is one release, so a trigger of the database makes one person's event one of the future while it is written.
//! The readers meet it where they would meet a real one; what a later release would do with it the simulation shows. It is
//! put right again instead.

use shikaku_tests::hub::Hub;
use shikaku_tests::postgres::Postgres;
use shikaku_tests::until;

use super::scene::{Scene, settings};

/// One for each audience that may be told of a person.
const PROJECTIONS: f64 = 4.0;

/// What a later release wrote in a column of the event `verified`.
struct Future {
    column: &'static str,
    now: &'static str,
    later: &'static str,
    /// How its readers name it, as it stands in their log.
    said: &'static str,
}

/// T33: versions meet without loss.
#[test]
fn stops_its_readers_with_a_word_and_costs_them_nothing_once_it_is_known() {
    meets(&Future {
        column: "type",
        now: "'verified'",
        later: "'verified-by-chip'",
        said: r#"verified-by-chip\" of version 1"#,
    });
}

/// T33: versions meet without loss.
#[test]
fn in_a_later_shape_stops_its_readers_too() {
    meets(&Future {
        column: "schema_version",
        now: "1",
        later: "2",
        said: r#"verified\" of version 2"#,
    });
}

fn meets(future: &Future) {
    let postgres = Postgres::start();
    let mut settings = settings();
    settings.database = Some(postgres.database("ledger"));
    let mut scene = Scene::prepare(&settings);
    scene.begin();
    scene.drop_faces(4);
    scene.check();

    write_as_a_later_release(&postgres, &mut scene, future);
    scene.drop_faces(4);
    readers_stop(&mut scene.hub, future);
    recording_goes_on(&postgres, scene.people);
    assert_eq!(
        scene.hub.run(&["audit", "verify"]).code,
        1,
        "what was not written by us is found"
    );

    scene.hub.kill();
    let Future {
        column, now, later, ..
    } = future;
    let sql = format!("UPDATE events SET {column} = {now} WHERE {column} = {later}");
    postgres.ask("ledger", &sql);
    scene.forget_the_broker();
    scene.hub.resume();
    scene.drop_faces(4);
    scene.check();
}

/// The next person's answer.
fn write_as_a_later_release(postgres: &Postgres, scene: &mut Scene, future: &Future) {
    let Future { column, later, .. } = future;
    let sql = format!(
        "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN NEW.{column} := {later}; RETURN NEW; END $$;
         CREATE TRIGGER later BEFORE INSERT ON events FOR EACH ROW
           WHEN (NEW.type = 'verified') EXECUTE FUNCTION later()"
    );
    postgres.ask("ledger", &sql);
    scene.drop_faces(1);
    let written = format!("SELECT count(*) FROM events WHERE {column} = {later}");
    until("it is written", || {
        (postgres.ask("ledger", &written) == "1").then_some(())
    });
    postgres.ask("ledger", "DROP TRIGGER later ON events");
}

fn readers_stop(hub: &mut Hub, future: &Future) {
    until("every projection has stopped", || {
        let stops = hub.metric("shikaku_projection_stops_total", "");
        (stops >= PROJECTIONS).then_some(())
    });
    let said = hub.said();
    assert!(said.contains(future.said) && said.contains("is not known to this version"));
    assert!(hub.runs());
}

/// Every file has its event, the one of the future among them.
fn recording_goes_on(postgres: &Postgres, people: u32) {
    let verified = "SELECT count(*) FROM events WHERE type LIKE 'verified%'";
    until("the files after it are recorded", || {
        (postgres.ask("ledger", verified) == people.to_string()).then_some(())
    });
}
