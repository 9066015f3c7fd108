//! One human, as far as a record and those linked with it tell.
//!
//! A ticket teaches its numbers to a record of their own when the one who waited had none. Once the two are linked, the
//! chart number, the check at the desk and 未委託 of the one are as true of the other.

use shikaku_schemas::value::{FacilityCode, Month, PatientNumber};

use super::reference::numbers_of;
use super::state::{KnownQualification, KnownReference, PatientState};

/// A record, and the other records of the same human in the same chart numbering.
#[derive(Debug, Clone)]
pub struct Human<'a> {
    /// The record that is spoken of.
    pub record: &'a PatientState,
    /// The others.
    pub linked: Vec<&'a PatientState>,
}

impl<'a> Human<'a> {
    /// A record that no other is linked with.
    pub fn alone(record: &'a PatientState) -> Self {
        Self {
            record,
            linked: Vec::new(),
        }
    }

    /// The chart number: the record's own, or the only one that the others have.
    pub fn chart_number(&self) -> Option<&'a PatientNumber> {
        let of_others = || {
            let mut numbers = self
                .linked
                .iter()
                .filter_map(|it| it.patient_number.as_ref());
            let first = numbers.next()?;
            numbers.all(|number| number == first).then_some(first)
        };
        self.record.patient_number.as_ref().or_else(of_others)
    }

    /// Whether a card or ticket check of `facility` came back for this person: only then is a registration made
    /// without anybody asking for it (guide 4.1.1(4)).
    pub fn is_checked_at(&self, facility: &FacilityCode) -> bool {
        self.all().any(|it| it.checked_at.contains(facility))
    }

    /// Whether a month is 未委託 at a facility. Of two statements of the same second 未委託 counts.
    pub fn waits_in(&self, facility: &FacilityCode, month: Month) -> bool {
        let known = || self.all().filter_map(|it| it.month(Some(facility), month));
        let waiting = known().filter_map(|it| it.waiting_as_of).max();
        waiting.is_some() && waiting >= known().filter_map(|it| it.commissioned_as_of).max()
    }

    /// Whether the newest month known at a facility is 未委託: also when the calendar has gone on since.
    pub fn waits(&self, facility: &FacilityCode) -> bool {
        let months = self.all().flat_map(|it| &it.months);
        let here = months.filter(|known| known.facility.as_ref() == Some(facility));
        let newest = here.map(|known| known.month).max();
        newest.is_some_and(|month| self.waits_in(facility, month))
    }

    /// Every qualification, the record's own first.
    pub fn qualifications(&self) -> impl Iterator<Item = &'a KnownQualification> {
        self.all().flat_map(|it| &it.qualifications)
    }

    /// Whether a 照会番号 of `known`, one of the record's own, is registered at a facility: also as that of another
    /// record that knows the same numbers, unless this one's own lapsed.
    pub(super) fn is_registered(
        &self,
        facility: &FacilityCode,
        known: &KnownQualification,
    ) -> bool {
        let has_number = |reference: &KnownReference| reference.number.is_some();
        if let Some(own) = self.record.reference(Some(facility), known.id) {
            return has_number(own);
        }
        let numbers = numbers_of(&known.details);
        self.linked.iter().any(|state| {
            let mut same = state
                .qualifications
                .iter()
                .filter(|it| numbers_of(&it.details) == numbers);
            same.any(|it| {
                state
                    .reference(Some(facility), it.id)
                    .is_some_and(has_number)
            })
        })
    }

    fn all(&self) -> impl Iterator<Item = &'a PatientState> {
        std::iter::once(self.record).chain(self.linked.iter().copied())
    }
}
