//! Medical information: what may be asked for, with which numbers and months, and what came.
//!
//! Each request needs a live consent of its scope, asked again when the terminal is told. What came is evidence;
//! only that it is held is recorded.

use jiff::Timestamp;
use jiff::civil::Date;
use shikaku_schemas::event::{Event, MedicalInformationReceived};
use shikaku_schemas::oqs::medical::{FIRST_CHECKUP_MONTH, FIRST_DRUG_MONTH};
use shikaku_schemas::task::{CheckupQuestion, DrugQuestion, QualificationNumbers, TaskBody};
use shikaku_schemas::value::{AsOf, ConsentScope, FacilityCode, Month};

use super::command::PatientRejection;
use super::consent::permission;
use super::human::Human;
use super::reference::numbers_of;
use super::state::{KnownQualification, PatientState};

/// From when medical information of people under 医療扶助 exists (guide, table 3-2), and how far back is asked
/// for unless somebody says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MedicalMonths {
    /// The first month of drugs and treatments.
    pub first_drug: Month,
    /// The first month of check-ups.
    pub first_checkup: Month,
    /// Months asked for by default, the present one included.
    pub months_back: u32,
}

impl Default for MedicalMonths {
    fn default() -> Self {
        Self {
            first_drug: FIRST_DRUG_MONTH,
            first_checkup: FIRST_CHECKUP_MONTH,
            months_back: 36,
        }
    }
}

/// What somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MedicalWish {
    /// `drug`, `treatment` or `checkup`.
    pub scope: ConsentScope,
    /// The first month; none = as far back as is usual.
    pub from: Option<Month>,
    /// The last month; none = the present one.
    pub to: Option<Month>,
}

/// The request that fulfils a wish. Months before the guide's first are left out; check-ups are asked for without
/// months, because their request has none.
///
/// # Errors
/// The rule that forbids it.
pub fn medical_question(
    state: &PatientState,
    facility: &FacilityCode,
    wish: &MedicalWish,
    months: &MedicalMonths,
    (on, now): (Date, Timestamp),
) -> Result<TaskBody, PatientRejection> {
    if state.erased {
        return Err(PatientRejection::RecordErased);
    }
    for scope in needed(wish.scope)? {
        permission(state, facility, *scope, now)?;
    }
    let (known, numbers) = asked_with(state, facility, on)?;
    let first = match (known.is_assistance(), wish.scope) {
        (false, _) => None,
        (true, ConsentScope::Checkup) => Some(months.first_checkup),
        (true, _) => Some(months.first_drug),
    };
    let to = wish.to.unwrap_or_else(|| Month::of(on));
    if first.is_some_and(|first| to < first) {
        return Err(PatientRejection::BeforeFirstMonth);
    }
    let usual = || back(to, months.months_back.saturating_sub(1));
    let from = wish.from.unwrap_or_else(usual);
    let from = first.map_or(from, |first| first.max(from));
    if to < from {
        return Err(PatientRejection::MonthsReversed);
    }
    if wish.scope == ConsentScope::Checkup {
        return Ok(TaskBody::CheckupInfo(CheckupQuestion { numbers }));
    }
    let treatments = permission(state, facility, ConsentScope::Treatment, now);
    Ok(TaskBody::DrugInfo(DrugQuestion {
        numbers,
        from,
        to,
        with_treatments: treatments.is_ok(),
    }))
}

/// Until when a request may be handed to a terminal and submitted there; `None` for one that rests on no consent.
///
/// # Errors
/// The rule that forbids it by now.
pub fn still_permitted(
    state: &PatientState,
    facility: &FacilityCode,
    body: &TaskBody,
    now: Timestamp,
) -> Result<Option<AsOf>, PatientRejection> {
    if state.erased {
        return Err(PatientRejection::RecordErased);
    }
    let scopes: &[ConsentScope] = match body {
        TaskBody::DrugInfo(asked) if asked.with_treatments => {
            &[ConsentScope::Drug, ConsentScope::Treatment]
        }
        TaskBody::DrugInfo(_) => &[ConsentScope::Drug],
        TaskBody::CheckupInfo(_) => &[ConsentScope::Checkup],
        _ => &[],
    };
    let ends = scopes
        .iter()
        .map(|scope| permission(state, facility, *scope, now));
    let ends: Vec<AsOf> = ends.collect::<Result<_, _>>()?;
    Ok(ends.into_iter().min_by_key(|end| end.0))
}

/// Treatments come together with drugs, so both must be consented to.
fn needed(scope: ConsentScope) -> Result<&'static [ConsentScope], PatientRejection> {
    match scope {
        ConsentScope::Drug => Ok(&[ConsentScope::Drug]),
        ConsentScope::Treatment => Ok(&[ConsentScope::Treatment, ConsentScope::Drug]),
        ConsentScope::Checkup => Ok(&[ConsentScope::Checkup]),
        _ => Err(PatientRejection::ScopeNotAsked),
    }
}

/// The assistance half where its numbers may be used, else the insurance.
fn asked_with<'s>(
    state: &'s PatientState,
    facility: &FacilityCode,
    on: Date,
) -> Result<(&'s KnownQualification, QualificationNumbers), PatientRejection> {
    let waiting = Human::alone(state).waits(facility);
    let valid = || {
        let all = state.qualifications.iter().rev();
        all.filter(|known| known.valid_at.contains(facility) && known.covers(on))
    };
    let assistance = valid().find(|known| known.is_assistance() && !waiting);
    let chosen = assistance.or_else(|| valid().find(|known| known.is_insurance()));
    chosen
        .and_then(|known| Some((known, numbers_of(&known.details)?)))
        .ok_or(match waiting {
            true => PatientRejection::NotCommissioned,
            false => PatientRejection::NumbersUnknown,
        })
}

fn back(month: Month, by: u32) -> Month {
    let count = (i32::from(month.year) * 12 + i32::from(month.month) - 1)
        .saturating_sub(i32::try_from(by).unwrap_or(i32::MAX))
        .max(0);
    Month {
        year: i16::try_from(count / 12).unwrap_or(0),
        month: i8::try_from(count % 12 + 1).unwrap_or(1),
    }
}

/// That something is held, unless the same bytes told so before.
pub(super) fn received(
    state: &PatientState,
    facility: &FacilityCode,
    told: Vec<MedicalInformationReceived>,
) -> Vec<Event> {
    told.into_iter()
        .filter(|received| {
            !state.medical.iter().any(|known| {
                known.facility.as_ref() == Some(facility) && known.received == *received
            })
        })
        .map(Event::MedicalInformationReceived)
        .collect()
}
