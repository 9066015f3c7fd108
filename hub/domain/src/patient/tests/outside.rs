use shikaku_schemas::event::{ElderlyCertificate, LimitCertificate, SpecificDisease};

use super::*;

fn with_certificates(mut record: AnswerRecord) -> AnswerRecord {
    record.limit_certificate = Some(LimitCertificate {
        classification: Some("01".to_owned()),
        ..LimitCertificate::default()
    });
    record.specific_diseases = vec![SpecificDisease {
        category: Some("1".to_owned()),
        ..SpecificDisease::default()
    }];
    record.elderly_certificate = Some(ElderlyCertificate {
        copay_percent: Some(20),
        ..ElderlyCertificate::default()
    });
    record
}

fn certificates(known: &KnownQualification) -> (bool, usize, bool) {
    let details = &known.details;
    (
        details.limit_certificate.is_some(),
        details.specific_diseases.len(),
        details.elderly_certificate.is_some(),
    )
}

#[test]
fn of_combined_the_insurance_half_keeps_every_certificate_and_the_assistance_half_has_none() {
    let records = [with_certificates(insurance()), with_certificates(a1())];
    let story = Story::given([card(MAY_11, AnswerValidity::Valid, records)]);
    let limited = with_limit_certificate(&story.state, MAY_11).unwrap();
    assert_eq!(limited.len(), 1);
    assert_eq!(certificates(limited[0]), (true, 1, true));
    let assistance = story.state.qualifications.iter();
    let assistance: Vec<_> = assistance.filter(|known| !known.is_insurance()).collect();
    assert_eq!(certificates(assistance[0]), (false, 0, false));
    let transferable = with_claim_transfer(&story.state, MAY_11).unwrap();
    assert!(transferable.iter().all(|known| known.is_insurance()));
}

#[test]
fn for_assistance_alone_both_are_refused() {
    let story = Story::given([card(
        MAY_11,
        AnswerValidity::Valid,
        [with_certificates(a1())],
    )]);
    assert_eq!(
        with_limit_certificate(&story.state, MAY_11),
        Err(PatientRejection::LimitCertificateNotForAssistance)
    );
    assert_eq!(
        with_claim_transfer(&story.state, MAY_11),
        Err(PatientRejection::ClaimTransferNotForAssistance)
    );
}

#[test]
fn insured_people_keep_theirs() {
    let story = Story::given([card(
        MAY_11,
        AnswerValidity::Valid,
        [with_certificates(insurance())],
    )]);
    let known = with_limit_certificate(&story.state, MAY_11).unwrap()[0];
    assert_eq!(certificates(known), (true, 1, true));
    assert!(with_claim_transfer(&story.state, MAY_11).is_ok());
}
