//! 委託先資格情報の一括取得: `OQSmutic01req_`. What follows it is every job's: see [`super::job`].

use super::answer::ReadingError;
use super::request::{Group, Head, Sheet};
use super::scalar::compact_month;
use super::single::SEARCH;
use crate::value::Month;

/// The first month that has tickets at the centre; earlier ones can't be asked for.
pub const FIRST_MONTH: Month = Month {
    year: 2023,
    month: 10,
};

/// Every ticket of one month that names the asking institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub head: Head,
    /// 診療年月.
    pub month: Month,
}

impl super::request::Request for Request {
    fn sheet(&self) -> Sheet<'_> {
        let mut sheet = Sheet::default();
        self.head.fill(&mut sheet.header);
        let mut search = Group::new(SEARCH);
        search.must("MedicalTreatmentMonth", compact_month(self.month));
        sheet.groups.push(search);
        sheet
    }

    fn of_sheet(sheet: &Sheet<'_>) -> Result<Self, ReadingError> {
        Ok(Self {
            head: Head::of_group(&sheet.header)?,
            month: sheet.group(SEARCH)?.month("MedicalTreatmentMonth")?,
        })
    }
}
