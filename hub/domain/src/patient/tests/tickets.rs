//! Tickets: arrived, revised, or nothing.

use super::*;

fn valid(ticket: Ticket) -> OqsAnswer {
    card(MAY_11, AnswerValidity::Valid, [with_ticket(a1(), ticket)])
}

fn later(mut answer: OqsAnswer, hour: i8) -> OqsAnswer {
    answer.executed_at = Some(at(answer.confirmed_on, hour));
    answer
}

#[test]
fn an_identical_ticket_is_nothing_and_a_changed_one_is_revised() {
    let mut story = Story::given([valid(ticket(MAY_11))]);
    assert_kinds(&story.sees(later(valid(ticket(MAY_11)), 10)), &["verified"]);
    let mut changed = ticket(MAY_11);
    changed.self_pay_yen = Some(1500);
    let events = story.sees(later(valid(changed), 11));
    assert_kinds(&events, &["commissioned-ticket-revised", "verified"]);
    assert_eq!(story.state.tickets.len(), 1);
}

#[test]
fn another_issue_number_is_another_ticket() {
    let mut story = Story::given([valid(ticket(MAY_11))]);
    let mut other = ticket(MAY_11);
    other.issue_number = Some("30073".to_owned());
    let events = story.sees(later(valid(other), 10));
    assert_kinds(&events, &["commissioned-ticket-arrived", "verified"]);
    assert_eq!(story.state.tickets.len(), 2);
}

#[test]
fn inpatient_and_outpatient_tickets_stand_beside_each_other() {
    let mut inpatient = ticket(MAY_11);
    inpatient.treatment_type = Some(TreatmentType::Inpatient);
    let record = with_ticket(with_ticket(a1(), ticket(MAY_11)), inpatient);
    let story = Story::given([card(MAY_11, AnswerValidity::Valid, [record])]);
    assert_eq!(story.state.tickets.len(), 2);
}

#[test]
fn a_ticket_of_another_institution_is_kept_and_marked() {
    let mut other = ticket(MAY_11);
    other.institution_matches = false;
    other.institution_code = Some(InstitutionCode("1319900000".to_owned()));
    let mut story = Story::default();
    let events = story.sees(valid(other));
    assert!(verified(&events).other_institution);
    assert!(!verified(&events).without_ticket);
    assert!(!story.state.tickets[0].content.ticket.institution_matches);
    assert_eq!(
        story.state.months.len(),
        0,
        "it says nothing about this facility's month"
    );
}

#[test]
fn valid_with_numbers_and_no_ticket_of_the_month_is_told() {
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Valid, [a1()]));
    assert!(verified(&events).without_ticket);
    let april = with_ticket(a1(), ticket(APRIL_10));
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Valid, [april.clone()]));
    assert!(verified(&events).without_ticket);
    let run = by(
        Method::Commissioned,
        card(MAY_11, AnswerValidity::Valid, [april]),
    );
    let events = Story::default().sees(run);
    assert!(
        !verified(&events).without_ticket,
        "a run asks for one month alone"
    );
}

#[test]
fn a_ticket_in_a_lost_answer_teaches_nothing() {
    let record = with_ticket(ended(a1(), MAY_11), ticket(MAY_11));
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Lost, [record]));
    assert_kinds(&events, &["patient-first-seen", "verified"]);
}

#[test]
fn facilities_that_share_a_record_see_their_own_tickets() {
    let mut story = Story::given([valid(ticket(MAY_11))]);
    let mut elsewhere = ticket(MAY_11);
    elsewhere.institution_matches = false;
    let mut command = command(later(valid(elsewhere), 10));
    command.facility.code = FacilityCode::from("1319900000");
    let events = story.does(command);
    assert_kinds(&events, &["commissioned-ticket-arrived", "verified"]);
    let here = story.state.current(&FacilityCode::from(HERE), MAY_11);
    assert!(here.tickets[0].ticket.institution_matches);
}

#[test]
fn the_same_ticket_twice_in_one_answer_is_one_whichever_stood_first() {
    let mut other = ticket(MAY_11);
    other.self_pay_yen = Some(1500);
    let pays = |first: &Ticket, second: &Ticket| {
        let record = with_ticket(with_ticket(a1(), first.clone()), second.clone());
        let story = Story::given([card(MAY_11, AnswerValidity::Valid, [record])]);
        assert_eq!(story.state.tickets.len(), 1);
        story.state.tickets[0].content.ticket.self_pay_yen
    };
    assert_eq!(pays(&ticket(MAY_11), &other), pays(&other, &ticket(MAY_11)));
}
