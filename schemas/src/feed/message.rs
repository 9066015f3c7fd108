//! The CloudEvents head of a feed message (NATS binary content mode).

use jiff::Timestamp;
use uuid::Uuid;

use super::FeedVariant;
use crate::value::{EventId, FacilityCode, RecordId};

/// Namespace of feed message ids.
const FEEDS: Uuid = Uuid::from_u128(0x2d9c_1f4e_31a8_5d6b_8a57_9b0e_66d2_7c10);

/// `ce-id`: stable over redelivery, refill and rebuild. In another `epoch` of the ledger everything is told anew, under
/// other ids: the broker would take the same ones for repetitions.
pub fn ce_id(event: EventId, variant: FeedVariant, facility: &FacilityCode, epoch: u32) -> Uuid {
    let before = epoch.saturating_sub(1);
    Uuid::new_v5(
        &FEEDS,
        format!("{event}|{variant}|{facility}|{before}").as_bytes(),
    )
}

/// `ce-type`: `jp.shikaku.<type>.v1`.
pub fn ce_type(kind: &str) -> String {
    format!("jp.shikaku.{kind}.v1")
}

/// Everything a feed message's headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedHead {
    /// `ce-id` and `Nats-Msg-Id`.
    pub id: Uuid,
    /// Message type.
    pub kind: String,
    /// The facility.
    pub facility: FacilityCode,
    /// The record: opaque.
    pub record: RecordId,
    /// When the fact was recorded.
    pub time: Timestamp,
    /// `feed-sequence`.
    pub sequence: u64,
}

impl FeedHead {
    /// Name and value of every header.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", self.id.to_string()),
            ("ce-source", format!("urn:shikaku:{}", self.facility)),
            ("ce-type", ce_type(&self.kind)),
            ("ce-subject", self.record.to_string()),
            ("ce-time", self.time.to_string()),
            (
                "ce-dataschema",
                format!("urn:shikaku:schema:feed:{}:v1", self.kind),
            ),
            ("Nats-Msg-Id", self.id.to_string()),
            (crate::topology::FEED_SEQUENCE, self.sequence.to_string()),
        ]
    }
}
