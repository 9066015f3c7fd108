//! 薬剤・診療情報 (`YZKsiquc`) and 健診情報 (`TKKsiquc`): asking, and seeing what came without taking it in.
//!
//! Drugs, treatments and results are the facility's chart record: they stay in the evidence, whose form is XML
//! or PDF. [`Overview`] tells only what it is: months, kinds, whether empty. [`MedicalChart`] reads what it says, for a
//! look that was logged. The headers of these two functions
//! spell the numbers otherwise than all others do.

mod chart;
mod overview;

pub use chart::{CheckupResult, Drug, MedicalChart, Other, Treatment};
pub use overview::{Branch, Overview, pdf_is_whole};

use super::answer::ReadingError;
use super::message::{Family, Form};
use super::request::{Head, Sheet};
use super::scalar::compact_month;
use crate::value::Month;

/// The first month whose drugs can be asked for of people under 医療扶助.
pub const FIRST_DRUG_MONTH: Month = Month {
    year: 2024,
    month: 2,
};
/// The first month whose check-ups can be asked for of people under 医療扶助.
pub const FIRST_CHECKUP_MONTH: Month = Month {
    year: 2024,
    month: 4,
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// 薬剤情報, and 診療情報 beside it where that was consented to, of some months.
    Drugs {
        /// The first month.
        from: Month,
        /// The last month.
        to: Month,
        /// 診療情報 too.
        with_treatments: bool,
    },
    /// 健診情報.
    Checkups,
}

impl Wanted {
    /// Its function.
    pub fn family(self) -> Family {
        match self {
            Self::Drugs { .. } => Family::Drugs,
            Self::Checkups => Family::Checkups,
        }
    }

    /// FileCategory: odd ones bring PDF, even ones XML.
    fn category(self, form: Form) -> &'static str {
        let pdf = form == Form::Pdf;
        match (self, pdf) {
            (Self::Checkups, true) => "1",
            (Self::Checkups, false) => "2",
            (
                Self::Drugs {
                    with_treatments: false,
                    ..
                },
                true,
            ) => "1",
            (
                Self::Drugs {
                    with_treatments: false,
                    ..
                },
                false,
            ) => "2",
            (
                Self::Drugs {
                    with_treatments: true,
                    ..
                },
                true,
            ) => "3",
            (
                Self::Drugs {
                    with_treatments: true,
                    ..
                },
                false,
            ) => "4",
        }
    }
}

/// A request for one person, who consented at the card reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub head: Head,
    /// 公費負担者番号 / 保険者番号, unpadded.
    pub insurer_number: String,
    /// 記号: insurance only.
    pub symbol: Option<String>,
    /// 受給者番号 / 番号.
    pub number: String,
    /// 枝番: insurance only.
    pub branch: Option<String>,
    /// What is asked for.
    pub wanted: Wanted,
    /// The form of the answer: XML or PDF.
    pub form: Form,
}

impl super::request::Request for Request {
    fn sheet(&self) -> Sheet<'_> {
        let mut sheet = Sheet::default();
        let header = &mut sheet.header;
        header.must("MedicalInstitutionCode", &*self.head.institution_code);
        header.insurer(&self.insurer_number);
        header.may("InsuranceCardSymbol", self.symbol.as_deref());
        header.must("InsuredPersonIdentificationNumber", &*self.number);
        header.may("BranchNumber", self.branch.as_deref());
        header.may(
            "ArbitraryFileIdentifier",
            self.head.file_identifier.as_deref(),
        );
        let body = &mut sheet.body;
        if let Wanted::Drugs { from, to, .. } = self.wanted {
            body.must("StartDate", compact_month(from));
            body.must("EndDate", compact_month(to));
        }
        body.must("FileCategory", self.wanted.category(self.form));
        body.must("PrDiInfClassification", "1");
        // 外来: the desk asks, whose consent is the card reader's.
        body.must("MedicalTreatmentFlag", "1");
        sheet
    }

    fn of_sheet(sheet: &Sheet<'_>) -> Result<Self, ReadingError> {
        let (header, body) = (&sheet.header, &sheet.body);
        let category = body.text("FileCategory")?;
        let (form, with_treatments) = match category.as_str() {
            "1" => (Form::Pdf, false),
            "2" => (Form::Xml, false),
            "3" => (Form::Pdf, true),
            "4" => (Form::Xml, true),
            _ => return Err(ReadingError::UnknownCode("FileCategory")),
        };
        let wanted = match body.get("StartDate").or(body.get("EndDate")) {
            Some(_) => Wanted::Drugs {
                from: body.month("StartDate")?,
                to: body.month("EndDate")?,
                with_treatments,
            },
            None if with_treatments => return Err(ReadingError::Missing("StartDate")),
            None => Wanted::Checkups,
        };
        Ok(Self {
            head: Head::of_group(header)?,
            insurer_number: header.text("InsurerNumber")?.trim().to_owned(),
            symbol: header.maybe("InsuranceCardSymbol"),
            number: header.text("InsuredPersonIdentificationNumber")?,
            branch: header.maybe("BranchNumber"),
            wanted,
            form,
        })
    }
}
