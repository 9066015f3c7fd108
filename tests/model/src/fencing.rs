//! The one writer: advisory lock, term, group commit, and what becomes of a commit whose answer was lost.
//!
//! Two hubs on one database. A hub may be stopped and woken at any step, its line may break while a statement
//! is on its way, and the server may carry that statement out long after nobody listens any more. With
//! `slips` the lock may also be lost while its session lives (a pooler in between): then only term and commit
//! number protect, and what a commit of unknown outcome became can't be promised.

mod steps;

use stateright::{Model, Property};

const HUBS: usize = 2;
/// Events that each observation becomes. One becomes none: commits and positions are two numbers.
const EVENTS: [u8; 2] = [1, 0];

/// A step that protects the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A hub writes only with the lock.
    Lock,
    /// A commit names its term.
    Term,
    /// A commit names the commit and position it follows.
    Follows,
    /// A broken line is mended under the lock alone.
    LockToRecover,
    /// What became of a lost commit is read from the head.
    LookAfterLoss,
    /// It is read from the number of commits; the position may not have moved.
    CountCommits,
    /// Nobody is answered before the commit.
    CommitFirst,
    /// What the inbox knows is not decided again, and its row is a key: looked for before, and refused in the commit.
    /// Only without both an observation is committed twice; behind the key stands `Follows` yet.
    Inbox,
    /// The server ends a session that says nothing: its client may be gone without a word.
    IdleLimit,
}

