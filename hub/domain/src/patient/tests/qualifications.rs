//! Only `valid` grants or amends; `lost` ends what is known.

use shikaku_schemas::event::{
    QualificationLost, RecordErased, ReferenceNumberRegistered, VisitAccepted,
};

use super::*;

fn known() -> Story {
    Story::given([card(APRIL_10, AnswerValidity::Valid, [a1()])])
}

#[test]
fn the_same_details_again_are_only_verified() {
    let events = known().sees(card(MAY_11, AnswerValidity::Valid, [a1()]));
    assert_kinds(&events, &["verified"]);
    assert_eq!(
        verified(&events).qualifications[0].qualification_id,
        Some(known().state.qualifications[0].id)
    );
}

#[test]
fn changed_details_amend() {
    let mut changed = a1();
    changed.issuer_name = Some("隣町福祉事務所".to_owned());
    let events = known().sees(card(MAY_11, AnswerValidity::Valid, [changed]));
    assert_kinds(&events, &["qualification-amended", "verified"]);
}

#[test]
fn width_of_numbers_is_no_other_qualification() {
    let mut story = Story::given([card(APRIL_10, AnswerValidity::Valid, [insurance()])]);
    let mut narrow = insurance();
    narrow.numbers.symbol = Some("51".to_owned());
    let events = story.sees(card(MAY_11, AnswerValidity::Valid, [narrow]));
    assert_kinds(&events, &["qualification-amended", "verified"]);
    assert_eq!(story.state.qualifications.len(), 1);
}

#[test]
fn lost_ends_a_known_qualification() {
    let end = date(2026, 4, 30);
    let events = known().sees(card(MAY_11, AnswerValidity::Lost, [ended(a1(), end)]));
    assert_kinds(&events, &["qualification-lost", "verified"]);
    let Event::QualificationLost(lost) = &events[0] else {
        panic!("lost first");
    };
    assert_eq!(lost.ended_on, Some(end));
    assert_eq!(lost.valid_to, Some(date(2026, 4, 29)));
    assert_eq!(lost.reason_of_loss.as_deref(), Some("99"));
}

#[test]
fn lost_never_creates_a_qualification() {
    let mut story = Story::default();
    let answer = card(MAY_11, AnswerValidity::Lost, [ended(a1(), MAY_11)]);
    let events = story.sees(answer);
    assert_kinds(&events, &["patient-first-seen", "verified"]);
    assert_eq!(verified(&events).qualifications[0].qualification_id, None);
    assert!(story.state.qualifications.is_empty());
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains("12137014") && !text.contains("4820155"));
}

#[test]
fn lost_with_a_newer_one_is_superseded_by_what_is_not_known_yet() {
    let events = known().sees(by(
        Method::Ticket,
        card(
            MAY_11,
            AnswerValidity::LostWithNewer,
            [ended(a1(), date(2026, 5, 1))],
        ),
    ));
    assert_kinds(
        &events,
        &["qualification-lost", "qualification-superseded", "verified"],
    );
    let Event::QualificationSuperseded(superseded) = &events[1] else {
        panic!("superseded behind lost");
    };
    assert_eq!(superseded.superseded_by, None);
}

#[test]
fn the_same_loss_again_is_only_verified_and_a_corrected_one_is_told() {
    let mut story = known();
    let loss = |on, end| card(on, AnswerValidity::Lost, [ended(a1(), end)]);
    story.sees(loss(MAY_11, date(2026, 5, 1)));
    let events = story.sees(loss(date(2026, 5, 12), date(2026, 5, 1)));
    assert_kinds(&events, &["verified"]);
    let events = story.sees(loss(date(2026, 5, 13), date(2026, 4, 21)));
    assert_kinds(&events, &["qualification-lost", "verified"]);
}

