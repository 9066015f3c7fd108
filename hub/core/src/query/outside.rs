//! What the guide leaves out for 医療扶助, asked about one person: refused, or the insurance that keeps it.

use jiff::civil::Date;
use shikaku_domain::patient::{self, PatientRejection};
use shikaku_schemas::event::QualificationDetails;
use shikaku_schemas::value::FacilityCode;

use super::linked::state_of;
use super::{Queries, QueryError, Who};

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// 限度額適用認定証等 (guide 4.1.1(5)).
    LimitCertificate,
    /// レセプト振替・分割 (guide 2.2.3).
    ClaimTransfer,
}

/// The rule that refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutsideRefusal {
    /// Stable name.
    pub rule: &'static str,
    /// For people, with the guide's section.
    pub message: &'static str,
}

impl Queries {
    /// The insurance of a person that keeps it on a day, or the rule that refuses it for 医療扶助.
    ///
    /// # Errors
    /// As [`Queries::record`].
    pub async fn outside(
        &self,
        facility: &FacilityCode,
        who: &Who,
        what: Outside,
        on: Date,
    ) -> Result<Result<Vec<QualificationDetails>, OutsideRefusal>, QueryError> {
        let (_, events) = self.events(facility, who).await?;
        let state = state_of(&events);
        let kept = match what {
            Outside::LimitCertificate => patient::with_limit_certificate(&state, on),
            Outside::ClaimTransfer => patient::with_claim_transfer(&state, on),
        };
        Ok(kept
            .map(|kept| kept.iter().map(|known| known.details.clone()).collect())
            .map_err(|rejection: PatientRejection| OutsideRefusal {
                rule: rejection.rule(),
                message: crate::parked::message(rejection.rule()),
            }))
    }
}
