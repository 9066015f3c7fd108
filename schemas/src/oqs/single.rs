//! 資格確認（照会） of one person: `OQSsiquc01req_`. Its answer is read by [`super::read_answer`].

use jiff::civil::Date;

use super::answer::ReadingError;
use super::request::{Group, Head, Sheet};
use super::scalar::{compact, is_set};
use crate::task::TicketQuestion;

/// The search condition of one person. Numbers of 医療券/調剤券 stand where those of insurance stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// 公費負担者番号 / 保険者番号, unpadded.
    pub insurer_number: String,
    /// 記号: insurance only.
    pub symbol: Option<String>,
    /// 受給者番号 / 番号.
    pub number: String,
    /// 枝番: insurance only.
    pub branch: Option<String>,
    /// 生年月日.
    pub birth_date: Date,
    /// 限度額適用認定証関連 同意フラグ. It does not exist for 医療扶助 (guide 4.1.1(5)).
    pub limit_certificate_consent: bool,
    /// 任意の識別子, echoed by the centre.
    pub arbitrary_identifier: Option<String>,
}

/// Name of the element that holds a search condition.
pub(super) const SEARCH: &str = "QualificationConfirmSearchInfo";

impl Search {
    /// By 医療券/調剤券.
    pub fn of_ticket(question: &TicketQuestion) -> Self {
        Self {
            insurer_number: question.payer_number.as_str().to_owned(),
            symbol: None,
            number: question.recipient_number.as_str().to_owned(),
            branch: None,
            birth_date: question.birth_date,
            limit_certificate_consent: false,
            arbitrary_identifier: None,
        }
    }

    pub(super) fn group(&self) -> Group<'_> {
        let mut group = Group::new(SEARCH);
        group.insurer(&self.insurer_number);
        group.may("InsuredCardSymbol", self.symbol.as_deref());
        group.must("InsuredIdentificationNumber", &*self.number);
        group.may("InsuredBranchNumber", self.branch.as_deref());
        group.must("Birthdate", compact(self.birth_date));
        let consent = if self.limit_certificate_consent {
            "1"
        } else {
            "0"
        };
        group.must("LimitApplicationCertificateRelatedConsFlg", consent);
        group.may("ArbitraryIdentifier", self.arbitrary_identifier.as_deref());
        group
    }

    pub(super) fn of_group(group: &Group<'_>) -> Result<Self, ReadingError> {
        Ok(Self {
            insurer_number: group.text("InsurerNumber")?.trim().to_owned(),
            symbol: group.maybe("InsuredCardSymbol"),
            number: group.text("InsuredIdentificationNumber")?,
            branch: group.maybe("InsuredBranchNumber"),
            birth_date: group.day("Birthdate")?,
            limit_certificate_consent: is_set(
                group.get("LimitApplicationCertificateRelatedConsFlg"),
            ),
            arbitrary_identifier: group.maybe("ArbitraryIdentifier"),
        })
    }
}

/// A single inquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub head: Head,
    /// 資格確認日.
    pub confirmed_on: Date,
    /// About whom.
    pub search: Search,
}

impl Request {
    /// The request for a ticket task.
    pub fn of_ticket(
        question: &TicketQuestion,
        institution_code: &str,
        file_identifier: &str,
    ) -> Self {
        Self {
            head: Head::new(institution_code, file_identifier),
            confirmed_on: question.confirmed_on,
            search: Search::of_ticket(question),
        }
    }
}

impl super::request::Request for Request {
    fn sheet(&self) -> Sheet<'_> {
        let mut sheet = Sheet::default();
        sheet
            .header
            .must("QualificationConfirmationDate", compact(self.confirmed_on));
        self.head.fill(&mut sheet.header);
        sheet.groups.push(self.search.group());
        sheet
    }

    fn of_sheet(sheet: &Sheet<'_>) -> Result<Self, ReadingError> {
        Ok(Self {
            head: Head::of_group(&sheet.header)?,
            confirmed_on: sheet.header.day("QualificationConfirmationDate")?,
            search: Search::of_group(sheet.group(SEARCH)?)?,
        })
    }
}
