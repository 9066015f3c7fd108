//! What an inquiry asks, as far as reading its answers needs it. Nothing personal: it stands in the journal.

use serde::{Deserialize, Serialize};
use shikaku_schemas::oqs::Family;
use shikaku_schemas::value::{ConsentScope, Month};

/// What an inquiry asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    #[serde(with = "family")]
    pub(crate) family: Family,
    /// 診療年月 of a 一括取得.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) month: Option<Month>,
    /// 診療情報 beside 薬剤情報.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) treatments: bool,
}

impl Asked {
    pub(crate) fn of(family: Family) -> Self {
        Self {
            family,
            month: None,
            treatments: false,
        }
    }

    /// What a medical answer was asked for.
    pub(crate) fn scopes(&self) -> Vec<ConsentScope> {
        let wanted = |scope: &ConsentScope| *scope != ConsentScope::Treatment || self.treatments;
        self.family
            .scopes()
            .iter()
            .copied()
            .filter(wanted)
            .collect()
    }
}

impl Default for Asked {
    /// What every line of the journal was before it said so.
    fn default() -> Self {
        Self::of(Family::Single)
    }
}

/// A function by the first characters of its names.
mod family {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use shikaku_schemas::oqs::Family;

    pub(super) fn serialize<S: Serializer>(family: &Family, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(family.prefix())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Family, D::Error> {
        let prefix = String::deserialize(source)?;
        let known = Family::ALL
            .into_iter()
            .find(|family| family.prefix() == prefix);
        known.ok_or_else(|| D::Error::custom("a function of the terminal"))
    }
}
