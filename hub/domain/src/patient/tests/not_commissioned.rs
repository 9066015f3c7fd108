//! 未委託: no number, whoever knew one.

use shikaku_schemas::value::{Coverage, Validity};

use super::*;

const CANARY_PAYER: &str = "12137014";
const CANARY_RECIPIENT: &str = "4820155";

#[track_caller]
fn assert_no_number(events: &[Event]) {
    let text = serde_json::to_string(events).unwrap();
    for canary in [CANARY_PAYER, CANARY_RECIPIENT, "30072"] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
}

#[test]
fn a_record_without_both_numbers_is_not_commissioned_whatever_the_body_says() {
    for body in [AnswerValidity::Valid, AnswerValidity::NotCommissioned] {
        let mut story = Story::default();
        let events = story.sees(card(MAY_11, body, [a1_without_numbers()]));
        assert_kinds(
            &events,
            &[
                "patient-first-seen",
                "not-commissioned-observed",
                "verified",
            ],
        );
        let verified = verified(&events);
        assert_eq!(verified.validity, Validity::NotCommissioned);
        assert_eq!(verified.qualifications[0].qualification_id, None);
        assert!(!verified.inconsistent);
        assert!(story.state.provisional);
    }
}

#[test]
fn numbers_in_a_not_commissioned_answer_are_learnt_by_nobody() {
    let planted = with_ticket(a1(), ticket(MAY_11));
    let mut story = Story::default();
    let events = story.sees(card(MAY_11, AnswerValidity::NotCommissioned, [planted]));
    assert_kinds(
        &events,
        &[
            "patient-first-seen",
            "not-commissioned-observed",
            "verified",
        ],
    );
    assert_no_number(&events);
    assert!(verified(&events).inconsistent);
    assert!(story.state.qualifications.is_empty() && story.state.tickets.is_empty());
}

#[test]
fn combined_by_card_keeps_its_insurance_half() {
    let records = [insurance(), a1_without_numbers()];
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Valid, records));
    assert_kinds(
        &events,
        &[
            "patient-first-seen",
            "qualification-granted",
            "not-commissioned-observed",
            "verified",
        ],
    );
    let verified = verified(&events);
    assert_eq!(verified.coverage, Coverage::Combined);
    assert_eq!(verified.validity, Validity::NotCommissioned);
    assert_eq!(verified.qualifications[0].validity, Validity::Valid);
    assert_no_number(&events);
}

#[test]
fn code_6_without_an_assistance_record_still_means_that_half() {
    let events =
        Story::default().sees(card(MAY_11, AnswerValidity::NotCommissioned, [insurance()]));
    let verified = verified(&events);
    assert_eq!(verified.validity, Validity::NotCommissioned);
    assert_eq!(verified.qualifications.len(), 2);
}

#[test]
fn it_is_news_once_a_month() {
    let ask = |day| card(day, AnswerValidity::NotCommissioned, [a1_without_numbers()]);
    let mut story = Story::given([ask(MAY_11)]);
    assert_kinds(&story.sees(ask(date(2026, 5, 12))), &["verified"]);
    assert_kinds(
        &story.sees(ask(date(2026, 6, 2))),
        &["not-commissioned-observed", "verified"],
    );
}

#[test]
fn a_ticket_ends_the_waiting_and_a_later_answer_begins_it_again() {
    let ask = |day| card(day, AnswerValidity::NotCommissioned, [a1_without_numbers()]);
    let answer = |day| card(day, AnswerValidity::Valid, [with_ticket(a1(), ticket(day))]);
    let here = FacilityCode::from(HERE);
    let mut story = Story::given([ask(MAY_11), answer(date(2026, 5, 18))]);
    assert!(!story.state.current(&here, MAY_11).not_commissioned);
    let events = story.sees(ask(date(2026, 5, 20)));
    assert_kinds(&events, &["not-commissioned-observed", "verified"]);
    let now = story.state.current(&here, MAY_11);
    assert!(now.not_commissioned && now.tickets.is_empty());
    assert!(
        now.halves
            .iter()
            .all(|half| half.qualification_id.is_none())
    );
    let events = story.sees(answer(date(2026, 5, 21)));
    assert_kinds(&events, &["commissioned-ticket-revised", "verified"]);
    assert!(!story.state.current(&here, MAY_11).not_commissioned);
}

#[test]
fn a_known_qualification_stays_and_its_numbers_do_not_speak_of_the_month() {
    let mut story = Story::given([card(
        APRIL_10,
        AnswerValidity::Valid,
        [with_ticket(a1(), ticket(APRIL_10))],
    )]);
    let events = story.sees(card(
        MAY_11,
        AnswerValidity::NotCommissioned,
        [a1_without_numbers()],
    ));
    assert_kinds(&events, &["not-commissioned-observed", "verified"]);
    assert_no_number(&events);
    let here = FacilityCode::from(HERE);
    let april = story.state.current(&here, APRIL_10);
    assert_eq!(april.tickets.len(), 1);
    assert!(april.halves[0].qualification_id.is_some());
}

#[test]
fn another_institutions_ticket_beside_it_is_no_contradiction() {
    let mut other = ticket(MAY_11);
    other.institution_matches = false;
    let record = with_ticket(a1_without_numbers(), other);
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Valid, [record]));
    assert!(!verified(&events).inconsistent);
    assert!(verified(&events).other_institution);
    assert_no_number(&events);
}
