//! A database or a broker that may forget what it confirmed.

use std::sync::Arc;

use shikaku_tests::hub::Hub;
use shikaku_tests::postgres::Postgres;
use shikaku_tests::settings::Settings;

/// T13: a database that may forget a commit is refused by its setting's name.
#[test]
fn is_refused_by_the_name_of_its_setting() {
    let postgres = Postgres::start();
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let settings = Settings {
        database: Some(postgres.database("ledger")),
        ..Settings::default()
    };
    let mut hub = Hub::prepare(folder, "hub", &["up"], &settings);
    for (setting, found) in [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        // Kept by this server, and maybe by no standby.
        ("synchronous_commit", "local"),
        ("synchronous_commit", "remote_write"),
    ] {
        postgres.ask("postgres", &format!("ALTER SYSTEM SET {setting} = {found}"));
        postgres.reload();
        let before = hub.said().len();
        assert_eq!(hub.fails(), 1);
        let said = hub.said()[before..].to_owned();
        assert!(said.contains(setting), "{said}");
        assert!(said.contains(found) && said.contains("on"), "{said}");
        postgres.ask("postgres", &format!("ALTER SYSTEM RESET {setting}"));
        postgres.reload();
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'events'";
    assert_eq!(postgres.ask("ledger", tables), "0", "nothing was begun");
    hub.resume();
}
