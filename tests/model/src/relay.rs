//! Ledger to `LOG`: the sequence in the stream is the position in the ledger.
//!
//! Two relays on one ledger, each with batches that may arrive after it is gone. The broker may be wiped or lose
//! its tail, and the ledger may be put back to an older backup under a new epoch, with every hub down.

mod steps;

use stateright::{Model, Property};

use crate::protocol::Protocol;

const RELAYS: usize = 2;
const PAGE: usize = 2;
const EVENTS: usize = 3;

/// A step that protects the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A batch names the sequence it follows.
    ExpectedSequence,
    /// A batch is stored as a whole or not at all.
    Atomic,
    /// After any trouble the relay looks where `LOG` stands.
    LookAgain,
    /// A `LOG` of another epoch is deleted.
    Epoch,
    /// A `LOG` that is gone is made again.
    Create,
    /// The ledger is put back only while no hub runs and nothing of one is on its way.
    HubsDown,
}

/// Its bounds.
#[derive(Debug, Clone)]
pub struct Relay {
    /// Wipes, lost tails and restores altogether.
    pub faults: u8,
    without: Option<Guard>,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            faults: 2,
            without: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Event {
    position: usize,
    /// The epoch it was committed in: the same position of another history is another event.
    epoch: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Log {
    epoch: u8,
    messages: Vec<Event>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Batch {
    follows: usize,
    /// A few events go one behind the other, each naming what it follows.
    is_single: bool,
    rest: Vec<Event>,
    is_begun: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    Down,
    Looking,
    Deleting,
    Creating,
    Following(usize),
    Waiting(usize, Batch),
    /// The broker's answer is on its way: the last sequence, or a refusal.
    Answered(usize, Option<usize>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Copier {
    phase: Phase,
}

/// Ledger, broker, relays.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    epoch: u8,
    ledger: Vec<Event>,
    log: Option<Log>,
    relays: Vec<Copier>,
    /// A batch whose answer nobody waits for any more; one at a time.
    stray: Option<Batch>,
    faults: u8,
}

/// What happens; the number is the relay's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The ledger grows.
    Commit,
    /// A relay begins.
    Start(usize),
    /// It looks where `LOG` stands.
    Look(usize),
    /// It deletes a `LOG` of another history.
    Delete(usize),
    /// It makes `LOG`.
    Create(usize),
    /// It sends the next page as one batch.
    Publish(usize),
    /// It sends the next page one behind the other.
    PublishSingly(usize),
    /// The broker takes or refuses the batch.
    Arrive(usize),
    /// The relay hears the answer.
    Hear(usize),
    /// It waits no longer.
    GiveUp(usize),
    /// A batch arrives late.
    StrayArrives,
    /// It never arrives.
    StrayVanishes,
    /// kill -9.
    Crash(usize),
    /// The broker loses everything.
    Wipe,
    /// The broker loses the last message.
    LoseTail,
    /// The ledger is put back to an older backup.
    Restore,
}

use Action::{
    Arrive, Commit, Crash, Create, Delete, GiveUp, Hear, Look, LoseTail, Publish, PublishSingly,
    Restore, Start, StrayArrives, StrayVanishes, Wipe,
};

impl Relay {
    fn has(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    fn look(&self, state: &State) -> Phase {
        let Some(log) = &state.log else {
            return match self.has(Guard::Create) {
                true => Phase::Creating,
                false => Phase::Looking,
            };
        };
        let is_ours = log.epoch == state.epoch || !self.has(Guard::Epoch);
        let last = log.messages.len();
        match is_ours && log.messages.last() == state.ledger[..last.min(state.ledger.len())].last()
        {
            true => Phase::Following(last),
            false => Phase::Deleting,
        }
    }

    /// One step of the broker with a batch; the answer once it is through.
    fn arrive(&self, state: &mut State, batch: &mut Batch) -> Option<Option<usize>> {
        let log = state.log.as_mut()?;
        let is_next = log.messages.len() == batch.follows || !self.has(Guard::ExpectedSequence);
        if self.has(Guard::Atomic) && !batch.is_single {
            if !is_next {
                return Some(None);
            }
            log.messages.append(&mut batch.rest);
            return Some(Some(log.messages.len()));
        }
        if batch.is_single {
            if !is_next {
                return Some(None);
            }
            log.messages.push(batch.rest.remove(0));
            batch.follows += 1;
            return batch.rest.is_empty().then_some(Some(log.messages.len()));
        }
        // Message by message; only the first says what it follows.
        let event = batch.rest.remove(0);
        if is_next || std::mem::replace(&mut batch.is_begun, true) {
            log.messages.push(event);
        }
        batch.is_begun = true;
        batch.rest.is_empty().then_some(Some(log.messages.len()))
    }

    fn relay_step(&self, state: &mut State, at: usize, action: &Action) -> Option<()> {
        let phase = state.relays[at].phase.clone();
        state.relays[at].phase = match (action, phase) {
            (Start(_), Phase::Down) => Phase::Looking,
            (Look(_), Phase::Looking) => self.look(state),
            (Look(_), Phase::Following(_)) if self.has(Guard::LookAgain) => self.look(state),
            (Delete(_), Phase::Deleting) => {
                state.log = None;
                Phase::Creating
            }
            (Create(_), Phase::Creating) => {
                let epoch = state.epoch;
                let log = state.log.get_or_insert(Log {
                    epoch,
                    messages: Vec::new(),
                });
                // Made by another relay just now: the same stream is no error, another one is.
                match log.epoch == epoch {
                    true => Phase::Following(0),
                    false => Phase::Looking,
                }
            }
            (Publish(_) | PublishSingly(_), Phase::Following(last))
                if last < state.ledger.len() =>
            {
                let end = state.ledger.len().min(last + PAGE);
                let batch = Batch {
                    follows: last,
                    rest: state.ledger[last..end].to_vec(),
                    is_begun: false,
                    is_single: matches!(action, PublishSingly(_)),
                };
                Phase::Waiting(last, batch)
            }
            (Arrive(_), Phase::Waiting(last, mut batch)) => match self.arrive(state, &mut batch) {
                Some(answer) => {
                    // What stands behind a refused one is on its way all the same.
                    if batch.is_single && !batch.rest.is_empty() {
                        batch.rest.remove(0);
                        batch.follows += 1;
                        let late = (!batch.rest.is_empty()).then_some(batch);
                        state.stray = state.stray.take().or(late);
                    }
                    Phase::Answered(last, answer)
                }
                None => Phase::Waiting(last, batch),
            },
            (Hear(_), Phase::Answered(_, Some(last))) => Phase::Following(last),
            (Hear(_), Phase::Answered(last, None)) => self.trouble(last),
            (GiveUp(_), Phase::Answered(last, _)) => self.trouble(last),
            (GiveUp(_), Phase::Waiting(last, batch)) if state.stray.is_none() => {
                state.stray = Some(batch);
                self.trouble(last)
            }
            _ => return None,
        };
        Some(())
    }

    fn trouble(&self, last: usize) -> Phase {
        match self.has(Guard::LookAgain) {
            true => Phase::Looking,
            false => Phase::Following(last),
        }
    }
}

impl Model for Relay {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let relay = Copier {
            phase: Phase::Looking,
        };
        vec![State {
            epoch: 1,
            ledger: Vec::new(),
            log: None,
            relays: vec![relay; RELAYS],
            stray: None,
            faults: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.push(Commit);
        for at in 0..RELAYS {
            actions.extend([
                Start(at),
                Look(at),
                Delete(at),
                Create(at),
                Publish(at),
                PublishSingly(at),
            ]);
            actions.extend([Arrive(at), Hear(at), GiveUp(at), Crash(at)]);
        }
        actions.extend([StrayArrives, StrayVanishes]);
        if state.faults > 0 {
            actions.extend([Wipe, LoseTail, Restore]);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        match action {
            Commit if next.ledger.len() < EVENTS => next.ledger.push(Event {
                position: next.ledger.len() + 1,
                epoch: next.epoch,
            }),
            Commit => return None,
            StrayArrives => {
                let mut batch = next.stray.take()?;
                if self.arrive(&mut next, &mut batch).is_none() && next.log.is_some() {
                    next.stray = Some(batch);
                }
            }
            StrayVanishes => drop(next.stray.take()?),
            Crash(at) => match std::mem::replace(&mut next.relays[at].phase, Phase::Down) {
                Phase::Down => return None,
                Phase::Waiting(_, batch) if next.stray.is_none() => {
                    next.stray = Some(batch);
                }
                _ => {}
            },
            Wipe => {
                next.log.take()?;
                next.faults -= 1;
            }
            LoseTail => {
                next.log.as_mut()?.messages.pop()?;
                next.faults -= 1;
            }
            Restore => {
                // Longer than any message of a hub that is down is on its way.
                let mut relays = next.relays.iter();
                let runs = next.stray.is_some() || relays.any(|relay| relay.phase != Phase::Down);
                if runs && self.has(Guard::HubsDown) {
                    return None;
                }
                next.ledger.pop()?;
                next.epoch += 1;
                next.faults -= 1;
            }
            Start(at) | Look(at) | Delete(at) | Create(at) | Publish(at) | PublishSingly(at)
            | Arrive(at) | Hear(at) | GiveUp(at) => self.relay_step(&mut next, at, &action)?,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "4 the sequence in LOG is the position",
                |_, state: &State| {
                    state.log.as_ref().is_none_or(|log| {
                        (1..)
                            .zip(&log.messages)
                            .all(|(sequence, event)| event.position == sequence)
                    })
                },
            ),
            Property::always(
                "2 LOG of this epoch copies the ledger",
                |_, state: &State| {
                    state.log.as_ref().is_none_or(|log| {
                        log.epoch != state.epoch || state.ledger.starts_with(&log.messages)
                    })
                },
            ),
            Property::sometimes("a batch is refused", |_, state: &State| {
                let mut relays = state.relays.iter();
                relays.any(|relay| matches!(relay.phase, Phase::Answered(_, None)))
            }),
            Property::sometimes(
                "two histories were copied",
                |model: &Self, state: &State| state.epoch > 1 && model.is_settled(state),
            ),
        ]
    }
}
