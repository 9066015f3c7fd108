//! How the thread of a reader is ended: it blocks in PC/SC, so it is woken by a cancel.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pcsc::Context;

/// Shared by the thread and whoever ends it.
#[derive(Default)]
pub(crate) struct Stop {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    asked: bool,
    context: Option<Context>,
}

impl Stop {
    /// Asks the thread to end and wakes it.
    pub(crate) fn ask(&self) {
        let context = {
            let mut state = self.state();
            state.asked = true;
            state.context.clone()
        };
        self.woken.notify_all();
        if let Some(context) = context {
            // Not waiting just now: it ends at its next look, within a second.
            let _ = context.cancel();
        }
    }

    /// Whether it is asked to end.
    pub(crate) fn is_asked(&self) -> bool {
        self.state().asked
    }

    /// What to cancel from now on.
    pub(crate) fn watch(&self, context: Option<Context>) {
        self.state().context = context;
    }

    /// Waits; less when it is asked to end.
    pub(crate) fn pause(&self, pause: Duration) {
        let waits = self
            .woken
            .wait_timeout_while(self.state(), pause, |state| !state.asked);
        drop(waits);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks when dropped, however its owner ends.
pub(crate) struct AskOnDrop(pub(crate) std::sync::Arc<Stop>);

impl Drop for AskOnDrop {
    fn drop(&mut self) {
        self.0.ask();
    }
}
