//! How a history is built and what it shows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shikaku_schemas::event::{
    CommissionedTicket, ConsentRecorded, Event, EventHead, HalfVerified, PersonDetails,
    QualificationDetails, QualificationLost,
};
use shikaku_schemas::value::{
    AsOf, Coverage, FacilityCode, Method, Month, PatientNumber, Position, QualificationId,
    RecordId, ReferenceNumber, Validity,
};

use super::HistoryQuestion;
use super::period::{Period, Periods};
use crate::patient::{
    KnownMonth, KnownQualification, KnownTicket, Origin, PatientState, evolve, evolve_erased,
};

/// An event of the stream; without a payload when its key was destroyed.
pub type Opened = (EventHead, Option<Event>);

/// One record's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The record.
    pub record: Option<RecordId>,
    /// The day asked about.
    pub valid_on: Option<Date>,
    /// The last event it rests on.
    pub position: Position,
    /// Payloads are gone for good.
    pub erased: bool,
    /// Known by name only.
    pub provisional: bool,
    /// The chart number.
    pub patient: Option<PatientNumber>,
    /// Who, by the newest answer.
    #[serde(flatten)]
    pub person: PersonDetails,
    /// 照会番号 of the newest answer that told one.
    pub reference_number: Option<ReferenceNumber>,
    /// Some answer shown here contradicts itself.
    pub inconsistent: bool,
    /// Must not be disclosed.
    pub non_disclosure: bool,
    /// Qualifications, in order of arrival.
    pub qualifications: Vec<QualificationView>,
    /// Tickets, in order of arrival.
    pub tickets: Vec<TicketView>,
    /// Months seen 未委託, oldest first.
    pub not_commissioned: Vec<NotCommissionedView>,
    /// Answers, in order of arrival.
    pub verifications: Vec<VerificationView>,
    /// Consents.
    pub consents: Vec<ConsentRecorded>,
}

/// One qualification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualificationView {
    /// Its id; null when the day's month is 未委託.
    pub qualification_id: Option<QualificationId>,
    /// `valid`, `lost` or `lost-with-newer`, on the day asked about or by the newest knowledge.
    pub validity: Validity,
    /// What is known of it; its numbers only where `numbers_hidden` is false.
    #[serde(flatten)]
    pub details: QualificationDetails,
    /// Numbers are known from other months, and not shown because this month is 未委託.
    pub numbers_hidden: bool,
    /// Months whose answers or tickets told the numbers.
    pub known_in_months: Vec<Month>,
    /// Covered periods, oldest first.
    pub periods: Vec<Period>,
    /// First day not covered, as received.
    pub ended_on: Option<Date>,
    /// OQSCD008.
    pub reason_of_loss: Option<String>,
    /// Its successor, where known.
    pub superseded_by: Option<QualificationId>,
    /// 資格確認日 of the event that told this last.
    pub confirmed_on: Date,
    /// How it was checked then.
    pub method: Method,
    /// The event that told this last.
    pub position: Position,
}

/// One ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketView {
    /// The facility that was told.
    pub facility: Option<FacilityCode>,
    /// What it says; without numbers when its month is 未委託 by newer knowledge.
    #[serde(flatten)]
    pub content: CommissionedTicket,
    /// No longer registered.
    pub withdrawn: bool,
}

/// One month seen 未委託 at one facility.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotCommissionedView {
    /// The facility.
    pub facility: Option<FacilityCode>,
    /// The month.
    pub month: Month,
    /// 福祉事務所名.
    pub welfare_office: Option<String>,
    /// Whether no newer ticket of the month is known.
    pub waiting: bool,
    /// The newest answer that said so.
    pub as_of: Option<AsOf>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerificationView {
    /// Where it stands in the ledger.
    pub position: Position,
    /// When it became known.
    pub recorded_at: jiff::Timestamp,
    /// The centre's time.
    pub as_of: Option<AsOf>,
    /// The facility that asked.
    pub facility: Option<FacilityCode>,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// How.
    pub method: Method,
    /// Of the leading half.
    pub validity: Validity,
    /// Which halves there were.
    pub coverage: Coverage,
    /// Each half.
    pub qualifications: Vec<HalfVerified>,
    /// The ticket of the month was another institution's.
    pub other_institution: bool,
    /// 資格あり・券なし.
    pub without_ticket: bool,
    /// It contradicted itself.
    pub inconsistent: bool,
    /// It was late knowledge.
    pub late: bool,
}

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
                let told = self.told(observed.qualification_id, head, observed.confirmed_on);
                told.details = observed.details.clone();
                told.confirmed_on = observed.confirmed_on;
                told.method = observed.method;
                told.position = head.position;
                told.months.insert(Month::of(observed.confirmed_on));
                if matches!(event, Event::QualificationResumed(_)) {
                    told.periods.resume(&observed.details);
                    told.lost = None;
                    told.superseded_by = None;
                } else {
                    told.periods.state(&observed.details);
                }
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
            Event::Verified(verified) => {
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
            Event::RecordErased(_) => {
                self.payload_gone = true;
                self.told.clear();
                self.verifications.clear();
                self.reference_number = None;
            }
            _ => {}
        }
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
                .filter(|consent| day.is_none_or(|day| consent_covers(consent, day)))
                .cloned()
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
        .is_some_and(shikaku_schemas::value::SchemeCode::is_insurance);
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
