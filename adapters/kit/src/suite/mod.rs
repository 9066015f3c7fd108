//! The contract suite: a real broker, a small hub, and the four trials that every adapter passes.
//! Only for tests.

mod broker;
mod hub;
mod trial;

use std::future::Future;
use std::time::{Duration, Instant};

pub use broker::TestBroker;
pub use hub::{Answering, TestHub};
pub use trial::{Running, Specimen, crash_before_ack, malformed_input, peer_down, redelivery};

/// How long a trial waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not within [`PATIENCE`]; `what` names it.
pub async fn eventually<F, T>(what: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
