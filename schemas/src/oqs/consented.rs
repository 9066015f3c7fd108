//! Bulk fetch of what people consented to beside the desk: 訪問診療等 (`OQSmuhvq01req_`) and
//! オンライン診療等 (`OQSmuonq01req_`). What follows it is every job's: see [`super::job`].

use jiff::civil::Date;

use super::answer::ReadingError;
use super::message::Family;
use super::request::{Group, Head, Sheet};
use super::scalar::compact;
use super::single::SEARCH;

/// Where the consents were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// 訪問診療等.
    HomeVisit,
    /// オンライン診療等.
    Online,
}

impl Service {
    /// Its function.
    pub fn family(self) -> Family {
        match self {
            Self::HomeVisit => Family::HomeVisit,
            Self::Online => Family::Online,
        }
    }

    /// MedicalTreatmentFlag (OQSCD028).
    fn flag(self) -> &'static str {
        match self {
            Self::HomeVisit => "2",
            Self::Online => "3",
        }
    }
}

/// Which day of a consent must lie in the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The day of the consent.
    Consent,
    /// The day of the examination; オンライン診療等 only.
    Examination,
}

impl Basis {
    fn elements(self) -> (&'static str, &'static str) {
        match self {
            Self::Consent => ("ConsentDateFrom", "ConsentDateTo"),
            Self::Examination => ("ExaminationDateFrom", "ExaminationDateTo"),
        }
    }
}

/// Everybody who consented in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub head: Head,
    /// Where the consents were given.
    pub service: Service,
    /// Which day counts.
    pub basis: Basis,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

impl super::request::Request for Request {
    fn sheet(&self) -> Sheet<'_> {
        let mut sheet = Sheet::default();
        self.head.fill(&mut sheet.header);
        let mut search = Group::new(SEARCH);
        let (from, to) = self.basis.elements();
        search.must(from, compact(self.from));
        search.must(to, compact(self.to));
        search.must("MedicalTreatmentFlag", self.service.flag());
        sheet.groups.push(search);
        sheet
    }

    fn of_sheet(sheet: &Sheet<'_>) -> Result<Self, ReadingError> {
        let search = sheet.group(SEARCH)?;
        let service = match search.text("MedicalTreatmentFlag")?.as_str() {
            "2" => Service::HomeVisit,
            "3" => Service::Online,
            _ => return Err(ReadingError::UnknownCode("MedicalTreatmentFlag")),
        };
        let basis = if search.get("ExaminationDateFrom").is_some() {
            Basis::Examination
        } else {
            Basis::Consent
        };
        let (from, to) = basis.elements();
        Ok(Self {
            head: Head::of_group(&sheet.header)?,
            service,
            basis,
            from: search.day(from)?,
            to: search.day(to)?,
        })
    }
}
