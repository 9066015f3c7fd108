//! The simulated broker: streams, consumers and subscriptions, as far as the program uses them.

mod consumers;
mod streams;
mod subjects;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shikaku_broker::{
    ConsumerConfig, HeaderMap, Heard, Kept, NATS_BATCH_COMMIT, Outgoing, StreamConfig,
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
    /// A stream lost the last message that it had.
    fn lost(&self, stream: &str, born: u64, message: &Outgoing);
    /// A message of a work queue was acknowledged and is gone; whether the stream has the same once more.
    fn settled(&self, stream: &str, message: &Outgoing, is_there_again: bool);
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
    /// When each message was stored, by the clock on the wall.
    stored_at: BTreeMap<u64, u64>,
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

    /// As nats-server does: what is older than its stream keeps messages is gone, and what waited for its time is due.
    pub fn time_went_by(&self) {
        let now = self.sky.wall_millis();
        let mut state = self.state();
        for stream in state.streams.values_mut() {
            stream.heard.clear();
            let age = u64::try_from(stream.config.max_age.as_millis()).unwrap_or(u64::MAX);
            let is_old = |at: &u64| age > 0 && now.saturating_sub(*at) > age;
            let old = stream.stored_at.extract_if(.., |_, at| is_old(at));
            for (sequence, _) in old {
                stream.kept.remove(&sequence);
            }
            for consumer in stream.consumers.values_mut() {
                consumer
                    .pending
                    .values_mut()
                    .for_each(|due| *due = Instant::now());
            }
            stream.changed.notify_waiters();
        }
    }

    /// Every stream there is.
    pub fn names(&self) -> Vec<String> {
        self.state().streams.keys().cloned().collect()
    }

    /// The last messages of a stream are lost, as after a power cut without a sync.
    pub fn lose_tail(&self, name: &str, messages: u64) {
        let mut state = self.state();
        if let Some(stream) = state.streams.get_mut(name) {
            for _ in 0..messages {
                if let Some((sequence, message)) = stream.kept.pop_last() {
                    stream.last = sequence - 1;
                    self.watcher.lost(name, stream.born, &message);
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
