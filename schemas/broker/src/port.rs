//! One connection to a broker, and the handle that everybody holds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::Config as ConsumerConfig;
use async_nats::jetstream::consumer::pull::Config as PullConfig;
use async_nats::jetstream::stream::Config as StreamConfig;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::watch;

use crate::message::{Answer, Heard, Kept, Message, Outgoing, Stored, StreamInfo};
use crate::pulled::on_one_line;
use crate::{BrokerAt, BrokerError, nats};

/// Messages heard on a subscription. Its end is an event like any other, never a clean exit.
pub type Heards = BoxStream<'static, Heard>;
/// Messages pulled from a consumer, for as long as the line, the stream and the consumer are there.
pub type Messages = BoxStream<'static, Result<Message, BrokerError>>;
/// What waits for a stream's acknowledgement.
pub type Acknowledgement = BoxFuture<'static, Result<Stored, BrokerError>>;
/// What every call gives back.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, BrokerError>>;

/// Whether the line is up, and how often it came up so far: a changed generation means that the broker
/// may have forgotten what it acknowledged before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Line {
    /// Whether it is up.
    pub up: bool,
    /// How often it came up.
    pub generation: u64,
}

/// How to pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pull {
    /// Messages asked for at a time.
    pub batch: usize,
    /// How often an idle broker has to say that it is there.
    pub heartbeat: Duration,
    /// How long one request waits.
    pub expires: Duration,
}

/// One connection to a broker: all that the program asks of one.
pub trait Port: Send + Sync + 'static {
    /// The state of the line.
    fn line(&self) -> watch::Receiver<Line>;
    /// Counts how often the line came up.
    fn connections(&self) -> watch::Receiver<u64>;
    /// Says something that nothing keeps.
    fn say(&self, message: Outgoing) -> Reply<'_, ()>;
    /// Waits until everything said is with the broker.
    fn flush(&self) -> Reply<'_, ()>;
    /// Asks, and waits for the answer.
    fn request(&self, message: Outgoing, within: Duration) -> Reply<'_, Answer>;
    /// Listens; with a `queue` shared with others of that name.
    fn subscribe(&self, subject: String, queue: Option<String>) -> Reply<'_, Heards>;
    /// Hands a message over to the stream of its subject. Messages reach it in the order handed over.
    fn send(&self, message: Outgoing) -> Reply<'_, Acknowledgement>;
    /// A stream as it stands.
    fn stream(&self, name: String) -> Reply<'_, StreamInfo>;
    /// Makes a stream.
    fn create_stream(&self, config: StreamConfig) -> Reply<'_, ()>;
    /// Changes a stream.
    fn update_stream(&self, config: StreamConfig) -> Reply<'_, ()>;
    /// Throws a stream away.
    fn delete_stream(&self, name: String) -> Reply<'_, ()>;
    /// The message at a place.
    fn message_at(&self, stream: String, sequence: u64) -> Reply<'_, Kept>;
    /// The last message of a subject, which may end in a wildcard.
    fn last_message(&self, stream: String, subject: String) -> Reply<'_, Option<Kept>>;
    /// A consumer's configuration.
    fn consumer(&self, stream: String, name: String) -> Reply<'_, ConsumerConfig>;
    /// Makes a consumer, or brings it to its shape; its name.
    fn create_consumer(&self, stream: String, config: PullConfig) -> Reply<'_, String>;
    /// Throws a consumer away.
    fn delete_consumer(&self, stream: String, name: String) -> Reply<'_, ()>;
    /// Lets a consumer begin again at a place.
    fn reset_consumer(&self, stream: String, name: String, sequence: u64) -> Reply<'_, ()>;
    /// Pulls from a consumer.
    fn messages(&self, stream: String, consumer: String, pull: Pull) -> Reply<'_, Messages>;
}

/// A connection that mends itself. Cheap to clone.
#[derive(Clone)]
pub struct Broker {
    port: Arc<dyn Port>,
    /// The state of the line.
    pub line: watch::Receiver<Line>,
    /// Counts connections: a change means that the broker may have lost what it held.
    pub connections: watch::Receiver<u64>,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("line", &*self.line.borrow())
            .finish_non_exhaustive()
    }
}

impl Broker {
    /// Prepares the connection and returns at once, also while the broker is away; it is tried for ever.
    ///
    /// # Errors
    /// Only for options that can never work.
    pub async fn connect(at: impl Into<BrokerAt>) -> Result<Self, BrokerError> {
        Ok(match at.into() {
            BrokerAt::Nats(options) => Self::over(Arc::new(nats::connect(&options).await?)),
            BrokerAt::Port(port) => Self::over(port),
        })
    }

    fn over(port: Arc<dyn Port>) -> Self {
        Self {
            line: port.line(),
            connections: port.connections(),
            port,
        }
    }

    /// Whether the line is up at this moment.
    pub fn is_up(&self) -> bool {
        self.line.borrow().up
    }

    /// Says something that nothing keeps.
    ///
    /// # Errors
    /// When it surely was not said. Success promises nothing.
    pub async fn publish(
        &self,
        subject: impl Into<String>,
        payload: impl Into<Bytes>,
    ) -> Result<(), BrokerError> {
        self.port.say(outgoing(subject, payload)).await
    }

    /// The same with headers.
    ///
    /// # Errors
    /// As [`Broker::publish`].
    pub async fn say(&self, message: Outgoing) -> Result<(), BrokerError> {
        self.port.say(message).await
    }

