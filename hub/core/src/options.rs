//! What the hub role is given. Validated by the binary's config before any socket opens.

use std::sync::Arc;
use std::time::Duration;

use shikaku_broker::BrokerAt;
use shikaku_schemas::clock::{Clock, Randomness};
use shikaku_schemas::group::Group;
use shikaku_schemas::seal::SealKey;

/// Everything the hub role needs besides the ledger.
#[derive(Clone)]
pub struct HubOptions {
    /// Facilities, terminals, offices, consumers.
    pub group: Group,
    /// The group key: edges, identity digests and sealed copies are derived from it.
    pub group_key: SealKey,
    /// The broker.
    pub nats: BrokerAt,
    /// Days that feeds keep messages.
    pub feed_days: u32,
    /// How long a terminal has for a single inquiry.
    pub answer_timeout: Duration,
    /// Whether a ticket that equals exactly one open 未委託 person is linked without asking.
    pub auto_link: bool,
    /// Business time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub randomness: Arc<dyn Randomness>,
}
