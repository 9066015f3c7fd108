//! Events onto `LOG`: a few one behind the other, many as one atomic batch.
//!
//! An atomic batch takes the broker some 15 ms however small it is, one message a fraction of one. The client
//! library has no batch publisher; three headers are all it takes. Either way nothing is stored out of its place.

use std::time::Duration;

use serde::Deserialize;
use shikaku_broker::{
    Broker, HeaderMap, NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID,
    NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_MESSAGE_ID, NATS_EXPECTED_LAST_SEQUENCE,
    NATS_MESSAGE_ID, Outgoing,
};
use shikaku_ledger::{StoreIdentity, StoredEvent};
use shikaku_schemas::event::SealedEvent;
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::{subject, topology};
use uuid::Uuid;

use crate::error::Cause;

/// Events in a batch at most; the broker takes 1000.
pub(crate) const AT_MOST: u32 = 500;
/// Up to so many go one behind the other.
const FEW: usize = 32;
const ANSWER: Duration = Duration::from_secs(10);
const WRONG_LAST_SEQUENCE: u64 = 10071;

/// Why a batch is not known to be stored. Each time the relay looks where `LOG` stands before it goes on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    /// Another sequence came last: another relay, or a `LOG` that was changed.
    #[error("LOG does not stand where it was read")]
    Refused,
    /// The broker refused for another reason.
    #[error("the broker refused the batch with code {code}")]
    Broker {
        /// Its error code.
        code: u64,
    },
    /// Nothing, or nothing sensible, came back.
    #[error("the broker did not answer the batch")]
    Unanswered(#[source] Cause),
}

#[derive(Deserialize)]
struct Answer {
    error: Option<Refusal>,
    seq: Option<u64>,
}

#[derive(Deserialize)]
struct Refusal {
    err_code: u64,
}

/// Publishes `events`, which follow `last`, and gives the sequence of the last one.
pub(crate) async fn publish(
    broker: &Broker,
    batch: Uuid,
    store: StoreIdentity,
    last: u64,
    events: &[StoredEvent],
) -> Result<u64, BatchError> {
    match events.len() <= FEW {
        true => one_behind_the_other(broker, store, last, events).await,
        false => atomically(broker, batch, store, last, events).await,
    }
}

/// Sends all before the first is answered. Each names the event before it too, for a foreign message could have
/// taken that one's sequence: should one be refused or lost, those behind it are refused.
async fn one_behind_the_other(
    broker: &Broker,
    store: StoreIdentity,
    last: u64,
    events: &[StoredEvent],
) -> Result<u64, BatchError> {
    let mut sent = Vec::with_capacity(events.len());
    let mut before: Option<&StoredEvent> = None;
    for (follows, event) in (last..).zip(events) {
        let mut message = outgoing(store, event)?;
        let headers = &mut message.headers;
        if !planted(Mutant::RelayExpectsNothing) {
            headers.insert(NATS_EXPECTED_LAST_SEQUENCE, follows.to_string());
        }
        if let Some(before) = before.replace(event)
            && !planted(Mutant::RelayExpectsNothing)
        {
            headers.insert(NATS_EXPECTED_LAST_MESSAGE_ID, message_id(store, before));
        }
        sent.push(broker.send(message).await.map_err(unanswered)?);
    }
    let mut stands = last;
    for answer in sent {
        let stored = answer.await.map_err(unanswered)?;
        if stored.sequence != stands + 1 {
            return Err(BatchError::Refused);
        }
        stands = stored.sequence;
    }
    Ok(stands)
}

/// All of them are stored, or none.
async fn atomically(
    broker: &Broker,
    batch: Uuid,
    store: StoreIdentity,
    last: u64,
    events: &[StoredEvent],
) -> Result<u64, BatchError> {
    for (index, event) in events.iter().enumerate() {
        let mut message = outgoing(store, event)?;
        let headers = &mut message.headers;
        headers.insert(NATS_BATCH_ID, batch.to_string());
        headers.insert(NATS_BATCH_SEQUENCE, (index + 1).to_string());
        if index == 0 && !planted(Mutant::RelayExpectsNothing) {
            headers.insert(NATS_EXPECTED_LAST_SEQUENCE, last.to_string());
        }
        if index + 1 == events.len() {
            headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
            let answer = broker.ask(message, ANSWER).await.map_err(unanswered)?;
            return read(&answer);
        }
        broker.say(message).await.map_err(unanswered)?;
    }
    Ok(last)
}

fn outgoing(store: StoreIdentity, event: &StoredEvent) -> Result<Outgoing, BatchError> {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, message_id(store, event));
    headers.insert(topology::STORE_ID, store.store_id.to_string());
    headers.insert(topology::STORE_EPOCH, store.epoch.to_string());
    let sealed = SealedEvent::new(event.head.clone(), &event.sealed);
    Ok(Outgoing {
        subject: subject::log(&event.head.kind),
        headers,
        payload: serde_json::to_vec(&sealed).map_err(unanswered)?.into(),
    })
}

/// After a restore not the event's alone: what a hub of an earlier epoch copied is no copy of this one's, and the broker
/// must not call ours a repetition of it.
fn message_id(store: StoreIdentity, event: &StoredEvent) -> String {
    match store.epoch {
        1 => event.head.event_id.to_string(),
        epoch => format!("{}/{epoch}", event.head.event_id),
    }
}

fn read(answer: &[u8]) -> Result<u64, BatchError> {
    let answer: Answer = serde_json::from_slice(answer).map_err(unanswered)?;
    match (answer.error, answer.seq) {
        (Some(refusal), _) if refusal.err_code == WRONG_LAST_SEQUENCE => Err(BatchError::Refused),
        (Some(refusal), _) => Err(BatchError::Broker {
            code: refusal.err_code,
        }),
        (None, Some(sequence)) => Ok(sequence),
        (None, None) => Err(BatchError::Broker { code: 0 }),
    }
}

fn unanswered(source: impl Into<Cause>) -> BatchError {
    BatchError::Unanswered(source.into())
}
