//! The one word that departments are told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{HalfVerified, Verified};
use crate::value::{Method, Validity};

/// The only message type of a department's feed.
pub const ASSISTANCE_CHANGED: &str = "assistance-changed";

/// 医療扶助: yes, no, or waiting for its ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Assistance {
    /// Valid.
    Yes,
    /// Not, or no longer.
    No,
    /// 未委託.
    Pending,
}

impl Assistance {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Pending => "pending",
        }
    }
}

/// The word after an answer. Local copies verify nothing and late knowledge is not the present: both leave it.
/// Silence about assistance says "no" only of somebody of whom nothing was known, for loss is never inferred.
pub(super) fn word_after(word: Option<Assistance>, verified: &Verified) -> Option<Assistance> {
    if verified.method == Method::LocalCopy || verified.late {
        return word;
    }
    let said = |validities: &[Validity]| {
        verified
            .qualifications
            .iter()
            .filter(|half| is_assistance(half))
            .any(|half| validities.contains(&half.validity))
    };
    let spoke = verified.qualifications.iter().any(is_assistance);
    if said(&[Validity::Valid]) {
        Some(Assistance::Yes)
    } else if said(&[Validity::NotCommissioned]) {
        Some(Assistance::Pending)
    } else if said(&[Validity::Lost, Validity::LostWithNewer]) {
        Some(Assistance::No)
    } else if spoke || verified.qualifications.is_empty() {
        word
    } else {
        word.or(Some(Assistance::No))
    }
}

/// 医療扶助 is 法別 12 and 25. Only it knows 未委託, whatever its scheme.
fn is_assistance(half: &HalfVerified) -> bool {
    let scheme = half.scheme.as_ref().map(|scheme| scheme.0.as_str());
    matches!(scheme, Some("12" | "25")) || half.validity == Validity::NotCommissioned
}