    /// Waits until everything said is with the broker.
    ///
    /// # Errors
    /// When the line ended meanwhile.
    pub async fn flush(&self) -> Result<(), BrokerError> {
        self.port.flush().await
    }

    /// Asks somebody, and waits for the answer.
    ///
    /// # Errors
    /// When none came in time; nobody knows then whether the question was heard.
    pub async fn request(
        &self,
        subject: impl Into<String>,
        payload: impl Into<Bytes>,
        within: Duration,
    ) -> Result<Answer, BrokerError> {
        self.ask(outgoing(subject, payload), within).await
    }

    /// The same with headers.
    ///
    /// # Errors
    /// As [`Broker::request`].
    pub async fn ask(&self, message: Outgoing, within: Duration) -> Result<Answer, BrokerError> {
        self.port.request(message, within).await
    }

    /// Listens to a subject.
    ///
    /// # Errors
    /// When the line is closed for good.
    pub async fn subscribe(&self, subject: impl Into<String>) -> Result<Heards, BrokerError> {
        self.port.subscribe(subject.into(), None).await
    }

    /// Listens to a subject, each message with one of those of the same queue.
    ///
    /// # Errors
    /// When the line is closed for good.
    pub async fn queue_subscribe(
        &self,
        subject: impl Into<String>,
        queue: &str,
    ) -> Result<Heards, BrokerError> {
        let queue = Some(queue.to_owned());
        self.port.subscribe(subject.into(), queue).await
    }

    /// Hands a message over to the stream of its subject; what comes back waits for its acknowledgement.
    ///
    /// # Errors
    /// When it could not be handed over.
    pub async fn send(&self, message: Outgoing) -> Result<Acknowledgement, BrokerError> {
        self.port.send(message).await
    }

    /// Hands a message over and waits until it is stored.
    ///
    /// # Errors
    /// When that is not sure.
    pub async fn store(&self, message: Outgoing) -> Result<Stored, BrokerError> {
        self.port.send(message).await?.await
    }

    /// A stream as it stands.
    ///
    /// # Errors
    /// [`BrokerError::StreamMissing`] when the broker says that there is none; else no answer.
    pub async fn stream(&self, name: impl Into<String>) -> Result<StreamInfo, BrokerError> {
        self.port.stream(name.into()).await
    }

    /// Makes a stream.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub async fn create_stream(&self, config: StreamConfig) -> Result<(), BrokerError> {
        self.port.create_stream(config).await
    }

    /// Changes a stream.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub async fn update_stream(&self, config: StreamConfig) -> Result<(), BrokerError> {
        self.port.update_stream(config).await
    }

    /// Throws a stream and all it holds away.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub async fn delete_stream(&self, name: impl Into<String>) -> Result<(), BrokerError> {
        self.port.delete_stream(name.into()).await
    }

    /// The message at a place of a stream.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn message_at(
        &self,
        stream: impl Into<String>,
        sequence: u64,
    ) -> Result<Kept, BrokerError> {
        self.port.message_at(stream.into(), sequence).await
    }

    /// The last message of a subject, which may end in a wildcard; `None` when there is none.
    ///
    /// # Errors
    /// No answer.
    pub async fn last_message(
        &self,
        stream: impl Into<String>,
        subject: impl Into<String>,
    ) -> Result<Option<Kept>, BrokerError> {
        self.port.last_message(stream.into(), subject.into()).await
    }

    /// A consumer's configuration.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn consumer(
        &self,
        stream: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<ConsumerConfig, BrokerError> {
        self.port.consumer(stream.into(), name.into()).await
    }

    /// Makes a consumer, or brings it to its shape. Gives its name.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub async fn create_consumer(
        &self,
        stream: impl Into<String>,
        config: PullConfig,
    ) -> Result<String, BrokerError> {
        self.port.create_consumer(stream.into(), config).await
    }

    /// Throws a consumer away.
    ///
    /// # Errors
    /// When there is none, or no answer.
    pub async fn delete_consumer(
        &self,
        stream: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<(), BrokerError> {
        self.port.delete_consumer(stream.into(), name.into()).await
    }

    /// Lets a consumer begin again at a place of its stream.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub async fn reset_consumer(
        &self,
        stream: impl Into<String>,
        name: impl Into<String>,
        sequence: u64,
    ) -> Result<(), BrokerError> {
        let (stream, name) = (stream.into(), name.into());
        self.port.reset_consumer(stream, name, sequence).await
    }

    /// Pulls from a consumer, until the line comes up anew: then the stream ends, and what came of it is not settled
    /// any more.
    ///
    /// # Errors
    /// When stream or consumer are not there, or no answer.
    pub async fn messages(
        &self,
        stream: impl Into<String>,
        consumer: impl Into<String>,
        pull: Pull,
    ) -> Result<Messages, BrokerError> {
        let (stream, consumer) = (stream.into(), consumer.into());
        let mut connections = self.connections.clone();
        connections.mark_unchanged();
        let messages = self.port.messages(stream, consumer, pull).await?;
        Ok(on_one_line(messages, connections, &self.line))
    }
}

fn outgoing(subject: impl Into<String>, payload: impl Into<Bytes>) -> Outgoing {
    Outgoing {
        subject: subject.into(),
        headers: async_nats::HeaderMap::new(),
        payload: payload.into(),
    }
}
