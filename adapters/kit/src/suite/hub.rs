//! A hub of a few lines: makes the streams, takes observations, answers or keeps silent.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::{self, consumer::pull, stream};
use futures::StreamExt as _;
use shikaku_schemas::observation::{CommitOutcome, Committed, Observation};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::subject;
use shikaku_schemas::task::Task;
use shikaku_schemas::topology::{self, EVIDENCE_CHUNK, EVIDENCE_CHUNKS, EVIDENCE_ID};
use shikaku_schemas::value::{EvidenceId, FacilityCode, ObservationId};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dead_letter::DeadLetter;
use crate::publisher::chunk_binding;

/// What the hub does with an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// Commits it and says so.
    Commits,
    /// Commits it, but the answer is lost.
    Silently,
    /// Sets it aside.
    Parks,
}

#[derive(Debug)]
struct Seen {
    answering: Answering,
    observations: Vec<Observation>,
    deliveries: HashMap<ObservationId, u32>,
    inbox: HashMap<ObservationId, CommitOutcome>,
    chunks: HashMap<EvidenceId, BTreeMap<u32, Vec<u8>>>,
    expected: HashMap<EvidenceId, usize>,
    dead_letters: Vec<DeadLetter>,
}

/// A running small hub.
#[derive(Debug, Clone)]
pub struct TestHub {
    seen: Arc<Mutex<Seen>>,
    jetstream: jetstream::Context,
    client: async_nats::Client,
    edge: SealKey,
    cancel: CancellationToken,
    tracker: TaskTracker,
}

