//! Growing pauses between tries, so that a peer that is down is not hammered.

use std::time::Duration;

/// Doubles from `first` up to `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest pause.
    pub cap: Duration,
}

impl Backoff {
    /// The pause after `failures` failures in a row; 0 counts as 1.
    pub fn pause(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        self.first.saturating_mul(1 << doublings).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_its_cap() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            cap: Duration::from_secs(1),
        };
        let pauses: Vec<u128> = (0..6).map(|n| backoff.pause(n).as_millis()).collect();
        assert_eq!(pauses, [100, 100, 200, 400, 800, 1000]);
        assert_eq!(backoff.pause(u32::MAX), Duration::from_secs(1));
    }
}
