//! The connections that a reader borrows.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

/// A line that was used this lately is taken as it is: asking it first would cost each look-up a round trip.
const FRESH: Duration = Duration::from_secs(1);
const ACQUIRE: Duration = Duration::from_secs(10);
/// Every look-up has its index. A plan made while a table was small is kept for the line's life, and would read
/// the whole table for ever: 6 ms for 64 rows of an inbox of 20 000, and more each day.
const BY_INDEX: [(&str, &str); 4] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// Connects when first used. A line that lay idle is asked first, so that a restart of the database costs a
/// reader a new line and no error.
pub(crate) fn pool(options: PgConnectOptions, most: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(|line, seen| {
            Box::pin(async move { Ok(seen.idle_for < FRESH || line.ping().await.is_ok()) })
        })
        .connect_lazy_with(options.options(BY_INDEX))
}
