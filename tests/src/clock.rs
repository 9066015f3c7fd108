//! A wall clock of one's own for processes under test, by libfaketime. Pauses and deadlines keep the true time.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::output;

/// The clock of every process that is started with its environment.
#[derive(Debug)]
pub struct WallClock {
    offset: PathBuf,
}

/// libfaketime of Debian's package `faketime`.
fn library() -> PathBuf {
    let name = "faketime/libfaketimeMT.so.1";
    std::fs::read_dir("/usr/lib")
        .unwrap()
        .flatten()
        .map(|entry| entry.path().join(name))
        .find(|path| path.exists())
        .expect("faketime is installed; run `make setup`")
}

impl WallClock {
    /// Kept in a file of this path. It shows the true time until it is moved.
    pub fn beside(offset: &Path) -> Self {
        let clock = Self {
            offset: offset.to_owned(),
        };
        clock.shift("+0");
        clock
    }

    /// What a process has to be started with.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.offset.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Puts it so far off the true time, as libfaketime writes it: `+180d`.
    pub fn shift(&self, offset: &str) {
        // Renamed into place, so that nobody reads half a line.
        let next = self.offset.with_extension("next");
        std::fs::write(&next, format!("{offset}\n")).unwrap();
        std::fs::rename(&next, &self.offset).unwrap();
    }

    /// Puts it to a moment, as `date` reads it; it goes on from there.
    #[track_caller]
    pub fn put(&self, moment: &str) {
        let seconds = |date: &mut Command| -> i64 {
            let printed = output(date.arg("+%s"));
            assert!(printed.status.success(), "{printed:?}");
            String::from_utf8_lossy(&printed.stdout)
                .trim()
                .parse()
                .unwrap()
        };
        let moment = seconds(Command::new("date").args(["-d", moment]));
        let now = seconds(&mut Command::new("date"));
        self.shift(&format!("{:+}", moment - now));
    }
}