#[test]
fn a_stopped_qualification_resumes_from_its_new_start() {
    let mut story = known();
    story.sees(card(
        MAY_11,
        AnswerValidity::Lost,
        [ended(a1(), date(2026, 5, 1))],
    ));
    let mut again = a1();
    again.qualified_on = Some(date(2026, 6, 1));
    let events = story.sees(card(date(2026, 6, 3), AnswerValidity::Valid, [again]));
    assert_kinds(&events, &["qualification-resumed", "verified"]);
    let Event::QualificationResumed(resumed) = &events[0] else {
        panic!("resumed first");
    };
    assert_eq!(resumed.qualification_id, story.state.qualifications[0].id);
    assert_eq!(resumed.details.valid_from, Some(date(2026, 6, 1)));
    assert!(!story.state.qualifications[0].is_lost());
}

#[test]
fn a_transfer_ends_one_and_grants_another() {
    let answer = card(
        MAY_11,
        AnswerValidity::Valid,
        [ended(a1(), date(2026, 5, 1)), a1_of("12997011", "1234566")],
    );
    let mut story = known();
    let events = story.sees(answer);
    assert_kinds(
        &events,
        &["qualification-lost", "qualification-granted", "verified"],
    );
    assert_eq!(
        verified(&events).validity,
        shikaku_schemas::value::Validity::Valid
    );
}

#[test]
fn an_old_and_a_new_period_in_one_answer_are_one_valid_qualification() {
    let mut again = a1();
    again.qualified_on = Some(date(2026, 5, 1));
    let records = [ended(a1(), date(2026, 3, 1)), again];
    let events = known().sees(card(MAY_11, AnswerValidity::Valid, records));
    assert_kinds(&events, &["qualification-amended", "verified"]);
}

#[test]
fn limit_certificates_are_insurances_alone() {
    let certificate = Some(shikaku_schemas::event::LimitCertificate::default());
    let mut assisted = a1();
    assisted.limit_certificate = certificate.clone();
    let mut insured = insurance();
    insured.limit_certificate = certificate;
    let story = Story::given([card(MAY_11, AnswerValidity::Valid, [assisted, insured])]);
    for known in &story.state.qualifications {
        assert_eq!(
            known.details.limit_certificate.is_some(),
            known.is_insurance()
        );
    }
}

#[test]
fn an_id_tells_nothing_without_the_key() {
    let mut other = command(card(APRIL_10, AnswerValidity::Valid, [a1()]));
    other.ids = SealKey::from_bytes([4; 32]);
    let mut story = Story::default();
    story.does(other);
    assert_ne!(
        story.state.qualifications[0].id,
        known().state.qualifications[0].id
    );
    let events = story.sees(card(MAY_11, AnswerValidity::Valid, [a1()]));
    assert_kinds(&events, &["verified"]);
}

#[test]
fn a_reference_number_lapses_with_its_qualification() {
    let mut story = known();
    let registered = Event::ReferenceNumberRegistered(ReferenceNumberRegistered {
        reference_number: "004417".into(),
        qualification_id: Some(story.state.qualifications[0].id),
    });
    let here = Origin {
        facility: Some(FacilityCode::from(HERE)),
        as_of: None,
    };
    evolve(&mut story.state, &here, &registered);
    let loss = card(MAY_11, AnswerValidity::Lost, [ended(a1(), MAY_11)]);
    let events = story.sees(loss.clone());
    assert_kinds(
        &events,
        &["qualification-lost", "reference-number-lapsed", "verified"],
    );
    assert_kinds(&known().sees(loss), &["qualification-lost", "verified"]);
}

