//! Payloads about who is who.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{CaseId, FacilityCode, ObservationId, PersonId, RecordId};

/// `person-linked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonLinked {
    /// The human.
    pub person: PersonId,
    /// The record joined.
    pub record: RecordId,
    /// The account that decided, or `rule:<name>`.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// `person-unlinked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonUnlinked {
    /// The human.
    pub person: PersonId,
    /// The record taken away.
    pub record: RecordId,
    /// The account that decided.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// `persons-merged`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonsMerged {
    /// The one that stays.
    pub into: PersonId,
    /// The one that is now the same.
    pub from: PersonId,
    /// The account that decided.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// `merge-undone`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MergeUndone {
    /// The one that stayed.
    pub into: PersonId,
    /// The one that is its own again.
    pub from: PersonId,
    /// The account that decided.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Why a person has to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CaseReason {
    /// The chart number's record has another birth date.
    BirthDateDiffers,
    /// The numbers' record has another name or sex: a reused number.
    NumberReused,
    /// Keys of one answer lead to different records.
    KeysDisagree,
    /// A ticket equals an open 未委託 person: a link is offered.
    LinkOffered,
    /// An earlier observation of this person waits in a case.
    QueuedBehind,
    /// An answer of a 一括照会 names another payer or insurer than the row that was asked.
    IssuerDiffers,
    /// A month's tickets vanished: all of them, or more than a set share. Nothing is withdrawn before a person
    /// has looked; closing the case says whether they are gone indeed or the answer was a mistake.
    TicketsVanished,
}

/// `identity-case-opened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityCaseOpened {
    /// The case.
    pub case: CaseId,
    /// Why.
    pub reason: CaseReason,
    /// Where.
    pub facility: FacilityCode,
    /// What waits for it; null for an offered link, where nothing waits.
    pub observation_id: Option<ObservationId>,
    /// The records in question; of vanished tickets the first hundred whose tickets are missing.
    pub candidates: Vec<RecordId>,
}

/// `identity-case-closed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityCaseClosed {
    /// The case.
    pub case: CaseId,
    /// The record decided on; null when the offer was declined.
    pub record: Option<RecordId>,
    /// Of vanished tickets: whether they are gone indeed, so that runs may withdraw them. False: the answer was a
    /// mistake. Null of every other case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<bool>,
    /// The account that decided.
    pub by: String,
}
