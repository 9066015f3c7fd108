//! By which errors a process may end by itself. Its supervisor starts it again; whatever else ends one is a bug.
//!
//! A hub ends when another one has taken its ledger over, when the ledger is of another epoch or was put back, and when database, own
//! disk or broker fail while it starts. Once it has started it waits for all three. Projections end when their
//! databases can't be opened (a stopped one ends nothing), an adapter when its own disk can't be used.

use std::error::Error;
use std::sync::atomic::Ordering;

use shikaku_core::HubError;
use shikaku_kit::spool::SpoolError;
use shikaku_ledger::LedgerError;
use shikaku_models::ModelsError;
use shikaku_terminal::TerminalError;

use crate::node::Node;
use crate::panics;

/// Why an end is lawful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Somebody else goes on in its place, or it has to begin anew: at any time.
    Succeeded,
    /// Something that it needs is not there; only while something is.
    Fault,
    /// None.
    Bug,
}

pub(super) fn of_hub(error: &HubError, is_put_back: bool) -> Cause {
    match error {
        HubError::Fenced | HubError::Ledger(LedgerError::OtherEpoch { .. }) => Cause::Succeeded,
        HubError::Ledger(LedgerError::Proof { .. }) | HubError::PutBack { .. } if is_put_back => {
            Cause::Succeeded
        }
        HubError::Ledger(LedgerError::Database(_) | LedgerError::File { .. }) => Cause::Fault,
        HubError::Broker { .. } => Cause::Fault,
        _ => Cause::Bug,
    }
}

pub(super) fn of_projections(error: &ModelsError) -> Cause {
    match error {
        ModelsError::Broker(_) | ModelsError::Access(_) | ModelsError::Database { .. } => {
            Cause::Fault
        }
        ModelsError::Stopped { .. } | ModelsError::Ended { .. } => Cause::Bug,
    }
}

pub(super) fn of_terminal(error: &TerminalError) -> Cause {
    match error {
        TerminalError::Directory(_) | TerminalError::Spool(SpoolError::Io(_)) => Cause::Fault,
        _ => Cause::Bug,
    }
}

/// Tells of an end that nobody asked for, and whether it was lawful.
pub(super) fn ended<E: Error>(node: &Node, ended: Result<(), E>, cause: impl Fn(&E) -> Cause) {
    if !node.is_alive() {
        return;
    }
    let (text, cause) = match &ended {
        Ok(()) => (" although nothing asked it to".to_owned(), Cause::Bug),
        Err(error) => (chain(error), cause(error)),
    };
    let sky = &node.sky;
    sky.tell(format!("{} ended{text}", node.name));
    if let Some(what) = panics::first() {
        sky.story.broken(sky.millis(), format!("a panic: {what}"));
    }
    let is_calm = sky.mended.load(Ordering::SeqCst);
    if cause == Cause::Bug || (cause == Cause::Fault && is_calm) {
        let what = format!("{} ended, which it may not{text}", node.name);
        sky.story.broken(sky.millis(), what);
    }
}

/// An error with all of its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
