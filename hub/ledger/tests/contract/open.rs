//! Opening: what is refused, and looking without touching.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use shikaku_ledger::{KeyStoreAt, Ledger, LedgerError, Writer};
use shikaku_schemas::clock::{SystemClock, SystemRandomness};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::Position;
use std::sync::Arc;

use crate::place::{Place, events, numbered, observation, record, until};

crate::on_both_databases!(
    looking_needs_a_ledger_and_makes_none,
    looking_beside_a_running_writer_sees_its_commits,
    another_group_key_is_refused,
    a_lost_signing_key_is_not_made_anew,
    the_identity_stays,
    two_hubs_may_open_at_once,
);

fn files(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            names.extend(files(&entry.path()));
        }
        names.insert(entry.path().display().to_string());
    }
    names
}

async fn looking_needs_a_ledger_and_makes_none(place: &Place) {
    let before = files(place.folder.path());
    let refused = Ledger::open_read_only(&place.options).await;
    assert!(matches!(refused, Err(LedgerError::Missing)), "{refused:?}");
    assert_eq!(files(place.folder.path()), before);
}

async fn looking_beside_a_running_writer_sees_its_commits(place: &Place) {
    let (hub, mut writer) = place.begin().await;
    let looking = Ledger::open_read_only(&place.options).await.unwrap();
    writer
        .append(events(vec![numbered(record(), 0, "A")]))
        .await
        .unwrap();
    let page = looking.read_page(Position(0), 9).await.unwrap();
    assert!(looking.open_events(&page).await.unwrap()[0].event.is_some());
    assert_eq!(looking.verify(|_| {}).await.unwrap().first_bad, None);
    let refused =
        Writer::acquire(&looking, Arc::new(SystemClock), Arc::new(SystemRandomness)).await;
    assert!(matches!(refused, Err(LedgerError::ReadOnly)));
    writer
        .append(events(vec![numbered(record(), 0, "B")]))
        .await
        .unwrap();
    writer.close().await.unwrap();
    drop((hub, looking));

    let before = files(place.folder.path());
    let looking = Ledger::open_read_only(&place.options).await.unwrap();
    assert_eq!(looking.head().await.unwrap().position, Position(2));
    assert_eq!(looking.verify(|_| {}).await.unwrap().events, 2);
    drop(looking);
    let after = files(place.folder.path());
    // SQLite's own write-ahead log may come back while somebody looks.
    let new: Vec<_> = after.difference(&before).collect();
    assert!(
        new.iter()
            .all(|name| name.ends_with("-wal") || name.ends_with("-shm")),
        "{new:?}"
    );
}

async fn another_group_key_is_refused(place: &Place) {
    drop(place.open().await);
    let mut options = place.options.clone();
    options.keys.group_key = SealKey::from_bytes([8; 32]);
    for refused in [
        Ledger::open(&options).await,
        Ledger::open_read_only(&options).await,
    ] {
        assert!(
            matches!(refused, Err(LedgerError::WrongGroupKey)),
            "{refused:?}"
        );
    }
}

async fn a_lost_signing_key_is_not_made_anew(place: &Place) {
    let (_, mut writer) = place.begin().await;
    writer
        .append(events(vec![numbered(record(), 0, "A")]))
        .await
        .unwrap();
    writer.close().await.unwrap();
    std::fs::remove_file(&place.options.keys.signing_key_file).unwrap();
    let refused = Ledger::open(&place.options).await;
    assert!(matches!(refused, Err(LedgerError::SigningKeyMissing(_))));
}

async fn the_identity_stays(place: &Place) {
    let first = place.open().await.identity();
    assert_eq!(first.epoch, 1);
    assert_eq!(place.open().await.identity(), first);
    let looking = Ledger::open_read_only(&place.options).await.unwrap();
    assert_eq!(looking.identity(), first);
}

async fn two_hubs_may_open_at_once(place: &Place) {
    let (one, two) = tokio::join!(Ledger::open(&place.options), Ledger::open(&place.options));
    assert_eq!(one.unwrap().identity(), two.unwrap().identity());
}

