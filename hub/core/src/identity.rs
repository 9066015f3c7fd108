//! Identity keys as the ledger holds them: keyed digests, so that a row tells nothing of whom it leads to.

use shikaku_domain::FacilityFacts;
use shikaku_domain::identity::{self, CandidateKey};
use shikaku_ledger::{IdentityKey, KeyKind};
use shikaku_schemas::event::PersonDetails;
use shikaku_schemas::observation::{AnswerRecord, OqsAnswer, RecordNumbers};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{PatientNumber, RecordId};

/// Makes digests. The same group key makes the same ones for ever.
#[derive(Clone)]
pub(crate) struct Digests(SealKey);

impl Digests {
    /// From the group key.
    pub(crate) fn new(group_key: &SealKey) -> Self {
        Self(group_key.derive("identity"))
    }

    /// The row of a key that leads to a record.
    pub(crate) fn key(&self, key: &CandidateKey) -> IdentityKey {
        self.row(kind(key.kind), key.scope.clone(), &key.bytes, None)
    }

    /// The row that says which record a person decided on, for these numbers *and* this name, birth date
    /// and sex: the next answer of the same shape asks nobody again.
    pub(crate) fn decided(&self, key: &CandidateKey, told: &PersonDetails) -> IdentityKey {
        let scope = format!("{}|decided", key.scope);
        self.row(kind(key.kind), scope, &key.bytes, Some(told))
    }

    /// The row that says in which case somebody waits. Bound to the name too, so that only the person in
    /// doubt waits and not the one whose numbers were used.
    pub(crate) fn waiting(&self, key: &CandidateKey, told: &PersonDetails) -> IdentityKey {
        let scope = format!("{}|{}", key.scope, key.kind.as_str());
        self.row(KeyKind::Waiting, scope, &key.bytes, Some(told))
    }

    /// The row that says to which person a record is linked.
    pub(crate) fn person(&self, record: RecordId) -> IdentityKey {
        let bytes = record.0.into_bytes();
        self.row(KeyKind::Person, "group".to_owned(), &bytes, None)
    }

    /// The row of a chart number.
    pub(crate) fn chart(&self, facility: &FacilityFacts, number: &PatientNumber) -> IdentityKey {
        self.key(&CandidateKey::chart(facility, number))
    }

    fn row(
        &self,
        kind: KeyKind,
        scope: String,
        bytes: &[u8],
        told: Option<&PersonDetails>,
    ) -> IdentityKey {
        let mut text = Vec::with_capacity(bytes.len() + 128);
        let person = told.map(|told| serde_json::to_vec(told).unwrap_or_default());
        for part in [kind.as_str().as_bytes(), scope.as_bytes(), bytes] {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        text.extend_from_slice(&person.unwrap_or_default());
        IdentityKey {
            kind,
            scope,
            digest: self.0.digest(&text),
        }
    }
}

fn kind(kind: identity::KeyKind) -> KeyKind {
    match kind {
        identity::KeyKind::Chart => KeyKind::Chart,
        identity::KeyKind::Assistance => KeyKind::Assistance,
        identity::KeyKind::Insurance => KeyKind::Insurance,
        identity::KeyKind::Provisional => KeyKind::Provisional,
    }
}

/// Whom an answer is about, as it says itself.
pub(crate) fn told(answer: &OqsAnswer) -> PersonDetails {
    answer
        .records
        .iter()
        .map(|record| &record.person)
        .find(|person| person.name.is_some() || person.name_kana.is_some())
        .cloned()
        .unwrap_or_default()
}

/// The key under which somebody without any number would have been recorded at this facility.
pub(crate) fn nameless_twin(answer: &OqsAnswer, facility: &FacilityFacts) -> Option<CandidateKey> {
    let stripped = OqsAnswer {
        records: answer
            .records
            .iter()
            .map(|record| AnswerRecord {
                numbers: RecordNumbers::default(),
                reference_number: None,
                ..record.clone()
            })
            .collect(),
        ..answer.clone()
    };
    identity::keys_of(&stripped, facility)
        .into_iter()
        .find(|key| key.kind == identity::KeyKind::Provisional)
}
