//! Each half for itself.

use shikaku_schemas::value::{Coverage, Validity};

use super::*;

fn halves(verified: &Verified) -> Vec<(&str, Validity)> {
    verified
        .qualifications
        .iter()
        .map(|half| {
            let scheme = half.scheme.as_ref().map_or("null", |scheme| &scheme.0);
            (scheme, half.validity)
        })
        .collect()
}

#[test]
fn a_first_answer_tells_its_facts_in_order() {
    let mut record = with_ticket(a1(), ticket(MAY_11));
    record.reference_number = Some("004417".into());
    record.consents = vec![shikaku_schemas::observation::ConsentGiven {
        scope: shikaku_schemas::value::ConsentScope::Drug,
        given_at: Some(at(MAY_11, 9)),
        available_until: Some(at(date(2026, 5, 12), 9)),
    }];
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Valid, [record]));
    assert_kinds(
        &events,
        &[
            "patient-first-seen",
            "patient-numbered",
            "qualification-granted",
            "commissioned-ticket-arrived",
            "reference-number-registered",
            "consent-recorded",
            "verified",
        ],
    );
    let verified = verified(&events);
    assert_eq!(verified.validity, Validity::Valid);
    assert_eq!(verified.coverage, Coverage::AssistanceOnly);
    assert!(verified.qualifications[0].qualification_id.is_some());
}

#[test]
fn the_day_of_loss_is_the_first_day_not_covered() {
    for (end, validity) in [
        (date(2026, 5, 10), Validity::Lost),
        (MAY_11, Validity::Lost),
        (date(2026, 5, 12), Validity::Valid),
    ] {
        let records = [ended(insurance(), end), with_ticket(a1(), ticket(MAY_11))];
        let events = Story::default().sees(card(MAY_11, AnswerValidity::Valid, records));
        assert_eq!(
            halves(verified(&events)),
            [("insurance", validity), ("12", Validity::Valid)]
        );
    }
}

#[test]
fn config_may_read_the_day_of_loss_as_covered() {
    let mut command = command(card(MAY_11, AnswerValidity::Valid, [ended(a1(), MAY_11)]));
    command.facility.loss_day_is_covered = true;
    let events = Story::default().does(command);
    assert_eq!(halves(verified(&events)), [("12", Validity::Valid)]);
    let Event::QualificationGranted(granted) = &events[1] else {
        panic!("granted until its announced end");
    };
    assert_eq!(granted.details.valid_to, Some(MAY_11));
}

#[test]
fn a_lost_body_means_the_dated_half_of_combined() {
    for (body, lost) in [
        (AnswerValidity::Lost, Validity::Lost),
        (AnswerValidity::LostWithNewer, Validity::LostWithNewer),
    ] {
        let records = [ended(insurance(), MAY_11), a1()];
        let events = Story::default().sees(card(MAY_11, body, records));
        assert_eq!(
            halves(verified(&events)),
            [("insurance", lost), ("12", Validity::Valid)]
        );
        assert!(!verified(&events).inconsistent);
    }
}

#[test]
fn a_lost_body_without_any_day_means_every_half() {
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Lost, [insurance(), a1()]));
    assert_eq!(
        halves(verified(&events)),
        [("insurance", Validity::Lost), ("12", Validity::Lost)]
    );
    assert_eq!(verified(&events).coverage, Coverage::Combined);
}

#[test]
fn the_leading_half_is_assistance_else_insurance() {
    let events = Story::default().sees(card(
        MAY_11,
        AnswerValidity::Valid,
        [insurance(), ended(a1(), MAY_11)],
    ));
    assert_eq!(verified(&events).validity, Validity::Lost);
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Valid, [insurance()]));
    assert_eq!(verified(&events).validity, Validity::Valid);
    assert_eq!(verified(&events).coverage, Coverage::InsuranceOnly);
}

#[test]
fn without_a_body_validity_the_records_decide() {
    let mut answer = card(
        MAY_11,
        AnswerValidity::Valid,
        [ended(a1(), date(2026, 5, 1))],
    );
    answer.validity = None;
    let events = Story::default().sees(answer);
    assert_eq!(verified(&events).validity, Validity::Lost);
    assert!(!verified(&events).inconsistent);
}

#[test]
fn several_matches_are_insurances_alone_and_change_nothing() {
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Multiple, [insurance(), a1()]));
    assert_eq!(
        halves(verified(&events)),
        [("insurance", Validity::Multiple), ("12", Validity::Valid)]
    );
    let granted = events
        .iter()
        .filter(|event| event.kind() == "qualification-granted");
    assert_eq!(granted.count(), 1);
}

