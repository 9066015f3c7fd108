//! The engine against a real broker: twice, from zero, through crashes, wipes and poison.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stage;

use std::ops::Range;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::PullConsumer;
use futures::future::join_all;
use futures::{StreamExt as _, TryStreamExt as _};
use shikaku_models::ModelsError;
use shikaku_schemas::feed::{Audience, FeedVariant};
use shikaku_schemas::topology::PARKED;
use sqlx::{Connection as _, Executor as _, Row as _};
use stage::broker::TestBroker;
use stage::postgres::TestPostgres;
use stage::town::Town;
use stage::{Role, assert_gapless, eventually, options, rows, sqlite, told};
use tokio::time::timeout;

const RECEIPT: FeedVariant = FeedVariant {
    audience: Audience::Receipt,
    insurance_fields: false,
};

struct Scene {
    folder: tempfile::TempDir,
    broker: TestBroker,
    town: Town,
}

impl Scene {
    async fn with_people(people: u128) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = TestBroker::start(folder.path()).await;
        let mut town = Town::new();
        broker.provision(town.store, town.epoch).await;
        town.serve_keys(&broker).await;
        for n in 1..=people {
            town.newcomer(n);
        }
        town.publish(&broker, 1).await;
        Self {
            folder,
            broker,
            town,
        }
    }

    fn role(&self) -> Role {
        let path = self.folder.path();
        Role::start(options(&self.broker, &self.town, sqlite(path), path))
    }

    /// How long a newcomer waits until everybody is told, the middle one of several.
    async fn lag_of_others(&mut self, newcomers: Range<u128>) -> Duration {
        let role = self.role();
        role.caught_up(self.end()).await;
        let mut lags = Vec::new();
        for n in newcomers {
            let from = self.town.log.len() + 1;
            self.town.newcomer(n);
            self.town.publish(&self.broker, from).await;
            let begin = Instant::now();
            role.caught_up(self.end()).await;
            lags.push(begin.elapsed());
        }
        role.stop().await.unwrap();
        lags.sort();
        println!("others wait {lags:?} behind a poison event");
        lags[lags.len() / 2]
    }

    fn end(&self) -> u64 {
        self.town.log.len() as u64
    }

    async fn outbox(&self, statement: impl Into<String>) {
        let file = self.folder.path().join("projections/receipt.db");
        let url = format!("sqlite://{}", file.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        connection
            .execute(sqlx::AssertSqlSafe(statement.into()))
            .await
            .unwrap();
    }

    async fn parked(&self) -> Vec<serde_json::Value> {
        let mut stream = self.broker.jetstream().get_stream(PARKED).await.unwrap();
        let last = stream.info().await.unwrap().state.last_sequence;
        let mut letters = Vec::new();
        for sequence in 1..=last {
            let message = stream.get_raw_message(sequence).await.unwrap();
            letters.push(serde_json::from_slice(&message.payload).unwrap());
        }
        letters
    }
}

