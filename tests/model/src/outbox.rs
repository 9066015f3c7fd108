//! `LOG` to feed: rows, checkpoint and outbox in one transaction; the outbox to the stream without gap or double.
//!
//! One or two instances of one projection, one publisher, one feed of one facility. The publisher's messages may
//! arrive after it is gone; the broker may be wiped; the projection's database may be lost (`LOG` has everything);
//! a new shape of the rows begins a rebuild, which may be cut short and begun again. No consumer is in it: what is checked is stronger, namely that every
//! stream ever stored reads 1, 2, 3 … and that a number means the same message for ever.

mod steps;

use stateright::{Model, Property};

use crate::protocol::Protocol;

/// Whether the event at each position is told.
const TOLD: [bool; 3] = [true, false, true];

/// A step that protects the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Only what follows the checkpoint is applied.
    FollowsCheckpoint,
    /// A commit names the checkpoint it moves.
    CheckpointUnmoved,
    /// Rows and outbox change together.
    OneTransaction,
    /// A rebuild tells nothing that was told before it.
    Gate,
    /// A rebuild that is begun again keeps the first one's gate.
    GateGrows,
    /// A message names the sequence it follows.
    ExpectedSequence,
    /// A message is marked after the broker has it.
    MarkLast,
    /// A publisher that begins compares the marks with the stream.
    Compare,
    /// A rebuilt outbox is compared again before it is sent.
    ToldLongSince,
}

/// Its bounds.
#[derive(Debug, Clone)]
pub struct Outbox {
    /// Processes that run the projection.
    pub instances: usize,
    /// Crashes, wipes, lost databases, lost deliveries and new shapes altogether.
    pub faults: u8,
    without: Option<Guard>,
}