/// Its bounds.
#[derive(Debug, Clone)]
pub struct Fencing {
    /// Pauses, crashes and cut lines altogether.
    pub faults: u8,
    /// How often the lock is lost while its session lives.
    pub slips: u8,
    without: Option<Guard>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Head {
    term: u8,
    commits: u8,
    position: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Statement {
    attempt: u8,
    head: Head,
    observation: usize,
}

/// One committed batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Row {
    statement: Statement,
    /// The term of the head when the server carried it out.
    term_then: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reply {
    Committed,
    Fenced,
    AlreadyAnswered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Line {
    /// No session, or one that the hub does not know to be dead yet.
    Dead,
    Up {
        statement: Option<Statement>,
        reply: Option<Reply>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Down,
    Standby,
    Locked,
    Ready,
    Loaded(usize),
    Sent(Statement),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Hub {
    phase: Phase,
    paused: bool,
    known: Head,
    line: Line,
    /// A session of the server whose client is gone, with what it may still carry out.
    ghost: Option<Option<Statement>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Line(usize),
    Ghost(usize),
}

/// Database, hubs, and what was said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    head: Head,
    rows: Vec<Row>,
    lock: Option<Holder>,
    hubs: Vec<Hub>,
    acknowledged: [bool; EVENTS.len()],
    /// Attempts of which it was said that they are not committed.
    denied: Vec<u8>,
    attempts: u8,
    faults: u8,
    slips: u8,
}

impl State {
    fn is_committed(&self, observation: usize) -> bool {
        let mut rows = self.rows.iter();
        rows.any(|row| row.statement.observation == observation)
    }

    fn release(&mut self, holder: Holder) {
        if self.lock == Some(holder) {
            self.lock = None;
        }
    }

    /// The client is gone; the server's session goes on alone. False where one is alone already.
    fn part(&mut self, hub: usize) -> bool {
        if let Line::Up { statement, .. } = self.hubs[hub].line {
            if self.hubs[hub].ghost.is_some() {
                return false;
            }
            self.hubs[hub].ghost = Some(statement);
            if self.lock == Some(Holder::Line(hub)) {
                self.lock = Some(Holder::Ghost(hub));
            }
        }
        self.hubs[hub].line = Line::Dead;
        true
    }

    fn leave(&mut self, hub: usize) {
        self.release(Holder::Line(hub));
        self.hubs[hub].line = Line::Dead;
        self.hubs[hub].phase = Phase::Down;
    }
}

/// What happens; the number is the hub's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A process starts and stands by.
    Start(usize),
    /// The lock is free, and taken.
    TakeLock(usize),
    /// A new term begins.
    Claim(usize),
    /// An observation that the inbox does not know is decided.
    Load(usize, usize),
    /// An observation that the inbox knows is answered from it.
    AnswerAgain(usize, usize),
    /// The statement goes out.
    Send(usize),
    /// The server carries it out.
    Execute(usize),
    /// The hub hears how it went.
    Hear(usize),
    /// The line is mended, and a lost commit settled.
    Recover(usize),
    /// A session that nobody listens to carries its statement out.
    GhostExecutes(usize),
    /// It ends.
    GhostEnds(usize),
    /// The server ends the session of a stopped hub.
    EndIdle(usize),
    /// SIGSTOP.
    Pause(usize),
    /// SIGCONT.
    Wake(usize),
    /// kill -9.
    Crash(usize),
    /// The line breaks.
    CutLine(usize),
    /// The lock is lost, its session lives.
    SlipLock,
}

use Action::{
    AnswerAgain, Claim, Crash, CutLine, EndIdle, Execute, GhostEnds, GhostExecutes, Hear, Load,
    Pause, Recover, Send, SlipLock, Start, TakeLock, Wake,
};

impl Fencing {
    /// With these bounds.
    pub fn new(faults: u8, slips: u8) -> Self {
        Self {
            faults,
            slips,
            without: None,
        }
    }

    fn has(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    fn execute(&self, state: &mut State, statement: Statement) -> Reply {
        let (head, expected) = (state.head, statement.head);
        let follows = head.commits == expected.commits && head.position == expected.position;
        if (head.term != expected.term && self.has(Guard::Term))
            || (!follows && self.has(Guard::Follows))
        {
            return Reply::Fenced;
        }
        if state.is_committed(statement.observation) && self.has(Guard::Inbox) {
            return Reply::AlreadyAnswered;
        }
        state.rows.push(Row {
            statement,
            term_then: head.term,
        });
        state.head.commits = expected.commits + 1;
        state.head.position = expected.position + EVENTS[statement.observation];
        Reply::Committed
    }

    fn send(&self, state: &mut State, at: usize, observation: usize) {
        state.attempts += 1;
        let statement = Statement {
            attempt: state.attempts,
            head: state.hubs[at].known,
            observation,
        };
        if let Line::Up { statement: way, .. } = &mut state.hubs[at].line {
            *way = Some(statement);
        }
        state.hubs[at].phase = Phase::Sent(statement);
        if !self.has(Guard::CommitFirst) {
            state.acknowledged[observation] = true;
        }
    }

    fn hear(state: &mut State, at: usize, sent: Statement, reply: Reply) {
        state.hubs[at].line = Line::Up {
            statement: None,
            reply: None,
        };
        state.hubs[at].phase = Phase::Ready;
        match reply {
            Reply::Committed => {
                state.acknowledged[sent.observation] = true;
                let known = &mut state.hubs[at].known;
                known.commits += 1;
                known.position += EVENTS[sent.observation];
            }
            Reply::AlreadyAnswered => {}
            Reply::Fenced => state.leave(at),
        }
    }

    fn recover(&self, state: &mut State, at: usize) -> Option<()> {
        if state.head.term != state.hubs[at].known.term {
            state.leave(at);
            return Some(());
        }
        if state.lock.is_some() && self.has(Guard::Lock) && self.has(Guard::LockToRecover) {
            return None;
        }
        state.lock = state.lock.or(Some(Holder::Line(at)));
        if let Phase::Sent(sent) = state.hubs[at].phase {
            let moved = state.head.position == sent.head.position + EVENTS[sent.observation];
            let committed = if !self.has(Guard::LookAfterLoss) {
                true
            } else if self.has(Guard::CountCommits) {
                state.head.commits == sent.head.commits + 1
            } else {
                moved
            };
            if committed {
                state.acknowledged[sent.observation] = true;
            } else {
                state.denied.push(sent.attempt);
            }
            state.hubs[at].phase = Phase::Ready;
        }
        let head = state.head;
        let hub = &mut state.hubs[at];
        hub.known = head;
        hub.line = Line::Up {
            statement: None,
            reply: None,
        };
        Some(())
    }

    fn hub_actions(&self, state: &State, at: usize, actions: &mut Vec<Action>) {
        let hub = &state.hubs[at];
        let is_up = hub.line != Line::Dead;
        match hub.phase {
            Phase::Down => actions.push(Start(at)),
            Phase::Standby => actions.push(TakeLock(at)),
            Phase::Locked => actions.push(Claim(at)),
            Phase::Ready => {
                for observation in 0..EVENTS.len() {
                    if !state.is_committed(observation) || !self.has(Guard::Inbox) {
                        actions.push(Load(at, observation));
                    } else if !state.acknowledged[observation] {
                        actions.push(AnswerAgain(at, observation));
                    }
                }
            }
            Phase::Loaded(_) => actions.push(Send(at)),
            Phase::Sent(_) if is_up => actions.push(Hear(at)),
            Phase::Sent(_) => {}
        }
        if !is_up && matches!(hub.phase, Phase::Ready | Phase::Loaded(_) | Phase::Sent(_)) {
            actions.push(Recover(at));
        }
    }
}

impl Model for Fencing {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let hub = Hub {
            phase: Phase::Standby,
            paused: false,
            known: Head::default(),
            line: Line::Dead,
            ghost: None,
        };
        vec![State {
            head: Head::default(),
            rows: Vec::new(),
            lock: None,
            hubs: vec![hub; HUBS],
            acknowledged: [false; EVENTS.len()],
            denied: Vec::new(),
            attempts: 0,
            faults: self.faults,
            slips: self.slips,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (at, hub) in state.hubs.iter().enumerate() {
            if hub.paused {
                actions.extend([Wake(at), EndIdle(at)]);
            } else {
                self.hub_actions(state, at, actions);
            }
            actions.extend([Execute(at), GhostExecutes(at), GhostEnds(at)]);
            if state.faults > 0 && hub.phase != Phase::Down {
                actions.extend([Crash(at), CutLine(at)]);
                if !hub.paused {
                    actions.push(Pause(at));
                }
            }
        }
        if state.slips > 0 && state.lock.is_some() {
            actions.push(SlipLock);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        if matches!(action, Pause(_) | Crash(_) | CutLine(_)) {
            next.faults -= 1;
        }
        match action {
            Start(at) => next.hubs[at].phase = Phase::Standby,
            TakeLock(at) => {
                if next.lock.is_some() && self.has(Guard::Lock) {
                    return None;
                }
                next.lock = next.lock.or(Some(Holder::Line(at)));
                next.hubs[at].phase = Phase::Locked;
                next.hubs[at].line = Line::Up {
                    statement: None,
                    reply: None,
                };
            }
            Claim(at) if next.hubs[at].line == Line::Dead => next.hubs[at].phase = Phase::Down,
            Claim(at) => {
                next.head.term += 1;
                next.hubs[at].known = next.head;
                next.hubs[at].phase = Phase::Ready;
            }
            Load(at, observation) => next.hubs[at].phase = Phase::Loaded(observation),
            AnswerAgain(_, observation) => next.acknowledged[observation] = true,
            Send(at) => match next.hubs[at].phase {
                Phase::Loaded(observation) => self.send(&mut next, at, observation),
                _ => return None,
            },
            Execute(at) => {
                let Line::Up {
                    statement: Some(statement),
                    ..
                } = next.hubs[at].line
                else {
                    return None;
                };
                let reply = Some(self.execute(&mut next, statement));
                next.hubs[at].line = Line::Up {
                    statement: None,
                    reply,
                };
            }
            Hear(at) => match (next.hubs[at].phase, next.hubs[at].line) {
                (Phase::Sent(sent), Line::Up { reply, .. }) => {
                    Self::hear(&mut next, at, sent, reply?);
                }
                _ => return None,
            },
            Recover(at) => self.recover(&mut next, at)?,
            GhostExecutes(at) => {
                let statement = next.hubs[at].ghost.flatten()?;
                self.execute(&mut next, statement);
                next.hubs[at].ghost = Some(None);
            }
            GhostEnds(_) | EndIdle(_) if !self.has(Guard::IdleLimit) => return None,
            GhostEnds(at) => {
                next.hubs[at].ghost.take()?;
                next.release(Holder::Ghost(at));
            }
            EndIdle(at) => match next.hubs[at].line {
                Line::Up {
                    statement: None, ..
                } => {
                    next.release(Holder::Line(at));
                    next.hubs[at].line = Line::Dead;
                }
                _ => return None,
            },
            Pause(at) => next.hubs[at].paused = true,
            Wake(at) => next.hubs[at].paused = false,
            Crash(at) => {
                if !next.part(at) {
                    return None;
                }
                next.hubs[at].phase = Phase::Down;
                next.hubs[at].paused = false;
            }
            CutLine(at) => {
                if next.hubs[at].line == Line::Dead || !next.part(at) {
                    return None;
                }
            }
            SlipLock => {
                next.slips -= 1;
                next.lock = None;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("1 what is acknowledged is durable", |_, state: &State| {
                (0..EVENTS.len()).all(|o| !state.acknowledged[o] || state.is_committed(o))
            }),
            Property::always(
                "1 what was said to be lost stays lost",
                |model: &Self, state: &State| {
                    let mut rows = state.rows.iter();
                    model.slips > 0
                        || !rows.any(|row| state.denied.contains(&row.statement.attempt))
                },
            ),
            Property::always(
                "3 each commit follows the one before",
                |_, state: &State| {
                    (0..)
                        .zip(&state.rows)
                        .all(|(n, row)| row.statement.head.commits == n)
                },
            ),
            Property::always("3 an old term commits nothing", |_, state: &State| {
                state
                    .rows
                    .iter()
                    .all(|row| row.statement.head.term == row.term_then)
            }),
            Property::always("4 positions are gapless", |_, state: &State| {
                let mut next = 0;
                state.rows.iter().all(|row| {
                    let follows = row.statement.head.position == next;
                    next += EVENTS[row.statement.observation];
                    follows
                }) && state.head.position == next
            }),
            Property::always("5 an observation is committed once", |_, state: &State| {
                let of = |o| {
                    state
                        .rows
                        .iter()
                        .filter(move |row| row.statement.observation == o)
                };
                (0..EVENTS.len()).all(|o| of(o).count() <= 1)
            }),
            Property::sometimes("a second term commits", |_, state: &State| {
                state.rows.iter().any(|row| row.term_then > 1)
            }),
            Property::sometimes("a lost commit turns out to be none", |_, state: &State| {
                !state.denied.is_empty()
            }),
        ]
    }
}
