//! One message of a feed: its headers, and its body opened.

use jiff::Timestamp;
use serde_json::{Value, json};
use shikaku_broker::{HeaderMap, Outgoing};
use shikaku_schemas::feed::{ASSISTANCE_CHANGED, Audience, FeedHead, FeedVariant};
use shikaku_schemas::subject;
use shikaku_schemas::topology::{STORE_EPOCH, STORE_ID};

use crate::keys::RecordKey;
use crate::log::StoreIdentity;
use crate::run::Cause;
use crate::sealed::body_place;
use crate::store::Pending;

/// The message as it goes to the broker.
pub(crate) fn outgoing(
    variant: FeedVariant,
    of: StoreIdentity,
    message: &Pending,
    key: Option<&RecordKey>,
) -> Result<Outgoing, Cause> {
    let body = open_body(variant, message, key)?;
    let mut headers = headers(variant, message)?;
    headers.insert(STORE_ID, of.store_id.to_string());
    headers.insert(STORE_EPOCH, of.epoch.to_string());
    Ok(Outgoing {
        subject: subject::feed(variant, &message.facility, &message.kind),
        headers,
        payload: body.into(),
    })
}

fn headers(variant: FeedVariant, message: &Pending) -> Result<HeaderMap, Cause> {
    debug_assert_eq!(
        message.kind == ASSISTANCE_CHANGED,
        variant.audience == Audience::Department
    );
    let head = FeedHead {
        id: message.ce_id,
        kind: message.kind.clone(),
        facility: message.facility.clone(),
        record: message.record,
        time: Timestamp::from_microsecond(message.recorded_at_us)?,
        sequence: message.feed_sequence,
    };
    let mut headers = HeaderMap::new();
    for (name, value) in head.headers() {
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The body, or what is left of it when its record was erased: the number stays, so that nothing is missing.
fn open_body(
    variant: FeedVariant,
    message: &Pending,
    key: Option<&RecordKey>,
) -> Result<Vec<u8>, Cause> {
    match key {
        Some(RecordKey::Open(key)) => {
            Ok(key.open(&body_place(variant, message.ce_id), &message.body)?)
        }
        Some(RecordKey::Erased) if variant.audience == Audience::Department => Ok(
            serde_json::to_vec(&json!({ "patient": Value::Null, "assistance": "no" }))?,
        ),
        Some(RecordKey::Erased) => Ok(serde_json::to_vec(
            &json!({ "patient": Value::Null, "record": message.record.to_string() }),
        )?),
        None => Err("the hub knows no key of a message's record".into()),
    }
}