impl TestHub {
    /// Connects, makes the streams and begins to take observations.
    ///
    /// # Panics
    /// When the broker is not there.
    pub async fn start(url: &str, group_key: &SealKey) -> Self {
        let client = async_nats::connect(url).await.expect("the test broker");
        let hub = Self {
            seen: Arc::new(Mutex::new(Seen {
                answering: Answering::Commits,
                observations: Vec::new(),
                deliveries: HashMap::new(),
                inbox: HashMap::new(),
                chunks: HashMap::new(),
                expected: HashMap::new(),
                dead_letters: Vec::new(),
            })),
            jetstream: jetstream::new(client.clone()),
            client,
            edge: group_key.derive("edge"),
            cancel: CancellationToken::new(),
            tracker: TaskTracker::new(),
        };
        hub.provision().await;
        for (stream, durable) in [
            (topology::OBSERVATIONS, topology::INTAKE),
            (topology::PARKED, "test-parked"),
        ] {
            let this = hub.clone();
            hub.tracker.spawn(async move {
                let stopped = this.cancel.clone();
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = this.consume(stream, durable) => {}
                }
            });
        }
        hub
    }

    /// Makes streams and durables, again after the broker lost them.
    pub async fn provision(&self) {
        for spec in topology::streams(1) {
            let retention = match spec.retention {
                topology::Retention::Limits => stream::RetentionPolicy::Limits,
                topology::Retention::WorkQueue => stream::RetentionPolicy::WorkQueue,
            };
            let config = stream::Config {
                name: spec.name,
                subjects: spec.subjects,
                retention,
                ..Default::default()
            };
            let _ = self.jetstream.get_or_create_stream(config).await;
        }
        for (stream, durable) in [
            (topology::OBSERVATIONS, topology::INTAKE),
            (topology::PARKED, "test-parked"),
        ] {
            let config = pull::Config {
                durable_name: Some(durable.to_owned()),
                ack_wait: Duration::from_secs(2),
                max_ack_pending: 10_000,
                ..Default::default()
            };
            let _ = self
                .jetstream
                .create_consumer_on_stream(config, stream)
                .await;
        }
    }

    /// Makes the durable of one device's tasks.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn provision_device(&self, facility: &FacilityCode, device: &str) {
        let config = pull::Config {
            durable_name: Some(topology::task_durable(facility.as_str(), device)),
            filter_subject: format!("shikaku.task.{facility}.terminal.{device}.>"),
            ack_wait: Duration::from_secs(2),
            ..Default::default()
        };
        self.jetstream
            .create_consumer_on_stream(config, topology::TASKS)
            .await
            .expect("a durable for tasks");
    }

    /// Gives a task; the message id may be made different to give the same one twice.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn give(&self, task: &Task) {
        let subject = subject::task(&task.facility, "terminal", &task.device, task.body.kind());
        let payload = serde_json::to_vec(task).expect("a task is JSON");
        self.give_raw(&subject, payload).await;
    }

    /// Gives any bytes as a task.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn give_raw(&self, subject: &str, payload: Vec<u8>) {
        self.jetstream
            .publish(subject.to_owned(), payload.into())
            .await
            .expect("sent")
            .await
            .expect("stored");
    }

    /// How many tasks are not acknowledged yet.
    ///
    /// # Panics
    /// When the broker is not there.
    pub async fn open_tasks(&self) -> u64 {
        let stream = self.jetstream.get_stream(topology::TASKS).await;
        stream.expect("TASKS").cached_info().state.messages
    }

    /// Changes what happens to observations from now on.
    pub fn answer(&self, answering: Answering) {
        self.seen().answering = answering;
    }

    /// Every different observation so far, in the order of first sight.
    pub fn observations(&self) -> Vec<Observation> {
        self.seen().observations.clone()
    }

    /// How many different observations there were so far.
    pub fn observed(&self) -> usize {
        self.seen().observations.len()
    }

    /// How often one observation was delivered.
    pub fn deliveries(&self, id: &ObservationId) -> u32 {
        self.seen().deliveries.get(id).copied().unwrap_or(0)
    }

    /// The opened bytes of evidence; `None` until every chunk is there.
    pub fn evidence(&self, id: &EvidenceId) -> Option<Vec<u8>> {
        let seen = self.seen();
        let chunks = seen.chunks.get(id)?;
        (chunks.len() == *seen.expected.get(id)?)
            .then(|| chunks.values().flatten().copied().collect())
    }

    /// What was set aside.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.seen().dead_letters.clone()
    }

    /// Ends it; what it saw can still be asked.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    async fn consume(&self, stream: &'static str, durable: &'static str) {
        loop {
            let bound = self
                .jetstream
                .get_consumer_from_stream::<pull::Config, _, _>(durable, stream)
                .await;
            if let Ok(consumer) = bound {
                let pulled = consumer
                    .stream()
                    .heartbeat(Duration::from_millis(500))
                    .expires(Duration::from_secs(2))
                    .messages()
                    .await;
                if let Ok(mut messages) = pulled {
                    while let Some(Ok(message)) = messages.next().await {
                        self.take(&message).await;
                    }
                }
            }
            self.provision().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn take(&self, message: &jetstream::Message) {
        let subject = message.subject.as_str();
        if subject.starts_with("shikaku.evidence.") {
            self.take_chunk(message);
        } else if subject.starts_with("shikaku.parked.") {
            let letter = serde_json::from_slice(&message.payload).expect("a dead letter");
            self.seen().dead_letters.push(letter);
        } else {
            let observation = serde_json::from_slice(&message.payload).expect("an observation");
            self.take_observation(observation).await;
        }
        let _ = message.ack().await;
    }

    fn take_chunk(&self, message: &jetstream::Message) {
        let headers = message.headers.as_ref().expect("a chunk has headers");
        let header = |name: &str| headers.get(name).expect("a header of a chunk").as_str();
        let id = EvidenceId::from(header(EVIDENCE_ID));
        let index: u32 = header(EVIDENCE_CHUNK).parse().expect("a number");
        let chunks: usize = header(EVIDENCE_CHUNKS).parse().expect("a number");
        let plain = self
            .edge
            .open(&chunk_binding(&id, index as usize), &message.payload)
            .expect("a chunk opens");
        let mut seen = self.seen();
        seen.chunks
            .entry(id.clone())
            .or_default()
            .insert(index, plain);
        seen.expected.insert(id, chunks);
    }

    async fn take_observation(&self, observation: Observation) {
        let id = observation.observation_id;
        let answers_to = subject::committed(
            &observation.facility,
            &observation.source,
            &observation.device,
        );
        let answer = {
            let mut seen = self.seen();
            let answering = seen.answering;
            *seen.deliveries.entry(id).or_default() += 1;
            let first = !seen.inbox.contains_key(&id);
            let outcome = *seen.inbox.entry(id).or_insert(match answering {
                Answering::Parks => CommitOutcome::Parked,
                Answering::Commits | Answering::Silently => CommitOutcome::Recorded,
            });
            if first {
                seen.observations.push(observation);
            }
            (answering != Answering::Silently).then_some(outcome)
        };
        if let Some(outcome) = answer {
            let committed = Committed {
                observation_id: id,
                outcome,
            };
            let payload = serde_json::to_vec(&committed).expect("an answer is JSON");
            let _ = self.client.publish(answers_to, payload.into()).await;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
