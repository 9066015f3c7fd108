//! The simulated broker: streams, consumers and subscriptions, as far as the program uses them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shikaku_broker::{
    AckPolicy, ConsumerConfig, DeliverPolicy, HeaderMap, Heard, Kept, NATS_BATCH_COMMIT,
    NATS_BATCH_ID, NATS_EXPECTED_LAST_MESSAGE_ID, NATS_EXPECTED_LAST_SEQUENCE,
    NATS_EXPECTED_STREAM, NATS_MESSAGE_ID, Outgoing, PullConfig, RetentionPolicy, Stored,
    StreamConfig, StreamInfo,
};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use crate::node::{Node, Sky};

/// Looks at everything that the broker takes, and may object.
pub trait Watcher: Send + Sync {
    /// Something was said that nothing keeps.
    fn said(&self, message: &Outgoing);
    /// A stream stored a message; `born` tells streams of one name apart.
    fn stored(&self, stream: &str, born: u64, sequence: u64, message: &Outgoing);
    /// A message of a work queue was acknowledged and is gone.
    fn settled(&self, stream: &str, message: &Outgoing);
}

/// The broker. Clones share it.
#[derive(Clone)]
pub struct Server {
    pub sky: Arc<Sky>,
    state: Arc<Mutex<State>>,
    watcher: Arc<dyn Watcher>,
}

struct State {
    up: bool,
    births: u64,
    streams: BTreeMap<String, Stream>,
    subscriptions: Vec<Subscription>,
    batches: HashMap<String, Vec<Outgoing>>,
    inboxes: HashMap<String, oneshot::Sender<bytes::Bytes>>,
    asked: u64,
    consumers_made: u64,
}

struct Subscription {
    node: Arc<Node>,
    subject: String,
    queue: Option<String>,
    heards: mpsc::UnboundedSender<Heard>,
}

struct Stream {
    config: StreamConfig,
    born: u64,
    last: u64,
    kept: BTreeMap<u64, Outgoing>,
    heard: HashMap<String, (Instant, u64)>,
    consumers: BTreeMap<String, Consumer>,
    changed: Arc<Notify>,
}

struct Consumer {
    config: ConsumerConfig,
    next: u64,
    pending: BTreeMap<u64, Instant>,
}

/// What came of looking for the next message.
pub enum Next {
    /// This one, and how many are behind it.
    Message(Kept, String, u64),
    /// Nothing before that moment, unless something changes.
    Wait(Arc<Notify>, Option<Instant>),
    /// Stream or consumer are gone.
    Gone,
}

/// Why a stream did not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    NoStream,
    WrongLastSequence(u64),
    OtherStream,
}

