//! Letters to `PARKED` about records set aside.

use jiff::Timestamp;
use serde::Serialize;
use shikaku_broker::{Broker, HeaderMap, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID, Outgoing};
use shikaku_schemas::clock::Clock;
use shikaku_schemas::feed::FeedVariant;
use shikaku_schemas::subject;
use shikaku_schemas::topology::PARKED;
use shikaku_schemas::value::{FacilityCode, Position, RecordId};

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
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, format!("event-{id}"));
        headers.insert(NATS_EXPECTED_STREAM, PARKED);
        let message = Outgoing {
            subject: subject::parked(ROLE),
            headers,
            payload: body.into(),
        };
        broker.store(message).await?;
        store.mark_letter(letter.record).await?;
    }
    Ok(())
}
