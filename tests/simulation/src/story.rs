//! What happened, line by line: the same seed tells the same story.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

/// The story of one run, and the first promise that was broken in it.
#[derive(Debug, Default)]
pub struct Story(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    digest: Sha256,
    broken: Option<String>,
}

impl Story {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tell(&self, millis: u64, text: &str) {
        let line = format!("{:>9}.{:03} {text}", millis / 1000, millis % 1000);
        let mut told = self.told();
        told.digest.update(line.as_bytes());
        told.digest.update(b"\n");
        told.lines.push(line);
    }

    /// Notes a broken promise; the first one counts.
    pub fn broken(&self, millis: u64, what: impl Into<String>) {
        let what = what.into();
        let first = self.told().broken.is_none();
        if first {
            self.tell(millis, &format!("BROKEN: {what}"));
            self.told().broken = Some(what);
        }
    }

    pub fn verdict(&self) -> Option<String> {
        self.told().broken.clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.told().lines.clone()
    }

    pub fn digest(&self) -> String {
        let digest = self.told().digest.clone().finalize();
        digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
