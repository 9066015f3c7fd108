//! One hub on one broker and one ledger, seen from outside.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::{Client, HeaderMap, jetstream};
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::json;
use shikaku_core::query::Queries;
use shikaku_core::{BrokerOptions, HubError, HubHandle, HubOptions, JobOptions, MonthOptions};
use shikaku_ledger::{Database, KeyStoreAt, KeysOptions, Ledger, LedgerOptions};
use shikaku_schemas::clock::{Clock, SystemClock, SystemRandomness};
use shikaku_schemas::command::{Command, CommandEnvelope, CommandReply};
use shikaku_schemas::event::{EventRecord, SealedEvent};
use shikaku_schemas::group::Group;
use shikaku_schemas::observation::{CommitOutcome, Committed, Observation};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::subject;
use shikaku_schemas::topology::{
    EVIDENCE_CHUNK, EVIDENCE_CHUNK_BYTES, EVIDENCE_CHUNKS, EVIDENCE_ID,
};
use shikaku_schemas::value::{ObservationId, Position};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::{Server, password};
use crate::seen::HOSPITAL;

pub const DEADLINE: Duration = Duration::from_secs(60);

/// A clock that the test moves.
pub struct HandClock(AtomicI64);

impl HandClock {
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap();
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// A running hub role.
pub struct Hub {
    pub handle: HubHandle,
    cancel: CancellationToken,
    ended: JoinHandle<Result<(), HubError>>,
}

impl Hub {
    /// Asks it to stop and waits for its end.
    pub async fn stop(self) -> Result<(), HubError> {
        self.cancel.cancel();
        tokio::time::timeout(DEADLINE, self.ended)
            .await
            .unwrap()
            .unwrap()
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) -> Result<(), HubError> {
        tokio::time::timeout(DEADLINE, self.ended)
            .await
            .unwrap()
            .unwrap()
    }

    /// As a crash ends it: nothing drains.
    pub async fn abort(self) {
        self.ended.abort();
        assert!(self.ended.await.unwrap_err().is_cancelled());
    }
}

type Told = Arc<Mutex<HashMap<ObservationId, Vec<CommitOutcome>>>>;

/// Everything around a hub.
pub struct Stage {
    pub server: Server,
    pub ledger: Ledger,
    pub clock: Arc<HandClock>,
    pub key: SealKey,
    pub auto_link: bool,
    pub schedule: bool,
    pub terminals: Vec<&'static str>,
    pub register_references: bool,
    pub tester: Client,
    terminal: Client,
    told: Told,
    options_of_ledger: LedgerOptions,
    dir: TempDir,
}

impl Stage {
    /// On SQLite.
    pub async fn new() -> Self {
        Self::on(|dir| Database::Sqlite {
            path: dir.join("ledger.db"),
        })
        .await
    }

    /// On a database of the caller's.
    pub async fn on(database: impl FnOnce(&std::path::Path) -> Database) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start();
        let key = SealKey::from_bytes([42; 32]);
        let database = database(dir.path());
        let options = LedgerOptions {
            keys: KeysOptions {
                group_key: key.clone(),
                signing_key_file: dir.path().join("signing.key"),
                store: KeyStoreAt::Sqlite {
                    path: dir.path().join("keys.db"),
                },
            },
            database,
            proof_dir: dir.path().join("proof"),
        };
        let ledger = until("the database starts", || async {
            Ledger::open(&options).await.ok()
        })
        .await;
        // The ledger's own clock never goes back, and its genesis is of today.
        let start = SystemClock.now();
        let tester = server.client("tester").await;
        Self {
            told: listen(&tester).await,
            terminal: server.client("terminal").await,
            tester,
            server,
            ledger,
            clock: Arc::new(HandClock(AtomicI64::new(start.as_microsecond()))),
            key,
            auto_link: false,
            schedule: false,
            terminals: vec!["t1", "t2"],
            register_references: true,
            options_of_ledger: options,
            dir,
        }
    }

    /// Copies the database to a new machine, while no hub runs.
    pub fn back_up(&self) {
        let machine = self.new_machine();
        std::fs::create_dir(&machine).unwrap();
        for name in ["ledger.db", "ledger.db-wal"] {
            let from = self.dir.path().join(name);
            if from.exists() {
                std::fs::copy(from, machine.join(name)).unwrap();
            }
        }
    }

    /// Goes on with the copy, where no signed head of the events since is.
    pub async fn put_back_on_a_new_machine(&mut self) {
        let machine = self.new_machine();
        self.options_of_ledger.database = Database::Sqlite {
            path: machine.join("ledger.db"),
        };
        self.options_of_ledger.proof_dir = machine.join("proof");
        self.ledger = Ledger::open(&self.options_of_ledger).await.unwrap();
    }

