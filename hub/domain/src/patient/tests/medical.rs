use shikaku_schemas::event::MedicalInformationReceived;
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{ConsentScope, EvidenceId};

use super::consents::{consenting, here};
use super::*;

use ConsentScope::{Checkup, Drug, Treatment};

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn wish(scope: ConsentScope, from: Option<&str>, to: Option<&str>) -> MedicalWish {
    MedicalWish {
        scope,
        from: from.map(month),
        to: to.map(month),
    }
}

fn asks(story: &Story, wish: &MedicalWish) -> Result<TaskBody, PatientRejection> {
    medical_question(
        &story.state,
        &here(),
        wish,
        &MedicalMonths::default(),
        (MAY_11, at(MAY_11, 10).0),
    )
}

fn consented(records: impl IntoIterator<Item = AnswerRecord>, scopes: &[ConsentScope]) -> Story {
    let mut records: Vec<_> = records.into_iter().collect();
    records[0] = consenting(records[0].clone(), scopes, at(MAY_11, 9));
    Story::given([card(MAY_11, AnswerValidity::Valid, records)])
}

fn asked_months(body: &TaskBody) -> (String, String, bool) {
    match body {
        TaskBody::DrugInfo(asked) => (
            asked.from.to_string(),
            asked.to.to_string(),
            asked.with_treatments,
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn months_before_the_first_of_the_guide_are_left_out_for_assistance() {
    let story = consented([a1()], &[Drug]);
    let usual = asks(&story, &wish(Drug, None, None)).unwrap();
    assert_eq!(
        asked_months(&usual),
        ("2024-02".to_owned(), "2026-05".to_owned(), false)
    );
    let early = asks(&story, &wish(Drug, Some("2022-01"), Some("2024-03"))).unwrap();
    assert_eq!(asked_months(&early).0, "2024-02");
    assert_eq!(
        asks(&story, &wish(Drug, Some("2023-01"), Some("2024-01"))),
        Err(PatientRejection::BeforeFirstMonth)
    );
    assert_eq!(
        asks(&story, &wish(Drug, Some("2026-04"), Some("2026-03"))),
        Err(PatientRejection::MonthsReversed)
    );
}

#[test]
fn insured_people_are_asked_about_as_far_back_as_is_usual() {
    let story = consented([insurance()], &[Drug]);
    let usual = asks(&story, &wish(Drug, None, None)).unwrap();
    assert_eq!(asked_months(&usual).0, "2023-06");
    let early = asks(&story, &wish(Drug, Some("2022-01"), None)).unwrap();
    assert_eq!(asked_months(&early).0, "2022-01");
}

#[test]
fn treatments_follow_the_consents_and_need_that_of_drugs_too() {
    let both = consented([a1()], &[Drug, Treatment]);
    assert!(asked_months(&asks(&both, &wish(Drug, None, None)).unwrap()).2);
    assert!(asked_months(&asks(&both, &wish(Treatment, None, None)).unwrap()).2);
    let alone = consented([a1()], &[Treatment]);
    assert_eq!(
        asks(&alone, &wish(Treatment, None, None)),
        Err(PatientRejection::ConsentMissing)
    );
    assert_eq!(
        asks(&both, &wish(ConsentScope::Operation, None, None)),
        Err(PatientRejection::ScopeNotAsked)
    );
}

#[test]
fn checkups_are_asked_for_with_numbers_alone() {
    let story = consented([a1()], &[Checkup]);
    let body = asks(&story, &wish(Checkup, None, None)).unwrap();
    let TaskBody::CheckupInfo(asked) = &body else {
        panic!("{body:?}");
    };
    assert_eq!(
        (&*asked.numbers.insurer_number, &*asked.numbers.number),
        ("12137014", "4820155")
    );
    assert_eq!(
        asks(&story, &wish(Checkup, None, Some("2024-03"))),
        Err(PatientRejection::BeforeFirstMonth)
    );
}

#[test]
fn while_not_commissioned_only_insurance_numbers_are_used() {
    let waiting = |records: Vec<AnswerRecord>| {
        let mut records = records;
        records[0] = consenting(records[0].clone(), &[Drug], at(MAY_11, 9));
        Story::given([
            card(APRIL_10, AnswerValidity::Valid, [a1()]),
            card(MAY_11, AnswerValidity::NotCommissioned, records),
        ])
    };
    assert_eq!(
        asks(
            &waiting(vec![a1_without_numbers()]),
            &wish(Drug, None, None)
        ),
        Err(PatientRejection::NotCommissioned)
    );
    let insured = asks(
        &waiting(vec![insurance(), a1_without_numbers()]),
        &wish(Drug, None, None),
    );
    let Ok(TaskBody::DrugInfo(asked)) = insured else {
        panic!("{insured:?}");
    };
    assert_eq!(asked.numbers.insurer_number, "06139992");
}

#[test]
fn what_was_asked_for_is_no_longer_permitted_once_the_consent_is_over() {
    let story = consented([a1()], &[Drug, Treatment]);
    let body = asks(&story, &wish(Drug, None, None)).unwrap();
    let still = |hour, day| still_permitted(&story.state, &here(), &body, at(day, hour).0);
    let until = still(11, MAY_11).unwrap().expect("it rests on a consent");
    assert!(
        until > at(MAY_11, 11) && until < at(date(2026, 5, 12), 11),
        "{until:?}"
    );
    assert_eq!(
        still(11, date(2026, 5, 12)),
        Err(PatientRejection::ConsentOver)
    );
}

#[test]
fn what_came_is_recorded_as_held_once() {
    let mut story = consented([a1()], &[Drug]);
    let told = || PatientCommand::ReceiveMedicalInformation {
        facility: here(),
        received: vec![MedicalInformationReceived {
            scope: Drug,
            from_month: Some(month("2024-02")),
            to_month: Some(month("2026-05")),
            evidence: EvidenceId("e1".to_owned()),
            empty: false,
        }],
    };
    assert_kinds(&story.obeys(told()), &["medical-information-received"]);
    assert_eq!(story.obeys(told()), Vec::new());
    assert_eq!(story.state.medical.len(), 1);
}
