//! What lies at the desks now, for screens alone: in memory, rebuilt by what comes next.
//!
//! A card at a desk and the face file that follows at that desk's terminal are *shown* together. Nothing here
//! leads to a record's events, to an identity key or into the ledger: a face file is never assigned to anybody
//! because of a card.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lru::LruCache;
use shikaku_schemas::group::{Desk, Facility};
use shikaku_schemas::observation::{
    CardEnd, CardKind, CardPresented, CardRemoved, Observation, ObservationBody, OqsFolder,
};
use shikaku_schemas::value::{FacilityCode, ObservationId, PatientNumber, RecordId};
use tokio::sync::broadcast;

/// A card taken away shortly before a face file came still belongs beside it.
const STILL_BESIDE: Duration = Duration::from_secs(60);
/// Reader and terminal may hang on different machines.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);
/// Face files whose company is remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
/// News that a slow reader may lag behind.
const NEWS: usize = 256;

/// A card as a screen may show it. `patient` and `staff` are personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardShown {
    /// The facility.
    pub facility: FacilityCode,
    /// The desk.
    pub desk: String,
    /// Which kind of card.
    pub card: CardKind,
    /// The chart number on it.
    pub patient: Option<PatientNumber>,
    /// The staff account it stands for.
    pub staff: Option<String>,
    /// The record of that chart number, if it has one.
    pub record: Option<RecordId>,
}

/// What happened at a desk, told once it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskNews {
    /// When the adapter saw it.
    pub at: Timestamp,
    /// The card.
    pub shown: CardShown,
    /// Why it went; `None`: it came.
    pub ended: Option<CardEnd>,
}

/// The cards at every desk. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Desks {
    state: Arc<Mutex<State>>,
    news: broadcast::Sender<DeskNews>,
}

#[derive(Debug)]
struct State {
    /// The latest card of each configured reader.
    readers: HashMap<(FacilityCode, String), Lying>,
    beside: LruCache<ObservationId, Vec<CardShown>>,
}

#[derive(Debug)]
struct Lying {
    presented: ObservationId,
    shown: CardShown,
    since: Timestamp,
    until: Option<Timestamp>,
}

impl Desks {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                readers: HashMap::new(),
                beside: LruCache::new(REMEMBERED),
            })),
            news: broadcast::channel(NEWS).0,
        }
    }

    /// Everything committed from now on.
    pub fn follow(&self) -> broadcast::Receiver<DeskNews> {
        self.news.subscribe()
    }

    /// The cards that lay at the desk of the terminal when this face file came.
    pub fn beside(&self, face_file: &ObservationId) -> Vec<CardShown> {
        self.state()
            .beside
            .peek(face_file)
            .cloned()
            .unwrap_or_default()
    }

    /// Takes note of an observation under decision, so that what rests on it is known before its event is. Noting
    /// it again changes nothing. Gives what to tell once it is committed.
    pub(crate) fn note(
        &self,
        facility: &Facility,
        seen: &Observation,
        record: Option<RecordId>,
    ) -> Option<DeskNews> {
        match &seen.body {
            ObservationBody::CardPresented(card) => self.presented(facility, seen, card, record),
            ObservationBody::CardRemoved(card) => self.removed(seen, card),
            ObservationBody::OqsAnswer(answer) if answer.folder == OqsFolder::Face => {
                self.face(facility, seen);
                None
            }
            _ => None,
        }
    }

    /// Tells what is committed now.
    pub(crate) fn tell(&self, news: DeskNews) {
        // Nobody may be looking.
        drop(self.news.send(news));
    }

    fn presented(
        &self,
        facility: &Facility,
        seen: &Observation,
        card: &CardPresented,
        record: Option<RecordId>,
    ) -> Option<DeskNews> {
        let shown = CardShown {
            facility: seen.facility.clone(),
            desk: card.desk.clone(),
            card: card.card,
            patient: card.patient.clone(),
            staff: card.staff.clone(),
            record,
        };
        if is_configured(facility, &card.desk, &seen.device) {
            let reader = (seen.facility.clone(), seen.device.clone());
            let lying = Lying {
                presented: seen.observation_id,
                shown: shown.clone(),
                since: seen.seen_at,
                until: None,
            };
            self.state().readers.insert(reader, lying);
        }
        Some(DeskNews {
            at: seen.seen_at,
            shown,
            ended: None,
        })
    }

    fn removed(&self, seen: &Observation, card: &CardRemoved) -> Option<DeskNews> {
        let mut state = self.state();
        let reader = (seen.facility.clone(), seen.device.clone());
        let lying = state.readers.get_mut(&reader);
        let lying = lying.filter(|lying| lying.presented == card.presented);
        let known = lying.map(|lying| {
            lying.until = Some(seen.seen_at);
            lying.shown.clone()
        });
        let shown = known.unwrap_or_else(|| CardShown {
            facility: seen.facility.clone(),
            desk: card.desk.clone(),
            card: card.card,
            patient: None,
            staff: None,
            record: None,
        });
        Some(DeskNews {
            at: seen.seen_at,
            shown,
            ended: Some(card.reason),
        })
    }

    fn face(&self, facility: &Facility, seen: &Observation) {
        let Some(desk) = facility.desk_of_terminal(&seen.device) else {
            return;
        };
        let mut state = self.state();
        let company: Vec<_> = desk
            .readers
            .iter()
            .filter_map(|reader| {
                state
                    .readers
                    .get(&(seen.facility.clone(), reader.id.clone()))
            })
            .filter(|lying| lying.is_beside(seen.seen_at))
            .map(|lying| lying.shown.clone())
            .collect();
        if !company.is_empty() {
            state.beside.put(seen.observation_id, company);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lying {
    fn is_beside(&self, at: Timestamp) -> bool {
        let span = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::ZERO);
        self.since.duration_since(at) <= span(CLOCKS_DIFFER)
            && self
                .until
                .is_none_or(|until| at.duration_since(until) <= span(STILL_BESIDE))
    }
}

/// Only configured readers take room.
fn is_configured(facility: &Facility, desk: &str, reader: &str) -> bool {
    let named = |at: &Desk| at.id == desk && at.readers.iter().any(|known| known.id == reader);
    facility.desks.iter().any(named)
}

#[cfg(test)]
mod tests;
