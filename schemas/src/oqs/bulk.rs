//! 一括照会: `OQSmuquc01req_`. What follows it is every job's: see [`super::job`].
//!
//! Insurance numbers and recipient numbers are separate jobs with a 受付番号 each (guide 4.1.1(6)).

use jiff::civil::Date;

use super::answer::ReadingError;
use super::request::{Head, Sheet};
use super::scalar::compact;
use super::single::{SEARCH, Search};

/// Many inquiries at once, answered by one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub head: Head,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// About whom; 任意の識別子 tells their answers apart, so each row has its own.
    pub searches: Vec<Search>,
}

impl super::request::Request for Request {
    fn sheet(&self) -> Sheet<'_> {
        let mut sheet = Sheet::default();
        sheet
            .header
            .must("QualificationConfirmationDate", compact(self.confirmed_on));
        self.head.fill(&mut sheet.header);
        sheet.groups = self.searches.iter().map(Search::group).collect();
        sheet
    }

    fn of_sheet(sheet: &Sheet<'_>) -> Result<Self, ReadingError> {
        sheet.group(SEARCH)?;
        Ok(Self {
            head: Head::of_group(&sheet.header)?,
            confirmed_on: sheet.header.day("QualificationConfirmationDate")?,
            searches: sheet
                .all(SEARCH)
                .map(Search::of_group)
                .collect::<Result<_, _>>()?,
        })
    }
}
