//! Who listens.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of consumer. What each may know is the contract's audience table.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// レセプトコンピュータ.
    Receipt,
    /// 電子カルテ.
    Ehr,
    /// 調剤システム.
    Dispensing,
    /// 部門システム.
    Department,
}

impl Audience {
    /// Every audience.
    pub const ALL: &'static [Self] =
        &[Self::Receipt, Self::Ehr, Self::Dispensing, Self::Department];

    /// The word in subjects and config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Ehr => "ehr",
            Self::Dispensing => "dispensing",
            Self::Department => "department",
        }
    }
}

/// An audience with or without insurance blocks: each is a feed of its own, with its own gapless sequence,
/// so that one consumer's fields never reach another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeedVariant {
    /// The audience.
    pub audience: Audience,
    /// `insurance_fields = true`; only `ehr` and `department` know the difference.
    pub insurance_fields: bool,
}

impl FeedVariant {
    /// The variant of a consumer: the flag counts only where the audience table names it.
    pub fn of(audience: Audience, insurance_fields: bool) -> Self {
        let differs = matches!(audience, Audience::Ehr | Audience::Department);
        Self {
            audience,
            insurance_fields: insurance_fields && differs,
        }
    }
}

impl fmt::Display for FeedVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.audience.as_str())?;
        if self.insurance_fields {
            f.write_str("-insurance")
        } else {
            Ok(())
        }
    }
}
