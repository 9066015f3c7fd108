//! One inquiry and one terminal: journal, temporary file, rename, and what is said when time is up.
//!
//! The adapter may be killed between any two steps, and a power cut may take back a rename whose folder was not
//! synced yet, even one that the terminal has acted on. A rename may fail, or succeed and say that it failed.
//! The terminal takes a file or not, answers or not, early or late. Tasks may come twice or be lost.

mod steps;

use stateright::{Model, Property};

/// File names that may be used.
const NAMES: u8 = 3;

/// A step that protects the inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The intent is journalled before the file is visible.
    Intent,
    /// Only a temporary file that is still there proves that a failed rename did nothing.
    TemporaryProves,
    /// After a restart even that proves nothing.
    RestartProvesNothing,
    /// A request is withdrawn by a rename, which the terminal either beats or doesn't.
    WithdrawByRename,
    /// What became of it is told before it is journalled.
    TellFirst,
    /// An answer is in the spool before it is journalled and its file removed.
    KeepFirst,
    /// The hub speaks when nothing at all is heard.
    Overdue,
    /// A task that is known to the journal is not carried out again.
    Once,
}

/// Its bounds.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Crashes, power cuts, strange renames, lost tasks and folders that are away altogether.
    pub faults: u8,
    without: Option<Guard>,
}

