//! Recording what a facility holds of a person besides qualifications and tickets: consents, 照会番号, medical
//! information.

use std::cmp::max;

use shikaku_schemas::event::{ConsentRecorded, Event, MedicalInformationReceived};
use shikaku_schemas::value::QualificationId;

use super::evolve::Origin;
use super::state::{KnownConsent, KnownMedical, KnownReference, PatientState};

/// What is kept of each facility as it was told.
pub(super) fn evolve(state: &mut PatientState, origin: &Origin, event: &Event) {
    match event {
        Event::ConsentRecorded(consent) => state.consent(origin, consent),
        Event::ConsentEnded(ended) => state.consents.retain(|known| {
            known.consent.scope != ended.scope || known.facility != origin.facility
        }),
        Event::ReferenceNumberRegistered(registered) => {
            let known = state.reference_mut(origin, registered.qualification_id);
            known.number = Some(registered.reference_number.clone());
            known.as_of = max(known.as_of, origin.as_of);
        }
        Event::ReferenceNumberLapsed(lapsed) => {
            let known = state.reference_mut(origin, lapsed.qualification_id);
            known.number = None;
            known.as_of = max(known.as_of, origin.as_of);
            known.lapses = known.lapses.saturating_add(1);
        }
        Event::MedicalInformationReceived(received) => state.hold(origin, received),
        Event::RecordErased(_) => {
            *state = PatientState {
                seen: true,
                erased: true,
                ..PatientState::default()
            };
        }
        Event::NonDisclosureFlagged(_) => state.non_disclosure = true,
        Event::NonDisclosureCleared(_) => state.non_disclosure = false,
        _ => {}
    }
}

impl PatientState {
    fn consent(&mut self, origin: &Origin, consent: &ConsentRecorded) {
        self.consents.retain(|known| {
            known.facility != origin.facility
                || (known.consent.scope, known.consent.source) != (consent.scope, consent.source)
        });
        self.consents.push(KnownConsent {
            facility: origin.facility.clone(),
            consent: consent.clone(),
        });
    }

    fn reference_mut(
        &mut self,
        origin: &Origin,
        qualification_id: Option<QualificationId>,
    ) -> &mut KnownReference {
        let at = self
            .references
            .iter()
            .position(|known| {
                known.facility == origin.facility && known.qualification_id == qualification_id
            })
            .unwrap_or_else(|| {
                self.references.push(KnownReference {
                    facility: origin.facility.clone(),
                    qualification_id,
                    number: None,
                    as_of: None,
                    lapses: 0,
                });
                self.references.len() - 1
            });
        &mut self.references[at]
    }

    fn hold(&mut self, origin: &Origin, received: &MedicalInformationReceived) {
        self.medical.retain(|known| {
            known.facility != origin.facility || known.received.scope != received.scope
        });
        self.medical.push(KnownMedical {
            facility: origin.facility.clone(),
            as_of: origin.as_of,
            received: received.clone(),
        });
    }
}
