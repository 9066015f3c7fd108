//! Letters to `PARKED` about records set aside.

use async_nats::jetstream::message::PublishMessage;
use jiff::Timestamp;
use serde::Serialize;
use shikaku_schemas::clock::Clock;
use shikaku_schemas::feed::FeedVariant;
use shikaku_schemas::subject;
use shikaku_schemas::topology::PARKED;
use shikaku_schemas::value::{FacilityCode, Position, RecordId};

use crate::broker::Broker;
use crate::run::Cause;
use crate::store::Store;

const ROLE: &str = "projections";

/// A dead letter, in the shape that every role writes. Nothing personal is in it.
#[derive(Serialize)]
struct DeadLetter<'a> {
    id: &'a str,
    kind: &'static str,
    role: &'static str,
    facility: Option<&'a FacilityCode>,
    device: Option<&'a str>,
    reason: &'a str,
    message: String,
    at: Timestamp,
    projection: String,
    record: RecordId,
    position: Position,
}

/// Sends what is due and waits until it is stored. Repeats within the broker's window are dropped there.
pub(crate) async fn send(
    broker: &Broker,
    variant: FeedVariant,
    store: &Store,
    clock: &dyn Clock,
) -> Result<(), Cause> {
    for letter in store.letters().await? {
        let id = format!("projection-{variant}-{}", letter.position);
        let body = serde_json::to_vec(&DeadLetter {
            id: &id,
            kind: "event",
            role: ROLE,
            facility: letter.facility.as_ref(),
            device: None,
            reason: &letter.reason,
            message: format!(
                "イベント {} ({}) を反映できません。この記録の後続は待機中です / event at position {} can't be applied; later events of its record wait",
                letter.position, letter.kind, letter.position
            ),
            at: clock.now(),
            projection: variant.to_string(),
            record: letter.record,
            position: letter.position,
        })?;
        let message = PublishMessage::build()
            .payload(body.into())
            .message_id(format!("event-{id}"))
            .expected_stream(PARKED);
        broker
            .jetstream
            .send_publish(subject::parked(ROLE), message)
            .await?
            .await?;
        store.mark_letter(letter.record).await?;
    }
    Ok(())
}