impl Server {
    pub fn new(sky: &Arc<Sky>, watcher: Arc<dyn Watcher>) -> Self {
        Self {
            sky: sky.clone(),
            state: Arc::new(Mutex::new(State {
                up: true,
                births: 0,
                streams: BTreeMap::new(),
                subscriptions: Vec::new(),
                batches: HashMap::new(),
                inboxes: HashMap::new(),
                asked: 0,
                consumers_made: 0,
            })),
            watcher,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_up(&self) -> bool {
        self.state().up
    }

    pub fn set_up(&self, up: bool) {
        let mut state = self.state();
        state.up = up;
        state.batches.clear();
    }

    /// Everything that the broker held is lost.
    pub fn wipe(&self) {
        let mut state = self.state();
        for stream in std::mem::take(&mut state.streams).into_values() {
            stream.changed.notify_waiters();
        }
        state.batches.clear();
    }

    /// The last messages of a stream are lost, as after a power cut without a sync.
    pub fn lose_tail(&self, name: &str, messages: u64) {
        let mut state = self.state();
        if let Some(stream) = state.streams.get_mut(name) {
            for _ in 0..messages {
                if let Some((sequence, _)) = stream.kept.pop_last() {
                    stream.last = sequence - 1;
                }
            }
            let last = stream.last;
            stream.heard.retain(|_, (_, sequence)| *sequence <= last);
            for consumer in stream.consumers.values_mut() {
                consumer.next = consumer.next.min(last + 1);
                consumer.pending.retain(|sequence, _| *sequence <= last);
            }
        }
    }

    /// A process ended: nobody listens any more.
    pub fn forget(&self, node: &Arc<Node>) {
        let mut state = self.state();
        state
            .subscriptions
            .retain(|sub| !Arc::ptr_eq(&sub.node, node));
    }

    pub fn subscribe(
        &self,
        node: &Arc<Node>,
        subject: String,
        queue: Option<String>,
    ) -> mpsc::UnboundedReceiver<Heard> {
        let (heards, receiver) = mpsc::unbounded_channel();
        self.state().subscriptions.push(Subscription {
            node: node.clone(),
            subject,
            queue,
            heards,
        });
        receiver
    }

    /// Something is said by `by`. A part of a batch waits for its end.
    pub fn say(&self, message: Outgoing, reply: Option<String>) {
        self.watcher.said(&message);
        let batch = header(&message, NATS_BATCH_ID.as_ref());
        if let Some(batch) = batch {
            self.state().batches.entry(batch).or_default().push(message);
            return;
        }
        self.deliver(&message, reply);
    }

    fn deliver(&self, message: &Outgoing, reply: Option<String>) {
        let mut state = self.state();
        if let Some(inbox) = state.inboxes.remove(&message.subject) {
            let _ = inbox.send(message.payload.clone());
            return;
        }
        state.subscriptions.retain(|sub| !sub.heards.is_closed());
        let mut queues: BTreeSet<&str> = BTreeSet::new();
        let weather = self.sky.weather();
        let dice = &self.sky.dice;
        for sub in &state.subscriptions {
            if !matches(&sub.subject, &message.subject) || !sub.node.is_up() {
                continue;
            }
            if let Some(queue) = &sub.queue
                && !queues.insert(queue)
            {
                continue;
            }
            let heard = Heard {
                subject: message.subject.clone(),
                payload: message.payload.clone(),
                reply: reply.clone(),
            };
            if dice.per_mille(weather.said_lost) {
                continue;
            }
            if dice.per_mille(weather.said_twice) {
                let _ = sub.heards.send(heard.clone());
            }
            let _ = sub.heards.send(heard);
        }
    }

    /// A place for an answer.
    pub fn inbox(&self) -> (String, oneshot::Receiver<bytes::Bytes>) {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.asked += 1;
        let name = format!("_INBOX.{}", state.asked);
        state.inboxes.insert(name.clone(), sender);
        (name, receiver)
    }

    /// Ends an atomic batch: all of it is stored, or nothing.
    pub fn end_batch(&self, last: Outgoing) -> Result<u64, Refused> {
        let Some(batch) = header(&last, NATS_BATCH_ID.as_ref()) else {
            return Err(Refused::NoStream);
        };
        let mut state = self.state();
        let mut messages = state.batches.remove(&batch).unwrap_or_default();
        messages.push(last);
        // A batch with a hole is given up.
        let whole = messages.iter().enumerate().all(|(at, message)| {
            header(message, "Nats-Batch-Sequence") == Some((at + 1).to_string())
        });
        if !whole {
            return Err(Refused::WrongLastSequence(0));
        }
        let name = state
            .stream_of(&messages[0].subject)
            .ok_or(Refused::NoStream)?;
        let stream = state.streams.get_mut(&name).ok_or(Refused::NoStream)?;
        stream.expects(&messages[0], &name)?;
        for message in messages {
            stream.store(&name, message, &*self.watcher);
        }
        Ok(stream.last)
    }

    /// Stores one message.
    pub fn store(&self, message: Outgoing) -> Result<Stored, Refused> {
        let mut state = self.state();
        let name = state.stream_of(&message.subject).ok_or(Refused::NoStream)?;
        let stream = state.streams.get_mut(&name).ok_or(Refused::NoStream)?;
        stream.expects(&message, &name)?;
        if let Some(id) = header(&message, NATS_MESSAGE_ID.as_ref()) {
            let now = Instant::now();
            let window = stream.config.duplicate_window;
            stream
                .heard
                .retain(|_, (at, _)| now.duration_since(*at) < window);
            if let Some((_, sequence)) = stream.heard.get(&id) {
                return Ok(Stored {
                    sequence: *sequence,
                    duplicate: true,
                });
            }
            stream.heard.insert(id, (now, stream.last + 1));
        }
        stream.store(&name, message, &*self.watcher);
        Ok(Stored {
            sequence: stream.last,
            duplicate: false,
        })
    }

    pub fn stream(&self, name: &str) -> Option<StreamInfo> {
        let state = self.state();
        let stream = state.streams.get(name)?;
        Some(StreamInfo {
            config: stream.config.clone(),
            created_ns: i128::from(stream.born),
            created: format!("birth {}", stream.born),
            first_sequence: stream
                .kept
                .keys()
                .next()
                .map_or(stream.last + 1, |first| *first),
            last_sequence: stream.last,
            messages: stream.kept.len() as u64,
        })
    }

    pub fn create_stream(&self, config: StreamConfig) {
        let mut state = self.state();
        state.births += 1;
        let born = state.births;
        state.streams.entry(config.name.clone()).or_insert(Stream {
            config,
            born,
            last: 0,
            kept: BTreeMap::new(),
            heard: HashMap::new(),
            consumers: BTreeMap::new(),
            changed: Arc::default(),
        });
    }

    pub fn update_stream(&self, config: StreamConfig) {
        if let Some(stream) = self.state().streams.get_mut(&config.name) {
            stream.config = config;
        }
    }

    pub fn delete_stream(&self, name: &str) {
        if let Some(stream) = self.state().streams.remove(name) {
            stream.changed.notify_waiters();
        }
    }

    pub fn message_at(&self, stream: &str, sequence: u64) -> Option<Kept> {
        let state = self.state();
        let message = state.streams.get(stream)?.kept.get(&sequence)?;
        Some(kept(sequence, message))
    }

    pub fn last_message(&self, stream: &str, subject: &str) -> Option<Kept> {
        let state = self.state();
        let mut all = state.streams.get(stream)?.kept.iter().rev();
        let found = all.find(|(_, message)| matches(subject, &message.subject));
        found.map(|(sequence, message)| kept(*sequence, message))
    }

    pub fn consumer(&self, stream: &str, name: &str) -> Option<ConsumerConfig> {
        let state = self.state();
        let consumer = state.streams.get(stream)?.consumers.get(name)?;
        Some(consumer.config.clone())
    }

    pub fn create_consumer(&self, stream: &str, config: PullConfig) -> Option<String> {
        let mut state = self.state();
        state.consumers_made += 1;
        let made = state.consumers_made;
        let stream = state.streams.get_mut(stream)?;
        let durable = config.durable_name.clone();
        let name = durable.unwrap_or_else(|| format!("ephemeral-{made}"));
        let next = match config.deliver_policy {
            DeliverPolicy::ByStartSequence { start_sequence } => start_sequence,
            _ => 1,
        };
        let config = ConsumerConfig {
            durable_name: config.durable_name,
            ack_policy: config.ack_policy,
            ack_wait: config.ack_wait,
            max_deliver: config.max_deliver,
            max_ack_pending: config.max_ack_pending,
            filter_subject: config.filter_subject,
            sample_frequency: config.sample_frequency,
            ..ConsumerConfig::default()
        };
        let consumer = stream.consumers.entry(name.clone()).or_insert(Consumer {
            config: config.clone(),
            next,
            pending: BTreeMap::new(),
        });
        consumer.config = config;
        Some(name)
    }

    pub fn delete_consumer(&self, stream: &str, name: &str) -> bool {
        let mut state = self.state();
        let Some(stream) = state.streams.get_mut(stream) else {
            return false;
        };
        let changed = stream.changed.clone();
        let gone = stream.consumers.remove(name).is_some();
        changed.notify_waiters();
        gone
    }

    /// The next message of a consumer.
    pub fn next(&self, stream: &str, consumer: &str, born: u64) -> Next {
        let mut state = self.state();
        let Some(stream) = state
            .streams
            .get_mut(stream)
            .filter(|found| found.born == born)
        else {
            return Next::Gone;
        };
        let changed = stream.changed.clone();
        let Some(consumer) = stream.consumers.get_mut(consumer) else {
            return Next::Gone;
        };
        let now = Instant::now();
        let explicit = consumer.config.ack_policy != AckPolicy::None;
        consumer
            .pending
            .retain(|sequence, _| stream.kept.contains_key(sequence));
        let due = consumer.pending.iter().find(|(_, due)| **due <= now);
        let again = due.map(|(sequence, _)| *sequence);
        let limit = match consumer.config.max_ack_pending {
            limit if limit > 0 => usize::try_from(limit).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        let filter = &consumer.config.filter_subject;
        let wanted = |message: &Outgoing| filter.is_empty() || matches(filter, &message.subject);
        let fresh = || {
            let mut rest = stream.kept.range(consumer.next..);
            rest.find(|(_, message)| wanted(message))
                .map(|(sequence, _)| *sequence)
        };
        let found = again.or_else(|| (consumer.pending.len() < limit).then(fresh).flatten());
        let Some(sequence) = found else {
            let soonest = consumer.pending.values().min().copied();
            return Next::Wait(changed, soonest);
        };
        consumer.next = consumer.next.max(sequence + 1);
        if explicit {
            let wait = match consumer.config.ack_wait {
                wait if wait.is_zero() => Duration::from_secs(30),
                wait => wait,
            };
            consumer.pending.insert(sequence, now + wait);
        }
        let behind = stream.kept.range(sequence + 1..);
        let behind = behind.filter(|(_, message)| wanted(message)).count();
        let message = &stream.kept[&sequence];
        Next::Message(
            kept(sequence, message),
            message.subject.clone(),
            behind as u64,
        )
    }

    /// Settles a message: it is gone for this consumer, or comes again at `again`.
    pub fn settle(
        &self,
        stream: &str,
        consumer: &str,
        born: u64,
        sequence: u64,
        again: Option<Instant>,
    ) {
        let mut state = self.state();
        let Some(stream) = state
            .streams
            .get_mut(stream)
            .filter(|found| found.born == born)
        else {
            return;
        };
        let Some(found) = stream.consumers.get_mut(consumer) else {
            return;
        };
        match again {
            Some(at) => {
                found.pending.entry(sequence).and_modify(|due| *due = at);
            }
            None => {
                let was_pending = found.pending.remove(&sequence).is_some();
                if was_pending && stream.config.retention == RetentionPolicy::WorkQueue {
                    let gone = stream.kept.remove(&sequence);
                    if let Some(gone) = gone {
                        self.watcher.settled(&stream.config.name, &gone);
                    }
                }
            }
        }
        stream.changed.notify_waiters();
    }

    pub fn born(&self, stream: &str) -> Option<u64> {
        Some(self.state().streams.get(stream)?.born)
    }
}

impl State {
    fn stream_of(&self, subject: &str) -> Option<String> {
        let takes = |stream: &Stream| {
            let mut subjects = stream.config.subjects.iter();
            subjects.any(|pattern| matches(pattern, subject))
        };
        let mut streams = self.streams.iter();
        streams
            .find(|(_, stream)| takes(stream))
            .map(|(name, _)| name.clone())
    }
}

impl Stream {
    fn expects(&self, message: &Outgoing, name: &str) -> Result<(), Refused> {
        let stream = header(message, NATS_EXPECTED_STREAM.as_ref());
        if stream.is_some_and(|stream| stream != name) {
            return Err(Refused::OtherStream);
        }
        if let Some(id) = header(message, NATS_EXPECTED_LAST_MESSAGE_ID.as_ref()) {
            let last = self.kept.get(&self.last);
            if last.and_then(|last| header(last, NATS_MESSAGE_ID.as_ref())) != Some(id) {
                return Err(Refused::WrongLastSequence(self.last));
            }
        }
        let last = header(message, NATS_EXPECTED_LAST_SEQUENCE.as_ref());
        match last {
            Some(last) if last != self.last.to_string() => {
                Err(Refused::WrongLastSequence(self.last))
            }
            _ => Ok(()),
        }
    }

    fn store(&mut self, name: &str, message: Outgoing, watcher: &dyn Watcher) {
        self.last += 1;
        watcher.stored(name, self.born, self.last, &message);
        self.kept.insert(self.last, message);
        self.changed.notify_waiters();
    }
}

fn kept(sequence: u64, message: &Outgoing) -> Kept {
    Kept {
        sequence,
        headers: message.headers.clone(),
        payload: message.payload.clone(),
    }
}

pub fn header(message: &Outgoing, name: &str) -> Option<String> {
    header_of(&message.headers, name)
}

pub fn header_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.as_str().to_owned())
}

pub fn ends_batch(message: &Outgoing) -> bool {
    header(message, NATS_BATCH_COMMIT.as_ref()).is_some()
}

/// Whether a subject falls under a pattern.
pub fn matches(pattern: &str, subject: &str) -> bool {
    let mut words = subject.split('.');
    for wanted in pattern.split('.') {
        match (wanted, words.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(word)) if wanted == word => {}
            _ => return false,
        }
    }
    words.next().is_none()
}
