//! Given, when, then: one test per rule.

mod consents;
pub(crate) mod convergence;
mod halves;
mod knowledge;
mod medical;
mod not_commissioned;
mod outside;
mod qualifications;
mod references;
mod tickets;

use jiff::civil::{Date, date};
use shikaku_schemas::event::{Event, PersonDetails, Ticket, Verified};
use shikaku_schemas::observation::{
    AnswerRecord, AnswerValidity, OqsAnswer, OqsFolder, RecordNumbers,
};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{
    AsOf, FacilityCode, InstitutionCode, Method, Month, PayerNumber, RecipientNumber, RecordId,
    SchemeCode, Sex, TicketKind, TicketUse, TreatmentType,
};
use uuid::Uuid;

use super::*;
use crate::FacilityFacts;

pub(crate) const HERE: &str = "1319912349";

pub(crate) fn facility() -> FacilityFacts {
    FacilityFacts {
        code: FacilityCode::from(HERE),
        numbering: "main".to_owned(),
        reference_number: shikaku_schemas::group::ReferenceNumberRule::Patient,
        designated: true,
        loss_day_is_covered: false,
    }
}

pub(crate) fn person() -> PersonDetails {
    PersonDetails {
        name: Some("波戸　実里".to_owned()),
        name_kana: Some("ﾊﾄ ﾐﾉﾘ".to_owned()),
        birth_date: Some(date(1971, 9, 15)),
        sex: Some(Sex::Female),
    }
}

fn record() -> AnswerRecord {
    AnswerRecord {
        classification: None,
        scheme: None,
        numbers: RecordNumbers::default(),
        person: person(),
        issuer_name: None,
        family: None,
        qualified_on: None,
        disqualified_on: None,
        valid_from: None,
        valid_to: None,
        reason_of_loss: None,
        copay_percent: None,
        limit_certificate: None,
        specific_diseases: Vec::new(),
        elderly_certificate: None,
        tickets: Vec::new(),
        consents: Vec::new(),
        reference_number: None,
        extra: Default::default(),
    }
}

/// 医療扶助 with both numbers.
pub(crate) fn a1() -> AnswerRecord {
    a1_of("12137014", "4820155")
}

pub(crate) fn a1_of(payer: &str, recipient: &str) -> AnswerRecord {
    AnswerRecord {
        classification: Some("A1".to_owned()),
        scheme: Some(SchemeCode::public_assistance()),
        numbers: RecordNumbers {
            payer_number: Some(PayerNumber::from(payer)),
            recipient_number: Some(RecipientNumber::from(recipient)),
            ..RecordNumbers::default()
        },
        issuer_name: Some("見本市福祉事務所".to_owned()),
        qualified_on: Some(date(2025, 12, 1)),
        ..record()
    }
}

/// 医療扶助 as 未委託 shows it.
pub(crate) fn a1_without_numbers() -> AnswerRecord {
    AnswerRecord {
        numbers: RecordNumbers::default(),
        ..a1()
    }
}

pub(crate) fn insurance() -> AnswerRecord {
    AnswerRecord {
        classification: Some("01".to_owned()),
        scheme: Some(SchemeCode::insurance()),
        numbers: RecordNumbers {
            insurer_number: Some("06139992".to_owned()),
            symbol: Some("５１".to_owned()),
            number: Some("208".to_owned()),
            branch: Some("01".to_owned()),
            ..RecordNumbers::default()
        },
        issuer_name: Some("見本健康保険組合".to_owned()),
        qualified_on: Some(date(2019, 4, 1)),
        ..record()
    }
}

/// A ticket of `day`'s month for this facility.
pub(crate) fn ticket(day: Date) -> Ticket {
    let month = Month::of(day);
    Ticket {
        kind: TicketKind::Medical,
        issue_number: Some("30072".to_owned()),
        treatment_month: month,
        valid_from: Some(month.first_day()),
        valid_to: Some(month.last_day()),
        institution_code: Some(InstitutionCode(HERE.to_owned())),
        institution_matches: true,
        prescriber_code: None,
        treatment_type: Some(TreatmentType::Outpatient),
        self_pay_yen: Some(0),
        usage: Some(TicketUse::Sole),
        social_insurance: Some(false),
        inconsistent: false,
        infectious_disease_37_2: Some(false),
        elderly_medical_care: Some(false),
        prefectural_expenses: Some(false),
    }
}

