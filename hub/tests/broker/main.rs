//! The generated configuration on the real nats-server: what each user may do, and what it may not.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod permissions;
mod server;
