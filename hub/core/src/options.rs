//! What the hub role is given. Validated by the binary's config before any socket opens.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shikaku_schemas::clock::{Clock, Randomness};
use shikaku_schemas::group::Group;
use shikaku_schemas::seal::SealKey;

/// How to reach the broker.
#[derive(Clone)]
pub struct NatsAccess {
    /// `nats://…` or `tls://…`.
    pub url: String,
    /// The role's user; its inbox prefix is `_INBOX_<user>`.
    pub user: String,
    /// Its password.
    pub password: String,
    /// Certificate of the authority that signed the broker's; absent: the machine's own.
    pub tls_ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for NatsAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsAccess")
            .field("url", &self.url)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Everything the hub role needs besides the ledger.
#[derive(Clone)]
pub struct HubOptions {
    /// Facilities, terminals, offices, consumers.
    pub group: Group,
    /// The group key: edges, identity digests and sealed copies are derived from it.
    pub group_key: SealKey,
    /// The broker.
    pub nats: NatsAccess,
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
