//! Consents: what an answer tells of them, and whether one permits a request now.
//!
//! Only a consent given at the card reader of the facility permits a request there, and only until its
//! 閲覧可能期限, which is compared whenever it matters. The newest card is the person's newest word: what it does
//! not consent to any more has ended.

use jiff::Timestamp;
use shikaku_schemas::event::{ConsentEnded, ConsentRecorded, Event};
use shikaku_schemas::value::{AsOf, ConsentScope, ConsentSource, FacilityCode, Method};

use super::command::{PatientRejection, RecordVerification};
use super::state::PatientState;

/// Decides about the consents of one answer.
pub(super) struct Consents<'a> {
    pub(super) command: &'a RecordVerification,
    pub(super) as_of: AsOf,
}

impl Consents<'_> {
    /// A flag in a card's answer is a consent given at the reader; elsewhere staff entered it. A card older
    /// than the newest tells nothing.
    pub(super) fn told(&self, state: &PatientState) -> Vec<Event> {
        let answer = &self.command.answer;
        let given: Vec<_> = answer
            .records
            .iter()
            .flat_map(|record| &record.consents)
            .collect();
        let source = match answer.method {
            Method::Card => ConsentSource::Card,
            _ => ConsentSource::Entered,
        };
        let facility = &self.command.facility.code;
        let newest = state.carded_as_of.get(facility).copied();
        if source == ConsentSource::Card && newest > Some(self.as_of) {
            return Vec::new();
        }
        let mut events: Vec<Event> = Vec::new();
        for consent in &given {
            let told = Event::ConsentRecorded(ConsentRecorded {
                scope: consent.scope,
                source,
                given_at: consent.given_at,
                available_until: consent.available_until,
            });
            let news = consent_of(state, facility, consent.scope, source).is_none_or(|known| {
                (consent.given_at, consent.available_until)
                    > (known.given_at, known.available_until)
            });
            if news && !events.contains(&told) {
                events.push(told);
            }
        }
        if source == ConsentSource::Card && newest < Some(self.as_of) {
            let scopes: Vec<ConsentScope> = given.iter().map(|consent| consent.scope).collect();
            events.extend(self.ended(state, &scopes));
        }
        events
    }

    fn ended<'e>(
        &'e self,
        state: &'e PatientState,
        given: &'e [ConsentScope],
    ) -> impl Iterator<Item = Event> + 'e {
        let facility = Some(&self.command.facility.code);
        let at = self.as_of.0;
        state
            .consents
            .iter()
            .filter(move |known| known.facility.as_ref() == facility)
            .map(|known| &known.consent)
            .filter(|known| known.source == ConsentSource::Card && !given.contains(&known.scope))
            .filter(move |known| known.available_until.is_none_or(|until| until.0 > at))
            .map(move |known| {
                Event::ConsentEnded(ConsentEnded {
                    scope: known.scope,
                    ended_at: at,
                })
            })
    }
}

/// A consent that staff entered, where it is news.
pub(super) fn entered(
    state: &PatientState,
    facility: &FacilityCode,
    consent: ConsentRecorded,
) -> Vec<Event> {
    let consent = ConsentRecorded {
        source: ConsentSource::Entered,
        ..consent
    };
    let known = consent_of(state, facility, consent.scope, ConsentSource::Entered);
    if known == Some(&consent) {
        return Vec::new();
    }
    vec![Event::ConsentRecorded(consent)]
}

/// Whether a live consent at the card reader of `facility` permits to ask for `scope` now; until when.
///
/// # Errors
/// The rule that forbids it. A consent that staff entered permits nothing.
pub fn permission(
    state: &PatientState,
    facility: &FacilityCode,
    scope: ConsentScope,
    now: Timestamp,
) -> Result<AsOf, PatientRejection> {
    let Some(card) = consent_of(state, facility, scope, ConsentSource::Card) else {
        let entered = consent_of(state, facility, scope, ConsentSource::Entered).is_some();
        return Err(match entered {
            true => PatientRejection::ConsentEnteredOnly,
            false => PatientRejection::ConsentMissing,
        });
    };
    let until = card
        .available_until
        .ok_or(PatientRejection::ConsentWithoutEnd)?;
    if until.0 < now {
        return Err(PatientRejection::ConsentOver);
    }
    Ok(until)
}

fn consent_of<'s>(
    state: &'s PatientState,
    facility: &FacilityCode,
    scope: ConsentScope,
    source: ConsentSource,
) -> Option<&'s ConsentRecorded> {
    state
        .consents
        .iter()
        .filter(|known| known.facility.as_ref() == Some(facility))
        .map(|known| &known.consent)
        .find(|known| (known.scope, known.source) == (scope, source))
}
