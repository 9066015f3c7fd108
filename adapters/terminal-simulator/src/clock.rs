//! Clocks for tests: one that stands where it is put, and one that runs ahead of the wall.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::config::WallClock;

/// A clock that stands still until it is put forward. Whoever holds it says what time it is.
#[derive(Debug, Clone)]
pub struct StandingClock(Arc<Mutex<Timestamp>>);

impl StandingClock {
    /// Stands at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(at)))
    }

    /// Puts it to `at`. Time does not run backwards: an earlier moment is passed over.
    pub fn put(&self, at: Timestamp) {
        let mut now = self.now_mut();
        *now = at.max(*now);
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        *self.now_mut()
    }

    /// As simulators take it.
    pub fn lend(&self) -> WallClock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }

    fn now_mut(&self) -> std::sync::MutexGuard<'_, Timestamp> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A clock that begins at `start` and runs `speed` times as fast as the wall's.
pub fn accelerated(start: Timestamp, speed: f64) -> WallClock {
    let begin = Instant::now();
    Arc::new(move || {
        let passed = begin.elapsed().as_secs_f64() * speed;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or(SignedDuration::MAX);
        start.checked_add(passed).unwrap_or(Timestamp::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_is_put_forward_only() {
        let clock = StandingClock::new(Timestamp::UNIX_EPOCH);
        let lent = clock.lend();
        clock.put("2026-05-15T00:00:00Z".parse().unwrap());
        clock.put("2026-05-14T00:00:00Z".parse().unwrap());
        assert_eq!(lent().to_string(), "2026-05-15T00:00:00Z");
    }

    #[test]
    fn an_accelerated_clock_runs_ahead() {
        let clock = accelerated(Timestamp::UNIX_EPOCH, 1e9);
        let first = clock();
        let later = std::iter::repeat_with(&*clock).find(|now| *now > first);
        assert!(later.is_some());
    }
}