/// T8: a rebuild gives the same rows and tells nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn once_again_and_from_zero_give_the_same_rows_and_tell_nothing_twice() {
    let mut scene = Scene::with_people(50).await;
    let path = scene.folder.path().to_owned();
    let role = scene.role();
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    let first = rows(&path, &scene.town, RECEIPT).await;
    let feed = told(&scene.broker, Audience::Receipt).await;
    assert_eq!(first.len(), 50);
    assert_eq!(feed.len(), 250, "consents are not for the receipt computer");
    assert_gapless(&feed);
    assert_eq!(
        told(&scene.broker, Audience::Department).await[0].body,
        serde_json::json!({ "patient": "00000001", "assistance": "yes" })
    );

    let role = scene.role();
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    assert_eq!(rows(&path, &scene.town, RECEIPT).await, first);

    std::fs::remove_dir_all(path.join("projections")).unwrap();
    let role = scene.role();
    role.caught_up(scene.end()).await;
    assert_eq!(rows(&path, &scene.town, RECEIPT).await, first);
    assert_eq!(told(&scene.broker, Audience::Receipt).await, feed);

    let from = scene.town.log.len() + 1;
    scene.town.newcomer(51);
    scene.town.publish(&scene.broker, from).await;
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    let all = told(&scene.broker, Audience::Receipt).await;
    assert_eq!(all.len(), 255);
    assert_gapless(&all);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_gives_the_same_rows_as_sqlite() {
    let scene = Scene::with_people(20).await;
    let path = scene.folder.path().to_owned();
    let role = scene.role();
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    let first = rows(&path, &scene.town, RECEIPT).await;
    let feed = told(&scene.broker, Audience::Receipt).await;

    let postgres = TestPostgres::start();
    let at = shikaku_models::Database::Postgres {
        url: postgres.url(),
    };
    let mut asked = options(&scene.broker, &scene.town, at, &path);
    asked.access = shikaku_models::AccessAt::Postgres {
        url: postgres.url(),
    };
    for _ in 0..2 {
        asked.status = shikaku_models::StatusBoard::default();
        let role = Role::start(asked.clone());
        role.caught_up(scene.end()).await;
        role.stop().await.unwrap();
    }
    let mut connection = sqlx::PgConnection::connect(&postgres.url()).await.unwrap();
    let found = sqlx::query("SELECT record, sealed FROM projection_receipt.current_rows")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let found = found.iter().map(|row| (row.get(0), row.get(1)));
    assert_eq!(stage::opened(&scene.town, RECEIPT, found), first);
    assert_eq!(told(&scene.broker, Audience::Receipt).await, feed);
}

/// T7: rows, checkpoint and outbox change together.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_publishing_and_marking_repeats_nothing() {
    let scene = Scene::with_people(10).await;
    let role = scene.role();
    role.caught_up(scene.end()).await;
    role.kill().await;
    let feed = told(&scene.broker, Audience::Receipt).await;
    scene
        .outbox("UPDATE outbox SET published = 0, stream_sequence = NULL WHERE feed_sequence > 17")
        .await;
    let role = scene.role();
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    assert_eq!(told(&scene.broker, Audience::Receipt).await, feed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_broker_never_stored_is_published_in_order() {
    let mut scene = Scene::with_people(40).await;
    let role = scene.role();
    for round in 0..3 {
        scene.broker.restart(false).await;
        let from = scene.town.log.len() + 1;
        scene.town.newcomer(100 + round);
        scene.town.publish(&scene.broker, from).await;
    }
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    for audience in Audience::ALL {
        assert_gapless(&told(&scene.broker, *audience).await);
    }
    assert_eq!(told(&scene.broker, Audience::Receipt).await.len(), 43 * 5);
}

/// T14: a broker or a node of it lost: streams are refilled, consumers go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_broker_is_refilled_with_the_same_ids_and_numbers() {
    let mut scene = Scene::with_people(20).await;
    let role = scene.role();
    role.caught_up(scene.end()).await;
    let mut before = Vec::new();
    for audience in Audience::ALL {
        before.push(told(&scene.broker, *audience).await);
    }
    scene.broker.restart(true).await;
    scene
        .broker
        .provision(scene.town.store, scene.town.epoch)
        .await;
    scene.town.newcomer(99);
    scene.town.publish(&scene.broker, 1).await;
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    for (audience, before) in Audience::ALL.iter().zip(before) {
        let after = told(&scene.broker, *audience).await;
        let plain = |told: &stage::Told| !told.subject.contains("-insurance");
        let (after, before): (Vec<_>, Vec<_>) = (
            after.into_iter().filter(plain).collect(),
            before.into_iter().filter(plain).collect(),
        );
        assert!(after.starts_with(&before), "{audience:?}");
        assert!(after.len() > before.len());
        assert_gapless(&after);
    }
}

