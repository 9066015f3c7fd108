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
pub fn until_within<T>(deadline: Duration, what: &str, condition: impl FnMut() -> Option<T>) -> T {
    within(deadline, condition)
        .unwrap_or_else(|| panic!("waited {deadline:?} in vain until {what}"))
}

/// Asks `condition` until it gives a value or the time is over.
pub(crate) fn within<T>(at_most: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    loop {
        let value = condition();
        if value.is_some() || begin.elapsed() >= at_most {
            return value;
        }
        std::thread::park_timeout(Duration::from_millis(40));
    }
}
