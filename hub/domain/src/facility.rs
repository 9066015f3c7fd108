//! What a decision has to know about the facility that asked. It arrives inside the command.

use serde::{Deserialize, Serialize};
use shikaku_schemas::group::{Facility, ReferenceNumberRule};
use shikaku_schemas::value::{FacilityCode, PatientNumber, ReferenceNumber};

/// One facility, as far as the domain cares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacilityFacts {
    /// 医療機関コード.
    pub code: FacilityCode,
    /// The chart numbering it uses: records are of a numbering.
    pub numbering: String,
    /// How a 照会番号 becomes a chart number.
    pub reference_number: ReferenceNumberRule,
    /// 指定医療機関.
    pub designated: bool,
    /// Whether 喪失/廃止日 itself is still covered. The guide's reading is that it is the first day that is
    /// not; kept switchable because no public source settles it for 医療扶助.
    pub loss_day_is_covered: bool,
}

impl From<&Facility> for FacilityFacts {
    fn from(facility: &Facility) -> Self {
        Self {
            code: facility.code.clone(),
            numbering: facility.numbering().to_owned(),
            reference_number: facility.reference_number,
            designated: facility.designated,
            loss_day_is_covered: false,
        }
    }
}

impl FacilityFacts {
    /// The chart number that a 照会番号 stands for at this facility, by its rule.
    pub fn chart_number(&self, reference: &ReferenceNumber) -> Option<PatientNumber> {
        let plain = reference.as_str().trim();
        let number = match self.reference_number {
            ReferenceNumberRule::Patient => plain,
            ReferenceNumberRule::StripZeros => {
                let stripped = plain.trim_start_matches('0');
                if stripped.is_empty() { plain } else { stripped }
            }
            ReferenceNumberRule::None => return None,
        };
        (!number.is_empty()).then(|| PatientNumber(number.to_owned()))
    }
}