pub(crate) fn with_ticket(mut record: AnswerRecord, ticket: Ticket) -> AnswerRecord {
    record.tickets.push(ticket);
    record
}

pub(crate) fn ended(mut record: AnswerRecord, on: Date) -> AnswerRecord {
    record.disqualified_on = Some(on);
    record.reason_of_loss = Some("99".to_owned());
    record
}

/// An answer by card, `on` a day at nine o'clock.
pub(crate) fn card(
    on: Date,
    validity: AnswerValidity,
    records: impl IntoIterator<Item = AnswerRecord>,
) -> OqsAnswer {
    OqsAnswer {
        folder: OqsFolder::Face,
        method: Method::Card,
        reference_classification: Some("1".to_owned()),
        executed_at: Some(at(on, 9)),
        confirmed_on: on,
        institution_code: Some(InstitutionCode(HERE.to_owned())),
        file_identifier: None,
        inquiry: None,
        rejected: false,
        code: None,
        message: None,
        validity: Some(validity),
        records: records.into_iter().collect(),
        search: None,
        warnings: Vec::new(),
    }
}

pub(crate) fn by(method: Method, mut answer: OqsAnswer) -> OqsAnswer {
    answer.method = method;
    answer
}

pub(crate) fn at(day: Date, hour: i8) -> AsOf {
    let text = format!(
        "{:04}{:02}{:02}{hour:02}0000",
        day.year(),
        day.month(),
        day.day()
    );
    AsOf::from_compact(&text).unwrap()
}

pub(crate) fn command(answer: OqsAnswer) -> RecordVerification {
    RecordVerification {
        record: RecordId(Uuid::from_u128(7)),
        as_of: answer.executed_at,
        answer,
        facility: facility(),
        device: Some("t1".to_owned()),
        ids: SealKey::from_bytes([3; 32]),
    }
}

/// A record's story: what it has seen, and what that recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub(crate) state: PatientState,
    pub(crate) events: Vec<(Origin, Event)>,
}

impl Story {
    pub(crate) fn given(answers: impl IntoIterator<Item = OqsAnswer>) -> Self {
        let mut story = Self::default();
        for answer in answers {
            story.sees(answer);
        }
        story
    }

    pub(crate) fn sees(&mut self, answer: OqsAnswer) -> Vec<Event> {
        self.does(command(answer))
    }

    pub(crate) fn does(&mut self, command: RecordVerification) -> Vec<Event> {
        let origin = Origin {
            facility: Some(command.facility.code.clone()),
            as_of: command.as_of,
        };
        let command = PatientCommand::RecordVerification(Box::new(command));
        let events = decide(&self.state, command).unwrap();
        for event in &events {
            evolve(&mut self.state, &origin, event);
            self.events.push((origin.clone(), event.clone()));
        }
        events
    }
}

#[track_caller]
pub(crate) fn assert_kinds(events: &[Event], expected: &[&str]) {
    let kinds: Vec<_> = events.iter().map(Event::kind).collect();
    assert_eq!(kinds, expected);
}

/// The one `verified` of a decision, which is its last event.
#[track_caller]
pub(crate) fn verified(events: &[Event]) -> &Verified {
    let count = events
        .iter()
        .filter(|event| matches!(event, Event::Verified(_)))
        .count();
    assert_eq!(count, 1, "exactly one verified per answer");
    match events.last() {
        Some(Event::Verified(verified)) => verified,
        other => panic!("verified comes last, not {other:?}"),
    }
}

pub(crate) const MAY_11: Date = date(2026, 5, 11);
pub(crate) const APRIL_10: Date = date(2026, 4, 10);
