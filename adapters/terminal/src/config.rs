//! What the adapter of one terminal is told. The binary makes it from the group's configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shikaku_disk::Disk;
use shikaku_kit::backoff::Backoff;
use shikaku_kit::broker::BrokerAt;
use shikaku_schemas::clock::Clock;
use shikaku_schemas::group::{Facility, Scheme, Terminal};
use shikaku_schemas::seal::SealKey;

use crate::error::TerminalError;

/// What the adapter of one terminal is told.
#[derive(Clone)]
pub struct TerminalOptions {
    /// The facility, with its virtual terminals.
    pub facility: Facility,
    /// The terminal.
    pub terminal: Terminal,
    /// 公費 schemes beyond 医療扶助.
    pub schemes: Vec<Scheme>,
    /// How patient to be.
    pub timing: Timing,
    /// The hub's `data_dir`; the adapter makes `spool/`, `terminal/` and `quarantine/` in it.
    pub data_dir: PathBuf,
    /// The group's key; everything is sealed under keys derived from it.
    pub group_key: SealKey,
    /// The broker, as user `terminal`.
    pub broker: BrokerAt,
    /// Where the folders and its own files lie.
    pub disk: Arc<dyn Disk>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Bytes that the spool may hold on disk.
    pub spool_bytes: u64,
    /// Password of interfaces that the terminal encrypts.
    pub zip_password: Option<Vec<u8>>,
}

impl std::fmt::Debug for TerminalOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TerminalOptions")
            .field("facility", &self.facility.code)
            .field("terminal", &self.terminal.id)
            .finish_non_exhaustive()
    }
}

impl TerminalOptions {
    /// Bytes that a spool may hold unless told otherwise.
    pub const SPOOL_BYTES: u64 = 1 << 30;

    /// `<facility>-<terminal>`: its directory in `spool/` and `terminal/`.
    ///
    /// # Errors
    /// [`TerminalError::BadName`] for anything that can't be one path component.
    pub fn directory_name(&self) -> Result<String, TerminalError> {
        let name = format!("{}-{}", self.facility.code, self.terminal.id);
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        if self.terminal.id.is_empty() || !name.chars().all(plain) {
            return Err(TerminalError::BadName);
        }
        Ok(name)
    }
}

/// How patient to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// `scan_ms`: the periodic scan, which is the truth; file events are only a hint.
    pub scan: Duration,
    /// `stable_ms`: two equal reads this far apart.
    pub stable: Duration,
    /// `incomplete_s`: unchanged this long and still not whole, a file is quarantined; one that belongs to an existing
    /// program, after twenty times this or five minutes.
    pub incomplete: Duration,
    /// `bulk_poll_s`: how often the result of a job is asked for.
    pub bulk_poll: Duration,
    /// When an observation that the hub did not answer is said again.
    pub again: Backoff,
}

/// A torn answer that goes to a program may end its question: so it stands longer than one of ours, which is only
/// asked again.
const PROGRAMS_PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks at what stands for long, at most.
const RARELY: Duration = Duration::from_secs(10);

impl Timing {
    /// Whether a file that can't be read has stood unchanged for long enough to be given up. `is_cut`: a program gets
    /// it, and its end may still be to come.
    pub(crate) fn is_given_up(&self, unchanged: Duration, is_cut: impl FnOnce() -> bool) -> bool {
        unchanged >= self.incomplete
            && (unchanged >= self.incomplete * 20 || unchanged >= PROGRAMS_PATIENCE || !is_cut())
    }

    /// How long a file without a verdict is left alone before the next look, unless it changes.
    pub(crate) fn look_again(&self, unchanged: Duration) -> Duration {
        let soon = self.scan.max(self.stable).min(self.incomplete);
        match unchanged < self.incomplete {
            true => soon,
            false => soon.max(RARELY.min(unchanged / 8)),
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            scan: Duration::from_millis(500),
            stable: Duration::from_millis(300),
            incomplete: Duration::from_secs(15),
            bulk_poll: Duration::from_secs(60),
            again: Backoff {
                first: Duration::from_secs(5),
                cap: Duration::from_secs(300),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_given_up_late_and_looked_at_rarely() {
        let timing = Timing::default();
        let given_up =
            |seconds, is_cut| timing.is_given_up(Duration::from_secs(seconds), || is_cut);
        assert!(!given_up(14, false) && given_up(15, false));
        assert!(!given_up(299, true) && given_up(300, true));
        // However patient a site is with its own, its programs do not wait for days.
        let patient = Timing {
            incomplete: Duration::from_secs(3600),
            ..timing
        };
        assert!(patient.is_given_up(Duration::from_secs(3600), || true));
        let pause = |seconds| timing.look_again(Duration::from_secs(seconds));
        assert_eq!([pause(0), pause(14)], [timing.scan; 2]);
        assert_eq!([pause(40), pause(400)], [Duration::from_secs(5), RARELY]);
    }
}
