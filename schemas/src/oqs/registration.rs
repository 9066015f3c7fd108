//! 照会番号の登録: one person (`OQSsiimm`) or many (`OQSmuimm`), and what became of each.

mod outcome;

pub use outcome::{Outcome, Registered};

use super::answer::ReadingError;
use super::request::{Group, Head, Sheet};

/// Name of the element that holds one registration.
pub(super) const INFO: &str = "ReferenceNumberRegistrationInfo";

/// One 照会番号 and the qualification that it is to belong to. Registering again overwrites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// 照会番号, usually the chart number.
    pub reference_number: String,
    /// 公費負担者番号 / 保険者番号, unpadded.
    pub insurer_number: String,
    /// 記号: insurance only.
    pub symbol: Option<String>,
    /// 受給者番号 / 番号.
    pub number: String,
    /// 枝番: insurance only.
    pub branch: Option<String>,
}

impl Registration {
    fn group(&self) -> Group<'_> {
        let mut group = Group::new(INFO);
        group.must("ReferenceNumber", &*self.reference_number);
        group.insurer(&self.insurer_number);
        group.may("InsuredCardSymbol", self.symbol.as_deref());
        group.must("InsuredIdentificationNumber", &*self.number);
        group.may("InsuredBranchNumber", self.branch.as_deref());
        group
    }

    fn of_group(group: &Group<'_>) -> Result<Self, ReadingError> {
        Ok(Self {
            reference_number: group.text("ReferenceNumber")?,
            insurer_number: group.text("InsurerNumber")?.trim().to_owned(),
            symbol: group.maybe("InsuredCardSymbol"),
            number: group.text("InsuredIdentificationNumber")?,
            branch: group.maybe("InsuredBranchNumber"),
        })
    }
}

/// The registration of one person: `OQSsiimm01req_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub head: Head,
    /// What for.
    pub registration: Registration,
}

impl super::request::Request for Request {
    fn sheet(&self) -> Sheet<'_> {
        let mut sheet = Sheet::default();
        self.head.fill(&mut sheet.header);
        sheet.groups.push(self.registration.group());
        sheet
    }

    fn of_sheet(sheet: &Sheet<'_>) -> Result<Self, ReadingError> {
        Ok(Self {
            head: Head::of_group(&sheet.header)?,
            registration: Registration::of_group(sheet.group(INFO)?)?,
        })
    }
}

/// The registration of many: `OQSmuimm01req_`. What follows it is every job's: see [`super::job`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkRequest {
    /// Who asks.
    pub head: Head,
    /// What for.
    pub registrations: Vec<Registration>,
}

impl super::request::Request for BulkRequest {
    fn sheet(&self) -> Sheet<'_> {
        let mut sheet = Sheet::default();
        self.head.fill(&mut sheet.header);
        sheet.groups = self.registrations.iter().map(Registration::group).collect();
        sheet
    }

    fn of_sheet(sheet: &Sheet<'_>) -> Result<Self, ReadingError> {
        sheet.group(INFO)?;
        Ok(Self {
            head: Head::of_group(&sheet.header)?,
            registrations: sheet
                .all(INFO)
                .map(Registration::of_group)
                .collect::<Result<_, _>>()?,
        })
    }
}
