//! The contract suite of every adapter. One thing is a card that comes and goes.

use std::path::Path;
use std::sync::Mutex;

use shikaku_card_simulator::{Card, Pcscd};
use shikaku_kit::suite::{self, Running, Specimen};
use shikaku_schemas::seal::SealKey;

use crate::support::alone::alone;
use crate::support::truth::Truth;
use crate::support::{key, start};

struct Desk<'a> {
    folder: &'a Path,
    pcscd: Mutex<Pcscd>,
}

impl<'a> Desk<'a> {
    fn new(folder: &'a Path) -> Self {
        let mut pcscd = Pcscd::new(folder);
        pcscd.start();
        Self {
            folder,
            pcscd: Mutex::new(pcscd),
        }
    }

    /// Comes, is sent at least this many commands, is let go of, and goes; pcscd has noticed that it is gone when this
    /// returns.
    fn show(&self, card: Card, commands: usize) {
        let card = self.pcscd.lock().expect("not poisoned").insert(0, card);
        card.is_noticed();
        let begin = std::time::Instant::now();
        while card.sent().len() < commands {
            assert!(
                begin.elapsed() < suite::PATIENCE,
                "the card was never asked"
            );
            // Polling.
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        // A card that is pulled before its last answer arrived was never read.
        let truth = Truth::new();
        truth.wait(0, "the reading is over", |now| !now.in_use);
        drop(card);
        truth.wait(0, "the card is gone", |now| !now.card);
    }
}

impl Specimen for Desk<'_> {
    const PER_THING: usize = 2;
    const PER_BROKEN: usize = 2;

    fn group_key(&self) -> SealKey {
        key()
    }

    async fn start(&self, url: &str) -> Running {
        start(self.folder, 0, url)
    }

    fn present(&self, n: u32) {
        self.show(Card::hospital(&format!("{n:08}")), 1);
    }

    fn present_malformed(&self) {
        self.show(Card::hospital("\u{7}"), 1);
    }

    fn peer_goes(&self) {
        self.pcscd.lock().expect("not poisoned").kill();
    }

    fn peer_returns(&self) {
        self.pcscd.lock().expect("not poisoned").start();
    }
}

#[test]
fn redelivery() {
    alone(module_path!(), "redelivery", async |folder| {
        suite::redelivery(&Desk::new(folder)).await
    });
}

#[test]
fn crash_before_ack() {
    alone(module_path!(), "crash_before_ack", async |folder| {
        suite::crash_before_ack(&Desk::new(folder)).await;
    });
}

#[test]
fn malformed_input() {
    alone(module_path!(), "malformed_input", async |folder| {
        suite::malformed_input(&Desk::new(folder)).await;
    });
}

#[test]
fn peer_down() {
    alone(module_path!(), "peer_down", async |folder| {
        suite::peer_down(&Desk::new(folder)).await
    });
}
