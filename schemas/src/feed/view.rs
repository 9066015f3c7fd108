//! What is known of one record, folded from its events: the read model behind feeds and `state`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assistance::{Assistance, word_after};
use super::table::rows;
use super::{ASSISTANCE_CHANGED, Audience, FeedVariant};
use crate::event::{Event, EventHead};
use crate::value::{AsOf, FacilityCode, Method, Month, PatientNumber, Position, QualificationId};

/// Months of tickets that a view keeps, counted back from the newest.
const MONTHS_KEPT: i32 = 14;

/// One record. Its chart number is that of the numbering; everything else is told facility by facility,
/// because a ticket seen at one says nothing at another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordView {
    /// The chart number, once known.
    pub patient: Option<PatientNumber>,
    /// The person must not be disclosed (DV).
    pub non_disclosed: bool,
    /// What each facility was told.
    pub facilities: BTreeMap<FacilityCode, FacilityView>,
}

/// One record at one facility.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FacilityView {
    /// The department's word, once an answer gave one.
    pub assistance: Option<Assistance>,
    /// What departments were told last.
    pub told: Option<(Option<PatientNumber>, Assistance)>,
    /// Facts that stand, by what they are about.
    pub standing: BTreeMap<String, Standing>,
}

/// A fact that no later one has replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Where it was recorded.
    pub position: Position,
    /// When.
    pub recorded_at: Timestamp,
    /// The centre's time.
    pub as_of: Option<AsOf>,
    /// The fact.
    pub event: Event,
}

impl RecordView {
    /// Takes one event in. Keeps only what `variant` may be told of, so that a row never holds more than
    /// its feed needs. Applying an event again changes nothing.
    pub fn apply(&mut self, variant: FeedVariant, head: &EventHead, event: &Event) {
        match event {
            Event::PatientNumbered(numbered) => {
                self.patient = Some(numbered.patient_number.clone());
            }
            Event::NonDisclosureFlagged(_) => self.non_disclosed = true,
            Event::NonDisclosureCleared(_) => self.non_disclosed = false,
            _ => {}
        }
        let Some(facility) = &head.facility else {
            return;
        };
        let at = self.facilities.entry(facility.clone()).or_default();
        if let Event::Verified(verified) = event {
            at.assistance = word_after(at.assistance, verified);
        }
        if is_kept(variant, event) {
            at.stand(head, event);
        }
    }
}

fn is_kept(variant: FeedVariant, event: &Event) -> bool {
    if variant.audience != Audience::Department {
        return rows(variant.audience, event.kind()).next().is_some();
    }
    // A department's only fact is the word; its variant adds the insurance block of the day.
    let insurance = match event {
        Event::QualificationGranted(held)
        | Event::QualificationAmended(held)
        | Event::QualificationResumed(held) => held.details.scheme.as_ref(),
        Event::QualificationLost(lost) => lost.scheme.as_ref(),
        _ => None,
    };
    variant.insurance_fields
        && rows(variant.audience, ASSISTANCE_CHANGED).next().is_some()
        && insurance.is_some_and(crate::value::SchemeCode::is_insurance)
}

impl FacilityView {
    /// Whether this facility holds a ticket made out to it.
    pub fn holds_ticket(&self) -> bool {
        self.standing.values().any(|fact| match &fact.event {
            Event::CommissionedTicketArrived(seen) | Event::CommissionedTicketRevised(seen) => {
                seen.ticket.institution_matches
            }
            _ => false,
        })
    }

    /// Months that stand as 未委託.
    pub fn waiting_months(&self) -> Vec<Month> {
        self.standing
            .values()
            .filter_map(|fact| match &fact.event {
                Event::NotCommissionedObserved(waiting) => Some(waiting.month),
                _ => None,
            })
            .collect()
    }

