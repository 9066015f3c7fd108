//! How a history is gathered from events, and what of it may be shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use shikaku_schemas::event::{
    ConsentRecorded, Event, EventHead, QualificationDetails, QualificationLost,
    QualificationObserved, Verified,
};
use shikaku_schemas::value::{
    FacilityCode, Method, Month, Position, QualificationId, RecordId, ReferenceNumber, SchemeCode,
    Validity,
};

use super::HistoryQuestion;
use super::period::Periods;
use super::view::{
    History, NotCommissionedView, Opened, QualificationView, TicketView, VerificationView,
};
use crate::patient::{
    KnownMonth, KnownQualification, KnownTicket, Origin, PatientState, evolve, evolve_erased,
};

/// What is gathered of one qualification on the way.
struct Told {
    id: QualificationId,
    details: QualificationDetails,
    periods: Periods,
    months: BTreeSet<Month>,
    lost: Option<QualificationLost>,
    superseded_by: Option<QualificationId>,
    confirmed_on: Date,
    method: Method,
    position: Position,
}

#[derive(Default)]
struct Gathered {
    state: PatientState,
    told: Vec<Told>,
    verifications: Vec<VerificationView>,
    reference_number: Option<ReferenceNumber>,
    payload_gone: bool,
}

pub(super) fn build(events: &[&Opened], question: &HistoryQuestion) -> History {
    let mut gathered = Gathered::default();
    for (head, event) in events {
        match event {
            Some(event) => gathered.take(head, event),
            None => {
                gathered.payload_gone = true;
                evolve_erased(&mut gathered.state);
            }
        }
    }
    let last = events.last().map(|(head, _)| head);
    gathered.finish(
        last.and_then(|head| head.patient.or_else(|| head.stream.record())),
        last.map_or(Position(0), |head| head.position),
        question,
    )
}

impl Gathered {
    fn take(&mut self, head: &EventHead, event: &Event) {
        evolve(&mut self.state, &Origin::from(head), event);
        match event {
            Event::QualificationGranted(observed)
            | Event::QualificationAmended(observed)
            | Event::QualificationResumed(observed) => {
                let resumed = matches!(event, Event::QualificationResumed(_));
                self.observe(head, observed, resumed);
            }
            Event::QualificationLost(lost) => {
                if let Some(told) = self.known(lost.qualification_id) {
                    told.periods.lose(lost);
                    told.lost = Some(lost.clone());
                    told.position = head.position;
                }
            }
            Event::QualificationSuperseded(superseded) => {
                if let Some(told) = self.known(superseded.qualification_id) {
                    told.superseded_by = superseded.superseded_by;
                    told.position = head.position;
                }
            }
            Event::CommissionedTicketArrived(ticket) | Event::CommissionedTicketRevised(ticket) => {
                if let Some(told) = ticket.qualification_id.and_then(|id| self.known(id)) {
                    told.months.insert(ticket.ticket.treatment_month);
                }
            }
            Event::Verified(verified) => self.verify(head, verified),
            Event::RecordErased(_) => {
                self.payload_gone = true;
                self.told.clear();
                self.verifications.clear();
                self.reference_number = None;
            }
            _ => {}
        }
    }

    fn observe(&mut self, head: &EventHead, observed: &QualificationObserved, resumed: bool) {
        let told = self.told(observed.qualification_id, head, observed.confirmed_on);
        told.details = observed.details.clone();
        told.confirmed_on = observed.confirmed_on;
        told.method = observed.method;
        told.position = head.position;
        told.months.insert(Month::of(observed.confirmed_on));
        if resumed {
            told.periods.resume(&observed.details);
            told.lost = None;
            told.superseded_by = None;
        } else {
            told.periods.state(&observed.details);
        }
    }

    fn verify(&mut self, head: &EventHead, verified: &Verified) {
        for half in &verified.qualifications {
            let told = half.qualification_id.and_then(|id| self.known(id));
            if let (Some(told), Validity::Valid) = (told, half.validity) {
                told.months.insert(Month::of(verified.confirmed_on));
            }
        }
        if verified.reference_number.is_some() {
            self.reference_number = verified.reference_number.clone();
        }
        self.verifications.push(verification(head, verified));
    }

    fn known(&mut self, id: QualificationId) -> Option<&mut Told> {
        self.told.iter_mut().find(|told| told.id == id)
    }

    fn told(&mut self, id: QualificationId, head: &EventHead, confirmed_on: Date) -> &mut Told {
        let at = self
            .told
            .iter()
            .position(|told| told.id == id)
            .unwrap_or_else(|| {
                self.told.push(Told {
                    id,
                    details: QualificationDetails::default(),
                    periods: Periods::default(),
                    months: BTreeSet::new(),
                    lost: None,
                    superseded_by: None,
                    confirmed_on,
                    method: Method::Card,
                    position: head.position,
                });
                self.told.len() - 1
            });
        &mut self.told[at]
    }

