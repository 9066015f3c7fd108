//! What is sealed, bound to where it lies.

use shikaku_schemas::event::{Event, EventError, SealedEvent, event_aad};
use shikaku_schemas::feed::{FeedVariant, RecordView};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{FacilityCode, RecordId};
use uuid::Uuid;

use crate::run::Cause;

/// A row's place, so that it opens nowhere else.
pub(crate) fn row_place(variant: FeedVariant, record: RecordId) -> Vec<u8> {
    format!("read-model|{variant}|{record}").into_bytes()
}

/// An outbox body's place.
pub(crate) fn body_place(variant: FeedVariant, ce_id: Uuid) -> Vec<u8> {
    format!("outbox|{variant}|{ce_id}").into_bytes()
}

/// The digest by which a chart number is looked up.
pub(crate) fn lookup(key: &SealKey, facility: &FacilityCode, patient: &str) -> [u8; 32] {
    key.digest(format!("{facility}|{patient}").as_bytes())
}

/// Opens and reads an event, or says why it can't be.
pub(crate) fn open_event(key: &SealKey, sealed: &SealedEvent) -> Result<Event, &'static str> {
    let head = &sealed.head;
    let place = event_aad(
        head.event_id,
        &head.stream,
        head.stream_version,
        &head.kind,
        head.schema_version,
    );
    let bytes = sealed
        .sealed_bytes()
        .ok_or("the sealed payload is no base64")?;
    let plain = key
        .open(&place, &bytes)
        .map_err(|_| "the payload does not open with its record's key")?;
    Event::read(&head.kind, head.schema_version, &plain).map_err(|error| match error {
        EventError::UnknownType => "the event type is not known",
        EventError::UnknownVersion { .. } => "the event's version is not known",
        EventError::Step { .. } => "the payload can't be brought to the present shape of its type",
        EventError::Shape { .. } => "the payload does not have the shape of its type",
    })
}

/// Opens a record's row.
pub(crate) fn open_view(
    key: &SealKey,
    variant: FeedVariant,
    record: RecordId,
    sealed: &[u8],
) -> Result<RecordView, Cause> {
    let plain = key.open(&row_place(variant, record), sealed)?;
    Ok(serde_json::from_slice(&plain)?)
}