/// T11: a poison event parks its record alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_parks_its_record_and_lets_others_flow() {
    let mut scene = Scene::with_people(2).await;
    let from = scene.town.log.len() + 1;
    let poisoned = stage::town::record(1);
    scene.town.add(
        poisoned,
        "consent-recorded",
        &serde_json::json!({ "scope": 7 }),
    );
    let ended = serde_json::json!({ "scope": "drug", "ended_at": "2026-05-12T00:00:00Z" });
    scene.town.add(poisoned, "consent-ended", &ended);
    scene.town.newcomer(3);
    scene.town.publish(&scene.broker, from).await;
    for _ in 0..2 {
        let role = scene.role();
        role.caught_up(scene.end()).await;
        eventually("a letter per projection", || async {
            scene.parked().await.len() == 5
        })
        .await;
        assert_eq!(role.status.projections()["ehr"].parked_records, 1);
        role.stop().await.unwrap();
    }
    let lag = scene.lag_of_others(4..9).await;
    assert!(lag < Duration::from_secs(1), "others wait for {lag:?}");
    let letter = &scene.parked().await[0];
    assert_eq!(letter["position"], 13);
    assert_eq!(
        letter["reason"],
        "the payload does not have the shape of its type"
    );
    let feed = told(&scene.broker, Audience::Ehr).await;
    assert_gapless(&feed);
    let ended = |told: &stage::Told| told.subject.ends_with("consent-ended");
    assert!(!feed.iter().any(ended), "what is later waits behind it");
}

/// T11: so does a row that was damaged.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_parks_its_record_and_lets_others_flow() {
    let mut scene = Scene::with_people(2).await;
    let role = scene.role();
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    let damaged = stage::town::record(1);
    let row = format!(
        "UPDATE current_rows SET sealed = x'00' WHERE record = x'{}'",
        damaged.0.simple()
    );
    scene.outbox(row).await;
    let from = scene.town.log.len() + 1;
    let ended = serde_json::json!({ "scope": "drug", "ended_at": "2026-05-12T00:00:00Z" });
    scene.town.add(damaged, "consent-ended", &ended);
    scene.town.newcomer(3);
    scene.town.publish(&scene.broker, from).await;
    let role = scene.role();
    role.caught_up(scene.end()).await;
    let parked = role.status.projections();
    assert_eq!(parked["receipt"].parked_records, 1);
    assert_eq!(parked["ehr"].parked_records, 0);
    role.stop().await.unwrap();
    let feed = told(&scene.broker, Audience::Receipt).await;
    assert_gapless(&feed);
    // Five messages each, of the two and of the newcomer.
    assert_eq!(feed.len(), 15);
}

/// T11: a poison event parks its record alone.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_event_type_stops_after_what_came_before() {
    let mut scene = Scene::with_people(1).await;
    let from = scene.town.log.len() + 1;
    let record = stage::town::record(1);
    scene.town.add(
        record,
        "consent-recorded",
        &serde_json::json!({ "scope": "checkup", "source": "card" }),
    );
    scene
        .town
        .add(record, "horoscope-cast", &serde_json::json!({}));
    scene.town.newcomer(2);
    scene.town.publish(&scene.broker, from).await;
    let role = scene.role();
    eventually("every projection stops", || async {
        let rows = role.status.projections();
        rows.len() == 5 && rows.values().all(|row| row.stopped.is_some())
    })
    .await;
    assert!(
        role.status
            .projections()
            .values()
            .all(|row| row.position.0 == 7)
    );
    assert!(!role.status.ready());
    eventually("what came before is told", || async {
        told(&scene.broker, Audience::Receipt).await.len() == 5
    })
    .await;
    assert!(matches!(
        role.stop().await,
        Err(ModelsError::Stopped { .. })
    ));
}

