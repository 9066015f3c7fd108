//! What the guide leaves out for 医療扶助: 限度額適用認定証 (4.1.1(5)), and レセプト振替・分割 for welfare offices
//! (2.2.3). Insured people, and the insurance half of 併用, keep theirs, with 特定疾病 and 高齢受給者証.

use jiff::civil::Date;

use super::command::PatientRejection;
use super::state::{KnownQualification, PatientState};

/// The qualifications for which 限度額 may be asked on a day: insurance alone.
///
/// # Errors
/// [`PatientRejection::LimitCertificateNotForAssistance`] when there is none.
pub fn with_limit_certificate(
    state: &PatientState,
    on: Date,
) -> Result<Vec<&KnownQualification>, PatientRejection> {
    insured(
        state,
        on,
        PatientRejection::LimitCertificateNotForAssistance,
    )
}

/// The qualifications whose claims may be transferred or split on a day: insurance alone.
///
/// # Errors
/// [`PatientRejection::ClaimTransferNotForAssistance`] when there is none.
pub fn with_claim_transfer(
    state: &PatientState,
    on: Date,
) -> Result<Vec<&KnownQualification>, PatientRejection> {
    insured(state, on, PatientRejection::ClaimTransferNotForAssistance)
}

fn insured(
    state: &PatientState,
    on: Date,
    none: PatientRejection,
) -> Result<Vec<&KnownQualification>, PatientRejection> {
    let all = state.qualifications.iter();
    let insured: Vec<_> = all
        .filter(|known| known.is_insurance() && known.covers(on))
        .collect();
    match insured.is_empty() {
        true => Err(none),
        false => Ok(insured),
    }
}