    fn stand(&mut self, head: &EventHead, event: &Event) {
        match event {
            Event::CommissionedTicketArrived(seen) | Event::CommissionedTicketRevised(seen) => {
                let month = seen.ticket.treatment_month;
                self.put(ticket_key(&seen.key()), head, event);
                self.standing.remove(&format!("requested|{month}"));
                if seen.ticket.institution_matches {
                    self.remove_older(&format!("waiting|{month}"), head.as_of);
                }
            }
            Event::CommissionedTicketWithdrawn(gone) => {
                self.standing.remove(&ticket_key(&gone.key));
            }
            Event::NotCommissionedObserved(waiting) => {
                let tickets = format!("ticket|{}|", waiting.month);
                let superseded = self.standing.iter().any(|(key, fact)| {
                    key.starts_with(&tickets) && fact.as_of > head.as_of && is_ours(&fact.event)
                });
                if !superseded {
                    self.standing.retain(|key, _| !key.starts_with(&tickets));
                    self.put(format!("waiting|{}", waiting.month), head, event);
                }
            }
            Event::ConsentEnded(ended) => {
                let of = format!("consent|{}|", ended.scope);
                self.standing.retain(|key, _| !key.starts_with(&of));
            }
            Event::ReferenceNumberLapsed(lapsed) => {
                self.standing
                    .remove(&reference_key(lapsed.qualification_id));
            }
            Event::Verified(verified) if verified.late => {}
            other => {
                if let Some(key) = standing_key(other) {
                    self.put(key, head, event);
                }
            }
        }
        self.forget_old_months();
    }

    fn put(&mut self, key: String, head: &EventHead, event: &Event) {
        self.standing.insert(
            key,
            Standing {
                position: head.position,
                recorded_at: head.recorded_at,
                as_of: head.as_of,
                event: event.clone(),
            },
        );
    }

    fn remove_older(&mut self, key: &str, as_of: Option<AsOf>) {
        if self
            .standing
            .get(key)
            .is_some_and(|fact| fact.as_of <= as_of)
        {
            self.standing.remove(key);
        }
    }

    fn forget_old_months(&mut self) {
        let count = |month: Month| i32::from(month.year) * 12 + i32::from(month.month);
        let newest = self.standing.keys().filter_map(|key| month_in(key)).max();
        if let Some(newest) = newest.map(count) {
            self.standing.retain(|key, _| {
                month_in(key).is_none_or(|month| newest - count(month) < MONTHS_KEPT)
            });
        }
    }
}

fn is_ours(event: &Event) -> bool {
    matches!(
        event,
        Event::CommissionedTicketArrived(seen) | Event::CommissionedTicketRevised(seen)
            if seen.ticket.institution_matches
    )
}

fn ticket_key(key: &crate::event::TicketKey) -> String {
    let identity = serde_json::to_string(key).unwrap_or_default();
    format!("ticket|{}|{identity}", key.treatment_month)
}

fn standing_key(event: &Event) -> Option<String> {
    Some(match event {
        Event::QualificationGranted(held)
        | Event::QualificationAmended(held)
        | Event::QualificationResumed(held) => format!("qualification|{}", held.qualification_id),
        Event::QualificationLost(lost) => format!("qualification|{}", lost.qualification_id),
        Event::QualificationSuperseded(gone) => format!("superseded|{}", gone.qualification_id),
        Event::Verified(verified) if verified.method == Method::LocalCopy => {
            "local-copy".to_owned()
        }
        Event::Verified(_) => "verified".to_owned(),
        Event::ReferenceNumberRegistered(known) => reference_key(known.qualification_id),
        Event::ConsentRecorded(given) => format!("consent|{}|{}", given.scope, given.source),
        Event::MedicalInformationReceived(held) => format!("medical|{}", held.scope),
        Event::TicketSourcedOffline(told) => {
            let identity = serde_json::to_string(&told.ticket.key()).unwrap_or_default();
            format!("offline|{}|{identity}", told.ticket.ticket.treatment_month)
        }
        Event::TicketRequested(asked) => format!("requested|{}", asked.month),
        _ => return None,
    })
}

/// Both halves of 併用 can have the same number, and each lapses for itself.
fn reference_key(of: Option<QualificationId>) -> String {
    format!(
        "reference|{}",
        of.map_or_else(String::new, |id| id.to_string())
    )
}

/// The month in a key about one: `ticket|2026-05|…`, `waiting|2026-05`.
fn month_in(key: &str) -> Option<Month> {
    let mut parts = key.split('|');
    matches!(
        parts.next()?,
        "ticket" | "waiting" | "offline" | "requested"
    )
    .then(|| parts.next()?.parse().ok())?
}