#[test]
fn numbers_that_disagree_are_inconsistent_and_grant_nothing() {
    let mut record = a1_without_numbers();
    record.numbers.disagree = true;
    let events = Story::default().sees(card(MAY_11, AnswerValidity::Valid, [record]));
    assert_kinds(&events, &["patient-first-seen", "verified"]);
    let verified = verified(&events);
    assert!(verified.inconsistent);
    assert_eq!(verified.validity, Validity::Valid);
    assert_eq!(verified.qualifications[0].qualification_id, None);
}

#[test]
fn records_that_contradict_the_body_are_inconsistent_and_change_nothing() {
    let known = Story::given([card(APRIL_10, AnswerValidity::Valid, [a1()])]);
    for answer in [
        card(MAY_11, AnswerValidity::NotFound, [a1()]),
        card(MAY_11, AnswerValidity::Valid, [ended(a1(), MAY_11)]),
        card(
            MAY_11,
            AnswerValidity::Lost,
            [ended(a1(), date(2026, 6, 1))],
        ),
    ] {
        let events = known.clone().sees(answer);
        assert_kinds(&events, &["verified"]);
        assert!(verified(&events).inconsistent);
    }
}

#[test]
fn the_tickets_word_decides_coverage_first() {
    let mut combined = ticket(MAY_11);
    combined.usage = Some(TicketUse::Combined);
    let events = Story::default().sees(by(
        Method::Ticket,
        card(
            MAY_11,
            AnswerValidity::Valid,
            [with_ticket(a1(), combined.clone())],
        ),
    ));
    assert_eq!(verified(&events).coverage, Coverage::Combined);
    combined.usage = None;
    combined.social_insurance = Some(true);
    let events = Story::default().sees(card(
        MAY_11,
        AnswerValidity::Valid,
        [with_ticket(a1(), combined)],
    ));
    assert_eq!(verified(&events).coverage, Coverage::Combined);
}

#[test]
fn insurance_known_for_the_day_decides_coverage_next() {
    let ask = || by(Method::Ticket, card(MAY_11, AnswerValidity::Valid, [a1()]));
    let mut insured = Story::given([card(APRIL_10, AnswerValidity::Valid, [insurance()])]);
    assert_eq!(verified(&insured.sees(ask())).coverage, Coverage::Combined);
    let mut was_insured = Story::given([
        card(APRIL_10, AnswerValidity::Valid, [insurance()]),
        card(
            date(2026, 5, 2),
            AnswerValidity::Lost,
            [ended(insurance(), date(2026, 5, 1))],
        ),
    ]);
    assert_eq!(
        verified(&was_insured.sees(ask())).coverage,
        Coverage::Unknown
    );
}

#[test]
fn a_card_shows_all_there_is_and_a_ticket_answer_does_not() {
    let answer = card(MAY_11, AnswerValidity::Valid, [a1()]);
    let events = Story::default().sees(answer.clone());
    assert_eq!(verified(&events).coverage, Coverage::AssistanceOnly);
    for method in [Method::Ticket, Method::Bulk, Method::Commissioned] {
        let events = Story::default().sees(by(method, answer.clone()));
        assert_eq!(verified(&events).coverage, Coverage::Unknown);
    }
}

#[test]
fn an_answer_without_an_insurance_record_says_nothing_about_insurance() {
    for method in [Method::Card, Method::Ticket, Method::Bulk] {
        let mut story = Story::given([card(APRIL_10, AnswerValidity::Valid, [insurance()])]);
        story.sees(by(method, card(MAY_11, AnswerValidity::Valid, [a1()])));
        assert!(story.state.qualifications[0].covers(MAY_11));
    }
}

#[test]
fn a_local_copy_verifies_nothing() {
    let answer = by(
        Method::LocalCopy,
        card(
            MAY_11,
            AnswerValidity::Valid,
            [with_ticket(a1(), ticket(MAY_11))],
        ),
    );
    let mut story = Story::default();
    let events = story.sees(answer.clone());
    assert_kinds(&events, &["patient-first-seen", "verified"]);
    assert_eq!(verified(&events).method, Method::LocalCopy);
    assert_eq!(verified(&events).qualifications[0].qualification_id, None);
    assert_kinds(&story.sees(answer), &["verified"]);
    assert!(story.state.verified_as_of.is_empty());
}

#[test]
fn an_answer_that_names_nobody_is_not_a_patients() {
    let mut refused = card(MAY_11, AnswerValidity::Valid, [a1()]);
    refused.rejected = true;
    for answer in [refused, card(MAY_11, AnswerValidity::NotFound, [])] {
        let command = PatientCommand::RecordVerification(Box::new(command(answer)));
        assert_eq!(
            decide(&PatientState::default(), command),
            Err(PatientRejection::AnswerNamesNobody)
        );
    }
}
