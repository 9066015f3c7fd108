//! What pcscd itself counts, seen by a client of the test's own: the truth that the adapter is held against.

use std::ffi::CString;
use std::time::{Duration, Instant};

use pcsc::{Context, PNP_NOTIFICATION, ReaderState, Scope, State};
use shikaku_card_simulator::READERS;
use shikaku_kit::suite::PATIENCE;

pub struct Truth {
    context: Context,
}

/// One slot at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub card: bool,
    /// Somebody is connected to the card.
    pub in_use: bool,
    /// Insertions and removals so far.
    pub count: u32,
}

impl Truth {
    /// Waits for the service.
    pub fn new() -> Self {
        let begin = Instant::now();
        loop {
            if let Ok(context) = Context::establish(Scope::System)
                && context
                    .list_readers_owned()
                    .is_ok_and(|readers| readers.len() == READERS.len())
            {
                return Self { context };
            }
            assert!(begin.elapsed() < PATIENCE, "pcscd never listed its readers");
            // Polling.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn slot(&self, slot: usize) -> Slot {
        let name = CString::new(READERS[slot]).expect("a name");
        let mut state = [ReaderState::new(name, State::UNAWARE)];
        self.context
            .get_status_change(Duration::ZERO, &mut state)
            .expect("pcscd answers");
        Slot {
            card: state[0].event_state().contains(State::PRESENT),
            in_use: state[0].event_state().contains(State::INUSE),
            count: state[0].event_count(),
        }
    }

    /// Waits until a slot is so; the moment at which pcscd said it.
    pub fn wait(&self, slot: usize, what: &str, mut is: impl FnMut(Slot) -> bool) -> Instant {
        let begin = Instant::now();
        let name = CString::new(READERS[slot]).expect("a name");
        let mut states = [
            ReaderState::new(name, State::UNAWARE),
            ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE),
        ];
        loop {
            let looked = self
                .context
                .get_status_change(Duration::from_millis(200), &mut states);
            let at = Instant::now();
            if looked.is_ok() {
                states.iter_mut().for_each(ReaderState::sync_current_state);
            }
            let now = Slot {
                card: states[0].event_state().contains(State::PRESENT),
                in_use: states[0].event_state().contains(State::INUSE),
                count: states[0].event_count(),
            };
            if is(now) {
                return at;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "pcscd never said: {what}; it says {now:?}"
            );
        }
    }
}
