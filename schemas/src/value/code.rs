//! Codes that are data, not program: institutions and schemes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::passes_check_digit;

/// 医療機関コード: 10 digits, 都道府県 2 + 点数表 1 + 郡市区 2 + 機関 4 + 検証 1.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct InstitutionCode(pub String);

impl InstitutionCode {
    /// Whether it has ten digits and its check digit holds. Codes in answers are only warned about.
    pub fn is_well_formed(&self) -> bool {
        self.0.len() == 10 && passes_check_digit(&self.0)
    }
}

impl fmt::Display for InstitutionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 法別番号 (`12`, `25`, `54`, `15` …) or `insurance`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct SchemeCode(pub String);

impl SchemeCode {
    /// 生活保護法.
    pub fn public_assistance() -> Self {
        Self("12".to_owned())
    }

    /// Medical insurance, which has no 法別番号 of its own here.
    pub fn insurance() -> Self {
        Self("insurance".to_owned())
    }

    /// Whether this is medical insurance.
    pub fn is_insurance(&self) -> bool {
        self.0 == "insurance"
    }
}

impl fmt::Display for SchemeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
