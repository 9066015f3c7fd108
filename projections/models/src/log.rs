//! Reading `LOG` in order from a position.

use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use shikaku_broker::{
    AckPolicy, Broker, BrokerError, DeliverPolicy, HeaderValue, Message, Messages, Pull, PullConfig,
};
use shikaku_schemas::topology::{LOG, STORE_EPOCH, STORE_HEAD, STORE_ID};
use tokio::time::timeout;
use uuid::Uuid;

use crate::run::Cause;

/// Messages applied in one transaction at most.
const BATCH: usize = 256;
const HEARTBEAT: Duration = Duration::from_secs(1);
const EXPIRES: Duration = Duration::from_secs(10);
const TOGETHER: Duration = Duration::from_millis(5);
const UNUSED: Duration = Duration::from_secs(30);
/// After so much silence the stream is asked whether it holds more: a message lost on the way leaves a gap that only
/// the next one shows.
const SILENCE: Duration = Duration::from_secs(10);

/// Which history a position belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoreIdentity {
    pub(crate) store_id: Uuid,
    pub(crate) epoch: u32,
}

impl StoreIdentity {
    /// As headers and stream metadata name it.
    pub(crate) fn parse(store_id: Option<&str>, epoch: Option<&str>) -> Option<Self> {
        Some(Self {
            store_id: store_id?.parse().ok()?,
            epoch: epoch?.parse().ok()?,
        })
    }
}

/// One message of `LOG`.
pub(crate) struct LogMessage {
    pub(crate) sequence: u64,
    pub(crate) identity: Option<StoreIdentity>,
    pub(crate) payload: Bytes,
    /// Messages behind this one.
    pub(crate) pending: u64,
}

/// A reader at one place of `LOG`. Thrown away and opened again after any trouble.
pub(crate) struct LogReader {
    broker: Broker,
    messages: Messages,
    /// The last sequence that came, or would have come before the first.
    came: u64,
    /// The history that the stream says it holds.
    pub(crate) identity: Option<StoreIdentity>,
    /// Its last sequence when the reader was opened.
    pub(crate) last: u64,
    /// What it will hold at least, once it is filled.
    pub(crate) filled: u64,
}

impl LogReader {
    /// Opens at `from`, which may lie behind the end.
    pub(crate) async fn open(broker: &Broker, from: u64) -> Result<Self, Cause> {
        let info = broker.stream(LOG).await?;
        let named = |key: &str| info.config.metadata.get(key).map(String::as_str);
        let identity = StoreIdentity::parse(named(STORE_ID), named(STORE_EPOCH));
        let last = info.last_sequence;
        let head = named(STORE_HEAD).and_then(|head| head.parse().ok());
        let consumer = PullConfig {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: from,
            },
            ack_policy: AckPolicy::None,
            memory_storage: true,
            inactive_threshold: UNUSED,
            ..PullConfig::default()
        };
        let consumer = broker.create_consumer(LOG, consumer).await?;
        let pull = Pull {
            batch: 2 * BATCH,
            heartbeat: HEARTBEAT,
            expires: EXPIRES,
        };
        let messages = broker.messages(LOG, consumer, pull).await?;
        Ok(Self {
            broker: broker.clone(),
            messages,
            came: from - 1,
            identity,
            last,
            filled: last.max(head.unwrap_or_default()),
        })
    }

    /// What has arrived, at least one message, in the order delivered. Events that were committed together mostly
    /// arrive together: while the broker says that more stand behind, they are waited for, a moment.
    pub(crate) async fn batch(&mut self) -> Result<Vec<LogMessage>, Cause> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut next = self.first().await?;
        loop {
            let message = next.ok_or("the broker ended the reading of LOG")??;
            let message = read(&message)?;
            self.came = message.sequence;
            let more = message.pending > 0;
            batch.push(message);
            if batch.len() == BATCH {
                return Ok(batch);
            }
            next = match self.messages.next().now_or_never() {
                Some(ready) => ready,
                None if more => match timeout(TOGETHER, self.messages.next()).await {
                    Ok(ready) => ready,
                    Err(_) => return Ok(batch),
                },
                None => return Ok(batch),
            };
        }
    }

    /// The next message, however long it takes; but not when it is known to be lost.
    async fn first(&mut self) -> Result<Option<Result<Message, BrokerError>>, Cause> {
        loop {
            if let Ok(next) = timeout(SILENCE, self.messages.next()).await {
                return Ok(next);
            }
            if self.broker.stream(LOG).await?.last_sequence <= self.came {
                continue;
            }
            // It may have been stored just now.
            return match timeout(HEARTBEAT, self.messages.next()).await {
                Ok(next) => Ok(next),
                Err(_) => Err("a message of LOG was lost on the way".into()),
            };
        }
    }
}

fn read(message: &Message) -> Result<LogMessage, Cause> {
    let place = message.place.ok_or("a message of LOG tells no place")?;
    let header = |name: &str| {
        message
            .headers
            .as_ref()
            .and_then(|headers| headers.get(name))
            .map(HeaderValue::as_str)
    };
    Ok(LogMessage {
        sequence: place.sequence,
        identity: StoreIdentity::parse(header(STORE_ID), header(STORE_EPOCH)),
        payload: message.payload.clone(),
        pending: place.pending,
    })
}
