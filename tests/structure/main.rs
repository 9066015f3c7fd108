//! Rules about the workspace itself, held by tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod architecture;
mod dependencies;
mod faults;
mod habits;
mod sources;
