//! Records what happened. Judges nothing, ends for every sequence of events.

use std::cmp::max;
use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shikaku_schemas::event::{
    CommissionedTicket, Event, EventHead, NotCommissionedObserved, PersonDetails,
    QualificationLost, QualificationObserved, UnknownLoss, Verified,
};
use shikaku_schemas::value::{AsOf, FacilityCode, Method, Month, QualificationId, Validity};

use super::held;
use super::state::{
    KnownLoss, KnownMonth, KnownQualification, KnownTicket, PatientState, SeenLoss,
};

/// What the envelope of an event says besides its payload: which facility's fact it is, and the centre's time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The facility.
    pub facility: Option<FacilityCode>,
    /// The centre's time.
    pub as_of: Option<AsOf>,
}

impl From<&EventHead> for Origin {
    fn from(head: &EventHead) -> Self {
        Self {
            facility: head.facility.clone(),
            as_of: head.as_of,
        }
    }
}

impl Origin {
    /// The centre's time, or the beginning of the day that was confirmed.
    pub(crate) fn as_of_or(&self, confirmed_on: Date) -> AsOf {
        self.as_of.unwrap_or_else(|| beginning_of(confirmed_on))
    }
}

fn beginning_of(day: Date) -> AsOf {
    AsOf::from_compact(&format!(
        "{:04}{:02}{:02}000000",
        day.year(),
        day.month(),
        day.day()
    ))
    .unwrap_or(AsOf(jiff::Timestamp::MIN))
}

/// State after all of `events`; `None` stands for a payload whose key was destroyed.
pub fn replay<'a>(events: impl IntoIterator<Item = (Origin, Option<&'a Event>)>) -> PatientState {
    let mut state = PatientState::default();
    for (origin, event) in events {
        match event {
            Some(event) => evolve(&mut state, &origin, event),
            None => evolve_erased(&mut state),
        }
    }
    state
}

/// Records that something happened whose payload is gone: the record exists, and nothing else is known.
pub fn evolve_erased(state: &mut PatientState) {
    state.seen = true;
}

/// Records one event. Events of other streams change nothing.
pub fn evolve(state: &mut PatientState, origin: &Origin, event: &Event) {
    match event {
        Event::PatientFirstSeen(first) => {
            state.seen = true;
            state.provisional = first.provisional;
            state.person = first.person.clone();
        }
        Event::PatientNumbered(numbered) => {
            state.patient_number = Some(numbered.patient_number.clone());
            state.provisional = false;
        }
        Event::QualificationGranted(observed)
        | Event::QualificationAmended(observed)
        | Event::QualificationResumed(observed) => {
            let resumed = matches!(event, Event::QualificationResumed(_));
            state.observe(observed, origin.as_of_or(observed.confirmed_on), resumed);
        }
        Event::QualificationLost(lost) => {
            state.lose(lost, origin.as_of_or(lost.confirmed_on));
        }
        Event::QualificationSuperseded(superseded) => {
            if let Some(known) = state.qualification_mut(superseded.qualification_id) {
                known.superseded = true;
                known.superseded_by = superseded.superseded_by;
            }
        }
        Event::CommissionedTicketArrived(ticket) | Event::CommissionedTicketRevised(ticket) => {
            state.see_ticket(origin, ticket);
        }
        Event::CommissionedTicketWithdrawn(withdrawn) => {
            if let Some(at) = state.ticket_index(origin.facility.as_ref(), &withdrawn.key) {
                state.tickets[at].withdrawn = true;
            }
        }
        Event::NotCommissionedObserved(notice) => state.wait(origin, notice),
        Event::Verified(verified) => state.verify(origin, verified),
        _ => held::evolve(state, origin, event),
    }
}

impl PatientState {
    fn qualification_mut(&mut self, id: QualificationId) -> Option<&mut KnownQualification> {
        self.qualifications.iter_mut().find(|known| known.id == id)
    }

