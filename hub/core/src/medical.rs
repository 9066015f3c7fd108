//! A consent is looked at again at the moment its request is handed to a terminal.

use jiff::Timestamp;
use shikaku_domain::patient::{self, Origin};
use shikaku_ledger::{Ledger, LedgerError};
use shikaku_schemas::task::{Task, TaskBody};
use shikaku_schemas::value::{RecordId, StreamId};

/// `task` as it may be handed out: it ends with the consent that it rests on. Or the rule by which it may not be handed
/// out any more.
pub(crate) async fn permitted(
    ledger: &Ledger,
    task: Task,
    record: Option<RecordId>,
    now: Timestamp,
) -> Result<Result<Task, &'static str>, LedgerError> {
    let (TaskBody::DrugInfo(_) | TaskBody::CheckupInfo(_), Some(record)) = (&task.body, record)
    else {
        return Ok(Ok(task));
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
    Ok(match permitted {
        Ok(until) => Ok(Task {
            deadline: until.map_or(task.deadline, |until| task.deadline.min(until.0)),
            ..task
        }),
        Err(rejection) => Err(rejection.rule()),
    })
}
