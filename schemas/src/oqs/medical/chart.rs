//! What a medical answer says, for those who may read it: drugs, treatments, check-ups. It is made from the evidence
//! for one look, and stored, logged and published nowhere.

mod walk;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::overview::{Branch, Overview};
use crate::oqs::error::OqsError;
use crate::oqs::text;
use crate::value::Month;

/// One element as it came, where no member is meant for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// The element.
    pub element: String,
    /// Its text.
    pub text: String,
}

/// One drug of one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drug {
    /// Where it stands: 医科, 処方, 調剤.
    pub part: Option<Branch>,
    /// The month it stands under.
    pub month: Option<Month>,
    /// 調剤日 / 処方日.
    pub on: Option<Date>,
    /// 医薬品コード.
    pub code: Option<String>,
    /// 医薬品名.
    pub name: Option<String>,
    /// 成分名.
    pub ingredient: Option<String>,
    /// 数量, as written.
    pub quantity: Option<String>,
    /// 単位.
    pub unit: Option<String>,
    /// 用法.
    pub usage: Option<String>,
    /// 特別指示.
    pub instruction: Option<String>,
    /// 回数・日数, as written.
    pub times: Option<String>,
    /// Everything else that stands there, a second text of a member included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
}

/// One treatment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// The month it stands under.
    pub month: Option<Month>,
    /// The day, where one is told.
    pub on: Option<Date>,
    /// 診療行為コード.
    pub code: Option<String>,
    /// 診療行為名.
    pub name: Option<String>,
    /// Everything else that stands there, a second text of a member included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
}

/// One result or question of a check-up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckupResult {
    /// 実施日.
    pub on: Option<Date>,
    /// 項目コード.
    pub code: Option<String>,
    /// 項目名.
    pub name: Option<String>,
    /// 値, as written.
    pub value: Option<String>,
    /// What a coded value means.
    pub value_name: Option<String>,
    /// 単位.
    pub unit: Option<String>,
    /// Everything else that stands there, a second text of a member included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
}

/// All that one answer says, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MedicalChart {
    /// 薬剤.
    pub drugs: Vec<Drug>,
    /// 診療.
    pub treatments: Vec<Treatment>,
    /// 健診.
    pub checkups: Vec<CheckupResult>,
}

impl MedicalChart {
    /// Reads an XML answer, of drugs or check-ups. What it says of the person is left out: whose it is, the record says.
    ///
    /// # Errors
    /// As for every message.
    pub fn read(bytes: &[u8]) -> Result<Self, OqsError> {
        let limits = &Overview::LIMITS;
        limits.check_size(bytes.len())?;
        let decoded = text::decode(bytes)?;
        walk::walk(&decoded.text, limits)
    }
}

#[cfg(test)]
mod tests;
