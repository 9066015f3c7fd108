//! Dead letters on `PARKED`: set aside with a reason, for a person to look at.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shikaku_broker::{HeaderMap, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID, Outgoing};
use shikaku_schemas::subject;
use shikaku_schemas::topology::PARKED;
use shikaku_schemas::value::FacilityCode;

use crate::broker::{ACK_TIMEOUT, Broker, BrokerError};

/// One thing set aside. Holds nothing personal and no content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// What to name it by in `shikaku parked`; the same thing set aside again has the same id.
    pub id: String,
    /// `quarantine`, `task`, `observation`, `delivery`.
    pub kind: String,
    /// Which role set it aside.
    pub role: String,
    /// The facility, where there is one.
    pub facility: Option<FacilityCode>,
    /// The device, where there is one.
    pub device: Option<String>,
    /// Stable word.
    pub reason: String,
    /// For people, Japanese with English beside.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// The letter is not on `PARKED`, or nobody knows whether it is: send it again.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// The broker did not take it.
    #[error("the broker did not take the dead letter")]
    Refused(#[from] BrokerError),
    /// No answer in time.
    #[error("the broker did not answer in time")]
    TimedOut,
    /// It can't be written as JSON.
    #[error("the dead letter can't be written")]
    Shape(#[from] serde_json::Error),
}

/// Puts `letter` on `PARKED` and waits until the broker has it. Safe to repeat.
///
/// # Errors
/// When the broker did not confirm it; nothing may be let go then.
pub async fn park(broker: &Broker, letter: &DeadLetter) -> Result<(), DeadLetterError> {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, format!("{}-{}", letter.kind, letter.id));
    headers.insert(NATS_EXPECTED_STREAM, PARKED);
    let message = Outgoing {
        subject: subject::parked(&letter.role),
        headers,
        payload: serde_json::to_vec(letter)?.into(),
    };
    tokio::time::timeout(ACK_TIMEOUT, broker.store(message))
        .await
        .map_err(|_| DeadLetterError::TimedOut)??;
    metrics::counter!("shikaku_parked_total", "role" => letter.role.clone(), "kind" => letter.kind.clone())
        .increment(1);
    tracing::warn!(
        parked.id = letter.id,
        parked.kind = letter.kind,
        reason = letter.reason,
        "set aside"
    );
    Ok(())
}