    fn new_machine(&self) -> std::path::PathBuf {
        self.dir.path().join("new-machine")
    }

    /// Says so to the ledger.
    pub async fn begin_epoch(&mut self) {
        let clock = SystemClock;
        Ledger::begin_epoch(&self.options_of_ledger, 1, &clock)
            .await
            .unwrap();
        self.ledger = Ledger::open(&self.options_of_ledger).await.unwrap();
    }

    pub fn group(&self) -> Group {
        let terminal = |id: &&str| json!({ "id": id, "root": format!("/nowhere/{id}") });
        let terminals: Vec<_> = self.terminals.iter().map(terminal).collect();
        let facility = |code: &str, name: &str| {
            json!({ "code": code, "name": name,
                "register_references": self.register_references, "terminal": terminals })
        };
        let list = [
            facility(HOSPITAL, "見本病院"),
            facility("1310000014", "見本診療所"),
        ];
        Group {
            facilities: list
                .into_iter()
                .map(|facility| serde_json::from_value(facility).unwrap())
                .collect(),
            consumers: vec![
                serde_json::from_value(json!({
                    "name": "ward-3", "audience": "department", "facility": HOSPITAL
                }))
                .unwrap(),
            ],
            ..Group::default()
        }
    }

    /// What people may ask the ledger.
    pub fn queries(&self) -> Queries {
        Queries::new(self.ledger.clone(), self.group(), &self.key)
    }

    fn options(&self) -> HubOptions {
        HubOptions {
            group: self.group(),
            group_key: self.key.clone(),
            nats: BrokerOptions {
                url: self.server.url(),
                user: "hub".to_owned(),
                password: password("hub"),
                ca_file: None,
            }
            .into(),
            feed_days: 30,
            answer_timeout: Duration::from_secs(180),
            jobs: JobOptions::default(),
            months: MonthOptions {
                schedule: self.schedule,
                ..MonthOptions::OFF
            },
            medical: Default::default(),
            auto_link: self.auto_link,
            clock: self.clock.clone(),
            randomness: Arc::new(SystemRandomness),
        }
    }

    /// Starts a hub without waiting until it commits.
    pub fn stand_by(
        &self,
    ) -> (
        oneshot::Receiver<HubHandle>,
        CancellationToken,
        JoinHandle<Result<(), HubError>>,
    ) {
        let (ready, is_ready) = oneshot::channel();
        let cancel = CancellationToken::new();
        let run = shikaku_core::run(self.ledger.clone(), self.options(), ready, cancel.clone());
        (is_ready, cancel, tokio::spawn(run))
    }

    /// Starts a hub.
    pub async fn hub(&self) -> Hub {
        let (ready, cancel, mut ended) = self.stand_by();
        let handle = tokio::select! {
            ended = &mut ended => panic!("hub ended early: {ended:?}"),
            handle = tokio::time::timeout(DEADLINE, ready) => handle.unwrap().unwrap(),
        };
        Hub {
            handle,
            cancel,
            ended,
        }
    }

    /// Publishes what was seen just now, as a terminal's spool does; a broker that is away is waited for.
    pub async fn publish(&self, seen: &Observation) {
        let seen = &Observation {
            seen_at: self.clock.now(),
            ..seen.clone()
        };
        let subject =
            subject::observation(&seen.facility, &seen.source, &seen.device, seen.body.kind());
        let payload = serde_json::to_vec(seen).unwrap();
        self.send(subject, HeaderMap::new(), payload).await;
    }

    /// Publishes bytes as sealed chunks.
    pub async fn publish_evidence(&self, seen: &Observation, bytes: &[u8]) {
        let evidence = seen.evidence.as_ref().unwrap();
        let subject = subject::evidence(&seen.facility, &seen.source, &seen.device);
        for (index, chunk) in bytes.chunks(EVIDENCE_CHUNK_BYTES).enumerate() {
            let mut headers = HeaderMap::new();
            headers.insert(EVIDENCE_ID, evidence.id.as_str());
            headers.insert(EVIDENCE_CHUNK, index.to_string());
            headers.insert(EVIDENCE_CHUNKS, evidence.chunks.to_string());
            let binding = format!("{}|{index}", evidence.id);
            let sealed = self.key.derive("edge").seal(binding.as_bytes(), chunk);
            self.send(subject.clone(), headers, sealed).await;
        }
    }

