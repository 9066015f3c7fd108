//! From the records that keys lead to, to the one record of an answer — or a case.

use shikaku_schemas::event::{CaseReason, PersonDetails};
use shikaku_schemas::observation::OqsAnswer;
use shikaku_schemas::value::{Method, RecordId, Sex};

use super::key::{CandidateKey, KeyKind};
use crate::text;

/// Who a record is about, by the newest answer about it (`PatientState::person`).
pub type PersonSummary = PersonDetails;

/// A key of the answer, and the record it leads to.
pub type Found = (CandidateKey, Option<(RecordId, PersonSummary)>);

/// Which record an answer is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// A known one.
    Existing {
        /// The record.
        record: RecordId,
        /// Keys that it learns in the same commit.
        new_keys: Vec<CandidateKey>,
    },
    /// A new one.
    New {
        /// Nothing but a name is known.
        provisional: bool,
        /// Keys that it is found by from now on.
        keys: Vec<CandidateKey>,
    },
    /// A person has to look; the answer waits.
    Case {
        /// Why.
        reason: CaseReason,
        /// The records in question, in order.
        candidates: Vec<RecordId>,
    },
}

/// Decides from `found`, which has an entry for every key of [`keys_of`](super::keys_of).
pub fn resolve(answer: &OqsAnswer, found: &[Found]) -> Resolution {
    let by_number = hits(found).any(|(key, ..)| key.kind != KeyKind::Provisional);
    let mut candidates: Vec<RecordId> = hits(found)
        .filter(|(key, ..)| !by_number || key.kind != KeyKind::Provisional)
        .map(|(_, record, _)| record)
        .collect();
    candidates.sort_unstable();
    candidates.dedup();
    if let Some(reason) = hits(found).find_map(|(key, _, known)| disagreement(answer, key, known)) {
        return Resolution::Case { reason, candidates };
    }
    let unclaimed = || {
        found
            .iter()
            .filter(|(key, hit)| hit.is_none() && may_learn(answer, key))
            .map(|(key, _)| key.clone())
            .collect()
    };
    match candidates[..] {
        [] => Resolution::New {
            provisional: !found
                .iter()
                .any(|(key, _)| key.kind != KeyKind::Provisional && may_learn(answer, key)),
            keys: unclaimed(),
        },
        [record] => Resolution::Existing {
            record,
            new_keys: if answer.method == Method::LocalCopy {
                Vec::new()
            } else {
                unclaimed()
            },
        },
        _ => Resolution::Case {
            reason: CaseReason::KeysDisagree,
            candidates,
        },
    }
}

fn hits(found: &[Found]) -> impl Iterator<Item = (&CandidateKey, RecordId, &PersonSummary)> {
    found
        .iter()
        .filter_map(|(key, hit)| hit.as_ref().map(|(record, known)| (key, *record, known)))
}

/// A local copy teaches no number. A record that it opens is found by name, or each copy would open another.
fn may_learn(answer: &OqsAnswer, key: &CandidateKey) -> bool {
    answer.method != Method::LocalCopy || key.kind == KeyKind::Provisional
}

fn disagreement(
    answer: &OqsAnswer,
    key: &CandidateKey,
    known: &PersonSummary,
) -> Option<CaseReason> {
    let told = answer.records.iter().map(|record| &record.person);
    match key.kind {
        KeyKind::Chart => {
            let agrees = known.birth_date.is_some()
                && told
                    .filter_map(|person| person.birth_date)
                    .any(|birth| Some(birth) == known.birth_date);
            (!agrees).then_some(CaseReason::BirthDateDiffers)
        }
        KeyKind::Assistance | KeyKind::Insurance => {
            let differs = told
                .into_iter()
                .any(|person| name_or_sex_differs(person, known));
            (differs && (key.kind == KeyKind::Assistance || !has_branch(answer)))
                .then_some(CaseReason::NumberReused)
        }
        KeyKind::Provisional => None,
    }
}

/// Without a branch two twins share every number of their insurance, and only name and sex tell them apart.
fn has_branch(answer: &OqsAnswer) -> bool {
    answer
        .records
        .iter()
        .filter(|record| record.is_insurance())
        .all(|record| record.numbers.branch.is_some())
}

fn name_or_sex_differs(told: &PersonDetails, known: &PersonDetails) -> bool {
    let names = both(&told.name, &known.name)
        .is_some_and(|(told, known)| !text::names_agree(&text::name(told), &text::name(known)));
    let kana_only = told.name.is_none() || known.name.is_none();
    let kana = kana_only
        && both(&told.name_kana, &known.name_kana)
            .is_some_and(|(told, known)| !text::names_agree(&text::kana(told), &text::kana(known)));
    let sexes = match (stated(told.sex), stated(known.sex)) {
        (Some(told), Some(known)) => told != known,
        _ => false,
    };
    names || kana || sexes
}

fn both<'a>(left: &'a Option<String>, right: &'a Option<String>) -> Option<(&'a str, &'a str)> {
    left.as_deref().zip(right.as_deref())
}

fn stated(sex: Option<Sex>) -> Option<Sex> {
    sex.filter(|sex| *sex != Sex::Unset)
}
