//! File to spool to ledger: no byte is let go before the hub committed what it shows, and each is committed once.
//!
//! Files of one terminal that takes its files. The broker may lose everything and swallows what it heard a
//! moment ago; answers may be lost; adapter and hub may be killed, and a power cut takes what was not synced:
//! a torn entry, and marks, which are written lazily.

mod steps;

use stateright::{Model, Property};

use crate::protocol::Protocol;

/// A step that protects the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A file is taken after its entry is synced.
    SyncFirst,
    /// The broker's acknowledgement lets nothing go.
    AnswerOnly,
    /// The hub answers after the commit.
    CommitFirst,
    /// A message is acknowledged after the commit, or what is lost is said again.
    SayAgain,
    /// A segment goes when all of its entries are done.
    WholeSegment,
    /// The inbox knows what was committed.
    Inbox,
}

/// Its bounds.
#[derive(Debug, Clone)]
pub struct Spooling {
    /// Files of one folder, entries of one segment.
    pub files: usize,
    /// Wipes, crashes, power cuts and lost answers altogether.
    pub faults: u8,
    without: Option<Guard>,
}

impl Spooling {
    /// With these bounds.
    pub fn new(files: usize, faults: u8) -> Self {
        Self {
            files,
            faults,
            without: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Entry {
    Absent,
    Torn,
    Waiting,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct File {
    is_there: bool,
    /// This run of the adapter has met it: it is read once and then only removed.
    is_met: bool,
    entry: Entry,
    /// Said in this run of the adapter, and whether the stream looks as it did when the broker stored it: nobody
    /// consumed anything, and it was not made anew.
    said: Option<bool>,
    /// The broker's short memory of the plain message id.
    heard: bool,
    copies: u8,
    /// The hub works on it.
    held: bool,
    commits: u8,
    /// The hub's answer is on its way.
    answer: bool,
    to_answer: bool,
    to_acknowledge: bool,
}

/// Folder, spool, broker and hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    files: Vec<File>,
    faults: u8,
}

impl State {
    fn forget_readings(&mut self) {
        for file in &mut self.files {
            file.said = file.said.map(|_| false);
        }
    }
}

/// What happens; the number is the file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The entry is written.
    Write(usize),
    /// It is synced.
    Sync(usize),
    /// The file is removed from its folder.
    Take(usize),
    /// The observation is published.
    Publish(usize),
    /// It is said again.
    PublishAgain(usize),
    /// The hub pulls it.
    Pull(usize),
    /// It is committed, or known to the inbox.
    Commit(usize),
    /// The spool is answered.
    Answer(usize),
    /// The message is acknowledged.
    Acknowledge(usize),
    /// The spool hears the answer.
    Hear(usize),
    /// A segment without anything to say is deleted.
    LetGo,
    /// The broker forgets message ids after its window.
    ForgetIds,
    /// An answer is lost.
    LoseAnswer(usize),
    /// The broker loses everything.
    Wipe,
    /// The hub is killed.
    CrashHub,
    /// The adapter is killed.
    CrashAdapter,
    /// Its machine loses power.
    PowerCut,
}

use Action::{
    Acknowledge, Answer, Commit, CrashAdapter, CrashHub, ForgetIds, Hear, LetGo, LoseAnswer,
    PowerCut, Publish, PublishAgain, Pull, Sync, Take, Wipe, Write,
};

impl Spooling {
    fn has(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    fn adapter(&self, file: &mut File, action: &Action) -> Option<()> {
        match action {
            Write(_) if file.is_there && !file.is_met => {
                file.is_met = true;
                // What is kept already is not written again.
                if file.entry == Entry::Absent {
                    file.entry = Entry::Torn;
                }
            }
            Sync(_) if file.entry == Entry::Torn => file.entry = Entry::Waiting,
            Take(_)
                if file.is_met
                    && file.is_there
                    && (file.entry != Entry::Torn || self.takes_early(file)) =>
            {
                file.is_there = false;
            }
            Publish(_) if Self::is_new(file) => {
                if file.heard {
                    file.said = Some(false);
                } else {
                    file.heard = true;
                    file.copies += 1;
                    file.said = Some(true);
                }
                if !self.has(Guard::AnswerOnly) {
                    file.entry = Entry::Done;
                }
            }
            PublishAgain(_) if file.entry == Entry::Waiting && self.has(Guard::SayAgain) => {
                let is_still_there = file.said?;
                if is_still_there || file.copies == 2 {
                    return None;
                }
                file.copies += 1;
                file.said = Some(true);
            }
            Hear(_) if file.answer => {
                file.answer = false;
                if file.entry == Entry::Waiting {
                    file.entry = Entry::Done;
                    file.said = None;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn is_new(file: &File) -> bool {
        file.entry == Entry::Waiting && file.said.is_none() && file.copies < 2
    }

    fn takes_early(&self, file: &File) -> bool {
        file.entry == Entry::Torn && !self.has(Guard::SyncFirst)
    }

    fn hub(&self, file: &mut File, action: &Action) -> Option<()> {
        match action {
            Pull(_) if file.copies > 0 && !file.held && !file.to_answer && !file.to_acknowledge => {
                file.held = true;
                file.to_answer = !self.has(Guard::CommitFirst);
            }
            Commit(_) if file.held => {
                file.held = false;
                if file.commits == 0 || !self.has(Guard::Inbox) {
                    file.commits = 2.min(file.commits + 1);
                }
                file.to_answer = true;
            }
            Answer(_) if file.to_answer => {
                file.to_answer = false;
                file.answer = true;
                file.to_acknowledge = !file.held;
            }
            _ => return None,
        }
        Some(())
    }

    fn let_go(&self, state: &mut State) -> Option<()> {
        let mut kept = state
            .files
            .iter()
            .filter(|file| file.entry != Entry::Absent);
        let is_done = |file: &File| file.entry == Entry::Done;
        let goes = match self.has(Guard::WholeSegment) {
            true => kept.clone().next().is_some() && kept.all(is_done),
            false => kept.any(is_done),
        };
        if !goes {
            return None;
        }
        for file in &mut state.files {
            file.entry = Entry::Absent;
            file.said = None;
        }
        Some(())
    }

    fn fail(state: &mut State, action: &Action) {
        for file in &mut state.files {
            match action {
                Wipe => {
                    file.copies = 0;
                    file.heard = false;
                    // The acknowledgement of a message that is gone does nothing.
                    file.to_acknowledge = false;
                }
                CrashHub => {
                    file.held = false;
                    file.to_answer = false;
                    file.to_acknowledge = false;
                }
                PowerCut => {
                    file.said = None;
                    file.is_met = false;
                    file.entry = match file.entry {
                        Entry::Absent | Entry::Torn => Entry::Absent,
                        Entry::Waiting | Entry::Done => Entry::Waiting,
                    };
                }
                _ => {
                    file.said = None;
                    file.is_met = false;
                    if file.entry == Entry::Torn {
                        file.entry = Entry::Absent;
                    }
                }
            }
        }
        if *action == Wipe {
            state.forget_readings();
        }
    }
}

impl Model for Spooling {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let file = File {
            is_there: true,
            is_met: false,
            entry: Entry::Absent,
            said: None,
            heard: false,
            copies: 0,
            held: false,
            commits: 0,
            answer: false,
            to_answer: false,
            to_acknowledge: false,
        };
        vec![State {
            files: vec![file; self.files],
            faults: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for at in 0..self.files {
            actions.extend([Write(at), Sync(at), Take(at), Publish(at), PublishAgain(at)]);
            actions.extend([Pull(at), Commit(at), Answer(at), Acknowledge(at), Hear(at)]);
            if state.faults > 0 {
                actions.push(LoseAnswer(at));
            }
        }
        actions.extend([LetGo, ForgetIds]);
        if state.faults > 0 {
            actions.extend([Wipe, CrashHub, CrashAdapter, PowerCut]);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        if Self::is_fault(&action) {
            next.faults -= 1;
        }
        match action {
            Write(at) | Sync(at) | Take(at) | Publish(at) | PublishAgain(at) | Hear(at) => {
                self.adapter(&mut next.files[at], &action)?;
            }
            Pull(at) | Commit(at) | Answer(at) => self.hub(&mut next.files[at], &action)?,
            Acknowledge(at) => {
                let file = &mut next.files[at];
                if !std::mem::take(&mut file.to_acknowledge) || file.copies == 0 {
                    return None;
                }
                file.copies -= 1;
                next.forget_readings();
            }
            LetGo => self.let_go(&mut next)?,
            ForgetIds => next.files.iter_mut().for_each(|file| file.heard = false),
            LoseAnswer(at) => {
                if !std::mem::take(&mut next.files[at].answer) {
                    return None;
                }
            }
            Wipe | CrashHub | CrashAdapter | PowerCut => Self::fail(&mut next, &action),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "1 no byte goes before it is committed",
                |_, state: &State| {
                    let is_safe = |file: &File| {
                        file.is_there || !matches!(file.entry, Entry::Absent | Entry::Torn)
                    };
                    state
                        .files
                        .iter()
                        .all(|file| is_safe(file) || file.commits > 0)
                },
            ),
            Property::always("1 only what is committed is done", |_, state: &State| {
                let mut done = state.files.iter().filter(|file| file.entry == Entry::Done);
                done.all(|file| file.commits > 0)
            }),
            Property::always("5 an observation is committed once", |_, state: &State| {
                state.files.iter().all(|file| file.commits <= 1)
            }),
            Property::sometimes(
                "the broker holds one observation twice",
                |_, state: &State| state.files.iter().any(|file| file.copies == 2),
            ),
            Property::sometimes(
                "a file is met again after its bytes went",
                |model: &Self, state: &State| {
                    let mut files = state.files.iter();
                    model.faults == 0
                        || files.any(|file| file.entry == Entry::Torn && file.commits == 1)
                },
            ),
        ]
    }
}