    fn observe(&mut self, observed: &QualificationObserved, as_of: AsOf, resumed: bool) {
        self.provisional = false;
        if let Some(known) = self.qualification_mut(observed.qualification_id) {
            known.details = observed.details.clone();
            known.person = observed.person.clone();
            known.confirmed_on = observed.confirmed_on;
            known.method = observed.method;
            known.valid_as_of = max(known.valid_as_of, as_of);
            known.superseded &= !resumed;
            return;
        }
        let newer_as_of = self
            .unknown_losses
            .iter()
            .find(|seen| seen.lost.qualification_id == observed.qualification_id)
            .and_then(|seen| seen.newer_as_of);
        self.qualifications.push(KnownQualification {
            id: observed.qualification_id,
            details: observed.details.clone(),
            person: observed.person.clone(),
            confirmed_on: observed.confirmed_on,
            method: observed.method,
            valid_as_of: as_of,
            loss: None,
            newer_as_of,
            valid_at: BTreeSet::new(),
            superseded: false,
            superseded_by: None,
        });
    }

    /// A loss told again behind late knowledge keeps the centre's time at which it was first told.
    fn lose(&mut self, lost: &QualificationLost, as_of: AsOf) {
        let before = self
            .unknown_losses
            .iter()
            .find(|seen| seen.lost.qualification_id == lost.qualification_id)
            .map(|seen| seen.as_of);
        if let Some(known) = self.qualification_mut(lost.qualification_id) {
            let known_as_of = known.loss.as_ref().map(|loss| loss.as_of);
            known.loss = Some(KnownLoss {
                as_of: [before, known_as_of].into_iter().flatten().fold(as_of, max),
                lost: lost.clone(),
            });
        }
    }

    fn see_ticket(&mut self, origin: &Origin, ticket: &CommissionedTicket) {
        let as_of = origin.as_of_or(ticket.confirmed_on);
        match self.ticket_index(origin.facility.as_ref(), &ticket.key()) {
            Some(at) => {
                let known = &mut self.tickets[at];
                known.content = ticket.clone();
                known.as_of = max(known.as_of, as_of);
                known.withdrawn = false;
            }
            None => self.tickets.push(KnownTicket {
                facility: origin.facility.clone(),
                content: ticket.clone(),
                as_of,
                withdrawn: false,
            }),
        }
        if ticket.ticket.institution_matches {
            let month = self.month_mut(origin.facility.as_ref(), ticket.ticket.treatment_month);
            month.commissioned_as_of = max(month.commissioned_as_of, Some(as_of));
            month.announced = false;
        }
    }

    fn wait(&mut self, origin: &Origin, notice: &NotCommissionedObserved) {
        let as_of = origin.as_of_or(notice.confirmed_on);
        let month = self.month_mut(origin.facility.as_ref(), notice.month);
        month.waiting_as_of = max(month.waiting_as_of, Some(as_of));
        month.announced = true;
        month.notice = Some(notice.clone());
    }

    fn month_mut(&mut self, facility: Option<&FacilityCode>, month: Month) -> &mut KnownMonth {
        let at = self
            .months
            .iter()
            .position(|known| known.facility.as_ref() == facility && known.month == month)
            .unwrap_or_else(|| {
                self.months.push(KnownMonth {
                    facility: facility.cloned(),
                    month,
                    waiting_as_of: None,
                    commissioned_as_of: None,
                    announced: false,
                    notice: None,
                });
                self.months.len() - 1
            });
        &mut self.months[at]
    }

    fn verify(&mut self, origin: &Origin, verified: &Verified) {
        if verified.method == Method::LocalCopy {
            return;
        }
        let as_of = origin.as_of_or(verified.confirmed_on);
        self.name(&verified.person, as_of);
        self.check(origin, verified.method, as_of);
        for half in &verified.qualifications {
            let scheme = half.scheme.as_ref().map_or("unknown", |code| &code.0);
            let verified_as_of = self
                .verified_as_of
                .entry(scheme.to_owned())
                .or_insert(as_of);
            *verified_as_of = max(*verified_as_of, as_of);
            if half.validity == Validity::NotCommissioned {
                let month =
                    self.month_mut(origin.facility.as_ref(), Month::of(verified.confirmed_on));
                month.waiting_as_of = max(month.waiting_as_of, Some(as_of));
            }
            if let Some(known) = half
                .qualification_id
                .and_then(|id| self.qualification_mut(id))
            {
                known.see_again(half.validity, as_of);
                if half.validity == Validity::Valid {
                    known.valid_at.extend(origin.facility.clone());
                }
            }
        }
        for index in &verified.sightings.tickets {
            self.see_ticket_again(*index, origin, as_of);
        }
        for loss in &verified.sightings.unknown_losses {
            self.see_unknown_loss(loss, verified, as_of);
        }
    }