impl Default for Submission {
    fn default() -> Self {
        Self {
            faults: 3,
            without: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mark {
    Intent,
    Submitted,
    Answered,
    TimedOut,
    Uncertain,
    Dropped,
}

/// What the adapter is doing; the number is the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Down,
    Idle,
    Written(u8),
    Intended(u8),
    Renamed(u8),
    Synced(u8),
    Telling,
    Acknowledging,
    /// Fate, name, whether it was told and journalled.
    Keeping(Mark, u8, bool, bool),
    /// Name, whether it was put into the spool and journalled.
    Reading(u8, bool, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Task {
    Waiting,
    Done,
    Lost,
}

/// What the spool holds for the hub, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Facts {
    submitted: bool,
    answered: bool,
    timed_out: bool,
    uncertain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Process {
    Requested,
    Submitted,
    Answered,
    TimedOut,
    Uncertain,
    Resolved,
}

/// Disk, folder, terminal and hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    journal: Option<(Mark, Option<u8>)>,
    /// Names the journal has ever held: an answer is told from a stranger's by them.
    names: u8,
    temporary: Option<u8>,
    req: Option<u8>,
    withdrawn: Option<u8>,
    res: Option<u8>,
    /// Whether the terminal ever answered.
    was_answered: bool,
    /// How many requests the terminal took, and the last one's name.
    taken: u8,
    asked: Option<u8>,
    phase: Phase,
    task: Task,
    told: Facts,
    heard: Facts,
    process: Process,
    /// 0 before the deadline, 1 after it, 2 when patience is over too.
    time: u8,
    faults: u8,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The adapter starts and looks at its journal.
    Start,
    /// A task arrives: its file is written under a temporary name.
    TakeTask,
    /// The intent is journalled.
    NoteIntent,
    /// The file becomes visible.
    Rename,
    /// The folder is synced.
    SyncFolder,
    /// That it was submitted is journalled.
    NoteSubmitted,
    /// The hub is told how far it is.
    Tell,
    /// The task is acknowledged.
    Acknowledge,
    /// The terminal takes the request.
    TerminalTakes,
    /// It answers.
    TerminalAnswers,
    /// The answer is read.
    ReadAnswer,
    /// It is put into the spool.
    KeepAnswer,
    /// It is journalled.
    NoteAnswer,
    /// Its file is removed.
    RemoveAnswer,
    /// The deadline passes, then all patience.
    TimePasses,
    /// After the deadline the request is withdrawn, or was taken.
    Follow,
    /// The hub is told the fate.
    TellFate,
    /// The fate is journalled.
    NoteFate,
    /// The last trace of a withdrawn request is removed.
    CleanUp,
    /// The hub commits the note that it was submitted.
    HearSubmitted,
    /// The hub commits the answer.
    HearAnswered,
    /// The hub commits the time-out.
    HearTimedOut,
    /// The hub commits the doubt.
    HearUncertain,
    /// The hub tells the task again.
    TellTaskAgain,
    /// The hub heard nothing for too long.
    Overdue,
    /// A person settles a doubt.
    Resolve,
    /// The rename fails.
    RenameFails,
    /// The rename succeeds and says that it failed.
    RenameUnclear,
    /// The folder stays away after the deadline.
    FolderAway,
    /// The broker loses the task.
    LoseTask,
    /// kill -9.
    Crash,
    /// The rename that was not synced is taken back too.
    PowerCut,
}

use Action::{
    Acknowledge, CleanUp, Crash, FolderAway, Follow, HearAnswered, HearSubmitted, HearTimedOut,
    HearUncertain, KeepAnswer, LoseTask, NoteAnswer, NoteFate, NoteIntent, NoteSubmitted, Overdue,
    PowerCut, ReadAnswer, RemoveAnswer, Rename, RenameFails, RenameUnclear, Resolve, Start,
    SyncFolder, TakeTask, Tell, TellFate, TellTaskAgain, TerminalAnswers, TerminalTakes,
    TimePasses,
};

const EVERY: &[Action] = &[
    Start,
    TakeTask,
    NoteIntent,
    Rename,
    SyncFolder,
    NoteSubmitted,
    Tell,
    Acknowledge,
    TerminalTakes,
    TerminalAnswers,
    ReadAnswer,
    KeepAnswer,
    NoteAnswer,
    RemoveAnswer,
    TimePasses,
    Follow,
    TellFate,
    NoteFate,
    CleanUp,
    HearSubmitted,
    HearAnswered,
    HearTimedOut,
    HearUncertain,
    TellTaskAgain,
    Overdue,
    Resolve,
];
const FAULTS: &[Action] = &[
    RenameFails,
    RenameUnclear,
    FolderAway,
    LoseTask,
    Crash,
    PowerCut,
];

impl State {
    fn note(&mut self, mark: Mark, name: Option<u8>) {
        self.journal = Some((mark, name));
        self.names = self.names.max(name.map_or(0, |name| name + 1));
    }

    /// The file of a request that somebody waits for.
    fn open_request(&self) -> Option<u8> {
        match self.journal {
            Some((Mark::Intent | Mark::Submitted, name)) => name,
            _ => None,
        }
    }

    fn tell(&mut self, mark: Mark) {
        match mark {
            Mark::Intent | Mark::Submitted => self.told.submitted = true,
            Mark::TimedOut => self.told.timed_out = true,
            Mark::Uncertain => self.told.uncertain = true,
            Mark::Answered | Mark::Dropped => {}
        }
    }
}

impl Submission {
    fn has(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    fn start(&self, state: &mut State) {
        state.phase = Phase::Idle;
        match state.journal {
            Some((Mark::Intent, Some(name))) => {
                let shows = state.req == Some(name) || state.res == Some(name);
                let mark = if shows {
                    Mark::Submitted
                } else {
                    Mark::Uncertain
                };
                let is_temporary = !shows && state.temporary.take_if(|it| *it == name).is_some();
                if is_temporary && !self.has(Guard::RestartProvesNothing) {
                    state.note(Mark::Dropped, Some(name));
                } else {
                    state.phase = Phase::Keeping(mark, name, false, false);
                }
            }
            Some((mark, name)) if mark != Mark::Submitted && name.is_some() => {
                state.withdrawn.take_if(|it| Some(*it) == name);
                state.temporary.take_if(|it| Some(*it) == name);
            }
            _ => {}
        }
    }

    fn take_task(&self, state: &mut State) -> Option<()> {
        let known = state.journal.is_some_and(|(mark, _)| mark != Mark::Dropped);
        if known && self.has(Guard::Once) {
            state.phase = Phase::Telling;
            return Some(());
        }
        if state.time > 0 {
            state.note(Mark::TimedOut, None);
            state.phase = Phase::Telling;
            return Some(());
        }
        let used = [
            state.temporary,
            state.req,
            state.res,
            state.withdrawn,
            state.asked,
        ];
        let name = (state.names..NAMES).find(|name| !used[1..].contains(&Some(*name)))?;
        if state.temporary.take_if(|it| *it == name).is_some() {
            return Some(());
        }
        state.temporary = Some(name);
        state.phase = Phase::Written(name);
        Some(())
    }

    fn rename(&self, state: &mut State, name: u8, action: &Action) -> Phase {
        match action {
            RenameFails => {
                state.temporary = None;
                state.note(Mark::Dropped, Some(name));
                Phase::Idle
            }
            RenameUnclear => {
                state.temporary = None;
                state.req = Some(name);
                if self.has(Guard::TemporaryProves) {
                    Phase::Telling
                } else {
                    state.note(Mark::Dropped, Some(name));
                    Phase::Idle
                }
            }
            _ => {
                state.temporary = None;
                state.req = Some(name);
                Phase::Renamed(name)
            }
        }
    }

    fn submit(&self, state: &mut State, action: &Action) -> Option<()> {
        state.phase = match (action, state.phase) {
            (TakeTask, Phase::Idle) if state.task == Task::Waiting => {
                return self.take_task(state);
            }
            (NoteIntent, Phase::Written(name)) => {
                if self.has(Guard::Intent) {
                    state.note(Mark::Intent, Some(name));
                }
                Phase::Intended(name)
            }
            (Rename | RenameFails | RenameUnclear, Phase::Intended(name)) => {
                self.rename(state, name, action)
            }
            (SyncFolder, Phase::Renamed(name)) => Phase::Synced(name),
            (NoteSubmitted, Phase::Synced(name)) => {
                state.note(Mark::Submitted, Some(name));
                Phase::Telling
            }
            (Tell, Phase::Telling) => {
                if let Some((mark, _)) = state.journal {
                    state.tell(mark);
                }
                Phase::Acknowledging
            }
            (Acknowledge, Phase::Acknowledging) => {
                state.task = Task::Done;
                Phase::Idle
            }
            _ => return None,
        };
        Some(())
    }

    fn follow(&self, state: &mut State, action: &Action) -> Option<()> {
        state.phase = match (action, state.phase) {
            (Follow | FolderAway, Phase::Idle) => {
                let name = state.open_request()?;
                if state.time == 0 || (state.time == 1 && state.res == Some(name)) {
                    return None;
                }
                let mark = match action {
                    FolderAway if state.time < 2 => return None,
                    FolderAway => Mark::Uncertain,
                    _ if state.req == Some(name) => {
                        if self.has(Guard::WithdrawByRename) {
                            state.withdrawn = state.req.take();
                        }
                        Mark::TimedOut
                    }
                    _ if state.withdrawn == Some(name) => Mark::TimedOut,
                    _ => Mark::Uncertain,
                };
                Phase::Keeping(mark, name, false, false)
            }
            (TellFate, Phase::Keeping(mark, name, false, noted))
                if noted != self.has(Guard::TellFirst) =>
            {
                state.tell(mark);
                Phase::Keeping(mark, name, true, noted)
            }
            (NoteFate, Phase::Keeping(mark, name, told, false))
                if told == self.has(Guard::TellFirst) =>
            {
                state.note(mark, Some(name));
                Phase::Keeping(mark, name, told, true)
            }
            (CleanUp, Phase::Keeping(_, name, true, true)) => {
                state.withdrawn.take_if(|it| *it == name);
                Phase::Idle
            }
            (ReadAnswer, Phase::Idle) => {
                let name = state.res.filter(|name| *name < state.names)?;
                Phase::Reading(name, false, false)
            }
            (KeepAnswer, Phase::Reading(name, false, noted)) => {
                state.told.answered = true;
                Phase::Reading(name, true, noted)
            }
            (NoteAnswer, Phase::Reading(name, kept, false))
                if kept || !self.has(Guard::KeepFirst) =>
            {
                state.note(Mark::Answered, Some(name));
                Phase::Reading(name, kept, true)
            }
            (RemoveAnswer, Phase::Reading(_, true, true)) => {
                state.res = None;
                Phase::Idle
            }
            (RemoveAnswer, Phase::Reading(name, false, true)) => {
                state.res = None;
                Phase::Reading(name, false, true)
            }
            _ => return None,
        };
        Some(())
    }

    fn hub(&self, state: &mut State, action: &Action) -> Option<()> {
        use Process::{Answered, Requested, Resolved, Submitted, TimedOut, Uncertain};
        let before = state.process;
        let (told, heard) = (state.told, &mut state.heard);
        let is_open = matches!(before, Requested | Submitted);
        let hears =
            |told: bool, heard: &mut bool| (told && !std::mem::replace(heard, true)).then_some(());
        match action {
            HearSubmitted => {
                hears(told.submitted, &mut heard.submitted)?;
                if before == Requested {
                    state.process = Submitted;
                }
            }
            HearAnswered => {
                hears(told.answered, &mut heard.answered)?;
                state.process = if is_open { Answered } else { Resolved };
            }
            HearTimedOut => {
                hears(told.timed_out, &mut heard.timed_out)?;
                if is_open {
                    state.process = TimedOut;
                }
            }
            HearUncertain => {
                hears(told.uncertain, &mut heard.uncertain)?;
                if is_open {
                    state.process = Uncertain;
                }
            }
            TellTaskAgain if state.task == Task::Lost && state.time == 0 && before == Requested => {
                state.task = Task::Waiting;
            }
            Overdue if state.time == 2 && is_open && self.has(Guard::Overdue) => {
                state.process = Uncertain;
            }
            Resolve if before == Uncertain => state.process = Resolved,
            _ => return None,
        }
        Some(())
    }

    fn fail(state: &mut State, action: &Action) -> Option<()> {
        match action {
            Crash | PowerCut if state.phase == Phase::Down => return None,
            PowerCut => {
                if let Phase::Renamed(name) = state.phase {
                    state.temporary = Some(name);
                    state.req = None;
                }
                state.phase = Phase::Down;
            }
            Crash => state.phase = Phase::Down,
            LoseTask if state.task == Task::Waiting => state.task = Task::Lost,
            _ => return None,
        }
        Some(())
    }
}

impl Model for Submission {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            journal: None,
            names: 0,
            temporary: None,
            req: None,
            withdrawn: None,
            res: None,
            was_answered: false,
            taken: 0,
            asked: None,
            phase: Phase::Idle,
            task: Task::Waiting,
            told: Facts::default(),
            heard: Facts::default(),
            process: Process::Requested,
            time: 0,
            faults: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend_from_slice(EVERY);
        if state.faults > 0 {
            actions.extend_from_slice(FAULTS);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        if FAULTS.contains(&action) {
            next.faults -= 1;
        }
        match &action {
            Start if next.phase == Phase::Down => self.start(&mut next),
            Start => return None,
            TakeTask | NoteIntent | Rename | SyncFolder | NoteSubmitted | Tell | Acknowledge
            | RenameFails | RenameUnclear => self.submit(&mut next, &action)?,
            TerminalTakes => {
                next.asked = Some(next.req.take()?);
                next.taken += 1;
            }
            TerminalAnswers => {
                next.res = Some(
                    next.asked
                        .filter(|_| !next.was_answered && next.res.is_none())?,
                );
                next.was_answered = true;
            }
            TimePasses if next.time == 2 => return None,
            TimePasses => next.time += 1,
            Follow | FolderAway | TellFate | NoteFate | CleanUp | ReadAnswer | KeepAnswer
            | NoteAnswer | RemoveAnswer => self.follow(&mut next, &action)?,
            HearSubmitted | HearAnswered | HearTimedOut | HearUncertain | TellTaskAgain
            | Overdue | Resolve => self.hub(&mut next, &action)?,
            LoseTask | Crash | PowerCut => Self::fail(&mut next, &action)?,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("13 the terminal never takes two", |_, state: &State| {
                state.taken <= 1
            }),
            Property::always("18 what timed out was never taken", |_, state: &State| {
                !state.told.timed_out || state.taken == 0
            }),
            Property::always("18 what timed out is never answered", |_, state: &State| {
                !(state.told.timed_out && state.told.answered)
            }),
            Property::always(
                "1 an answer is kept before its file goes",
                |_, state: &State| {
                    let is_gone = state.was_answered && state.res.is_none();
                    let is_noted = matches!(state.journal, Some((Mark::Answered, _)));
                    !(is_gone || is_noted) || state.told.answered
                },
            ),
            Property::always(
                "18 what is settled was told",
                |_, state: &State| match state.journal {
                    Some((Mark::Uncertain, _)) => state.told.uncertain,
                    // One that never had a file is told with its task.
                    Some((Mark::TimedOut, Some(_))) => state.told.timed_out,
                    _ => true,
                },
            ),
            Property::sometimes("a late answer resolves a doubt", |_, state: &State| {
                state.heard.uncertain && state.heard.answered
            }),
            Property::sometimes("a time-out ends it", |_, state: &State| {
                state.process == Process::TimedOut
            }),
        ]
    }
}
