//! The machine's clock, held against the one that nobody can set.
//!
//! A jump moves no position and takes no time of record back, but files, schedule and the terminals' own names go by
//! the machine's clock: whoever looks after the machine must hear of it.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use shikaku_schemas::clock::{Clock as _, SystemClock};

use super::roles::Roles;

const EVERY: Duration = Duration::from_secs(1);
/// What a time service corrects gently is no jump.
const JUMP_MS: i64 = 2_000;

/// Tells of each jump until the roles stop.
pub(super) fn watch(roles: &mut Roles) {
    let cancel = roles.cancel();
    for direction in ["forward", "back"] {
        count(direction, 0);
    }
    roles.spawn("clock", async move {
        let mut before = Look::now();
        let mut tick = tokio::time::interval(EVERY);
        while cancel.run_until_cancelled(tick.tick()).await.is_some() {
            let now = Look::now();
            if let Some(millis) = jump(before, now) {
                count(if millis > 0 { "forward" } else { "back" }, 1);
                tracing::warn!(seconds = millis / 1000, "the machine's clock jumped");
            }
            before = now;
        }
        Ok(())
    });
}

fn count(direction: &'static str, more: u64) {
    metrics::counter!("shikaku_clock_jumps_total", "direction" => direction).increment(more);
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct Look {
    told: Timestamp,
    steady: Instant,
}

impl Look {
    fn now() -> Self {
        Self {
            told: SystemClock.now(),
            steady: Instant::now(),
        }
    }
}

/// By how many milliseconds the told time went another way than the time that passed.
fn jump(before: Look, now: Look) -> Option<i64> {
    let told = now.told.as_millisecond() - before.told.as_millisecond();
    let passed = now.steady.duration_since(before.steady).as_millis();
    let jump = told - i64::try_from(passed).unwrap_or(i64::MAX);
    (jump.abs() >= JUMP_MS).then_some(jump)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_time_passed_for_is_a_jump() {
        let before = Look::now();
        let after = |told_ms: i64, passed_ms: u64| Look {
            told: Timestamp::from_millisecond(before.told.as_millisecond() + told_ms).unwrap(),
            steady: before.steady + Duration::from_millis(passed_ms),
        };
        assert_eq!(jump(before, after(1_000, 1_000)), None);
        assert_eq!(
            jump(before, after(3_600_000, 3_600_000)),
            None,
            "a busy machine"
        );
        assert_eq!(jump(before, after(1_900, 1_000)), None, "slewed");
        assert_eq!(jump(before, after(3_601_000, 1_000)), Some(3_600_000));
        assert_eq!(jump(before, after(-59_000, 1_000)), Some(-60_000));
    }
}
