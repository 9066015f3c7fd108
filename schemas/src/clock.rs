//! The only lawful sources of time and of random ids.
//!
//! Everything else receives time and ids inside commands, so that a test can run a month in seconds
//! and a simulation replays from a seed.

use jiff::Timestamp;
use uuid::Uuid;

/// Tells what time it is. Implementations may go backwards; the ledger's own clock never does.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// Where fresh ids come from.
pub trait Randomness: Send + Sync + 'static {
    /// A new time-ordered id (UUIDv7) stamped with `at`.
    fn id(&self, at: Timestamp) -> Uuid;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Ids from the operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn id(&self, at: Timestamp) -> Uuid {
        let mut bytes = [0u8; 10];
        getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}
