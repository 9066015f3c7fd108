//! People of the town, as the centre knows them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What the centre answers when asked about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// 有効.
    Valid,
    /// 未委託: assistance holds, but no ticket is registered for this institution.
    NotCommissioned,
    /// 無効.
    Lost,
    /// 無効（新しい資格あり）.
    LostWithNewer,
    /// 該当資格なし.
    NotFound,
    /// 複数該当 (insurance only).
    Multiple,
    /// The inquiry itself is refused.
    Rejected,
}

/// 診療別.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreatmentType {
    /// 入院.
    Inpatient,
    /// 入院外.
    Outpatient,
    /// 歯科.
    Dental,
    /// 調剤.
    Dispensing,
    /// 訪問看護.
    VisitingNurse,
}

impl TreatmentType {
    /// OQSCD019.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Inpatient => "01",
            Self::Outpatient => "02",
            Self::Dental => "03",
            Self::Dispensing => "04",
            Self::VisitingNurse => "05",
        }
    }
}

/// A ticket that the welfare office registers each month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketPlan {
    /// 交付番号.
    pub issue_number: String,
    /// 診療別; `Dispensing` makes it a 調剤券.
    pub treatment_type: TreatmentType,
    /// 本人支払額, yen; `None` leaves the element out.
    pub self_pay_yen: Option<u32>,
    /// Named institution when it is another than the one asking.
    pub other_institution: Option<String>,
    /// 処方箋発行元 of a 調剤券.
    pub prescriber: Option<String>,
    /// 併用; otherwise 単独.
    pub combined: bool,
    /// The office's statement on social insurance disagrees with the system's.
    pub inconsistent: bool,
    /// Valid only in the month before.
    pub out_of_term: bool,
}

impl TicketPlan {
    /// An ordinary 医療券 for outpatient care without self-pay.
    pub fn outpatient(issue_number: &str) -> Self {
        Self {
            issue_number: issue_number.to_owned(),
            treatment_type: TreatmentType::Outpatient,
            self_pay_yen: Some(0),
            other_institution: None,
            prescriber: None,
            combined: false,
            inconsistent: false,
            out_of_term: false,
        }
    }
}

/// The insurance half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insurance {
    /// 被保険者証区分.
    pub classification: String,
    /// 保険者番号, unpadded.
    pub insurer_number: String,
    /// 保険者名称.
    pub insurer_name: String,
    /// 記号.
    pub symbol: Option<String>,
    /// 番号.
    pub number: String,
    /// 枝番.
    pub branch: Option<String>,
    /// 資格取得年月日.
    pub since: Date,
    /// 一部負担金割合, percent.
    pub copay_percent: Option<u8>,
}

/// The assistance half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assistance {
    /// 公費負担者番号.
    pub payer_number: String,
    /// 受給者番号.
    pub recipient_number: String,
    /// 福祉事務所名.
    pub office: String,
    /// 保護開始・再開日.
    pub since: Date,
    /// Tickets of each month.
    pub tickets: Vec<TicketPlan>,
}

/// One invented person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What scenarios call them.
    pub id: String,
    /// 氏名, with a full-width space.
    pub name: String,
    /// 氏名カナ, half width.
    pub name_kana: String,
    /// 性別1: `1` 男, `2` 女.
    pub sex: char,
    /// 生年月日.
    pub birth_date: Date,
    /// 照会番号 registered at the centre.
    pub reference_number: Option<String>,
    /// The insurance half.
    pub insurance: Option<Insurance>,
    /// The assistance half.
    pub assistance: Option<Assistance>,
    /// What the centre answers.
    pub standing: Standing,
    /// 利用申込（初回登録）: whether their card can be used as an insurance card.
    pub card_registered: bool,
}
