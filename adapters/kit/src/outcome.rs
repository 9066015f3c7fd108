//! What became of a task, decided where the failure happens. Only [`crate::task`] turns it into an
//! acknowledgement, a delayed redelivery or a dead letter.

use std::future::Future;
use std::time::Duration;

use shikaku_schemas::task::Task;

/// What became of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The effect is durable.
    Done,
    /// The peer surely did nothing; try again after the pause.
    Retry {
        /// Stable word, no personal data.
        reason: &'static str,
        /// How long to wait.
        after: Duration,
    },
    /// It will never work.
    Reject {
        /// Stable word, no personal data.
        reason: &'static str,
    },
    /// The peer may have acted: a person looks.
    Unknown {
        /// Stable word, no personal data.
        reason: &'static str,
    },
}

/// One peer's adapter, as the task loop sees it.
pub trait Adapter: Send + Sync + 'static {
    /// Carries out one task. Is called again with the same task after a lost acknowledgement or a crash, and
    /// must then not act a second time. [`Outcome::Done`] only after the effect is durable.
    fn handle(&self, task: Task) -> impl Future<Output = Outcome> + Send;
}
