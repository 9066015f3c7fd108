use shikaku_schemas::group::ReferenceNumberRule;
use shikaku_schemas::task::QualificationNumbers;
use shikaku_schemas::value::{PatientNumber, ReferenceNumber};

use super::*;

const CHART: &str = "70001";

fn carrying(mut record: AnswerRecord, number: &str) -> AnswerRecord {
    record.reference_number = Some(ReferenceNumber::from(number));
    record
}

fn valid(records: impl IntoIterator<Item = AnswerRecord>) -> OqsAnswer {
    card(MAY_11, AnswerValidity::Valid, records)
}

impl Story {
    fn numbered(mut self) -> Self {
        self.obeys(PatientCommand::NumberPatient(PatientNumber::from(CHART)));
        self
    }

    pub(crate) fn obeys(&mut self, command: PatientCommand) -> Vec<Event> {
        let origin = Origin {
            facility: Some(FacilityCode::from(HERE)),
            as_of: Some(at(MAY_11, 12)),
        };
        let events = decide(&self.state, command).unwrap();
        for event in &events {
            evolve(&mut self.state, &origin, event);
            self.events.push((origin.clone(), event.clone()));
        }
        events
    }

    fn missing(&self) -> Vec<String> {
        let mut numbers: Vec<String> =
            missing_registrations(&Human::alone(&self.state), &facility(), MAY_11)
                .into_iter()
                .map(|missing| {
                    assert_eq!(missing.question.reference_number.as_str(), CHART);
                    missing.question.numbers.number
                })
                .collect();
        numbers.sort();
        numbers
    }

    fn registers(&mut self, insurer: &str, number: &str) -> Vec<Event> {
        self.obeys(PatientCommand::RecordRegistration(RecordRegistration {
            facility: FacilityCode::from(HERE),
            reference_number: ReferenceNumber::from(CHART),
            numbers: QualificationNumbers {
                insurer_number: insurer.to_owned(),
                symbol: None,
                number: number.to_owned(),
                branch: None,
            },
        }))
    }
}

#[test]
fn a_blank_number_is_missing_once_the_chart_number_is_known() {
    let story = Story::given([valid([a1()])]);
    assert_eq!(story.missing(), Vec::<String>::new());
    let story = story.numbered();
    assert_eq!(story.missing(), ["4820155"]);
    assert!(Human::alone(&story.state).is_checked_at(&FacilityCode::from(HERE)));
}

#[test]
fn a_number_that_came_along_is_registered_and_not_missing() {
    let mut story = Story::default();
    let events = story.sees(valid([carrying(a1(), CHART)]));
    assert_kinds(
        &events,
        &[
            "patient-first-seen",
            "patient-numbered",
            "qualification-granted",
            "reference-number-registered",
            "verified",
        ],
    );
    assert_eq!(story.missing(), Vec::<String>::new());
    let again = story.sees(card(
        date(2026, 5, 12),
        AnswerValidity::Valid,
        [carrying(a1(), CHART)],
    ));
    assert_kinds(&again, &["verified"]);
}

#[test]
fn both_halves_of_combined_are_registered() {
    let story = Story::given([valid([insurance(), a1()])]).numbered();
    assert_eq!(story.missing(), ["208", "4820155"]);
}

#[test]
fn while_not_commissioned_the_assistance_half_waits_and_the_insurance_half_does_not() {
    let waiting = card(
        MAY_11,
        AnswerValidity::NotCommissioned,
        [insurance(), a1_without_numbers()],
    );
    let mut story = Story::given([
        card(APRIL_10, AnswerValidity::Valid, [insurance(), a1()]),
        waiting,
    ])
    .numbered();
    assert_eq!(story.missing(), ["208"]);
    let later = missing_registrations(&Human::alone(&story.state), &facility(), date(2026, 6, 2));
    assert_eq!(later.len(), 1, "a new month alone ends no waiting");
    let arrived = with_ticket(a1(), ticket(MAY_11));
    story.sees(by(
        Method::Commissioned,
        card(date(2026, 5, 16), AnswerValidity::Valid, [arrived]),
    ));
    assert_eq!(story.missing(), ["208", "4820155"]);
}

#[test]
fn a_registration_that_the_centre_took_is_recorded_once() {
    let mut story = Story::given([valid([a1()])]).numbered();
    let events = story.registers("12137014", "4820155");
    assert_kinds(&events, &["reference-number-registered"]);
    assert_eq!(story.missing(), Vec::<String>::new());
    assert_eq!(story.registers("12137014", "4820155"), Vec::new());
}

#[test]
fn numbers_of_nobody_here_register_nothing() {
    let story = Story::given([valid([a1()])]).numbered();
    let command = PatientCommand::RecordRegistration(RecordRegistration {
        facility: FacilityCode::from(HERE),
        reference_number: ReferenceNumber::from(CHART),
        numbers: QualificationNumbers {
            insurer_number: "12137014".to_owned(),
            symbol: None,
            number: "7306418".to_owned(),
            branch: None,
        },
    });
    assert_eq!(
        decide(&story.state, command),
        Err(PatientRejection::QualificationUnknown)
    );
}

