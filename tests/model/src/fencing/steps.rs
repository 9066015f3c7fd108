//! What protects it, and where the code does each action.

use super::Action::{Crash, CutLine, Pause, SlipLock};
use super::{Action, Fencing, Guard, Hub, Phase, State};
use crate::protocol::{Protocol, Refuted, Step, code, world};

const SESSION: &str = "hub/ledger/src/store/postgres/session.rs";
const WRITER: &str = "hub/ledger/src/writer/mod.rs";

impl Protocol for Fencing {
    type Guard = Guard;

    const GUARDS: &'static [(Guard, Refuted)] = &[
        (
            Guard::Lock,
            Refuted::Property("1 what was said to be lost stays lost"),
        ),
        (
            Guard::Term,
            Refuted::Property("3 an old term commits nothing"),
        ),
        (
            Guard::Follows,
            Refuted::Property("3 each commit follows the one before"),
        ),
        (Guard::Follows, Refuted::Property("4 positions are gapless")),
        (
            Guard::LockToRecover,
            Refuted::Property("1 what was said to be lost stays lost"),
        ),
        (
            Guard::LookAfterLoss,
            Refuted::Property("1 what is acknowledged is durable"),
        ),
        (
            Guard::CountCommits,
            Refuted::Property("1 what is acknowledged is durable"),
        ),
        (
            Guard::CommitFirst,
            Refuted::Property("1 what is acknowledged is durable"),
        ),
        (
            Guard::Inbox,
            Refuted::Property("5 an observation is committed once"),
        ),
        (Guard::IdleLimit, Refuted::Recovery),
    ];

    const STEPS: &'static [Step] = &[
        code("Start", SESSION, "stand_by"),
        code("TakeLock", SESSION, "wait_for_lock"),
        code("Claim", SESSION, "claim"),
        code("Load", "hub/core/src/sequencer/load.rs", "load"),
        code(
            "AnswerAgain",
            "hub/core/src/sequencer/observation.rs",
            "observation",
        ),
        code("Send", SESSION, "commit"),
        code(
            "Execute",
            "hub/ledger/src/store/postgres/write.rs",
            "append",
        ),
        code("Hear", WRITER, "advance"),
        code("Recover", WRITER, "settle"),
        world(
            "GhostExecutes",
            "a backend finishes a statement whose client is gone",
        ),
        world(
            "GhostEnds",
            "a backend notices that its client is gone, or is idle too long",
        ),
        world(
            "EndIdle",
            "idle_session_timeout, idle_in_transaction_session_timeout",
        ),
        world("Pause", "SIGSTOP, or a virtual machine that stands still"),
        world("Wake", "SIGCONT"),
        world("Crash", "kill -9"),
        world("CutLine", "a reset, a partition, a future dropped half-way"),
        world(
            "SlipLock",
            "a pooler or an administrator frees the lock of a living session",
        ),
    ];

    fn without(self, guard: Guard) -> Self {
        // The second line of defence shows only where the first one fails.
        let slips = u8::from(matches!(guard, Guard::Term | Guard::Follows)).max(self.slips);
        Self {
            slips,
            without: Some(guard),
            ..self
        }
    }

    fn is_fault(action: &Action) -> bool {
        matches!(action, Pause(_) | Crash(_) | CutLine(_) | SlipLock)
    }

    fn is_settled(&self, state: &State) -> bool {
        let ready = |hub: &Hub| hub.phase == Phase::Ready && !hub.paused;
        state.acknowledged.iter().all(|said| *said) && state.hubs.iter().any(ready)
    }
}
