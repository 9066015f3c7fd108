//! Order of knowledge is not order of arrival.

use super::*;

fn valid(day: Date) -> OqsAnswer {
    card(day, AnswerValidity::Valid, [a1()])
}

fn lost(day: Date, end: Date) -> OqsAnswer {
    card(day, AnswerValidity::Lost, [ended(a1(), end)])
}

#[test]
fn an_older_valid_answer_does_not_resume_a_newer_loss() {
    let mut story = Story::given([valid(APRIL_10), lost(MAY_11, date(2026, 5, 1))]);
    let events = story.sees(valid(date(2026, 5, 8)));
    assert_kinds(&events, &["verified"]);
    assert!(verified(&events).late);
    assert!(story.state.qualifications[0].is_lost());
}

#[test]
fn an_older_loss_does_not_end_a_newer_grant() {
    let mut story = Story::given([valid(MAY_11)]);
    let events = story.sees(lost(APRIL_10, date(2026, 4, 1)));
    assert_kinds(&events, &["verified"]);
    assert!(verified(&events).late);
    assert!(!story.state.qualifications[0].is_lost());
}

#[test]
fn a_loss_that_came_first_still_ends_what_an_older_answer_grants() {
    let newer = card(
        MAY_11,
        AnswerValidity::LostWithNewer,
        [ended(a1(), date(2026, 5, 1))],
    );
    let mut story = Story::given([newer]);
    let events = story.sees(valid(APRIL_10));
    assert_kinds(
        &events,
        &[
            "qualification-granted",
            "qualification-lost",
            "qualification-superseded",
            "verified",
        ],
    );
    let Event::QualificationLost(lost) = &events[1] else {
        panic!("lost behind granted");
    };
    assert_eq!(lost.ended_on, Some(date(2026, 5, 1)));
    assert_eq!(lost.scheme, Some(SchemeCode::public_assistance()));
    assert!(verified(&events).late);
}

#[test]
fn older_details_do_not_amend_newer_ones() {
    let mut old = a1();
    old.issuer_name = Some("旧福祉事務所".to_owned());
    let mut story = Story::given([valid(MAY_11)]);
    let events = story.sees(card(APRIL_10, AnswerValidity::Valid, [old]));
    assert_kinds(&events, &["verified"]);
}

#[test]
fn an_older_ticket_of_an_unknown_month_is_recorded() {
    let mut story = Story::given([card(
        MAY_11,
        AnswerValidity::Valid,
        [with_ticket(a1(), ticket(MAY_11))],
    )]);
    let events = story.sees(card(
        APRIL_10,
        AnswerValidity::Valid,
        [with_ticket(a1(), ticket(APRIL_10))],
    ));
    assert_kinds(&events, &["commissioned-ticket-arrived", "verified"]);
    assert!(verified(&events).late);
}

#[test]
fn an_older_not_commissioned_does_not_undo_a_ticket() {
    let mut story = Story::given([card(
        date(2026, 5, 18),
        AnswerValidity::Valid,
        [with_ticket(a1(), ticket(MAY_11))],
    )]);
    let events = story.sees(card(
        MAY_11,
        AnswerValidity::NotCommissioned,
        [a1_without_numbers()],
    ));
    assert_kinds(&events, &["verified"]);
    let here = FacilityCode::from(HERE);
    assert!(!story.state.current(&here, MAY_11).not_commissioned);
}

#[test]
fn a_ticket_behind_a_newer_not_commissioned_leaves_the_month_waiting() {
    let mut story = Story::given([card(
        date(2026, 5, 18),
        AnswerValidity::NotCommissioned,
        [a1_without_numbers()],
    )]);
    let events = story.sees(card(
        MAY_11,
        AnswerValidity::Valid,
        [with_ticket(a1(), ticket(MAY_11))],
    ));
    assert_kinds(
        &events,
        &[
            "qualification-granted",
            "commissioned-ticket-arrived",
            "not-commissioned-observed",
            "verified",
        ],
    );
    let here = FacilityCode::from(HERE);
    assert!(story.state.current(&here, MAY_11).not_commissioned);
}

#[test]
fn a_repeated_ticket_is_not_displaced_by_an_answer_between_its_sightings() {
    let with_pay = |day, yen| {
        let mut ticket = ticket(MAY_11);
        ticket.self_pay_yen = Some(yen);
        card(day, AnswerValidity::Valid, [with_ticket(a1(), ticket)])
    };
    let mut story = Story::given([
        with_pay(date(2026, 5, 11), 0),
        with_pay(date(2026, 5, 13), 0),
    ]);
    let events = story.sees(with_pay(date(2026, 5, 12), 1500));
    assert_kinds(&events, &["verified"]);
    assert_eq!(story.state.tickets[0].content.ticket.self_pay_yen, Some(0));
}

#[test]
fn without_the_centres_time_the_day_orders() {
    let mut undated = lost(APRIL_10, APRIL_10);
    undated.executed_at = None;
    let mut story = Story::given([valid(MAY_11)]);
    assert!(verified(&story.sees(undated)).late);
}