    pub async fn send(&self, subject: String, headers: HeaderMap, payload: Vec<u8>) {
        let jetstream = jetstream::new(self.terminal.clone());
        until("the broker takes a message", || async {
            let sent = jetstream
                .publish_with_headers(subject.clone(), headers.clone(), payload.clone().into())
                .await
                .ok()?;
            tokio::time::timeout(Duration::from_secs(2), sent.into_future())
                .await
                .ok()?
                .ok()
        })
        .await;
    }

    /// Waits for the hub's answer.
    pub async fn told(&self, seen: &Observation) -> CommitOutcome {
        self.told_times(seen, 1).await
    }

    /// Waits for so many answers; the last one.
    pub async fn told_times(&self, seen: &Observation, times: usize) -> CommitOutcome {
        until("the hub answers", || async {
            let told = self.told.lock().unwrap();
            let answers = told.get(&seen.observation_id)?;
            (answers.len() >= times).then(|| *answers.last().unwrap())
        })
        .await
    }

    /// Publishes and waits for the answer.
    pub async fn observe(&self, seen: &Observation) -> CommitOutcome {
        self.publish(seen).await;
        self.told(seen).await
    }

    /// Waits until one message is left of all that was published.
    pub async fn one_observation_is_left(&self) {
        let jetstream = jetstream::new(self.tester.clone());
        until("one message is left", || async {
            let stream = jetstream.get_stream("OBSERVATIONS").await.ok()?;
            (stream.cached_info().state.messages == 1).then_some(())
        })
        .await;
    }

    /// Everything in the ledger, in clear.
    pub async fn events(&self) -> Vec<EventRecord> {
        let mut all = Vec::new();
        loop {
            let after = Position(all.len() as u64);
            let page = self.ledger.read_page(after, 1000).await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(self.ledger.records(&page).await.unwrap());
        }
    }

    /// Types of everything in the ledger.
    pub async fn kinds(&self) -> Vec<String> {
        self.events()
            .await
            .into_iter()
            .map(|event| event.head.kind)
            .collect()
    }

    /// Waits until `LOG` is the ledger's copy, message by message: what is not is to be thrown away and filled anew.
    pub async fn log_equals_ledger(&self) {
        let events = self.events().await;
        let epoch = self.ledger.identity().epoch.to_string();
        let jetstream = jetstream::new(self.tester.clone());
        until("LOG equals the ledger", || async {
            let stream = jetstream.get_stream("LOG").await.ok()?;
            if stream.cached_info().state.last_sequence != events.len() as u64 {
                return None;
            }
            for event in &events {
                let position = event.head.position.0;
                let message = stream.get_raw_message(position).await.ok()?;
                let copied: SealedEvent = serde_json::from_slice(&message.payload).ok()?;
                let subject = format!("shikaku.log.{}", event.head.kind);
                let id = match epoch.as_str() {
                    "1" => event.head.event_id.to_string(),
                    later => format!("{}/{later}", event.head.event_id),
                };
                let is_copy = copied.head == event.head
                    && message.headers.get("shikaku-epoch")?.as_str() == epoch
                    && message.subject.as_str() == subject
                    && message.headers.get("Nats-Msg-Id")?.as_str() == id;
                is_copy.then_some(())?;
            }
            Some(())
        })
        .await;
    }
}

/// A command of the operator.
pub fn order(command: Command) -> CommandEnvelope {
    CommandEnvelope {
        command_id: Uuid::from_bytes(
            *shikaku_schemas::seal::SealKey::random()
                .as_bytes()
                .first_chunk()
                .unwrap(),
        ),
        by: "operator".to_owned(),
        command,
    }
}

/// The id of what a command made.
pub fn made(reply: &CommandReply) -> Uuid {
    match reply {
        CommandReply::Done { id: Some(id), .. } => *id,
        other => panic!("not done: {other:?}"),
    }
}

/// The rule that forbade a command.
pub fn rule(reply: &CommandReply) -> &str {
    match reply {
        CommandReply::Refused { rule, .. } => rule,
        other => panic!("not refused: {other:?}"),
    }
}

/// Waits for a condition, with a deadline.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let looking = async {
        loop {
            tick.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    match tokio::time::timeout(DEADLINE, looking).await {
        Ok(found) => found,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

async fn listen(client: &Client) -> Told {
    let told = Told::default();
    let mut answers = client.subscribe("shikaku.committed.>").await.unwrap();
    client.flush().await.unwrap();
    let notes = told.clone();
    tokio::spawn(async move {
        while let Some(message) = answers.next().await {
            let answer: Committed = serde_json::from_slice(&message.payload).unwrap();
            let mut notes = notes.lock().unwrap();
            notes
                .entry(answer.observation_id)
                .or_default()
                .push(answer.outcome);
        }
    });
    told
}
