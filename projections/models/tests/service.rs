//! `state` and `replay` as an outside consumer meets them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stage;

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream;
use futures::StreamExt as _;
use serde_json::{Value, json};
use shikaku_models::{AccessAt, AccessLog};
use shikaku_schemas::clock::SystemClock;
use shikaku_schemas::topology::{self, FEED_SEQUENCE, LOG, STORE_EPOCH, STORE_HEAD, STORE_ID};
use sqlx::{Connection as _, Executor as _};
use stage::broker::TestBroker;
use stage::town::Town;
use stage::{Role, eventually, options, sqlite};

struct Scene {
    folder: tempfile::TempDir,
    broker: TestBroker,
    town: Town,
    role: Role,
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
        let path = folder.path();
        let role = Role::start(options(&broker, &town, sqlite(path), path));
        role.caught_up(town.log.len() as u64).await;
        Self {
            folder,
            broker,
            town,
            role,
        }
    }

    async fn ask(&self, consumer: &str, what: &str, question: &Value) -> Value {
        let subject = format!("shikaku.svc-of.{consumer}.{what}");
        let reply = self
            .broker
            .client
            .request(subject, question.to_string().into())
            .await
            .unwrap();
        serde_json::from_slice(&reply.payload).unwrap()
    }

    async fn looks(&self) -> Vec<(String, String, Option<String>)> {
        let at = AccessAt::Sqlite {
            path: self.folder.path().join("access.db"),
        };
        let log = AccessLog::open(&at, std::sync::Arc::new(SystemClock))
            .await
            .unwrap();
        log.list(0, 1000)
            .await
            .unwrap()
            .into_iter()
            .map(|row| {
                (
                    row.who,
                    row.kind,
                    row.record.map(|record| record.to_string()),
                )
            })
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_asker_gets_its_own_part_and_every_look_is_logged() {
    let scene = Scene::with_people(3).await;
    let ward = scene
        .ask("ward-3", "state", &json!({ "patient": "00000002" }))
        .await;
    assert_eq!(
        ward["state"],
        json!({ "patient": "00000002", "assistance": "yes" })
    );
    assert_eq!(ward["store"], scene.town.store.to_string());
    assert_eq!(ward["position"], 18);
    assert_eq!(ward["feed_sequence"], 3);
    let receipt = scene
        .ask("receipt-1", "state", &json!({ "patient": "00000002" }))
        .await;
    let record = stage::town::record(2).to_string();
    assert_eq!(receipt["state"]["record"], record);
    let facts = receipt["state"]["facts"].as_array().unwrap();
    let kinds: Vec<_> = facts
        .iter()
        .map(|fact| fact["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "qualification-granted",
            "commissioned-ticket-arrived",
            "verified"
        ]
    );
    assert_eq!(facts[1]["recipient_number"], "0000002");
    let nobody = scene
        .ask("ward-3", "state", &json!({ "patient": "4711" }))
        .await;
    assert_eq!(nobody["state"], Value::Null);
    let looks = scene.looks().await;
    let of = |who: &str, record: Option<&str>| {
        (
            who.to_owned(),
            "state".to_owned(),
            record.map(str::to_owned),
        )
    };
    assert_eq!(
        looks,
        [
            of("ward-3", Some(&record)),
            of("receipt-1", Some(&record)),
            of("ward-3", None)
        ]
    );
    for (what, question) in [
        ("state", json!({ "patient": ["x"] })),
        ("state", json!({ "name": "x" })),
        ("state", json!({ "after": "nonsense" })),
        ("replay", json!({})),
        ("replay", json!({ "from_sequence": 99 })),
        ("delete", json!({})),
    ] {
        assert_eq!(
            scene.ask("ward-3", what, &question).await["error"],
            "request",
            "{what} {question}"
        );
    }
    assert_eq!(
        scene.ask("stranger", "state", &json!({})).await["error"],
        "request"
    );
    scene.role.stop().await.unwrap();
}

/// After a restore half of the rows would say of many that nothing is known.
#[tokio::test(flavor = "multi_thread")]
async fn while_rows_are_made_for_another_epoch_nothing_is_answered_from_them() {
    let mut scene = Scene::with_people(120).await;
    let first = scene.ask("ward-3", "state", &json!({})).await;
    assert_eq!(first["epoch"], 1);
    scene.town.epoch = 2;
    scene.broker.jetstream().delete_stream(LOG).await.unwrap();
    let spec = topology::streams(30)
        .into_iter()
        .find(|spec| spec.name == LOG);
    let spec = spec.unwrap();
    let named = |name: &str, is: String| (name.to_owned(), is);
    let metadata = [
        named(STORE_ID, scene.town.store.to_string()),
        named(STORE_EPOCH, "2".to_owned()),
        named(STORE_HEAD, scene.town.log.len().to_string()),
    ];
    let config = stream::Config {
        name: spec.name,
        subjects: spec.subjects,
        metadata: metadata.into(),
        ..stream::Config::default()
    };
    scene
        .broker
        .jetstream()
        .create_stream(config)
        .await
        .unwrap();
    let late = scene.town.log.split_off(12);
    scene.town.publish(&scene.broker, 1).await;
    eventually("what is there is read", || async {
        let rows = scene.role.status.projections();
        rows.values().all(|row| row.position.0 == 12)
    })
    .await;
    let one = json!({ "patient": "00000001" });
    for (what, question) in [
        ("state", &json!({})),
        ("state", &one),
        ("replay", &json!({ "from_sequence": 1 })),
    ] {
        let answer = scene.ask("ward-3", what, question).await;
        assert_eq!(
            answer["error"], "unavailable",
            "{what} {question}: {answer}"
        );
    }

    scene.town.log.extend(late);
    scene.town.publish(&scene.broker, 13).await;
    scene.role.caught_up(scene.town.log.len() as u64).await;
    assert_eq!(scene.ask("ward-3", "state", &one).await["epoch"], 2);
    let old = scene
        .ask("ward-3", "state", &json!({ "after": first["next"] }))
        .await;
    assert_eq!(old["error"], "request", "{old}");
    scene.role.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_snapshot_is_paged_and_ends_with_the_sequence_it_stands_at() {
    let scene = Scene::with_people(230).await;
    let mut after = Value::Null;
    let mut patients = Vec::new();
    let mut pages = 0;
    loop {
        let page = scene
            .ask("ward-3", "state", &json!({ "after": after }))
            .await;
        assert_eq!(page["feed_sequence"], 230);
        pages += 1;
        for state in page["states"].as_array().unwrap() {
            patients.push(state["patient"].as_str().unwrap().to_owned());
        }
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(pages, 3);
    patients.sort();
    patients.dedup();
    assert_eq!(patients.len(), 230);
    assert_eq!(scene.looks().await.len(), 230);
    scene.role.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_shown_when_the_look_can_not_be_logged() {
    let scene = Scene::with_people(1).await;
    let url = format!(
        "sqlite://{}",
        scene.folder.path().join("access.db").display()
    );
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    connection.execute("DROP TABLE access").await.unwrap();
    for (what, question) in [
        ("state", json!({ "patient": "00000001" })),
        ("state", json!({})),
        ("replay", json!({ "from_sequence": 1 })),
    ] {
        let answer = scene.ask("ward-3", what, &question).await;
        assert_eq!(answer["error"], "unavailable");
        assert!(!answer.to_string().contains("00000001"));
    }
    scene.role.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_delivers_again_on_the_bound_durable_with_the_same_ids() {
    let scene = Scene::with_people(5).await;
    let stream = scene
        .broker
        .jetstream()
        .get_stream("FEED_RECEIPT")
        .await
        .unwrap();
    let durable: PullConsumer = stream
        .create_consumer(pull::Config {
            durable_name: Some("receipt-1".to_owned()),
            filter_subject: "shikaku.feed.receipt.1319912349.>".to_owned(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_secs(60),
            max_ack_pending: 1000,
            ..pull::Config::default()
        })
        .await
        .unwrap();
    let mut messages = durable.messages().await.unwrap();
    let mut heard = Vec::new();
    for count in 0..25 {
        let message = messages.next().await.unwrap().unwrap();
        heard.push(id_and_sequence(&message));
        // The last ones stay unacknowledged.
        if count < 20 {
            message.double_ack().await.unwrap();
        }
    }
    let answer = scene
        .ask("receipt-1", "replay", &json!({ "from_sequence": 8 }))
        .await;
    assert_eq!(answer["from_sequence"], 8, "{answer}");
    assert_eq!(answer["feed_sequence"], 25);
    for expected in &heard[7..] {
        let message = messages.next().await.unwrap().unwrap();
        assert_eq!(&id_and_sequence(&message), expected);
        message.double_ack().await.unwrap();
    }
    // The time of the fourth person's first event.
    let since = scene.town.log[18].head.recorded_at.to_string();
    let answer = scene
        .ask("receipt-1", "replay", &json!({ "from": since }))
        .await;
    assert_eq!(answer["from_sequence"], 16, "{answer}");
    let message = messages.next().await.unwrap().unwrap();
    assert_eq!(id_and_sequence(&message), heard[15]);
    scene.role.stop().await.unwrap();
}

fn id_and_sequence(message: &async_nats::jetstream::Message) -> (String, u64) {
    let headers = message.headers.as_ref().unwrap();
    (
        headers.get("ce-id").unwrap().to_string(),
        headers
            .get(FEED_SEQUENCE)
            .unwrap()
            .as_str()
            .parse()
            .unwrap(),
    )
}
