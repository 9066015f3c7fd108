//! Identity keys as the ledger holds them: keyed digests, so that a row tells nothing of whom it leads to.

use shikaku_domain::FacilityFacts;
use shikaku_domain::identity::{self, CandidateKey};
use shikaku_ledger::{IdentityKey, KeyKind};
use shikaku_schemas::event::PersonDetails;
use shikaku_schemas::observation::OqsAnswer;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{PatientNumber, RecordId};

/// Everything an answer may be looked up by, as rows. Made once an answer: each costs digests and folded names.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// Its keys, strongest first.
    pub(crate) keys: Vec<NamedKey>,
    /// The key under which the same person would have been recorded without any number, if a ticket came along.
    pub(crate) twin: Option<IdentityKey>,
}

/// One key and its rows.
#[derive(Debug, Clone)]
pub(crate) struct NamedKey {
    /// In clear.
    pub(crate) key: CandidateKey,
    /// Leads to the record.
    pub(crate) row: IdentityKey,
    /// Says which record a person decided on, for these numbers *and* this name, birth date and sex: the next
    /// answer of the same shape asks nobody again.
    pub(crate) decided: IdentityKey,
    /// Says in which case somebody waits. Bound to the name too, so that only the person in doubt waits and
    /// not the one whose numbers were used.
    pub(crate) waiting: IdentityKey,
}

/// Makes digests. The same group key makes the same ones for ever.
#[derive(Clone)]
pub(crate) struct Digests(SealKey);

impl Digests {
    /// From the group key.
    pub(crate) fn new(group_key: &SealKey) -> Self {
        Self(group_key.derive("identity"))
    }

    /// Everything that `answer` may be looked up by at `facility`.
    pub(crate) fn named(&self, answer: &OqsAnswer, facility: &FacilityFacts) -> Named {
        self.of_keys(answer, facility, identity::keys_of(answer, facility))
    }

    /// The same of somebody whom a list names by chart number; a 照会番号 in the answer goes before it.
    pub(crate) fn listed(
        &self,
        answer: &OqsAnswer,
        facility: &FacilityFacts,
        number: &PatientNumber,
    ) -> Named {
        let mut keys = identity::keys_of(answer, facility);
        if !keys.iter().any(|key| key.kind == identity::KeyKind::Chart) {
            keys.insert(0, CandidateKey::chart(facility, number));
        }
        self.of_keys(answer, facility, keys)
    }

    fn of_keys(
        &self,
        answer: &OqsAnswer,
        facility: &FacilityFacts,
        keys: Vec<CandidateKey>,
    ) -> Named {
        let told = serde_json::to_vec(&told(answer)).unwrap_or_default();
        let keys = keys
            .into_iter()
            .map(|key| NamedKey {
                row: self.key(&key),
                decided: self.row(
                    kind(key.kind),
                    format!("{}|decided", key.scope),
                    &key.bytes,
                    &told,
                ),
                waiting: self.row(
                    KeyKind::Waiting,
                    format!("{}|{}", key.scope, key.kind.as_str()),
                    &key.bytes,
                    &told,
                ),
                key,
            })
            .collect();
        let has_ticket = answer
            .records
            .iter()
            .any(|record| !record.tickets.is_empty());
        let twin = has_ticket
            .then(|| identity::nameless_key(answer, facility))
            .flatten()
            .map(|twin| self.key(&twin));
        Named { keys, twin }
    }

    /// The row of a key that leads to a record.
    pub(crate) fn key(&self, key: &CandidateKey) -> IdentityKey {
        self.row(kind(key.kind), key.scope.clone(), &key.bytes, &[])
    }

    /// The row that says to which person a record is linked.
    pub(crate) fn person(&self, record: RecordId) -> IdentityKey {
        let bytes = record.0.into_bytes();
        self.row(KeyKind::Person, "group".to_owned(), &bytes, &[])
    }

    /// The row of a chart number.
    pub(crate) fn chart(&self, facility: &FacilityFacts, number: &PatientNumber) -> IdentityKey {
        self.key(&CandidateKey::chart(facility, number))
    }

    /// Kind, scope and bytes stand behind their lengths, whoever is told of at the end.
    fn row(&self, kind: KeyKind, scope: String, bytes: &[u8], told: &[u8]) -> IdentityKey {
        let mut text = Vec::with_capacity(384);
        let mut put = |part: &[u8]| {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        };
        put(kind.as_str().as_bytes());
        put(scope.as_bytes());
        put(bytes);
        text.extend_from_slice(told);
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