    fn check(&mut self, origin: &Origin, method: Method, as_of: AsOf) {
        let Some(facility) = &origin.facility else {
            return;
        };
        if matches!(method, Method::Card | Method::Ticket) {
            self.checked_at.insert(facility.clone());
        }
        if method == Method::Card {
            let carded = self.carded_as_of.entry(facility.clone()).or_insert(as_of);
            *carded = max(*carded, as_of);
        }
    }

    fn name(&mut self, person: &PersonDetails, as_of: AsOf) {
        let newer = match self.person_as_of {
            None => true,
            Some(known) if known == as_of => rank(person) > rank(&self.person),
            Some(known) => as_of > known,
        };
        if newer && *person != PersonDetails::default() {
            self.person = person.clone();
            self.person_as_of = Some(as_of);
        }
    }

    fn see_ticket_again(&mut self, index: u32, origin: &Origin, as_of: AsOf) {
        let known = usize::try_from(index)
            .ok()
            .and_then(|index| self.tickets.get_mut(index));
        let Some(known) = known else { return };
        known.as_of = max(known.as_of, as_of);
        let ticket = &known.content.ticket;
        if ticket.institution_matches {
            let month = ticket.treatment_month;
            let month = self.month_mut(origin.facility.as_ref(), month);
            month.commissioned_as_of = max(month.commissioned_as_of, Some(as_of));
        }
    }

    fn see_unknown_loss(&mut self, loss: &UnknownLoss, verified: &Verified, as_of: AsOf) {
        let lost = QualificationLost {
            qualification_id: loss.qualification_id,
            scheme: None,
            ended_on: loss.ended_on,
            valid_to: loss.valid_to,
            reason_of_loss: loss.reason_of_loss.clone(),
            confirmed_on: verified.confirmed_on,
            method: verified.method,
        };
        let newer_as_of = loss.newer.then_some(as_of);
        let seen = self
            .unknown_losses
            .iter_mut()
            .find(|seen| seen.lost.qualification_id == loss.qualification_id);
        match seen {
            Some(seen) => {
                seen.newer_as_of = max(seen.newer_as_of, newer_as_of);
                if (as_of, loss_rank(&lost)) > (seen.as_of, loss_rank(&seen.lost)) {
                    seen.as_of = as_of;
                    seen.lost = lost;
                }
            }
            None => self.unknown_losses.push(SeenLoss {
                as_of,
                lost,
                newer_as_of,
            }),
        }
    }
}

impl KnownQualification {
    fn see_again(&mut self, validity: Validity, as_of: AsOf) {
        match validity {
            Validity::Valid => self.valid_as_of = max(self.valid_as_of, as_of),
            Validity::Lost | Validity::LostWithNewer => {
                if let Some(loss) = &mut self.loss {
                    loss.as_of = max(loss.as_of, as_of);
                }
                if validity == Validity::LostWithNewer {
                    self.newer_as_of = max(self.newer_as_of, Some(as_of));
                }
            }
            _ => {}
        }
    }
}

/// Orders two statements of the same second, so that the order of arrival does not.
pub(super) fn rank(statement: &impl serde::Serialize) -> String {
    serde_json::to_string(statement).unwrap_or_default()
}

/// What a loss says, without who asked and when.
pub(super) fn loss_rank(lost: &QualificationLost) -> (Option<Date>, Option<Date>, Option<String>) {
    (lost.ended_on, lost.valid_to, lost.reason_of_loss.clone())
}