#[test]
fn a_chart_number_is_learnt_once_by_the_facilitys_rule() {
    use shikaku_schemas::group::ReferenceNumberRule;
    for (rule, expected) in [
        (ReferenceNumberRule::Patient, Some("004417")),
        (ReferenceNumberRule::StripZeros, Some("4417")),
        (ReferenceNumberRule::None, None),
    ] {
        let mut record = a1();
        record.reference_number = Some("004417".into());
        let mut asked = command(card(APRIL_10, AnswerValidity::Valid, [record]));
        asked.facility.reference_number = rule;
        let mut story = Story::default();
        story.does(asked.clone());
        let known = story.state.patient_number.clone();
        assert_eq!(known.as_ref().map(|number| number.as_str()), expected);
        let events = story.does(asked);
        assert_kinds(&events, &["verified"]);
    }
}

#[test]
fn consents_are_recorded_when_new_or_changed() {
    use shikaku_schemas::observation::ConsentGiven;
    use shikaku_schemas::value::{ConsentScope, ConsentSource};
    let with_consent = |day: Date| {
        let mut record = a1();
        record.consents = vec![ConsentGiven {
            scope: ConsentScope::Drug,
            given_at: Some(at(day, 9)),
            available_until: Some(at(day, 23)),
        }];
        card(MAY_11, AnswerValidity::Valid, [record])
    };
    let mut story = Story::given([with_consent(APRIL_10)]);
    assert_eq!(story.state.consents[0].consent.source, ConsentSource::Card);
    assert_kinds(&story.sees(with_consent(APRIL_10)), &["verified"]);
    assert_kinds(
        &story.sees(with_consent(MAY_11)),
        &["consent-recorded", "verified"],
    );
    assert_kinds(&story.sees(with_consent(APRIL_10)), &["verified"]);
    story.sees(by(Method::Ticket, with_consent(APRIL_10)));
    let entered =
        |KnownConsent { consent, .. }: &&KnownConsent| consent.source == ConsentSource::Entered;
    assert_eq!(story.state.consents.iter().filter(entered).count(), 1);
}

#[test]
fn simple_facts_need_a_record_and_an_erased_one_refuses_all() {
    let visit = || {
        PatientCommand::AcceptVisit(VisitAccepted {
            visited_on: MAY_11,
            department: Some("内科".to_owned()),
        })
    };
    assert_eq!(
        decide(&PatientState::default(), visit()),
        Err(PatientRejection::RecordUnknown)
    );
    let mut story = known();
    assert_kinds(&decide(&story.state, visit()).unwrap(), &["visit-accepted"]);
    let number = |number: &str| PatientCommand::NumberPatient(number.into());
    let events = decide(&story.state, number("17")).unwrap();
    assert_kinds(&events, &["patient-numbered"]);
    evolve(&mut story.state, &Origin::default(), &events[0]);
    assert_eq!(decide(&story.state, number("17")), Ok(Vec::new()));
    assert_eq!(
        decide(&story.state, number("18")),
        Err(PatientRejection::NumberedOtherwise)
    );
    let order = PatientCommand::EraseRecord(RecordErased {
        ordered_by: "officer".to_owned(),
        reason: "retention".to_owned(),
    });
    let events = decide(&story.state, order).unwrap();
    evolve(&mut story.state, &Origin::default(), &events[0]);
    assert_eq!(
        decide(&story.state, visit()),
        Err(PatientRejection::RecordErased)
    );
    assert!(story.state.qualifications.is_empty() && story.state.person == Default::default());
}

#[test]
fn a_record_whose_payloads_are_gone_exists_and_knows_nothing() {
    let state = replay([(Origin::default(), None), (Origin::default(), None)]);
    assert!(state.seen);
    assert!(state.qualifications.is_empty());
}

#[test]
fn a_loss_of_something_unknown_changes_no_state() {
    let lost = Event::QualificationLost(QualificationLost {
        qualification_id: shikaku_schemas::value::QualificationId(Uuid::from_u128(1)),
        scheme: None,
        ended_on: None,
        valid_to: None,
        reason_of_loss: None,
        confirmed_on: MAY_11,
        method: Method::Card,
    });
    let mut state = PatientState::default();
    evolve(&mut state, &Origin::default(), &lost);
    assert_eq!(state, PatientState::default());
}