/// T32: a backup restores on a fresh machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_ledger_is_told_anew_from_one_on_in_its_own_epoch() {
    let mut scene = Scene::with_people(4).await;
    let path = scene.folder.path().to_owned();
    let role = scene.role();
    role.caught_up(scene.end()).await;
    let feed = told(&scene.broker, Audience::Receipt).await;
    // The backup held three people; the fourth is gone, a fifth comes in the new epoch.
    scene.town.log.truncate(18);
    scene.town.epoch = 2;
    scene.town.newcomer(5);
    scene.broker.jetstream().delete_stream("LOG").await.unwrap();
    let spec = &shikaku_schemas::topology::streams(30)[2];
    scene
        .broker
        .jetstream()
        .create_stream(async_nats::jetstream::stream::Config {
            name: spec.name.clone(),
            subjects: spec.subjects.clone(),
            ..Default::default()
        })
        .await
        .unwrap();
    scene.town.publish(&scene.broker, 1).await;
    role.caught_up(scene.end()).await;
    eventually("all of it is told", || async {
        told(&scene.broker, Audience::Receipt).await.len() == 40
    })
    .await;
    role.stop().await.unwrap();
    let after = told(&scene.broker, Audience::Receipt).await;
    let (before, anew) = after.split_at(feed.len());
    assert_eq!(before, feed);
    assert_gapless(anew);
    assert!(anew.iter().all(|told| told.epoch == "2"));
    let same = |(old, new): (&stage::Told, &stage::Told)| {
        old.body == new.body && old.ce_id != new.ce_id && old.feed_sequence == new.feed_sequence
    };
    assert!(before[..15].iter().zip(anew).all(same));
    assert_eq!(rows(&path, &scene.town, RECEIPT).await.len(), 4);

    // A projection database that is lost now finds its numbers in what was told of this epoch.
    std::fs::remove_dir_all(path.join("projections")).unwrap();
    let role = scene.role();
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    assert_eq!(told(&scene.broker, Audience::Receipt).await, after);
}

/// Else a clock that jumps at the first start eats the beginning of every feed.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_begun_tells_what_is_older_than_feeds_are_kept() {
    let scene = Scene::with_people(4).await;
    let path = scene.folder.path().to_owned();
    let mut asked = options(&scene.broker, &scene.town, sqlite(&path), &path);
    asked.feed_days = 30;
    let role = Role::start(asked);
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    let feed = told(&scene.broker, Audience::Receipt).await;
    assert_eq!(feed.len(), 20);
    assert_gapless(&feed);
}

/// A `LOG` that stays short, and does not say that it is being filled: it is read again, and nothing is told again.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_long_being_filled_tells_nothing_twice() {
    let mut scene = Scene::with_people(4).await;
    let path = scene.folder.path().to_owned();
    let role = scene.role();
    role.caught_up(scene.end()).await;
    let before = rows(&path, &scene.town, RECEIPT).await;
    let feed = told(&scene.broker, Audience::Receipt).await;
    let late = scene.town.log.split_off(12);
    scene.broker.jetstream().delete_stream("LOG").await.unwrap();
    let (store, epoch) = (scene.town.store, scene.town.epoch);
    scene.broker.provision(store, epoch).await;
    scene.town.publish(&scene.broker, 1).await;
    eventually("all is read again", || async {
        let rows = role.status.projections();
        rows.values().all(|row| row.position.0 == 12)
    })
    .await;
    scene.town.log.extend(late);
    scene.town.publish(&scene.broker, 13).await;
    role.caught_up(scene.end()).await;
    scene.town.newcomer(5);
    scene.town.publish(&scene.broker, 25).await;
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    let after = told(&scene.broker, Audience::Receipt).await;
    assert!(after.starts_with(&feed));
    assert_eq!(after.len(), feed.len() + 5);
    assert_gapless(&after);
    let after = rows(&path, &scene.town, RECEIPT).await;
    assert!(
        before
            .iter()
            .all(|(record, row)| after.get(record) == Some(row))
    );
}

