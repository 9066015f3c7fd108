//! The checker: promises that hold at every moment, and those that hold once all is quiet.

mod as_of;
mod audience;
mod identity;
mod quiet;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use shikaku_broker::Outgoing;
use shikaku_ledger::{Backup, MemoryDatabase};
use shikaku_schemas::event::{EventHead, SealedEvent};
use shikaku_schemas::observation::{Committed, Observation};
use shikaku_schemas::topology::{self, FEED_SEQUENCE};
use shikaku_schemas::value::{EventId, EvidenceId, ObservationId, Position};

use crate::node::Sky;
use crate::server::{Watcher, header};

pub use quiet::{Taken, settled};

/// Where a feed message belongs: variant, facility, and the epoch that it tells of.
type Feed = (String, String, u32);

/// One message of a feed, as told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub ce_id: String,
    pub body: Value,
}

/// Watches everything the broker takes.
pub struct Checker {
    sky: Arc<Sky>,
    database: MemoryDatabase,
    seen: Mutex<Known>,
    asked: Mutex<Questions>,
}

/// How often each promise was really looked at.
pub type Questions = BTreeMap<&'static str, u64>;

#[derive(Default)]
struct Known {
    evidence: BTreeMap<ObservationId, EvidenceId>,
    /// What a restore took from the ledger.
    forgotten: Forgotten,
    /// The last number in each life of a feed's stream.
    last: BTreeMap<(String, u64, Feed), u64>,
    /// What each number of a feed was given to, for ever in its epoch.
    told: BTreeMap<Feed, BTreeMap<u64, Told>>,
}

/// What a ledger held that was put back since.
#[derive(Default)]
struct Forgotten {
    answered: BTreeSet<ObservationId>,
    events: BTreeSet<(Position, EventId)>,
    restores: u64,
}

