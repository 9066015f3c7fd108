//! Cards and their reader without hardware, for tests: a real pcscd of one's own with vsmartcard's virtual reader,
//! and virtual cards that lie in it and write down every command they are sent.
//!
//! It imports no crate of the project, so that it can't share a mistake with what it tests, and OpenSC's tools read the
//! same cards. A virtual My Number card holds everything that must never be touched, each with a word of
//! [`CANARIES`] in it.
//!
//! A missing pcscd is a failure, never a skip: `make setup` installs it.
//!
//! To add a card: a constructor in [`Card`].

mod card;
mod pcscd;
mod plug;

pub use card::{CANARIES, Card, HOSPITAL_AID};
pub use pcscd::{Pcscd, READERS};
pub use plug::Inserted;

use std::time::{Duration, Instant};

/// How long anything here may take. It ends failing tests only.
const DEADLINE: Duration = Duration::from_secs(30);

#[track_caller]
fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begin.elapsed() < DEADLINE, "waited in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
