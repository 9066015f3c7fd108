//! From one command to the facts it makes.

use std::borrow::Cow;

use shikaku_schemas::event::{
    Event, HalfVerified, PatientFirstSeen, PatientNumbered, PersonDetails, Sightings, Verified,
};
use shikaku_schemas::value::{
    AsOf, Method, Month, PatientNumber, QualificationId, ReferenceNumber, Validity,
};

use super::command::{PatientCommand, PatientRejection, RecordVerification};
use super::consent::{self, Consents};
use super::coverage::coverage;
use super::evolve::{Origin, evolve};
use super::medical;
use super::month;
use super::qualification::{Qualifications, find};
use super::reading::{Half, Reading, read};
use super::reference::{self, References};
use super::state::PatientState;
use super::ticket::Tickets;
use crate::identity;

/// What `command` makes of a record in `state`: facts in the order in which they are stored.
///
/// # Errors
/// The rule that forbids it; nothing is recorded then.
pub fn decide(
    state: &PatientState,
    command: PatientCommand,
) -> Result<Vec<Event>, PatientRejection> {
    if state.erased {
        return Err(PatientRejection::RecordErased);
    }
    match command {
        PatientCommand::RecordVerification(command) => {
            if command.answer.rejected || command.answer.records.is_empty() {
                return Err(PatientRejection::AnswerNamesNobody);
            }
            Ok(Verification::new(state, &command).decide())
        }
        PatientCommand::NumberPatient(number) => number_patient(state, number),
        PatientCommand::AcceptVisit(visit) => {
            known(state)?;
            Ok(vec![Event::VisitAccepted(visit)])
        }
        PatientCommand::BookAppointment(booked) => {
            known(state)?;
            Ok(vec![Event::AppointmentBooked(booked)])
        }
        PatientCommand::RecordRegistration(registration) => reference::record(state, &registration),
        PatientCommand::EnterConsent { facility, consent } => {
            known(state)?;
            Ok(consent::entered(state, &facility, consent))
        }
        PatientCommand::ReceiveMedicalInformation { facility, received } => {
            known(state)?;
            Ok(medical::received(state, &facility, received))
        }
        PatientCommand::AddTicket(told) => month::add(state, *told),
        PatientCommand::RequestTicket(told) => month::request(state, told),
        PatientCommand::WithdrawTicket(order) => Ok(month::withdraw(state, order)),
        PatientCommand::EraseRecord(order) => {
            known(state)?;
            Ok(vec![Event::RecordErased(order)])
        }
    }
}

fn known(state: &PatientState) -> Result<(), PatientRejection> {
    if state.seen {
        Ok(())
    } else {
        Err(PatientRejection::RecordUnknown)
    }
}

fn number_patient(
    state: &PatientState,
    number: PatientNumber,
) -> Result<Vec<Event>, PatientRejection> {
    known(state)?;
    match &state.patient_number {
        None => Ok(vec![Event::PatientNumbered(PatientNumbered {
            patient_number: number,
        })]),
        Some(known) if *known == number => Ok(Vec::new()),
        Some(_) => Err(PatientRejection::NumberedOtherwise),
    }
}

/// One answer being decided. Later steps see what earlier ones recorded.
struct Verification<'a> {
    command: &'a RecordVerification,
    origin: Origin,
    as_of: AsOf,
    before: &'a PatientState,
    /// Copied when the first fact changes it: most answers tell nothing but that somebody was verified.
    working: Cow<'a, PatientState>,
    events: Vec<Event>,
    sightings: Sightings,
}

impl<'a> Verification<'a> {
    fn new(state: &'a PatientState, command: &'a RecordVerification) -> Self {
        let origin = Origin {
            facility: Some(command.facility.code.clone()),
            as_of: command.as_of,
        };
        Self {
            as_of: origin.as_of_or(command.answer.confirmed_on),
            origin,
            command,
            before: state,
            working: Cow::Borrowed(state),
            events: Vec::new(),
            sightings: Sightings::default(),
        }
    }

    fn decide(mut self) -> Vec<Event> {
        let command = self.command;
        let reading = read(&command.answer, command.facility.loss_day_is_covered);
        let person = person_of(&reading);
        self.first_seen(&person);
        if command.answer.method != Method::LocalCopy {
            self.number();
            self.qualifications(&reading);
            self.tickets(&reading);
            self.references(&reading);
            self.consents();
            self.not_commissioned(&reading, &person);
        }
        let verified = self.verified(&reading, person);
        self.events.push(Event::Verified(verified));
        self.events
    }