impl Outbox {
    /// With these bounds.
    pub fn new(instances: usize, faults: u8) -> Self {
        Self {
            instances,
            faults,
            without: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Message {
    sequence: usize,
    /// Stands for its id, which is made of the event's.
    position: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Store {
    checkpoint: usize,
    /// Positions in the rows.
    rows: Vec<usize>,
    outbox: Vec<(Message, bool)>,
    counter: usize,
    gate: usize,
    has_old_shape: bool,
    /// The birth of the feed's stream as last seen.
    feed_born: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Memory {
    checkpoint: usize,
    counter: usize,
    gate: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Applier {
    Down,
    OldShape,
    Rebuilding,
    At(Memory),
    Holding(Memory, Vec<usize>),
    /// Only without [`Guard::OneTransaction`].
    Owing(Memory, Vec<Message>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    born: u8,
    last: usize,
    told: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Publisher {
    Down,
    Comparing(Place),
    At(Place),
    Sending {
        place: Place,
        sent: Vec<Message>,
        stored: usize,
        refused: bool,
    },
}

/// Database, broker, processes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    store: Store,
    appliers: Vec<Applier>,
    publisher: Publisher,
    /// On the way to the broker, each with the sequence it expects; strays of a dead publisher first.
    wire: Vec<(Message, usize)>,
    strays: usize,
    born: u8,
    feed: Vec<Message>,
    /// The position each number was first stored with.
    meant: Vec<usize>,
    /// Whether a number ever meant two messages.
    changed: bool,
    faults: u8,
}

/// What happens; the first number is the applier's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// An instance opens its database.
    Open(usize),
    /// It drops rows of an older shape.
    BeginRebuild(usize),
    /// It notes the new shape.
    NoteShape(usize),
    /// It reads where it stands again.
    Reload(usize),
    /// `LOG` delivers so many events.
    Deliver(usize, usize),
    /// `LOG` delivers, and one event is missing.
    DeliverWithGap(usize),
    /// The batch is committed.
    Apply(usize),
    /// The publisher looks at the stream.
    Look,
    /// It brings the marks into line.
    Compare,
    /// It sends what is due, or marks what the stream holds.
    Publish,
    /// The broker takes or refuses the next message.
    Arrive,
    /// The publisher marks what was stored.
    Mark,
    /// It waits no longer for the broker.
    GiveUp,
    /// Late messages are lost with their line.
    StraysVanish,
    /// An instance is killed.
    CrashApplier(usize),
    /// The publisher is killed.
    CrashPublisher,
    /// Everything is killed and the database lost.
    LoseDatabase,
    /// The stream is lost and made anew.
    Wipe,
    /// Rows shall have a new shape.
    Upgrade,
}

use Action::{
    Apply, Arrive, BeginRebuild, Compare, CrashApplier, CrashPublisher, Deliver, DeliverWithGap,
    GiveUp, Look, LoseDatabase, Mark, NoteShape, Open, Publish, Reload, StraysVanish, Upgrade,
    Wipe,
};

impl Store {
    fn memory(&self) -> Memory {
        Memory {
            checkpoint: self.checkpoint,
            counter: self.counter,
            gate: self.gate,
        }
    }

    fn pending(&self) -> Vec<Message> {
        let unmarked = self.outbox.iter().filter(|(_, marked)| !marked);
        unmarked.map(|(message, _)| *message).collect()
    }

    fn mark_through(&mut self, sequence: usize, marked: bool) {
        for (message, mark) in &mut self.outbox {
            if (message.sequence <= sequence) == marked {
                *mark = marked;
            }
        }
    }

    /// Puts messages into the outbox; false, and nothing is put, when a number is taken.
    fn put(&mut self, messages: &[Message]) -> bool {
        let is_taken = |new: &Message| {
            let mut known = self.outbox.iter();
            known.any(|(old, _)| old.sequence == new.sequence)
        };
        if messages.iter().any(is_taken) {
            return false;
        }
        self.outbox
            .extend(messages.iter().map(|message| (*message, false)));
        self.counter = messages.last().map_or(self.counter, |last| last.sequence);
        true
    }
}

impl Outbox {
    fn has(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    fn apply(&self, state: &mut State, memory: Memory, events: &[usize]) -> Applier {
        let follows = events[0] == memory.checkpoint + 1 || !self.has(Guard::FollowsCheckpoint);
        let unmoved = state.store.checkpoint == memory.checkpoint;
        if !follows || (!unmoved && self.has(Guard::CheckpointUnmoved)) {
            return Applier::Down;
        }
        let told = |position: &&usize| {
            TOLD[**position - 1] && (**position > memory.gate || !self.has(Guard::Gate))
        };
        let messages: Vec<Message> = (memory.counter + 1..)
            .zip(events.iter().filter(told))
            .map(|(sequence, position)| Message {
                sequence,
                position: *position,
            })
            .collect();
        let mut store = state.store.clone();
        store.checkpoint = *events.last().unwrap_or(&store.checkpoint);
        store.rows.extend(events);
        if !self.has(Guard::OneTransaction) {
            state.store = store;
            return Applier::Owing(state.store.memory(), messages);
        }
        if !store.put(&messages) {
            return Applier::Down;
        }
        state.store = store;
        Applier::At(Memory {
            gate: memory.gate,
            ..state.store.memory()
        })
    }

    fn begin_rebuild(&self, store: &mut Store) {
        let told = store.checkpoint;
        store.gate = match self.has(Guard::GateGrows) {
            true => store.gate.max(told),
            false => told,
        };
        store.checkpoint = 0;
        store.rows.clear();
    }

    fn applier_step(&self, state: &mut State, at: usize, action: &Action) -> Option<()> {
        let applier = state.appliers[at].clone();
        state.appliers[at] = match (action, applier) {
            (Open(_), Applier::Down) if state.store.has_old_shape => Applier::OldShape,
            (Open(_), Applier::Down) => Applier::At(state.store.memory()),
            (BeginRebuild(_), Applier::OldShape) => {
                self.begin_rebuild(&mut state.store);
                Applier::Rebuilding
            }
            (NoteShape(_), Applier::Rebuilding) => {
                state.store.has_old_shape = false;
                Applier::At(state.store.memory())
            }
            (Reload(_), Applier::At(_)) => Applier::At(state.store.memory()),
            (Deliver(_, count), Applier::At(memory)) => {
                let first = memory.checkpoint + 1;
                let last = memory.checkpoint + count;
                if last > TOLD.len() {
                    return None;
                }
                Applier::Holding(memory, (first..=last).collect())
            }
            (DeliverWithGap(_), Applier::At(memory)) if memory.checkpoint + 2 <= TOLD.len() => {
                Applier::Holding(memory, vec![memory.checkpoint + 2])
            }
            (Apply(_), Applier::Holding(memory, events)) => self.apply(state, memory, &events),
            (Apply(_), Applier::Owing(memory, messages)) => match state.store.put(&messages) {
                true => Applier::At(Memory {
                    counter: state.store.counter,
                    ..memory
                }),
                false => Applier::Down,
            },
            (CrashApplier(_), Applier::Down) => return None,
            (CrashApplier(_), _) => Applier::Down,
            _ => return None,
        };
        Some(())
    }

    fn look(state: &State) -> Place {
        Place {
            born: state.born,
            last: state.feed.len(),
            told: state.feed.last().map_or(0, |last| last.sequence),
        }
    }

    fn compare(&self, store: &mut Store, place: Place) {
        let lost = store.feed_born != place.born;
        if self.has(Guard::Compare) {
            store.mark_through(place.told, true);
            if place.told > 0 || lost {
                store.mark_through(place.told, false);
            }
        }
        store.feed_born = place.born;
    }

    fn publish(&self, state: &mut State, place: Place) -> Option<Publisher> {
        let pending = state.store.pending();
        let first = pending.first()?;
        if first.sequence <= place.told && self.has(Guard::ToldLongSince) {
            state.store.mark_through(place.told, true);
            return Some(Publisher::At(place));
        }
        if state.strays > 1 {
            return None;
        }
        state.wire.extend(pending.iter().copied().zip(place.last..));
        if !self.has(Guard::MarkLast) {
            state.store.mark_through(usize::MAX, true);
        }
        Some(Publisher::Sending {
            place,
            sent: pending,
            stored: 0,
            refused: false,
        })
    }

    fn arrive(&self, state: &mut State) -> Option<()> {
        if state.wire.is_empty() {
            return None;
        }
        let (message, expected) = state.wire.remove(0);
        let taken = state.feed.len() == expected || !self.has(Guard::ExpectedSequence);
        if taken {
            state.feed.push(message);
            match state.meant.get(message.sequence - 1) {
                Some(meant) => state.changed |= *meant != message.position,
                None => state.meant.push(message.position),
            }
        }
        if state.strays > 0 {
            state.strays -= 1;
        } else if let Publisher::Sending {
            stored, refused, ..
        } = &mut state.publisher
        {
            match taken && !*refused {
                true => *stored += 1,
                false => *refused = true,
            }
        }
        Some(())
    }

    fn mark(state: &mut State, sent: &[Message], stored: usize) {
        for (message, mark) in &mut state.store.outbox {
            *mark |= sent[..stored].contains(message);
        }
    }

    fn publisher_step(&self, state: &mut State, action: &Action) -> Option<()> {
        let publisher = state.publisher.clone();
        state.publisher = match (action, publisher) {
            (Look, Publisher::Down) => Publisher::Comparing(Self::look(state)),
            (Look, Publisher::At(place)) => {
                let now = Self::look(state);
                if now.born == place.born && now.last == place.last {
                    return None;
                }
                Publisher::Comparing(now)
            }
            (Compare, Publisher::Comparing(place)) => {
                self.compare(&mut state.store, place);
                Publisher::At(place)
            }
            (Publish, Publisher::At(place)) => self.publish(state, place)?,
            (
                Mark,
                Publisher::Sending {
                    place,
                    sent,
                    stored,
                    refused,
                },
            ) => {
                if !refused && stored < sent.len() {
                    return None;
                }
                Self::mark(state, &sent, stored);
                state.strays = state.wire.len();
                match refused {
                    true => Publisher::Down,
                    false => Publisher::At(Place {
                        last: place.last + stored,
                        ..place
                    }),
                }
            }
            (GiveUp, Publisher::Sending { sent, stored, .. }) => {
                Self::mark(state, &sent, stored);
                state.strays = state.wire.len();
                Publisher::Down
            }
            (CrashPublisher, Publisher::Down) => return None,
            (CrashPublisher, _) => {
                state.strays = state.wire.len();
                Publisher::Down
            }
            _ => return None,
        };
        Some(())
    }
}

impl Model for Outbox {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            store: Store::default(),
            appliers: vec![Applier::Down; self.instances],
            publisher: Publisher::Down,
            wire: Vec::new(),
            strays: 0,
            born: 1,
            feed: Vec::new(),
            meant: Vec::new(),
            changed: false,
            faults: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for at in 0..self.instances {
            actions.extend([
                Open(at),
                BeginRebuild(at),
                NoteShape(at),
                Reload(at),
                Apply(at),
            ]);
            actions.extend([Deliver(at, 1), Deliver(at, 2)]);
            if state.faults > 0 {
                actions.extend([DeliverWithGap(at), CrashApplier(at)]);
            }
        }
        actions.extend([Look, Compare, Publish, Arrive, Mark, StraysVanish]);
        if state.faults > 0 {
            actions.extend([GiveUp, CrashPublisher, LoseDatabase, Wipe, Upgrade]);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        if Self::is_fault(&action) {
            next.faults -= 1;
        }
        match action {
            Open(at)
            | BeginRebuild(at)
            | NoteShape(at)
            | Reload(at)
            | Deliver(at, _)
            | DeliverWithGap(at)
            | Apply(at)
            | CrashApplier(at) => {
                self.applier_step(&mut next, at, &action)?;
            }
            Look | Compare | Publish | Mark | GiveUp | CrashPublisher => {
                self.publisher_step(&mut next, &action)?;
            }
            Arrive => self.arrive(&mut next)?,
            StraysVanish if next.strays == 0 => return None,
            StraysVanish => {
                next.wire.drain(..next.strays);
                next.strays = 0;
            }
            LoseDatabase => {
                next.store = Store::default();
                next.appliers.fill(Applier::Down);
                next.publisher = Publisher::Down;
                next.strays = next.wire.len();
            }
            Wipe => {
                next.feed.clear();
                next.born += 1;
            }
            Upgrade if next.store.has_old_shape => return None,
            Upgrade => next.store.has_old_shape = true,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("4 a feed reads 1, 2, 3", |_, state: &State| {
                (1..)
                    .zip(&state.feed)
                    .all(|(number, message)| message.sequence == number)
            }),
            Property::always(
                "5 a number means one message for ever",
                |_, state: &State| !state.changed,
            ),
            Property::always("4 each event is told once", |_, state: &State| {
                let told = state.meant.windows(2).all(|pair| pair[0] < pair[1]);
                let mut outbox = state.store.outbox.windows(2);
                told && outbox.all(|pair| pair[0].0.position < pair[1].0.position)
            }),
            Property::always("16 rows are those of the checkpoint", |_, state: &State| {
                state
                    .store
                    .rows
                    .iter()
                    .copied()
                    .eq(1..=state.store.checkpoint)
            }),
            Property::sometimes("a late message is refused", |_, state: &State| {
                state.strays > 0
                    && state
                        .wire
                        .first()
                        .is_some_and(|(_, at)| *at < state.feed.len())
            }),
            Property::sometimes(
                "a rebuild stands before what was told",
                |_, state: &State| state.store.gate > state.store.checkpoint,
            ),
        ]
    }
}