/// T13: a database that may forget a commit is refused by its setting's name.
#[tokio::test]
async fn a_postgres_that_may_lose_commits_is_refused() {
    let place = Place::on_postgres().await;
    let server = place.server.as_ref().unwrap();
    server
        .run(
            "postgres",
            "ALTER DATABASE hub SET synchronous_commit = off",
        )
        .await;
    let refused = Ledger::open(&place.options).await;
    let Err(LedgerError::NotDurable { setting, found, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (setting.as_str(), found.as_str()),
        ("synchronous_commit", "off")
    );
    server
        .run("postgres", "ALTER DATABASE hub RESET synchronous_commit")
        .await;
    let sql = "ALTER SYSTEM SET full_page_writes = off";
    server.run("postgres", sql).await;
    server.run("postgres", "SELECT pg_reload_conf()").await;
    crate::place::until("the setting is read", async || {
        let refused = Ledger::open(&place.options).await;
        matches!(refused, Err(LedgerError::NotDurable { setting, .. }) if setting == "full_page_writes")
    })
    .await;
}

/// T33: versions meet without loss.
#[tokio::test]
async fn a_ledger_of_a_later_version_is_refused() {
    let place = Place::on_sqlite();
    drop(place.open().await);
    place.intrude("PRAGMA user_version = 9").await;
    for refused in [
        Ledger::open(&place.options).await,
        Ledger::open_read_only(&place.options).await,
    ] {
        assert!(
            matches!(refused, Err(LedgerError::TooNew { found: 9, .. })),
            "{refused:?}"
        );
    }
}

/// T13: a database that may forget a commit is refused by its setting's name.
#[tokio::test]
async fn an_embedded_ledger_syncs_every_commit() {
    let place = Place::on_sqlite();
    drop(place.open().await);
    let KeyStoreAt::Sqlite { path } = &place.options.keys.store else {
        unreachable!("an embedded key store")
    };
    for path in [path.clone(), place.folder.path().join("ledger.db")] {
        let mut connection = place.sqlite(&path).await;
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(mode, "wal");
    }
}

/// Lines that lay idle are asked before they are trusted; each of the pool's was in use at once before.
#[tokio::test]
async fn readers_outlive_a_database_that_ended_their_lines() {
    let place = Place::on_postgres().await;
    let (ledger, _writer) = place.begin().await;
    let all = || futures::future::join_all((0..8).map(|_| ledger.head()));
    assert!(all().await.iter().all(Result::is_ok));
    place
        .intrude(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shikaku-ledger'
             AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')",
        )
        .await;
    // Idle for longer than a line is trusted: the time itself is what is tested.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for head in all().await {
        assert_eq!(head.unwrap().position, Position(0));
    }
}

/// A plan that was made while the tables were empty must not read them whole once they are large.
#[tokio::test]
async fn look_ups_go_by_index_from_the_first() {
    let place = Place::on_postgres().await;
    let (ledger, _writer) = place.begin().await;
    let server = place.server.as_ref().unwrap();
    let scans = async |by: &str| {
        let sql =
            format!("SELECT sum({by})::text FROM pg_stat_user_tables WHERE relname = 'inbox'");
        server.ask("hub", &sql).await.parse::<u64>().unwrap()
    };
    let (whole, indexed) = (
        scans("seq_scan").await,
        scans("coalesce(idx_scan, 0)").await,
    );
    let look_up = async || {
        let ids: Vec<_> = (0..64).map(|_| observation()).collect();
        ledger.inbox(&ids).await.unwrap();
    };
    for _ in 0..8 {
        look_up().await;
    }
    place
        .intrude(
            "INSERT INTO inbox (observation_id, facility, outcome)
             SELECT gen_random_uuid(), '1319912349', 'recorded' FROM generate_series(1, 5000)",
        )
        .await;
    // A server tells its counts late.
    until("the look-ups are counted", async || {
        look_up().await;
        scans("coalesce(idx_scan, 0)").await > indexed || scans("seq_scan").await > whole + 8
    })
    .await;
    assert_eq!(scans("seq_scan").await, whole);
}
