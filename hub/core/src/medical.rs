//! A consent is looked at again at the moment its request is handed to a terminal.

use jiff::Timestamp;
use shikaku_domain::patient::{self, Origin};
use shikaku_ledger::{Ledger, LedgerError};
use shikaku_schemas::task::{Task, TaskBody};
use shikaku_schemas::value::{RecordId, StreamId};

/// The rule by which `task` may not be handed out any more, if there is one.
pub(crate) async fn forbidden(
    ledger: &Ledger,
    task: &Task,
    record: Option<RecordId>,
    now: Timestamp,
) -> Result<Option<&'static str>, LedgerError> {
    let (TaskBody::DrugInfo(_) | TaskBody::CheckupInfo(_), Some(record)) = (&task.body, record)
    else {
        return Ok(None);
    };
    let stream = StreamId::patient(record);
    let mut streams = ledger.load_streams(std::slice::from_ref(&stream)).await?;
    let events = streams.remove(&stream).unwrap_or_default();
    let opened = ledger.open_events(&events).await?;
    let told = opened
        .iter()
        .map(|event| (Origin::from(&event.head), event.event.as_ref()));
    let state = patient::replay(told);
    let permitted = patient::still_permitted(&state, &task.facility, &task.body, now);
    Ok(permitted.err().map(|rejection| rejection.rule()))
}
