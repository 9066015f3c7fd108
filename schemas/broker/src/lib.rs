//! The broker as the program uses it.
//!
//! A [`Broker`] is a handle to one connection that mends itself. Behind it stands a [`Port`]: NATS in the
//! program ([`BrokerOptions`]), something else in a simulation ([`BrokerAt::Port`]). Only what is really
//! used is here; plain data (headers, configurations of streams and consumers) is the client library's own.
//!
//! This crate knows no subject, no stream and no payload of the project. It is the only one that links the
//! client library into the program.

mod error;
mod message;
mod nats;
mod options;
mod port;
mod pulled;

pub use async_nats::header::{
    NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE,
    NATS_EXPECTED_LAST_MESSAGE_ID, NATS_EXPECTED_LAST_SEQUENCE, NATS_EXPECTED_STREAM,
    NATS_MESSAGE_ID,
};
pub use async_nats::jetstream::AckKind;
pub use async_nats::jetstream::consumer::pull::Config as PullConfig;
pub use async_nats::jetstream::consumer::{AckPolicy, Config as ConsumerConfig, DeliverPolicy};
pub use async_nats::jetstream::stream::{
    Config as StreamConfig, DiscardPolicy, RetentionPolicy, StorageType,
};
pub use async_nats::{HeaderMap, HeaderValue};

pub use error::{BrokerError, Cause};
pub use message::{Acker, Answer, Heard, Kept, Message, Outgoing, Place, Stored, StreamInfo};
pub use options::{BrokerAt, BrokerOptions};
pub use port::{Acknowledgement, Broker, Heards, Line, Messages, Port, Pull, Reply};

/// How long one request to JetStream, or one acknowledgement that somebody waits for, may take.
pub const ACK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
