//! What protects it, and where the code does each action.

use super::{Action, FAULTS, Guard, Phase, Process, State, Submission};
use crate::protocol::{Protocol, Refuted, Step, code, world};

const SUBMIT: &str = "adapters/terminal/src/request/submit.rs";
const JOURNAL: &str = "adapters/terminal/src/request/journal.rs";
const INQUIRIES: &str = "adapters/terminal/src/request/inquiries.rs";
const FOLLOW: &str = "adapters/terminal/src/request/follow.rs";
const READ: &str = "adapters/terminal/src/folder/read.rs";
const CONCLUDE: &str = "adapters/terminal/src/desk/conclude.rs";
const HUB: &str = "hub/core/src/inquiry/mod.rs";
const DECIDE: &str = "hub/domain/src/inquiry/decide.rs";

impl Protocol for Submission {
    type Guard = Guard;

    const GUARDS: &'static [(Guard, Refuted)] = &[
        (
            Guard::Intent,
            Refuted::Property("13 the terminal never takes two"),
        ),
        (
            Guard::TemporaryProves,
            Refuted::Property("13 the terminal never takes two"),
        ),
        (
            Guard::RestartProvesNothing,
            Refuted::Property("13 the terminal never takes two"),
        ),
        (
            Guard::WithdrawByRename,
            Refuted::Property("18 what timed out was never taken"),
        ),
        (
            Guard::WithdrawByRename,
            Refuted::Property("18 what timed out is never answered"),
        ),
        (
            Guard::TellFirst,
            Refuted::Property("18 what is settled was told"),
        ),
        (
            Guard::KeepFirst,
            Refuted::Property("1 an answer is kept before its file goes"),
        ),
        (Guard::Overdue, Refuted::Recovery),
        (
            Guard::Once,
            Refuted::Property("13 the terminal never takes two"),
        ),
    ];

    const STEPS: &'static [Step] = &[
        code("Start", FOLLOW, "recover"),
        code("TakeTask", SUBMIT, "submit"),
        code("NoteIntent", JOURNAL, "note"),
        code("Rename", SUBMIT, "make_visible"),
        code("SyncFolder", READ, "sync_folder"),
        code("NoteSubmitted", JOURNAL, "note"),
        code("Tell", INQUIRIES, "try_take"),
        code("Acknowledge", "adapters/kit/src/task.rs", "settle"),
        code(
            "ReadAnswer",
            "adapters/terminal/src/folder/watch.rs",
            "ready",
        ),
        code("KeepAnswer", CONCLUDE, "conclude_group"),
        code("NoteAnswer", INQUIRIES, "took"),
        code("RemoveAnswer", CONCLUDE, "let_go"),
        code("Follow", FOLLOW, "withdraw"),
        code("TellFate", INQUIRIES, "keep"),
        code("NoteFate", INQUIRIES, "keep"),
        code("CleanUp", FOLLOW, "clean_up"),
        code("HearSubmitted", DECIDE, "submitted"),
        code("HearAnswered", DECIDE, "answer"),
        code("HearTimedOut", DECIDE, "timed_out"),
        code("HearUncertain", DECIDE, "uncertain"),
        code("TellTaskAgain", HUB, "tell"),
        code("Overdue", HUB, "expire"),
        code("Resolve", DECIDE, "resolve"),
        code("RenameFails", SUBMIT, "send"),
        world(
            "TerminalTakes",
            "the terminal removes a request from req/ and asks the centre",
        ),
        world("TerminalAnswers", "it writes an answer into res/"),
        world("TimePasses", "the deadline, then the last patience"),
        world(
            "RenameUnclear",
            "a share carries a rename out and reports an error",
        ),
        world("FolderAway", "a share stays away beyond the patience"),
        world("LoseTask", "the broker's store is deleted"),
        world("Crash", "kill -9"),
        world("PowerCut", "the folder is older than what the terminal did"),
    ];

    fn without(self, guard: Guard) -> Self {
        Self {
            without: Some(guard),
            ..self
        }
    }

    fn is_fault(action: &Action) -> bool {
        FAULTS.contains(action)
    }

    fn is_settled(&self, state: &State) -> bool {
        use Process::{Answered, Resolved, TimedOut};
        matches!(state.process, Answered | TimedOut | Resolved)
            && state.phase == Phase::Idle
            && state.withdrawn.is_none()
            && state.open_request().is_none()
    }
}
