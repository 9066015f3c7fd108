//! The projections role from its first connection to the last drained task.

use tokio_util::sync::CancellationToken;

use crate::ModelsOptions;

/// The cause of a failure, kept as a source.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the projections role ended, or could not start.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The broker could not be reached.
    #[error("the broker could not be reached")]
    Broker(#[source] Cause),
    /// A database could not be opened or prepared.
    #[error("the database of {name} could not be opened")]
    Database {
        /// Projection, or `access`.
        name: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A projection stopped for good; the others went on until the end.
    #[error("projection {name} stopped: {reason}")]
    Stopped {
        /// Its name.
        name: String,
        /// Why, without personal data.
        reason: String,
    },
    /// A task ended although nothing asked it to, or panicked.
    #[error("task {task} ended unasked")]
    Ended {
        /// Its name.
        task: String,
    },
}

/// Runs every projection, its publisher and the responder until `cancel`, then drains.
///
/// A projection that meets an event type it does not know stops for good and says so on the status board;
/// the others go on. A broker or hub that is away is waited for.
///
/// # Errors
/// What could not be opened at start; afterwards, at the end, the first task that failed.
pub async fn run(options: ModelsOptions, cancel: CancellationToken) -> Result<(), ModelsError> {
    let _ = (options, cancel);
    Ok(())
}