    fn record(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            evolve(self.working.to_mut(), &self.origin, &event);
            self.events.push(event);
        }
    }

    fn first_seen(&mut self, person: &PersonDetails) {
        if self.before.seen {
            return;
        }
        let provisional = !identity::tells_a_number(&self.command.answer, &self.command.facility);
        self.record([Event::PatientFirstSeen(PatientFirstSeen {
            person: person.clone(),
            provisional,
        })]);
    }

    fn number(&mut self) {
        let number = reference_number(self.command)
            .and_then(|reference| self.command.facility.chart_number(&reference));
        if let (Some(patient_number), None) = (number, &self.working.patient_number) {
            self.record([Event::PatientNumbered(PatientNumbered { patient_number })]);
        }
    }

    fn qualifications(&mut self, reading: &Reading<'_>) {
        let rules = Qualifications {
            command: self.command,
            as_of: self.as_of,
        };
        for half in rules.losses(reading) {
            self.sightings
                .unknown_losses
                .extend(rules.unknown_loss(&self.working, half));
            self.record(rules.see_lost(&self.working, half));
        }
        for half in rules.valid(reading) {
            self.record(rules.see_valid(&self.working, half));
        }
    }

    fn tickets(&mut self, reading: &Reading<'_>) {
        let rules = Tickets {
            command: self.command,
            as_of: self.as_of,
        };
        for seen in rules.seen(&self.working, reading) {
            let repeated = rules.repeated(&self.working, &seen);
            let events = rules.see(&self.working, seen);
            if events.is_empty() {
                self.sightings.tickets.extend(repeated);
            }
            self.record(events);
        }
        self.sightings.tickets.sort_unstable();
        self.sightings.tickets.dedup();
    }

    /// 照会番号 that came along, and those that a new qualification leaves behind.
    fn references(&mut self, reading: &Reading<'_>) {
        let rules = References {
            command: self.command,
            as_of: self.as_of,
        };
        let granted: Vec<QualificationId> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::QualificationGranted(observed) => Some(observed.qualification_id),
                _ => None,
            })
            .collect();
        self.record(rules.followed(&self.working, reading, &granted));
        self.record(rules.carried(&self.working, reading));
    }

    fn consents(&mut self) {
        let rules = Consents {
            command: self.command,
            as_of: self.as_of,
        };
        self.record(rules.told(&self.working));
    }

    fn not_commissioned(&mut self, reading: &Reading<'_>, person: &PersonDetails) {
        let rules = Tickets {
            command: self.command,
            as_of: self.as_of,
        };
        let half = reading
            .halves
            .iter()
            .find(|half| half.validity == Validity::NotCommissioned);
        if let Some(half) = half {
            self.record(rules.not_commissioned(&self.working, half, person));
        }
    }

    fn verified(&self, reading: &Reading<'_>, person: PersonDetails) -> Verified {
        let answer = &self.command.answer;
        let month = Month::of(answer.confirmed_on);
        let of_month: Vec<_> = reading
            .halves
            .iter()
            .filter(|half| half.is_assistance() && !half.is_lost())
            .filter_map(|half| half.record)
            .flat_map(|record| &record.tickets)
            .filter(|ticket| ticket.treatment_month == month)
            .collect();
        let qualified = reading
            .halves
            .iter()
            .any(|half| half.is_assistance() && half.validity == Validity::Valid && half.decisive);
        Verified {
            confirmed_on: answer.confirmed_on,
            method: answer.method,
            validity: reading
                .leading()
                .map_or(Validity::NotFound, |half| half.validity),
            coverage: coverage(reading, answer, &self.working),
            qualifications: reading
                .halves
                .iter()
                .map(|half| self.half_verified(half))
                .collect(),
            person,
            reference_number: reference_number(self.command),
            other_institution: !of_month.is_empty()
                && !of_month.iter().any(|ticket| ticket.institution_matches),
            without_ticket: qualified
                && of_month.is_empty()
                && answer.method != Method::Commissioned,
            inconsistent: reading.inconsistent,
            late: answer.method != Method::LocalCopy && self.is_late(reading),
            inquiry: answer.inquiry,
            device: self.command.device.clone(),
            sightings: self.sightings.clone(),
        }
    }

    /// A half that decides nothing, 未委託 and what was never granted name no qualification.
    fn half_verified(&self, half: &Half<'_>) -> HalfVerified {
        let verifies = half.decisive
            && self.command.answer.method != Method::LocalCopy
            && (half.validity == Validity::Valid || half.is_lost());
        HalfVerified {
            qualification_id: half
                .numbers
                .as_ref()
                .filter(|_| verifies)
                .and_then(|numbers| find(&self.working, numbers))
                .map(|known| known.id),
            scheme: half.scheme.clone(),
            validity: half.validity,
        }
    }

    fn is_late(&self, reading: &Reading<'_>) -> bool {
        reading.halves.iter().any(|half| {
            let scheme = half.scheme.as_ref().map_or("unknown", |code| &code.0);
            self.before
                .verified_as_of
                .get(scheme)
                .is_some_and(|known| self.as_of < *known)
        })
    }
}

/// Who the answer is about: the assistance record's word first.
fn person_of(reading: &Reading<'_>) -> PersonDetails {
    let mut records: Vec<_> = reading
        .halves
        .iter()
        .filter_map(|half| half.record.map(|record| (!half.is_assistance(), record)))
        .collect();
    records.sort_by_key(|(other, _)| *other);
    records
        .into_iter()
        .map(|(_, record)| record.person.clone())
        .reduce(|first, next| PersonDetails {
            name: first.name.or(next.name),
            name_kana: first.name_kana.or(next.name_kana),
            birth_date: first.birth_date.or(next.birth_date),
            sex: first.sex.or(next.sex),
        })
        .unwrap_or_default()
}

fn reference_number(command: &RecordVerification) -> Option<ReferenceNumber> {
    command
        .answer
        .records
        .iter()
        .find_map(|record| record.reference_number.clone())
}
