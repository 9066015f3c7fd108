//! Ledger to `LOG`, so that stream sequence == position.
//!
//! The ledger is the queue: there is no cursor to lose. Where `LOG` stands is read from the broker, every batch
//! names the sequence it follows, and a second relay or a repeat is refused there.

mod batch;
pub(crate) mod log;

use std::sync::Arc;
use std::time::Duration;

use shikaku_broker::Broker;
use shikaku_ledger::{Ledger, LedgerError};
use shikaku_schemas::clock::{Clock, Randomness};
use shikaku_schemas::value::Position;
use tokio_util::sync::CancellationToken;

use crate::HubError;
use crate::error::Cause;

const POLL: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_AT_MOST: Duration = Duration::from_secs(3);
/// On the way out, what was committed last still goes to `LOG`, if the broker takes it by then.
const LAST_CALL: Duration = Duration::from_secs(2);
/// How often an idle relay looks whether `LOG` still is what it left.
const LOOK: u32 = 20;

/// Copies committed events to `LOG`.
pub(crate) struct Relay {
    pub(crate) ledger: Ledger,
    pub(crate) broker: Broker,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
}

/// Gives back what may pass; an error when this hub has to end.
pub(crate) fn fatal(error: Cause) -> Result<Cause, HubError> {
    if let Some(LedgerError::OtherEpoch { .. }) = error.downcast_ref() {
        return Err(HubError::Fenced);
    }
    match error.downcast::<HubError>() {
        Ok(for_good) => Err(*for_good),
        Err(passing) => Ok(passing),
    }
}

impl Relay {
    /// Copies until `cancel`; a broker that is away or was wiped is only waited for.
    pub(crate) async fn run(self, cancel: CancellationToken) -> Result<(), Cause> {
        let mut pause = PAUSE;
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                ended = self.follow(&mut pause) => {
                    let Err(error) = ended;
                    let error = fatal(error)?;
                    metrics::counter!("shikaku_hub_relay_restarts_total").increment(1);
                    tracing::warn!(%error, "relay looks again where LOG stands");
                }
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_AT_MOST),
            }
        }
        let last_call = async {
            let last = log::prepare(&self.broker, &self.ledger).await?;
            self.catch_up(last).await
        };
        if !matches!(tokio::time::timeout(LAST_CALL, last_call).await, Ok(Ok(_))) {
            tracing::info!("the rest of LOG is filled at the next start");
        }
        Ok(())
    }

    async fn follow(&self, pause: &mut Duration) -> Result<std::convert::Infallible, Cause> {
        let mut committed = self.ledger.committed();
        let mut connections = self.broker.connections.clone();
        connections.mark_unchanged();
        let mut last = log::prepare(&self.broker, &self.ledger).await?;
        let mut idle = 0;
        loop {
            let before = last;
            last = self.catch_up(last).await?;
            *pause = PAUSE;
            idle = if last == before { idle + 1 } else { 0 };
            if idle == LOOK {
                let stands = log::prepare(&self.broker, &self.ledger).await?;
                if stands != last {
                    return Err("LOG was changed".into());
                }
                idle = 0;
            }
            tokio::select! {
                changed = committed.changed() => if changed.is_err() {
                    // No writer in this process any more: only the poll is left.
                    tokio::time::sleep(POLL).await;
                },
                () = tokio::time::sleep(POLL) => {}
                _ = connections.changed() => return Err("the broker was away".into()),
            }
        }
    }

    /// Everything up to the ledger's head, from `last`.
    async fn catch_up(&self, mut last: u64) -> Result<u64, Cause> {
        loop {
            let events = self
                .ledger
                .read_page(Position(last), batch::AT_MOST)
                .await?;
            if events.is_empty() {
                return Ok(last);
            }
            let id = self.randomness.id(self.clock.now());
            let store = self.ledger.identity();
            last = batch::publish(&self.broker, id, store, last, &events).await?;
            metrics::counter!("shikaku_hub_relay_events_total").increment(events.len() as u64);
        }
    }
}