impl Checker {
    pub fn new(sky: &Arc<Sky>, database: MemoryDatabase) -> Arc<Self> {
        Arc::new(Self {
            sky: sky.clone(),
            database,
            seen: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self, what: impl Into<String>) {
        self.sky.story.broken(self.sky.millis(), what);
    }

    /// A promise is looked at, so many times.
    pub fn asked(&self, promise: &'static str, times: u64) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked.entry(promise).or_default() += times;
    }

    /// How often each was looked at.
    pub fn all_asked(&self) -> Questions {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The checker hears of an observation that rests on bytes.
    pub fn rests_on(&self, id: ObservationId, evidence: EvidenceId) {
        self.known().evidence.insert(id, evidence);
    }

    /// The database was put back, and this was there before.
    pub fn forget(&self, lost: &Backup) {
        let mut known = self.known();
        let events = lost.events().iter().map(|event| &event.head);
        known.forgotten.restores += 1;
        known.forgotten.answered.extend(lost.answered());
        known
            .forgotten
            .events
            .extend(events.map(|head| (head.position, head.event_id)));
    }

    /// How often the database was put back.
    pub fn restores(&self) -> u64 {
        self.known().forgotten.restores
    }

    /// What a restore may have taken is not missed.
    pub fn was_answered(&self, id: &ObservationId) -> bool {
        self.database.is_answered(id) || self.known().forgotten.answered.contains(id)
    }

    /// What a feed was told so far.
    pub fn told(&self, feed: &Feed) -> BTreeMap<u64, Told> {
        self.known().told.get(feed).cloned().unwrap_or_default()
    }

    fn committed(&self, message: &Outgoing) {
        let Ok(answer) = serde_json::from_slice::<Committed>(&message.payload) else {
            return self.broken("an answer to a spool can't be read");
        };
        self.asked("answered after the commit", 1);
        let id = answer.observation_id;
        if !self.was_answered(&id) {
            self.broken("invariant 1: a spool was answered before the commit");
        }
        let known = self.known();
        let is_forgotten = known.forgotten.answered.contains(&id);
        let evidence = known.evidence.get(&id).filter(|_| !is_forgotten).cloned();
        drop(known);
        if evidence.is_some_and(|evidence| !self.database.has_evidence(&evidence)) {
            self.broken("invariant 1: a spool was answered before all of its evidence was kept");
        }
    }

    fn acknowledged(&self, message: &Outgoing) {
        self.asked("acknowledged after the commit", 1);
        let seen = serde_json::from_slice::<Observation>(&message.payload);
        if seen.is_ok_and(|seen| !self.was_answered(&seen.observation_id)) {
            self.broken("invariant 1: an observation was acknowledged before the commit");
        }
    }

    fn logged(&self, sequence: u64, message: &Outgoing) {
        self.asked("LOG is the ledger", 1);
        let copied: Option<SealedEvent> = serde_json::from_slice(&message.payload).ok();
        let stored = self.database.event(sequence);
        let forgotten = |head: &EventHead| {
            let event = (head.position, head.event_id);
            head.position.0 == sequence && self.known().forgotten.events.contains(&event)
        };
        let same = copied.is_some_and(|copied| {
            stored.is_some_and(|stored| copied.head == stored.head) || forgotten(&copied.head)
        });
        if !same {
            self.broken(format!(
                "invariant 4: sequence {sequence} of LOG is not the event at that position"
            ));
        }
    }

    fn fed(&self, stream: &str, born: u64, message: &Outgoing) {
        self.asked("numbers of a feed", 1);
        let (Some((feed, number)), Some(ce_id)) = (numbered(message), header(message, "ce-id"))
        else {
            return self.broken("a feed message has no epoch, no number or no id");
        };
        let epoch = feed.2;
        let body = serde_json::from_slice(&message.payload).unwrap_or(Value::Null);
        let told = Told { ce_id, body };
        let mut known = self.known();
        let place = (stream.to_owned(), born, feed.clone());
        let last = known.last.insert(place, number);
        let is_later = |(at, life, other): &(String, u64, Feed)| {
            let same = (&other.0, &other.1) == (&feed.0, &feed.1);
            same && (at.as_str(), *life) == (stream, born) && other.2 > epoch
        };
        let late = known.last.keys().any(is_later);
        let others = known.told.entry(feed.clone()).or_default();
        let elsewhere = others
            .iter()
            .any(|(other, message)| *other != number && message.ce_id == told.ce_id);
        let before = others.insert(number, told.clone());
        drop(known);
        if last.is_some_and(|last| number != last + 1) {
            self.broken(format!(
                "invariant 4: feed {feed:?} goes from {last:?} to {number}"
            ));
        }
        if late {
            self.broken(format!("feed {feed:?} goes on behind a later epoch"));
        }
        if before.is_some_and(|before| before != told) {
            self.broken(format!(
                "invariant 4: number {number} of feed {feed:?} means two things"
            ));
        }
        if elsewhere {
            self.broken(format!(
                "invariant 4: one message has two numbers in feed {feed:?}, one of them {number}"
            ));
        }
    }
}

/// Its feed, and its number there.
fn numbered(message: &Outgoing) -> Option<(Feed, u64)> {
    let mut words = message.subject.split('.').skip(2);
    let variant = words.next()?.to_owned();
    let facility = words.next()?.to_owned();
    let epoch = header(message, topology::STORE_EPOCH)?.parse().ok()?;
    let number = header(message, FEED_SEQUENCE)?.parse().ok()?;
    Some(((variant, facility, epoch), number))
}

impl Watcher for Checker {
    fn said(&self, message: &Outgoing) {
        if message.subject.starts_with("shikaku.committed.") {
            self.committed(message);
        }
    }

    fn stored(&self, stream: &str, born: u64, sequence: u64, message: &Outgoing) {
        if stream == topology::LOG {
            self.logged(sequence, message);
        } else if stream.starts_with("FEED_") {
            self.fed(stream, born, message);
        }
    }

    fn lost(&self, stream: &str, born: u64, message: &Outgoing) {
        if let Some((feed, number)) = numbered(message).filter(|_| stream.starts_with("FEED_")) {
            // Its number comes next again, and means the same.
            let place = (stream.to_owned(), born, feed);
            match number {
                1 => drop(self.known().last.remove(&place)),
                _ => drop(self.known().last.insert(place, number - 1)),
            }
        }
    }

    fn settled(&self, stream: &str, message: &Outgoing, is_there_again: bool) {
        let is_observation =
            stream == topology::OBSERVATIONS && message.subject.starts_with("shikaku.obs.");
        if is_observation && !is_there_again {
            self.acknowledged(message);
        }
    }
}
