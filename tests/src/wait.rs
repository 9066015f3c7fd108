//! Waiting for conditions.

use std::time::{Duration, Instant};

/// How long a condition may take. It ends failing tests only; no passing test waits for it.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Asks `condition` again and again until it gives a value.
#[track_caller]
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    until_within(DEADLINE, what, condition)
}

/// [`until`] with a deadline of its own.
#[track_caller]
pub fn until_within<T>(
    deadline: Duration,
    what: &str,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            begin.elapsed() < deadline,
            "waited {deadline:?} in vain until {what}"
        );
        std::thread::park_timeout(Duration::from_millis(40));
    }
}
