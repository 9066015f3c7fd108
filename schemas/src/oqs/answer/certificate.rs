//! Certificates of insurance, and consents at the reader.

use super::coded::{Warnings, code};
use crate::event::{ElderlyCertificate, LimitCertificate, SpecificDisease};
use crate::observation::ConsentGiven;
use crate::oqs::eligibility::{Consent, Record};
use crate::value::{AsOf, ConsentScope};

pub(super) fn limit(record: &Record<'_>, warnings: &mut Warnings) -> Option<LimitCertificate> {
    let info = record.limit.as_ref()?;
    let certificate = LimitCertificate {
        classification: code(&info.classification).map(str::to_owned),
        classification_flag: code(&info.classification_flag).map(str::to_owned),
        issued_on: warnings.day(&info.date),
        valid_from: warnings.day(&info.valid_start_date),
        valid_to: warnings.day(&info.valid_end_date),
        long_term_on: warnings.day(&info.long_term_date),
    };
    (certificate != LimitCertificate::default()).then_some(certificate)
}

pub(super) fn diseases(record: &Record<'_>, warnings: &mut Warnings) -> Vec<SpecificDisease> {
    record
        .specific_diseases
        .iter()
        .map(|info| SpecificDisease {
            category: code(&info.disease_category).map(str::to_owned),
            issued_on: warnings.day(&info.date),
            valid_from: warnings.day(&info.valid_start_date),
            valid_to: warnings.day(&info.valid_end_date),
            self_pay_yen: warnings.number(&info.self_pay),
        })
        .filter(|disease| *disease != SpecificDisease::default())
        .collect()
}

pub(super) fn elderly(record: &Record<'_>, warnings: &mut Warnings) -> Option<ElderlyCertificate> {
    let info = record.elderly.as_ref()?;
    let certificate = ElderlyCertificate {
        issued_on: warnings.day(&info.date),
        valid_from: warnings.day(&info.valid_start_date),
        valid_to: warnings.day(&info.valid_end_date),
        copay_percent: warnings.number(&info.contribution_ratio),
    };
    (certificate != ElderlyCertificate::default()).then_some(certificate)
}

/// Only flag 1 is a consent: 2 has run out, 3 could not be asked for, and 0 is none.
pub(super) fn consents(record: &Record<'_>) -> Vec<ConsentGiven> {
    let all = &record.consents;
    let given = |scope, consent: &Consent<'_>| {
        let time = |text| code(text).and_then(AsOf::from_compact);
        (code(&consent.flag) == Some("1")).then(|| ConsentGiven {
            scope,
            given_at: time(&consent.time),
            available_until: time(&consent.available),
        })
    };
    [
        given(ConsentScope::Drug, &all.pharmacists),
        given(ConsentScope::Treatment, &all.diagnosis),
        given(ConsentScope::Checkup, &all.specific_health_checkups),
        given(ConsentScope::Operation, &all.operation),
        given(ConsentScope::DiagnosisName, &all.diagnosis_name),
        given(ConsentScope::Infection, &all.infectious),
        given(ConsentScope::Allergy, &all.allergy),
        given(ConsentScope::Contraindication, &all.contraindication),
        given(ConsentScope::Test, &all.test),
        given(ConsentScope::Prescription, &all.prescription),
    ]
    .into_iter()
    .flatten()
    .collect()
}
