//! The keys by which an answer may find its record. They are compared as keyed digests, so their bytes
//! must come out the same whoever wrote the numbers.

use jiff::civil::Date;
use shikaku_schemas::observation::{AnswerRecord, AnswerValidity, OqsAnswer};
use shikaku_schemas::task::{BulkRow, QualificationNumbers};
use shikaku_schemas::value::{Method, PatientNumber};

use crate::{FacilityFacts, text};

/// What a key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Chart number.
    Chart,
    /// Payer, recipient, birth date.
    Assistance,
    /// Insurer, symbol, number, branch, birth date.
    Insurance,
    /// Facility, name, kana, birth date, sex: only of an answer with no number at all.
    Provisional,
}

impl KeyKind {
    /// Stable name, for storing.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chart => "chart",
            Self::Assistance => "assistance",
            Self::Insurance => "insurance",
            Self::Provisional => "provisional",
        }
    }
}

/// One key, in clear: to be digested with the group's key before it is stored or looked up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CandidateKey {
    /// What it is made of.
    pub kind: KeyKind,
    /// The chart numbering: a record is of one numbering, so keys never reach across.
    pub scope: String,
    /// Canonical bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for CandidateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CandidateKey({}, {}, …)", self.kind.as_str(), self.scope)
    }
}

impl CandidateKey {
    /// The key of a chart number.
    pub fn chart(facility: &FacilityFacts, number: &PatientNumber) -> Self {
        Self::new(KeyKind::Chart, facility, &[&text::number(number.as_str())])
    }

    /// Every key of somebody whom a row of a list names: the chart number, then the numbers.
    pub fn of_row(facility: &FacilityFacts, is_insurance: bool, row: &BulkRow) -> Vec<Self> {
        let numbers = &row.numbers;
        let by_numbers = match is_insurance {
            true => insurance_key(facility, numbers, row.birth_date),
            false => assistance_key(
                facility,
                &numbers.insurer_number,
                &numbers.number,
                row.birth_date,
            ),
        };
        let chart = row.patient.as_ref();
        let chart = chart.map(|number| Self::chart(facility, number));
        chart.into_iter().chain(by_numbers).collect()
    }

    fn new(kind: KeyKind, facility: &FacilityFacts, parts: &[&str]) -> Self {
        // Length-prefixed, so that no two lists of parts share their bytes.
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self {
            kind,
            scope: facility.numbering.clone(),
            bytes,
        }
    }
}

/// Every key of an answer, strongest first. 未委託 teaches no assistance key: it is found by its chart number
/// or insurance or, having none, by the provisional key. A local copy always has that one too, because it
/// teaches no number by which its next copy could be found.
pub fn keys_of(answer: &OqsAnswer, facility: &FacilityFacts) -> Vec<CandidateKey> {
    let mut keys: Vec<CandidateKey> = Vec::new();
    let mut add = |key: Option<CandidateKey>| {
        if let Some(key) = key.filter(|key| !keys.contains(key)) {
            keys.push(key);
        }
    };
    for record in &answer.records {
        let number = record
            .reference_number
            .as_ref()
            .and_then(|reference| facility.chart_number(reference));
        add(number.map(|number| CandidateKey::chart(facility, &number)));
    }
    for record in &answer.records {
        if !record.is_insurance() && answer.validity != Some(AnswerValidity::NotCommissioned) {
            add(assistance(record, facility));
        }
    }
    for record in &answer.records {
        if record.is_insurance() {
            add(insurance(record, facility));
        }
    }
    if keys.is_empty() || answer.method == Method::LocalCopy {
        keys.extend(
            answer
                .records
                .iter()
                .find_map(|record| provisional(record, facility)),
        );
    }
    keys
}

/// The key under which the person of `answer` would have been recorded here without any number.
pub fn nameless_key(answer: &OqsAnswer, facility: &FacilityFacts) -> Option<CandidateKey> {
    let mut records = answer.records.iter();
    records.find_map(|record| provisional(record, facility))
}

/// Whether the answer tells a number by which its person can be found again.
pub fn tells_a_number(answer: &OqsAnswer, facility: &FacilityFacts) -> bool {
    answer.method != Method::LocalCopy
        && keys_of(answer, facility)
            .iter()
            .any(|key| key.kind != KeyKind::Provisional)
}

fn assistance(record: &AnswerRecord, facility: &FacilityFacts) -> Option<CandidateKey> {
    let payer = record.numbers.payer_number.as_ref()?.as_str();
    let recipient = record.numbers.recipient_number.as_ref()?.as_str();
    assistance_key(facility, payer, recipient, record.person.birth_date?)
}

fn assistance_key(
    facility: &FacilityFacts,
    payer: &str,
    recipient: &str,
    birth_date: Date,
) -> Option<CandidateKey> {
    let (payer, recipient) = (text::number(payer), text::number(recipient));
    let birth = birth_date.to_string();
    let parts = [payer.as_str(), recipient.as_str(), birth.as_str()];
    (!payer.is_empty() && !recipient.is_empty())
        .then(|| CandidateKey::new(KeyKind::Assistance, facility, &parts))
}

fn insurance(record: &AnswerRecord, facility: &FacilityFacts) -> Option<CandidateKey> {
    let told = &record.numbers;
    let numbers = QualificationNumbers {
        insurer_number: told.insurer_number.clone().unwrap_or_default(),
        symbol: told.symbol.clone(),
        number: told.number.clone().unwrap_or_default(),
        branch: told.branch.clone(),
    };
    insurance_key(facility, &numbers, record.person.birth_date?)
}

fn insurance_key(
    facility: &FacilityFacts,
    numbers: &QualificationNumbers,
    birth_date: Date,
) -> Option<CandidateKey> {
    let part = |text: &Option<String>| text.as_deref().map(text::number).unwrap_or_default();
    let insurer = text::number(&numbers.insurer_number);
    let number = text::number(&numbers.number);
    let birth = birth_date.to_string();
    let parts = [
        insurer.as_str(),
        &part(&numbers.symbol),
        &number,
        &part(&numbers.branch),
        &birth,
    ];
    (!insurer.is_empty() && !number.is_empty())
        .then(|| CandidateKey::new(KeyKind::Insurance, facility, &parts))
}

fn provisional(record: &AnswerRecord, facility: &FacilityFacts) -> Option<CandidateKey> {
    let person = &record.person;
    let name = person.name.as_deref().map(text::name).unwrap_or_default();
    let kana = person
        .name_kana
        .as_deref()
        .map(text::kana)
        .unwrap_or_default();
    if name.is_empty() && kana.is_empty() {
        return None;
    }
    let birth = person
        .birth_date
        .map(|day| day.to_string())
        .unwrap_or_default();
    let sex = person.sex.map_or("", |sex| sex.as_str());
    let parts = [facility.code.as_str(), &name, &kana, &birth, sex];
    Some(CandidateKey::new(KeyKind::Provisional, facility, &parts))
}
