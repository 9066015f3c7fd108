//! What protects it, and where the code does each action.

use super::Action::{Crash, LoseTail, Restore, Wipe};
use super::{Action, EVENTS, Guard, Relay, State};
use crate::protocol::{Protocol, Refuted, Step, code, world};

const RUN: &str = "hub/core/src/relay/mod.rs";
const LOG: &str = "hub/core/src/relay/log.rs";
const BATCH: &str = "hub/core/src/relay/batch.rs";

impl Protocol for Relay {
    type Guard = Guard;

    const GUARDS: &'static [(Guard, Refuted)] = &[
        (
            Guard::ExpectedSequence,
            Refuted::Property("4 the sequence in LOG is the position"),
        ),
        (
            Guard::Atomic,
            Refuted::Property("4 the sequence in LOG is the position"),
        ),
        (Guard::LookAgain, Refuted::Recovery),
        (Guard::Epoch, Refuted::Recovery),
        (Guard::Create, Refuted::Recovery),
        (
            Guard::HubsDown,
            Refuted::Property("2 LOG of this epoch copies the ledger"),
        ),
    ];

    const STEPS: &'static [Step] = &[
        code("Commit", "hub/ledger/src/writer/mod.rs", "append"),
        code("Start", RUN, "run"),
        code("Look", LOG, "prepare"),
        code("Delete", LOG, "prepare"),
        code("Create", LOG, "create"),
        code("Publish", BATCH, "atomically"),
        code("PublishSingly", BATCH, "one_behind_the_other"),
        code("Hear", BATCH, "read"),
        code("GiveUp", BATCH, "unanswered"),
        world(
            "Arrive",
            "the broker takes an atomic batch, or refuses it with code 10071",
        ),
        world(
            "StrayArrives",
            "a batch is taken after its relay stopped waiting",
        ),
        world("StrayVanishes", "a batch is lost with its connection"),
        world("Crash", "kill -9"),
        world("Wipe", "the broker's store is deleted"),
        world(
            "LoseTail",
            "the broker comes back without what it had not synced",
        ),
        world(
            "Restore",
            "a person puts an older backup back; the epoch is new",
        ),
    ];

    fn without(self, guard: Guard) -> Self {
        Self {
            without: Some(guard),
            ..self
        }
    }

    fn is_fault(action: &Action) -> bool {
        matches!(action, Crash(_) | Wipe | LoseTail | Restore)
    }

    fn is_settled(&self, state: &State) -> bool {
        state.ledger.len() == EVENTS
            && state
                .log
                .as_ref()
                .is_some_and(|log| log.epoch == state.epoch && log.messages == state.ledger)
    }
}
