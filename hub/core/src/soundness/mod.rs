//! Whether the broker kept what it was given.
//!
//! Nothing rests on the broker's store: what can't be trusted any more is deleted, and its writer fills it again from
//! ledger or outbox under the same ids and numbers.

mod order;
mod walk;

use std::collections::HashMap;
use std::time::Duration;

use shikaku_broker::{Broker, BrokerError};
use shikaku_schemas::topology::{self, StreamSpec};
use tokio_util::sync::CancellationToken;

use crate::error::Cause;
use order::Order;
use walk::Walk;

const EVERY: Duration = Duration::from_secs(5);
/// One look at one stream.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks after the streams whose writers name the sequence they follow.
pub(crate) struct Soundness {
    pub(crate) broker: Broker,
    pub(crate) feed_days: u32,
}

/// What is known of one stream.
#[derive(Default)]
struct Known {
    order: Order,
    walk: Walk,
}

impl Soundness {
    /// Looks until `cancel`; what gives no answer is looked at again.
    pub(crate) async fn run(self, cancel: CancellationToken) -> Result<(), Cause> {
        let mut streams = topology::streams(self.feed_days);
        streams.retain(topology::is_ordered);
        let mut known: HashMap<&str, Known> = HashMap::new();
        let mut connections = self.broker.connections.clone();
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = connections.changed() => {
                    changed?;
                    // A broker that was away may come back with a damaged store.
                    known.clear();
                }
                _ = tick.tick() => {}
            }
            for stream in &streams {
                let look = self.look(stream, known.entry(&stream.name).or_default());
                tokio::select! {
                    () = cancel.cancelled() => return Ok(()),
                    looked = tokio::time::timeout(PATIENCE, look) => match looked {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => tracing::debug!(stream = %stream.name, %error, "not looked at"),
                        Err(_) => tracing::debug!(stream = %stream.name, "gives no answer"),
                    },
                }
            }
        }
    }

    async fn look(&self, stream: &StreamSpec, known: &mut Known) -> Result<(), BrokerError> {
        let damage = match known.order.look(&self.broker, stream).await? {
            None => known.walk.go_on(&self.broker, stream).await?,
            found => found,
        };
        let Some(damage) = damage else {
            return Ok(());
        };
        metrics::counter!("shikaku_hub_damaged_streams_total").increment(1);
        tracing::error!(
            stream = %stream.name,
            ?damage,
            "the broker's store of a stream is damaged; it is deleted and filled again"
        );
        *known = Known::default();
        self.broker.delete_stream(&stream.name).await
    }
}

/// What is wrong with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// It tells one last sequence and goes by another.
    Order { told: u64, gone_by: u64 },
    /// It counts a message that it can't give.
    Unreadable { sequence: u64 },
}
