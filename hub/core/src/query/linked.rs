//! Records of one human, as they are linked.

use std::collections::HashMap;

use shikaku_domain::identity::person::{self, PersonState};
use shikaku_domain::patient::{Origin, PatientState, replay};
use shikaku_ledger::LedgerError;
use shikaku_schemas::group::Facility;
use shikaku_schemas::value::{PersonId, RecordId, StreamId};

use super::{KnownAt, Opened, Queries};

impl Queries {
    /// The person that a record is linked to.
    pub(super) async fn person(&self, record: RecordId) -> Result<Option<PersonId>, LedgerError> {
        Ok(self.persons(&[record]).await?.remove(&record))
    }

    /// The persons that records are linked to; those that are not have no entry.
    pub(crate) async fn persons(
        &self,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, PersonId>, LedgerError> {
        let keys: Vec<_> = records.iter().map(|it| self.digests.person(*it)).collect();
        let found = match keys.is_empty() {
            true => HashMap::new(),
            false => self.ledger.resolve(&keys).await?,
        };
        let linked = records.iter().zip(&keys);
        let linked =
            linked.filter_map(|(record, key)| Some((*record, PersonId(found.get(key)?.0))));
        Ok(linked.collect())
    }

    /// The records linked to a person, in a fixed order.
    pub(crate) async fn records_of(&self, person: PersonId) -> Result<Vec<RecordId>, LedgerError> {
        self.linked_at(person, None).await
    }

    /// Records that were linked to a person at a moment.
    async fn linked_at(
        &self,
        person: PersonId,
        known_at: Option<KnownAt>,
    ) -> Result<Vec<RecordId>, LedgerError> {
        let mut state = PersonState::default();
        for (head, event) in self.stream(&StreamId::person(person)).await? {
            if let Some(event) = event.filter(|_| known_at.is_none_or(|at| at.includes(&head))) {
                person::evolve(&mut state, &event);
            }
        }
        Ok(state.records.into_iter().collect())
    }

    /// What is known on the other records of the same human that are of the chart numbering of `place`.
    pub(crate) async fn linked_states(
        &self,
        place: &Facility,
        record: RecordId,
    ) -> Result<Vec<PatientState>, LedgerError> {
        let linked = self.linked_events(place, record, None).await?;
        Ok(linked.iter().map(|events| state_of(events)).collect())
    }

    /// The same as events, record by record; erased ones are left out, and with them what was linked later than a
    /// moment that is asked about.
    pub(super) async fn linked_events(
        &self,
        place: &Facility,
        record: RecordId,
        known_at: Option<KnownAt>,
    ) -> Result<Vec<Vec<Opened>>, LedgerError> {
        let Some(person) = self.person(record).await? else {
            return Ok(Vec::new());
        };
        let mut linked = Vec::new();
        let records = self.linked_at(person, known_at).await?;
        if !records.contains(&record) {
            return Ok(Vec::new());
        }
        for other in records {
            let events = self.stream(&StreamId::patient(other)).await?;
            let is_near = other != record && self.is_of_numbering(place, &events);
            if is_near && !state_of(&events).erased {
                linked.push(events);
            }
        }
        Ok(linked)
    }

    /// Whether a record is of the chart numbering that `place` uses.
    pub(super) fn is_of_numbering(&self, place: &Facility, events: &[Opened]) -> bool {
        events
            .iter()
            .filter_map(|(head, _)| head.facility.as_ref())
            .filter_map(|code| self.group.facility(code))
            .any(|other| other.numbering() == place.numbering())
    }
}

/// A record as its events leave it.
pub(super) fn state_of(events: &[Opened]) -> PatientState {
    let told = events.iter();
    replay(told.map(|(head, event)| (Origin::from(head), event.as_ref())))
}
