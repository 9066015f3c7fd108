//! What surrounds a payload: the routing columns of the ledger, which are the clear members on `LOG`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{
    AsOf, EventId, EvidenceId, FacilityCode, ObservationId, Position, RecordId, StreamId,
};

/// Everything about an event but its payload. Nothing personal is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventHead {
    /// Gapless place in the ledger, from 1.
    pub position: Position,
    /// The event's own id (UUIDv7).
    pub event_id: EventId,
    /// The stream.
    pub stream: StreamId,
    /// Place in the stream, from 1.
    pub stream_version: u64,
    /// Event type, kebab-case.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of the payload's shape.
    pub schema_version: u32,
    /// The ledger's clock, µs UTC, never backwards.
    pub recorded_at: Timestamp,
    /// The facility the fact is of; null for facts of persons.
    pub facility: Option<FacilityCode>,
    /// The record; null for events of inquiries, settlements and persons.
    pub patient: Option<RecordId>,
    /// The observation that brought it, if one did.
    pub observation_id: Option<ObservationId>,
    /// The bytes it rests on.
    pub evidence: Option<EvidenceId>,
    /// The centre's time.
    pub as_of: Option<AsOf>,
}

/// An event with its payload in clear, as `shikaku log --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventRecord {
    /// The envelope.
    #[serde(flatten)]
    pub head: EventHead,
    /// The payload; `null` when its key was destroyed.
    pub data: serde_json::Value,
}

/// An event as it travels on `LOG`: the payload sealed under its record's key, in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SealedEvent {
    /// The envelope.
    #[serde(flatten)]
    pub head: EventHead,
    /// The sealed payload.
    pub sealed: String,
}

impl SealedEvent {
    /// Wraps sealed bytes.
    pub fn new(head: EventHead, sealed: &[u8]) -> Self {
        Self {
            head,
            sealed: STANDARD.encode(sealed),
        }
    }

    /// The sealed bytes; `None` when the text is no base64.
    pub fn sealed_bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.sealed).ok()
    }
}

/// What a sealed payload is bound to, so that it can't be moved to another event.
pub fn event_aad(
    event_id: EventId,
    stream: &StreamId,
    stream_version: u64,
    kind: &str,
    schema_version: u32,
) -> Vec<u8> {
    format!("shikaku-event|{event_id}|{stream}|{stream_version}|{kind}|{schema_version}")
        .into_bytes()
}
