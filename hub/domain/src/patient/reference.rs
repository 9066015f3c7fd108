//! 照会番号: which a facility's qualifications lack, what registers one, when it lapses.
//!
//! A number is registered at the centre by one facility for one qualification. What an answer carries *is*
//! registered; a blank one is to be registered once the chart number is known, for each half of 併用. While
//! the newest month known at the facility is 未委託 the assistance half waits, because its numbers must not be used.

use jiff::civil::Date;
use shikaku_schemas::event::{
    Event, QualificationDetails, ReferenceNumberLapsed, ReferenceNumberRegistered,
};
use shikaku_schemas::group::ReferenceNumberRule;
use shikaku_schemas::task::{QualificationNumbers, ReferenceQuestion};
use shikaku_schemas::value::{
    AsOf, FacilityCode, PatientNumber, QualificationId, ReferenceNumber, SchemeCode, Validity,
};

use super::command::{PatientRejection, RecordRegistration, RecordVerification};
use super::human::Human;
use super::qualification::find;
use super::reading::Reading;
use super::state::{KnownQualification, KnownReference, PatientState};
use crate::{FacilityFacts, text};

/// A registration that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registrable {
    /// How often a number of it lapsed here: what tells a registration from the one before.
    pub lapses: u32,
    /// Whether a number is registered already.
    pub registered: bool,
    /// What to ask. With `strip-zeros` this is the chart number as it stands: zeros are never made up.
    pub question: ReferenceQuestion,
}

/// Every registration that can be asked for at `facility` on day `on`: of each half of the record that it saw valid
/// and that still is, assistance and insurance. None without a chart number, and none where 照会番号 mean nothing.
pub fn registrable(human: &Human<'_>, facility: &FacilityFacts, on: Date) -> Vec<Registrable> {
    let Some(number) = sent_number(human, facility) else {
        return Vec::new();
    };
    let waiting = human.waits(&facility.code);
    let state = human.record;
    state
        .qualifications
        .iter()
        .filter(|known| known.valid_at.contains(&facility.code) && known.covers(on))
        .filter(|known| known.is_insurance() || (known.is_assistance() && !waiting))
        .filter_map(|known| {
            let reference = state.reference(Some(&facility.code), known.id);
            Some(Registrable {
                lapses: reference.map_or(0, |reference| reference.lapses),
                registered: human.is_registered(&facility.code, known),
                question: ReferenceQuestion {
                    reference_number: ReferenceNumber(number.0.clone()),
                    numbers: numbers_of(&known.details)?,
                },
            })
        })
        .collect()
}

/// Those of them whose number is not registered.
pub fn missing_registrations(
    human: &Human<'_>,
    facility: &FacilityFacts,
    on: Date,
) -> Vec<Registrable> {
    let mut missing = registrable(human, facility, on);
    missing.retain(|registration| !registration.registered);
    missing
}

/// The numbers of a qualification, as requests carry them.
pub(super) fn numbers_of(details: &QualificationDetails) -> Option<QualificationNumbers> {
    let insurance = details
        .scheme
        .as_ref()
        .is_some_and(SchemeCode::is_insurance);
    let (insurer_number, number) = if insurance {
        (details.insurer_number.clone()?, details.number.clone()?)
    } else {
        (
            details.payer_number.as_ref()?.0.clone(),
            details.recipient_number.as_ref()?.0.clone(),
        )
    };
    Some(QualificationNumbers {
        insurer_number,
        symbol: details.symbol.clone(),
        number,
        branch: details.branch.clone(),
    })
}

fn sent_number<'a>(human: &Human<'a>, facility: &FacilityFacts) -> Option<&'a PatientNumber> {
    let ruled_out = human.record.erased || facility.reference_number == ReferenceNumberRule::None;
    human.chart_number().filter(|_| !ruled_out)
}

