//! What every bulk function shares after its own request: the 受付番号, asking for the result by it, and the
//! result, read unit by unit in bounded memory.
//!
//! A result is read twice: [`survey`] walks it to its end and tells header and counts, [`Units`] then hands out
//! one unit at a time. So nothing of an answer that is cut short is ever taken in, and a header that stands
//! behind the units is known before the first of them.

mod accepted;
mod split;
mod survey;
mod unit;

pub use accepted::Accepted;
pub use survey::{BulkLimits, Survey, Tally, survey};
pub use unit::{Unit, Units};

use super::answer::ReadingError;
use super::request::{Group, Sheet};

/// Asks for a job's result: `02req_`, the same for every function. Each asking needs a name of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// 医療機関コード.
    pub institution_code: String,
    /// 受付番号.
    pub reception_number: String,
}

impl super::request::Request for Poll {
    fn sheet(&self) -> Sheet<'_> {
        let mut sheet = Sheet::default();
        sheet
            .header
            .must("MedicalInstitutionCode", &*self.institution_code);
        sheet.body.must("ReceptionNumber", &*self.reception_number);
        sheet
    }

    fn of_sheet(sheet: &Sheet<'_>) -> Result<Self, ReadingError> {
        // Some programs put it into the header.
        let place = |group: &Group<'_>| group.maybe("ReceptionNumber");
        Ok(Self {
            institution_code: sheet.header.text("MedicalInstitutionCode")?,
            reception_number: place(&sheet.body)
                .or_else(|| place(&sheet.header))
                .ok_or(ReadingError::Missing("ReceptionNumber"))?,
        })
    }
}