#[test]
fn with_the_qualification_its_number_lapses_and_a_new_one_is_to_be_registered() {
    let mut story = Story::given([valid([a1()])]).numbered();
    story.registers("12137014", "4820155");
    let next = date(2026, 6, 1);
    let events = story.sees(card(
        next,
        AnswerValidity::Valid,
        [a1_of("12997011", "1234566")],
    ));
    assert_kinds(
        &events,
        &[
            "qualification-granted",
            "reference-number-lapsed",
            "verified",
        ],
    );
    let missing = missing_registrations(&Human::alone(&story.state), &facility(), next);
    assert!(
        missing
            .iter()
            .any(|missing| missing.question.numbers.number == "1234566")
    );
}

#[test]
fn a_loss_lapses_the_number_of_its_own_half_alone() {
    let mut story = Story::given([valid([insurance(), a1()])]).numbered();
    story.registers("12137014", "4820155");
    story.obeys(PatientCommand::RecordRegistration(RecordRegistration {
        facility: FacilityCode::from(HERE),
        reference_number: ReferenceNumber::from(CHART),
        numbers: QualificationNumbers {
            insurer_number: "06139992".to_owned(),
            symbol: Some("51".to_owned()),
            number: "208".to_owned(),
            branch: None,
        },
    }));
    assert_eq!(story.missing(), Vec::<String>::new());
    let day = date(2026, 5, 20);
    story.sees(card(
        day,
        AnswerValidity::Valid,
        [ended(insurance(), day), a1()],
    ));
    let kept: Vec<_> = story
        .state
        .references
        .iter()
        .map(|known| (known.number.is_some(), known.lapses))
        .collect();
    assert_eq!(kept, [(true, 0), (false, 1)]);
}

#[test]
fn a_resumed_qualification_is_registered_again_as_another_registration() {
    let mut story = Story::given([valid([a1()])]).numbered();
    story.registers("12137014", "4820155");
    let stopped = date(2026, 5, 15);
    story.sees(card(stopped, AnswerValidity::Lost, [ended(a1(), stopped)]));
    let resumed = date(2026, 5, 20);
    story.sees(card(resumed, AnswerValidity::Valid, [a1()]));
    let missing = missing_registrations(&Human::alone(&story.state), &facility(), resumed);
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].lapses, 1);
}

#[test]
fn another_facility_of_the_numbering_registers_what_it_saw_itself() {
    let elsewhere = FacilityFacts {
        code: FacilityCode::from("1310000014"),
        ..facility()
    };
    let mut story = Story::given([valid([a1()])]).numbered();
    assert_eq!(
        missing_registrations(&Human::alone(&story.state), &elsewhere, MAY_11),
        Vec::new()
    );
    assert!(!Human::alone(&story.state).is_checked_at(&elsewhere.code));
    story.registers("12137014", "4820155");
    story.does(RecordVerification {
        facility: elsewhere.clone(),
        ..command(card(date(2026, 5, 12), AnswerValidity::Valid, [a1()]))
    });
    assert_eq!(
        missing_registrations(&Human::alone(&story.state), &elsewhere, MAY_11).len(),
        1
    );
}

#[test]
fn where_the_number_means_nothing_none_is_registered_and_zeros_are_never_made_up() {
    let none = FacilityFacts {
        reference_number: ReferenceNumberRule::None,
        ..facility()
    };
    let stripping = FacilityFacts {
        reference_number: ReferenceNumberRule::StripZeros,
        ..facility()
    };
    let story = Story::given([valid([a1()])]).numbered();
    assert_eq!(
        missing_registrations(&Human::alone(&story.state), &none, MAY_11),
        Vec::new()
    );
    let asked = missing_registrations(&Human::alone(&story.state), &stripping, MAY_11);
    assert_eq!(asked[0].question.reference_number.as_str(), CHART);
    let mut story = Story::default();
    story.does(RecordVerification {
        facility: stripping.clone(),
        ..command(valid([carrying(a1(), "0000070001")]))
    });
    assert_eq!(story.state.patient_number, Some(PatientNumber::from(CHART)));
    assert_eq!(
        missing_registrations(&Human::alone(&story.state), &stripping, MAY_11),
        Vec::new()
    );
}

#[test]
fn an_older_answer_does_not_bring_back_another_number() {
    let newer = card(
        date(2026, 5, 12),
        AnswerValidity::Valid,
        [carrying(a1(), "B2")],
    );
    let mut story = Story::given([newer]);
    let events = story.sees(valid([carrying(a1(), "A1")]));
    assert_kinds(&events, &["verified"]);
    assert_eq!(
        story.state.references[0].number,
        Some(ReferenceNumber::from("B2"))
    );
}

#[test]
fn what_is_lost_is_not_registered() {
    let mut story = Story::given([valid([a1()])]).numbered();
    let day = date(2026, 5, 20);
    story.sees(card(day, AnswerValidity::Lost, [ended(a1(), day)]));
    assert_eq!(
        missing_registrations(&Human::alone(&story.state), &facility(), day),
        Vec::new()
    );
    assert_eq!(
        story.registers("12137014", "4820155"),
        Vec::new(),
        "it ended while the registration was under way"
    );
}
