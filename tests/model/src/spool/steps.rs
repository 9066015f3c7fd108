//! What protects it, and where the code does each action.

use super::Action::{CrashAdapter, CrashHub, LoseAnswer, PowerCut, Wipe};
use super::{Action, Entry, File, Guard, Spooling, State};
use crate::protocol::{Protocol, Refuted, Step, code, world};

const SPOOL: &str = "adapters/kit/src/spool/state.rs";
const PUBLISHER: &str = "adapters/kit/src/publisher.rs";
const UNANSWERED: &str = "adapters/kit/src/publisher/unanswered.rs";
const INTAKE: &str = "hub/core/src/intake/mod.rs";

impl Protocol for Spooling {
    type Guard = Guard;

    const GUARDS: &'static [(Guard, Refuted)] = &[
        (
            Guard::SyncFirst,
            Refuted::Property("1 no byte goes before it is committed"),
        ),
        (
            Guard::AnswerOnly,
            Refuted::Property("1 only what is committed is done"),
        ),
        (
            Guard::CommitFirst,
            Refuted::Property("1 only what is committed is done"),
        ),
        (Guard::SayAgain, Refuted::Recovery),
        (
            Guard::WholeSegment,
            Refuted::Property("1 no byte goes before it is committed"),
        ),
        (
            Guard::Inbox,
            Refuted::Property("5 an observation is committed once"),
        ),
    ];

    const STEPS: &'static [Step] = &[
        code("Write", SPOOL, "append"),
        code("Sync", "adapters/kit/src/spool/segment.rs", "write"),
        code("Take", "adapters/terminal/src/desk/conclude.rs", "let_go"),
        code("Publish", PUBLISHER, "publish"),
        code("PublishAgain", UNANSWERED, "take_reading"),
        code("Pull", INTAKE, "take"),
        code("Commit", "hub/ledger/src/writer/mod.rs", "append"),
        code("Answer", INTAKE, "committed"),
        code("Acknowledge", INTAKE, "committed"),
        code("Hear", PUBLISHER, "take_answer"),
        code("LetGo", SPOOL, "forget_if_done"),
        world("ForgetIds", "the broker's duplicate window ends"),
        world("LoseAnswer", "nobody listened when the hub answered"),
        world("Wipe", "the broker's store is deleted"),
        world("CrashHub", "kill -9"),
        world("CrashAdapter", "kill -9 in the middle of a write"),
        world(
            "PowerCut",
            "what was not synced is gone, lazy marks included",
        ),
    ];

    fn without(self, guard: Guard) -> Self {
        // One entry is a whole segment.
        let (files, faults) = match guard {
            Guard::WholeSegment => (2, 0),
            _ => (self.files, self.faults),
        };
        Self {
            files,
            faults,
            without: Some(guard),
        }
    }

    fn is_fault(action: &Action) -> bool {
        matches!(
            action,
            LoseAnswer(_) | Wipe | CrashHub | CrashAdapter | PowerCut
        )
    }

    fn is_settled(&self, state: &State) -> bool {
        let is_through =
            |file: &File| !file.is_there && file.entry == Entry::Absent && file.commits == 1;
        state.files.iter().all(is_through)
    }
}