/// What the centre said of one registration.
pub(super) fn record(
    state: &PatientState,
    command: &RecordRegistration,
) -> Result<Vec<Event>, PatientRejection> {
    let same = |left: &QualificationNumbers, right: &QualificationNumbers| {
        text::number(&left.insurer_number) == text::number(&right.insurer_number)
            && text::number(&left.number) == text::number(&right.number)
            && folded(left.symbol.as_deref()) == folded(right.symbol.as_deref())
    };
    let known = state
        .qualifications
        .iter()
        .find(|known| {
            numbers_of(&known.details).is_some_and(|numbers| same(&numbers, &command.numbers))
        })
        .ok_or(PatientRejection::QualificationUnknown)?;
    let number = &command.reference_number;
    // It ended while the registration was under way: the number has lapsed with it.
    if known.is_lost() || is_registered(state, &command.facility, known.id, number) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ReferenceNumberRegistered(
        ReferenceNumberRegistered {
            reference_number: number.clone(),
            qualification_id: Some(known.id),
        },
    )])
}

fn folded(part: Option<&str>) -> String {
    part.map(text::number).unwrap_or_default()
}

fn is_registered(
    state: &PatientState,
    facility: &FacilityCode,
    id: QualificationId,
    number: &ReferenceNumber,
) -> bool {
    state
        .reference(Some(facility), id)
        .is_some_and(|known| known.number.as_ref() == Some(number))
}

/// Decides about the 照会番号 of one answer.
pub(super) struct References<'a> {
    pub(super) command: &'a RecordVerification,
    pub(super) as_of: AsOf,
}

impl References<'_> {
    /// Numbers that came with what is valid, where they are news.
    pub(super) fn carried(&self, state: &PatientState, reading: &Reading<'_>) -> Vec<Event> {
        if self.command.facility.reference_number == ReferenceNumberRule::None {
            return Vec::new();
        }
        let mut events = Vec::new();
        for half in &reading.halves {
            let number = half
                .record
                .and_then(|record| record.reference_number.clone());
            let known = half
                .numbers
                .as_ref()
                .filter(|_| half.decisive && half.validity == Validity::Valid)
                .and_then(|numbers| find(state, numbers));
            if let (Some(number), Some(known)) = (number, known)
                && self.is_news(state, known, &number)
            {
                events.push(Event::ReferenceNumberRegistered(
                    ReferenceNumberRegistered {
                        reference_number: number,
                        qualification_id: Some(known.id),
                    },
                ));
            }
        }
        events.dedup();
        events
    }

    fn is_news(
        &self,
        state: &PatientState,
        known: &KnownQualification,
        number: &ReferenceNumber,
    ) -> bool {
        let registered = state.reference(Some(&self.command.facility.code), known.id);
        !known.is_lost()
            && registered.is_none_or(|registered| {
                registered.number.as_ref() != Some(number)
                    && registered.as_of < Some(self.as_of)
                    && known.valid_as_of <= self.as_of
            })
    }

    /// Numbers that hang on what `granted` follows: of the same scheme, and not valid in this answer too.
    pub(super) fn followed(
        &self,
        state: &PatientState,
        reading: &Reading<'_>,
        granted: &[QualificationId],
    ) -> Vec<Event> {
        let still_valid: Vec<QualificationId> = reading
            .halves
            .iter()
            .filter(|half| half.validity == Validity::Valid)
            .filter_map(|half| find(state, half.numbers.as_ref()?))
            .map(|known| known.id)
            .collect();
        let schemes: Vec<_> = granted
            .iter()
            .filter_map(|id| state.qualification(*id))
            .filter(|known| known.is_insurance() || known.is_assistance())
            .map(|known| &known.details.scheme)
            .collect();
        state
            .references
            .iter()
            .filter(|reference| reference.facility.as_ref() == Some(&self.command.facility.code))
            .filter(|reference| {
                reference
                    .qualification_id
                    .and_then(|id| state.qualification(id))
                    .is_some_and(|known| {
                        schemes.contains(&&known.details.scheme)
                            && known.valid_as_of < self.as_of
                            && !still_valid.contains(&known.id)
                    })
            })
            .filter_map(lapse)
            .collect()
    }
}

/// The number of `reference` lapses, if there is one.
pub(super) fn lapse(reference: &KnownReference) -> Option<Event> {
    Some(Event::ReferenceNumberLapsed(ReferenceNumberLapsed {
        reference_number: reference.number.clone()?,
        qualification_id: reference.qualification_id,
    }))
}
