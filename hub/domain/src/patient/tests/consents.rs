use jiff::ToSpan as _;
use shikaku_schemas::event::ConsentRecorded;
use shikaku_schemas::observation::ConsentGiven;
use shikaku_schemas::value::{ConsentScope, ConsentSource};

use super::*;

pub(super) fn consenting(
    mut record: AnswerRecord,
    scopes: &[ConsentScope],
    given: AsOf,
) -> AnswerRecord {
    record.consents = scopes
        .iter()
        .map(|scope| ConsentGiven {
            scope: *scope,
            given_at: Some(given),
            available_until: Some(AsOf(given.0 + 24.hours())),
        })
        .collect();
    record
}

pub(super) fn here() -> FacilityCode {
    FacilityCode::from(HERE)
}

fn drugs_at(story: &Story, hour: i8, day: Date) -> Result<AsOf, PatientRejection> {
    permission(&story.state, &here(), ConsentScope::Drug, at(day, hour).0)
}

fn agrees(day: Date, hour: i8, scopes: &[ConsentScope]) -> OqsAnswer {
    let mut answer = card(
        day,
        AnswerValidity::Valid,
        [consenting(a1(), scopes, at(day, hour))],
    );
    answer.executed_at = Some(at(day, hour));
    answer
}

#[test]
fn a_card_consent_permits_until_its_end_and_not_after() {
    let story = Story::given([agrees(MAY_11, 9, &[ConsentScope::Drug])]);
    assert!(drugs_at(&story, 10, MAY_11).is_ok());
    assert!(drugs_at(&story, 9, date(2026, 5, 12)).is_ok());
    assert_eq!(
        drugs_at(&story, 10, date(2026, 5, 12)),
        Err(PatientRejection::ConsentOver)
    );
    assert_eq!(
        permission(
            &story.state,
            &here(),
            ConsentScope::Checkup,
            at(MAY_11, 10).0
        ),
        Err(PatientRejection::ConsentMissing)
    );
}

#[test]
fn a_consent_without_an_end_permits_nothing() {
    let mut answer = agrees(MAY_11, 9, &[ConsentScope::Drug]);
    answer.records[0].consents[0].available_until = None;
    let story = Story::given([answer]);
    assert_eq!(
        drugs_at(&story, 10, MAY_11),
        Err(PatientRejection::ConsentWithoutEnd)
    );
}

#[test]
fn an_entered_consent_is_kept_and_permits_no_request() {
    let mut story = Story::given([card(MAY_11, AnswerValidity::Valid, [a1()])]);
    let enter = || PatientCommand::EnterConsent {
        facility: here(),
        consent: ConsentRecorded {
            scope: ConsentScope::Drug,
            source: ConsentSource::Card,
            given_at: Some(at(MAY_11, 9)),
            available_until: Some(at(date(2026, 5, 12), 9)),
        },
    };
    let events = story.obeys(enter());
    let [Event::ConsentRecorded(recorded)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(recorded.source, ConsentSource::Entered);
    assert_eq!(story.obeys(enter()), Vec::new());
    assert_eq!(
        drugs_at(&story, 10, MAY_11),
        Err(PatientRejection::ConsentEnteredOnly)
    );
}

#[test]
fn the_next_card_without_it_ends_a_consent() {
    let mut story = Story::given([agrees(
        MAY_11,
        9,
        &[ConsentScope::Drug, ConsentScope::Checkup],
    )]);
    let events = story.sees(agrees(MAY_11, 14, &[ConsentScope::Checkup]));
    assert_kinds(&events, &["consent-recorded", "consent-ended", "verified"]);
    assert_eq!(
        drugs_at(&story, 15, MAY_11),
        Err(PatientRejection::ConsentMissing)
    );
}

#[test]
fn a_consent_that_is_over_is_not_ended_again() {
    let mut story = Story::given([agrees(MAY_11, 9, &[ConsentScope::Drug])]);
    let events = story.sees(agrees(date(2026, 5, 20), 9, &[]));
    assert_kinds(&events, &["verified"]);
}

#[test]
fn an_older_card_brings_back_no_consent() {
    let mut story = Story::given([agrees(MAY_11, 14, &[])]);
    let events = story.sees(agrees(MAY_11, 9, &[ConsentScope::Drug]));
    assert_kinds(&events, &["verified"]);
    assert_eq!(
        drugs_at(&story, 15, MAY_11),
        Err(PatientRejection::ConsentMissing)
    );
}

#[test]
fn a_ticket_inquiry_says_nothing_about_consents() {
    let mut story = Story::given([agrees(MAY_11, 9, &[ConsentScope::Drug])]);
    let later = card(date(2026, 5, 11), AnswerValidity::Valid, [a1()]);
    story.sees(OqsAnswer {
        executed_at: Some(at(MAY_11, 15)),
        ..by(Method::Ticket, later)
    });
    assert!(drugs_at(&story, 16, MAY_11).is_ok());
}

#[test]
fn a_consent_to_one_facility_permits_nothing_at_another() {
    let story = Story::given([agrees(MAY_11, 9, &[ConsentScope::Drug])]);
    assert_eq!(
        permission(
            &story.state,
            &FacilityCode::from("1310000014"),
            ConsentScope::Drug,
            at(MAY_11, 10).0
        ),
        Err(PatientRejection::ConsentMissing)
    );
}
