//! What the hub role is given. Validated by the binary's config before any socket opens.

use std::sync::Arc;
use std::time::Duration;

use shikaku_broker::BrokerAt;
use shikaku_domain::patient::MedicalMonths;
use shikaku_schemas::clock::{Clock, Randomness};
use shikaku_schemas::command::BULK_ROWS;
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
    /// Bulk jobs.
    pub jobs: JobOptions,
    /// Tickets of a month.
    pub months: MonthOptions,
    /// From when medical information is asked for.
    pub medical: MedicalMonths,
    /// Whether a ticket that equals exactly one open 未委託 person is linked without asking.
    pub auto_link: bool,
    /// Business time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub randomness: Arc<dyn Randomness>,
}

/// How bulk jobs are carried out.
#[derive(Debug, Clone, Copy)]
pub struct JobOptions {
    /// How often a terminal asks after a job.
    pub poll: Duration,
    /// How many jobs one terminal has at a time.
    pub per_terminal: usize,
    /// How many rows one job asks about at most.
    pub rows: usize,
}

impl Default for JobOptions {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(60),
            per_terminal: 4,
            rows: BULK_ROWS,
        }
    }
}

/// What the hub does by itself about the tickets of a month.
#[derive(Debug, Clone, Copy)]
pub struct MonthOptions {
    /// Whether 一括取得 run by themselves.
    pub schedule: bool,
    /// A month of which more than this vanishes at once is not settled before a person has looked.
    pub vanishing_percent: u8,
}

impl MonthOptions {
    /// Nothing runs by itself.
    pub const OFF: Self = Self {
        schedule: false,
        vanishing_percent: 20,
    };
}
