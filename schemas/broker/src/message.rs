//! What goes to the broker and what comes from it.

use async_nats::HeaderMap;
use async_nats::jetstream::AckKind;
use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use futures::future::BoxFuture;

use crate::BrokerError;

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its subject.
    pub subject: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub payload: Bytes,
}

/// A message heard on a subscription; nothing keeps it.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Its subject.
    pub subject: String,
    /// Its body.
    pub payload: Bytes,
    /// Where an answer is awaited.
    pub reply: Option<String>,
}

/// The broker's answer to a request.
pub type Answer = Bytes;

/// What a stream did with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Where it is.
    pub sequence: u64,
    /// It heard this message id a moment ago and stored nothing.
    pub duplicate: bool,
}

/// A message as a stream keeps it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where it is.
    pub sequence: u64,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub payload: Bytes,
}

/// A stream as it stands.
#[derive(Debug, Clone)]
pub struct StreamInfo {
    /// Its configuration.
    pub config: Config,
    /// When it was made, in nanoseconds: another number is another stream.
    pub created_ns: i128,
    /// The same as text, as it is stored.
    pub created: String,
    /// The first sequence it still has; one more than the last when it is empty.
    pub first_sequence: u64,
    /// The last sequence given out.
    pub last_sequence: u64,
    /// Messages in it.
    pub messages: u64,
}

/// Where a pulled message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// Messages behind it.
    pub pending: u64,
}

/// A message pulled from a durable.
pub struct Message {
    /// Its subject.
    pub subject: String,
    /// Its headers.
    pub headers: Option<HeaderMap>,
    /// Its body.
    pub payload: Bytes,
    /// Where it stands; none when the broker did not say.
    pub place: Option<Place>,
    /// Settles it.
    pub acker: Box<dyn Acker>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("subject", &self.subject)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Settles one message.
pub trait Acker: Send + Sync {
    /// Tells the broker; with `confirmed` waits until it has heard.
    fn settle(&self, kind: AckKind, confirmed: bool) -> BoxFuture<'_, Result<(), BrokerError>>;
}

impl Message {
    /// Tells the broker what became of it, without waiting for its answer.
    ///
    /// # Errors
    /// When it surely was not told; the message comes again.
    pub async fn ack_with(&self, kind: AckKind) -> Result<(), BrokerError> {
        self.acker.settle(kind, false).await
    }

    /// The same, and waits until the broker has heard.
    ///
    /// # Errors
    /// When it did not confirm; the message may come again.
    pub async fn double_ack_with(&self, kind: AckKind) -> Result<(), BrokerError> {
        self.acker.settle(kind, true).await
    }
}
