//! The stage on which the role is tested: a real broker, a log filled by hand, keys answered by hand.
#![expect(dead_code, reason = "each test file uses its own part of the stage")]

pub mod broker;
pub mod postgres;
pub mod town;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::RawMessageErrorKind;
use serde_json::Value;
use shikaku_models::{
    AccessAt, BrokerOptions, Database, ModelsError, ModelsOptions, StatusBoard, run,
};
use shikaku_schemas::clock::SystemClock;
use shikaku_schemas::feed::{Audience, FeedVariant};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::topology::{FEED_SEQUENCE, STORE_EPOCH, feed_stream};
use shikaku_schemas::value::RecordId;
use sqlx::{Connection as _, Row as _};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use broker::TestBroker;
use town::Town;

/// Longer than a projection waits for a `LOG` that is being filled.
const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for a condition with a deadline.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let end = tokio::time::Instant::now() + DEADLINE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < end, "in vain: {what}");
        // Polling: the deadline above ends it.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The role, running.
pub struct Role {
    pub status: StatusBoard,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), ModelsError>>,
}

impl Role {
    pub fn start(options: ModelsOptions) -> Self {
        let cancel = CancellationToken::new();
        Self {
            status: options.status.clone(),
            task: tokio::spawn(run(options, cancel.clone())),
            cancel,
        }
    }

    /// Waits until every projection is at `position` and every message with the broker.
    pub async fn caught_up(&self, position: u64) {
        eventually("projections catch up", || async {
            let rows = self.status.projections();
            self.status.ready()
                && rows
                    .values()
                    .all(|row| row.position.0 == position && row.unpublished == 0)
        })
        .await;
    }

    pub async fn stop(self) -> Result<(), ModelsError> {
        self.cancel.cancel();
        self.task.await.unwrap()
    }

    /// Ends it without any farewell.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

pub fn options(
    broker: &TestBroker,
    town: &Town,
    database: Database,
    folder: &Path,
) -> ModelsOptions {
    ModelsOptions {
        nats: BrokerOptions {
            url: broker.url(),
            user: String::new(),
            password: String::new(),
            ca_file: None,
        }
        .into(),
        database,
        access: AccessAt::Sqlite {
            path: folder.join("access.db"),
        },
        group: town.group.clone(),
        lookup_key: SealKey::from_bytes([9; 32]),
        feed_days: 36_500,
        clock: Arc::new(SystemClock),
        status: StatusBoard::default(),
    }
}

pub fn sqlite(folder: &Path) -> Database {
    Database::Sqlite {
        directory: folder.join("projections"),
    }
}

/// One feed message as its stream holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub subject: String,
    pub ce_id: String,
    pub feed_sequence: u64,
    pub epoch: String,
    pub body: Value,
}

/// Everything in a feed stream, in order.
pub async fn told(broker: &TestBroker, audience: Audience) -> Vec<Told> {
    let mut stream = broker
        .jetstream()
        .get_stream(feed_stream(audience))
        .await
        .unwrap();
    let last = stream.info().await.unwrap().state.last_sequence;
    let mut all = Vec::new();
    for sequence in 1..=last {
        let message = match stream.get_raw_message(sequence).await {
            Ok(message) => message,
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => continue,
            Err(error) => panic!("{error}"),
        };
        let header = |name: &str| message.headers.get(name).unwrap().to_string();
        assert_eq!(header("ce-id"), header("Nats-Msg-Id"));
        all.push(Told {
            subject: message.subject.to_string(),
            ce_id: header("ce-id"),
            feed_sequence: header(FEED_SEQUENCE).parse().unwrap(),
            epoch: header(STORE_EPOCH),
            body: serde_json::from_slice(&message.payload).unwrap(),
        });
    }
    all
}

/// Checks that each feed counts from 1 without gap or repeat.
pub fn assert_gapless(told: &[Told]) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for message in told {
        let feed = message.subject.rsplit_once('.').unwrap().0.to_owned();
        let count = last.entry(feed).or_default();
        assert_eq!(message.feed_sequence, *count + 1, "{}", message.subject);
        *count += 1;
    }
}

/// Every row of a projection, opened.
pub async fn rows(folder: &Path, town: &Town, variant: FeedVariant) -> BTreeMap<RecordId, String> {
    let file = folder.join(format!("projections/{variant}.db"));
    let url = format!("sqlite://{}", file.display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let rows = sqlx::query("SELECT record, sealed FROM current_rows")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    opened(
        town,
        variant,
        rows.iter().map(|row| (row.get(0), row.get(1))),
    )
}

/// Rows opened with their records' keys.
pub fn opened(
    town: &Town,
    variant: FeedVariant,
    rows: impl Iterator<Item = (Vec<u8>, Vec<u8>)>,
) -> BTreeMap<RecordId, String> {
    rows.map(|(record, sealed)| {
        let record = RecordId(uuid::Uuid::from_slice(&record).unwrap());
        let place = format!("read-model|{variant}|{record}");
        let plain = town.key(record).open(place.as_bytes(), &sealed).unwrap();
        (record, String::from_utf8(plain).unwrap())
    })
    .collect()
}