    fn finish(
        self,
        record: Option<RecordId>,
        position: Position,
        question: &HistoryQuestion,
    ) -> History {
        let of_facility = |facility: &Option<FacilityCode>| {
            question.facility.is_none() || *facility == question.facility
        };
        let months: Vec<&KnownMonth> = self
            .state
            .months
            .iter()
            .filter(|month| of_facility(&month.facility))
            .collect();
        let waiting: BTreeSet<Month> = months
            .iter()
            .filter(|month| month.is_waiting())
            .map(|month| month.month)
            .collect();
        let day = question.valid_on;
        let verifications: Vec<VerificationView> = self
            .verifications
            .into_iter()
            .filter(|verified| of_facility(&verified.facility))
            .filter(|verified| day.is_none_or(|day| verified.confirmed_on == day))
            .collect();
        History {
            record,
            valid_on: day,
            position,
            erased: self.payload_gone,
            provisional: self.state.provisional,
            patient: self.state.patient_number.clone(),
            person: self.state.person.clone(),
            reference_number: self.reference_number,
            inconsistent: verifications.iter().any(|verified| verified.inconsistent),
            non_disclosure: self.state.non_disclosure,
            qualifications: self
                .told
                .into_iter()
                .filter(|told| day.is_none_or(|day| told.periods.covers(day)))
                .map(|told| {
                    let known = self.state.qualification(told.id);
                    let superseded = known.is_some_and(KnownQualification::is_superseded);
                    qualification(told, superseded, day, &waiting)
                })
                .collect(),
            tickets: self
                .state
                .tickets
                .iter()
                .filter(|ticket| of_facility(&ticket.facility))
                .filter(|ticket| day.is_none_or(|day| ticket_covers(ticket, day)))
                .map(|known| ticket(known, &waiting))
                .collect(),
            not_commissioned: not_commissioned(&months, day),
            verifications,
            consents: self
                .state
                .consents
                .iter()
                .filter(|known| of_facility(&known.facility))
                .map(|known| &known.consent)
                .filter(|consent| day.is_none_or(|day| consent_covers(consent, day)))
                .cloned()
                .collect(),
            medical_information: self
                .state
                .medical
                .iter()
                .filter(|known| of_facility(&known.facility))
                .map(|known| known.received.clone())
                .collect(),
        }
    }
}

fn verification(head: &EventHead, verified: &shikaku_schemas::event::Verified) -> VerificationView {
    VerificationView {
        position: head.position,
        recorded_at: head.recorded_at,
        as_of: head.as_of,
        facility: head.facility.clone(),
        confirmed_on: verified.confirmed_on,
        method: verified.method,
        validity: verified.validity,
        coverage: verified.coverage,
        qualifications: verified.qualifications.clone(),
        other_institution: verified.other_institution,
        without_ticket: verified.without_ticket,
        inconsistent: verified.inconsistent,
        late: verified.late,
    }
}

/// On a day of a 未委託 month the assistance half goes without its id and numbers; without a day, it goes
/// without them when no month but 未委託 ones told them.
fn qualification(
    told: Told,
    superseded: bool,
    day: Option<Date>,
    waiting: &BTreeSet<Month>,
) -> QualificationView {
    let insurance = told
        .details
        .scheme
        .as_ref()
        .is_some_and(SchemeCode::is_insurance);
    let known_in_months: Vec<Month> = told
        .months
        .into_iter()
        .filter(|month| insurance || !waiting.contains(month))
        .collect();
    let hidden = !insurance
        && match day {
            Some(day) => waiting.contains(&Month::of(day)),
            None => known_in_months.is_empty(),
        };
    let mut details = told.details;
    if hidden {
        details.payer_number = None;
        details.recipient_number = None;
        details.extra = BTreeMap::new();
    }
    let validity = match (&told.lost, day) {
        // Listed for a day because it covers it.
        (_, Some(_)) | (None, None) => Validity::Valid,
        (Some(_), None) if superseded => Validity::LostWithNewer,
        (Some(_), None) => Validity::Lost,
    };
    if let Some(period) = told.periods.0.last() {
        details.valid_from = period.valid_from;
        details.valid_to = period.valid_to;
    }
    QualificationView {
        qualification_id: (!hidden).then_some(told.id),
        validity,
        details,
        numbers_hidden: hidden,
        known_in_months,
        periods: told.periods.0,
        ended_on: told.lost.as_ref().and_then(|lost| lost.ended_on),
        reason_of_loss: told.lost.and_then(|lost| lost.reason_of_loss),
        superseded_by: told.superseded_by,
        confirmed_on: told.confirmed_on,
        method: told.method,
        position: told.position,
    }
}

fn ticket(known: &KnownTicket, waiting: &BTreeSet<Month>) -> TicketView {
    let mut content = known.content.clone();
    if waiting.contains(&content.ticket.treatment_month) {
        content.qualification_id = None;
        content.payer_number = None;
        content.recipient_number = None;
        content.ticket.issue_number = None;
    }
    TicketView {
        facility: known.facility.clone(),
        content,
        withdrawn: known.withdrawn,
    }
}

/// A ticket's end is inclusive; a blank end is the last day of its month.
fn ticket_covers(known: &KnownTicket, day: Date) -> bool {
    let ticket = &known.content.ticket;
    let month = ticket.treatment_month;
    let from = ticket.valid_from.unwrap_or_else(|| month.first_day());
    let last = ticket.valid_to.unwrap_or_else(|| month.last_day());
    from <= day && day <= last
}

fn consent_covers(consent: &ConsentRecorded, day: Date) -> bool {
    consent.given_at.is_none_or(|given| given.day() <= day)
        && consent
            .available_until
            .is_none_or(|until| day <= until.day())
}

fn not_commissioned(months: &[&KnownMonth], day: Option<Date>) -> Vec<NotCommissionedView> {
    let mut views: Vec<NotCommissionedView> = months
        .iter()
        .filter(|month| month.waiting_as_of.is_some())
        .filter(|month| day.is_none_or(|day| Month::of(day) == month.month))
        .map(|month| NotCommissionedView {
            facility: month.facility.clone(),
            month: month.month,
            welfare_office: month
                .notice
                .as_ref()
                .and_then(|notice| notice.welfare_office.clone()),
            waiting: month.is_waiting(),
            as_of: month.waiting_as_of,
        })
        .collect();
    views.sort_by(|left, right| (left.month, &left.facility).cmp(&(right.month, &right.facility)));
    views
}