/// T2: no reader skips.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_waited_for_and_never_skipped() {
    let mut scene = Scene::with_people(1).await;
    let path = scene.folder.path().to_owned();
    let role = scene.role();
    role.caught_up(scene.end()).await;
    scene.town.newcomer(2);
    let stream = scene.broker.jetstream().get_stream("LOG").await.unwrap();
    scene.town.publish(&scene.broker, 7).await;
    stream.delete_message(9).await.unwrap();
    role.kill().await;
    std::fs::remove_dir_all(path.join("projections")).unwrap();
    let role = scene.role();
    eventually("the projection stands before the gap", || async {
        role.status
            .projections()
            .get("receipt")
            .is_some_and(|row| row.position.0 <= 8)
    })
    .await;
    assert!(!role.status.ready());
    scene.broker.jetstream().delete_stream("LOG").await.unwrap();
    for name in [
        "PARKED",
        "FEED_RECEIPT",
        "FEED_EHR",
        "FEED_DISPENSING",
        "FEED_DEPARTMENT",
    ] {
        scene.broker.jetstream().delete_stream(name).await.unwrap();
    }
    scene.broker.provision(scene.town.store, 1).await;
    scene.town.publish(&scene.broker, 1).await;
    role.caught_up(12).await;
    role.stop().await.unwrap();
    assert_gapless(&told(&scene.broker, Audience::Receipt).await);
    assert_eq!(rows(&path, &scene.town, RECEIPT).await.len(), 2);
}

/// Simulation, seed 1018727: the last message of the day did not arrive, nothing came after it, and the wards were not
/// told until the next morning. Here somebody else takes it from the reader's consumer.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_message_lost_on_the_way_is_missed_without_another() {
    let mut scene = Scene::with_people(1).await;
    let role = scene.role();
    role.caught_up(scene.end()).await;
    let stolen = steal(&mut scene).await;
    assert!(stolen > 0, "the broker gave every message to its reader");
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    assert_gapless(&told(&scene.broker, Audience::Receipt).await);
}

/// Publishes one message after the other until somebody else than the readers of `LOG` got the last: who stands in
/// line for a reader's messages gets the next one when the reader's own request has run out and was made anew.
async fn steal(scene: &mut Scene) -> usize {
    let stream = scene.broker.jetstream().get_stream("LOG").await.unwrap();
    let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    let mut thieves = Vec::new();
    for name in &names {
        let consumer: PullConsumer = stream.get_consumer(name).await.unwrap();
        let fetch = consumer
            .fetch()
            .max_messages(1)
            .expires(Duration::from_secs(60));
        thieves.push(fetch.messages().await.unwrap());
    }
    for _ in 0..60 {
        let from = scene.town.log.len() + 1;
        let number = serde_json::json!({ "patient_number": format!("{from:08}") });
        let record = stage::town::record(1);
        scene.town.add(record, "patient-numbered", &number);
        scene.town.publish(&scene.broker, from).await;
        let takes = thieves
            .iter_mut()
            .map(|thief| timeout(Duration::from_millis(500), thief.next()));
        let stolen = join_all(takes).await;
        let stolen = stolen
            .iter()
            .filter(|taken| matches!(taken, Ok(Some(_))))
            .count();
        if stolen > 0 {
            return stolen;
        }
    }
    0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_record_leaves_no_row_and_no_body() {
    let mut scene = Scene::with_people(2).await;
    let path = scene.folder.path().to_owned();
    let from = scene.town.log.len() + 1;
    scene.town.erase(stage::town::record(1));
    scene.town.publish(&scene.broker, from).await;
    let role = scene.role();
    role.caught_up(scene.end()).await;
    role.stop().await.unwrap();
    assert_eq!(rows(&path, &scene.town, RECEIPT).await.len(), 1);
    let feed = told(&scene.broker, Audience::Receipt).await;
    assert_gapless(&feed);
    assert!(
        !feed
            .iter()
            .any(|told| told.body.to_string().contains("見本　1"))
    );
}
