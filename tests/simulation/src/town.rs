//! Invented people at two facilities, what terminals see of them, and what a simple mind would make of it.
//!
//! The model here knows nothing of the program: a list of what was seen, and rules of one line each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use shikaku_kit::publisher::evidence_ref;
use shikaku_kit::spool::Entry;
use shikaku_schemas::feed::Audience;
use shikaku_schemas::group::{Consumer, Facility, Group, Terminal};
use shikaku_schemas::observation::Observation;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{FacilityCode, InquiryId, ObservationId};

pub const FACILITIES: [&str; 2] = ["1319912349", "1306139992"];
pub const TERMINALS: [(&str, &str); 3] = [
    (FACILITIES[0], "t1"),
    (FACILITIES[0], "t2"),
    (FACILITIES[1], "t3"),
];
pub const CONSUMERS: [(&str, Audience, &str, bool); 4] = [
    ("receipt-a", Audience::Receipt, FACILITIES[0], false),
    ("ward-a", Audience::Department, FACILITIES[0], false),
    ("ward-b", Audience::Department, FACILITIES[1], false),
    ("chart-b", Audience::Ehr, FACILITIES[1], true),
];

pub fn group_key() -> SealKey {
    SealKey::from_bytes([9; 32])
}

pub fn group() -> Group {
    let facility = |code: &str| {
        let made = json!({ "code": code, "name": "見本病院" });
        let mut facility: Facility = serde_json::from_value(made).expect("a facility");
        for (_, id) in TERMINALS.iter().filter(|(of, _)| *of == code) {
            facility.terminals.push(Terminal {
                id: (*id).to_owned(),
                root: PathBuf::from(format!("/oqs/{id}")),
                face: Default::default(),
                environment: Default::default(),
                zip_password_file: None,
            });
        }
        facility
    };
    Group {
        facilities: FACILITIES.map(facility).to_vec(),
        consumers: CONSUMERS
            .map(|(name, audience, facility, insurance_fields)| Consumer {
                name: name.to_owned(),
                audience,
                facility: FacilityCode::from(facility),
                insurance_fields,
            })
            .to_vec(),
        ..Group::default()
    }
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    Valid,
    Lost,
    NotCommissioned,
}

impl Says {
    pub const ALL: [Self; 3] = [Self::Valid, Self::Lost, Self::NotCommissioned];

    fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Lost => "lost",
            Self::NotCommissioned => "not-commissioned",
        }
    }

    /// What a ward is told.
    pub fn ward(self) -> &'static str {
        match self {
            Self::Valid => "yes",
            Self::Lost => "no",
            Self::NotCommissioned => "pending",
        }
    }
}

/// One answer that a terminal got from the centre.
#[derive(Debug, Clone)]
pub struct Seen {
    pub terminal: usize,
    pub person: u64,
    pub says: Says,
    /// The centre's time; no two answers have the same.
    pub executed_at: Timestamp,
    pub inquiry: Option<InquiryId>,
}

impl Seen {
    pub fn facility(&self) -> FacilityCode {
        FacilityCode::from(TERMINALS[self.terminal].0)
    }

    pub fn chart(&self) -> String {
        format!("{}", 70_000 + self.person)
    }

    /// The bytes of the file. Some are large.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes =
            format!("{:?} {:?} {}", self.person, self.says, self.executed_at).into_bytes();
        if self.person == 0 {
            bytes.resize(70_000, b' ');
        }
        bytes
    }

    fn answer(&self) -> Value {
        let mut record = json!({
            "classification": "A1", "scheme": "12",
            "payer_number": "12997011", "recipient_number": format!("{:07}", 1000 + self.person),
            "name": "見本　太郎", "name_kana": "ミホン　タロウ",
            "birth_date": format!("{}-05-01", 1930 + self.person), "sex": "male",
            "issuer_name": "見本市福祉事務所", "qualified_on": "2025-04-01", "valid_from": "2025-04-01",
            "reference_number": self.chart(),
        });
        match self.says {
            Says::Valid => {}
            Says::Lost => {
                record["disqualified_on"] = json!("2026-05-01");
                record["reason_of_loss"] = json!("01");
            }
            Says::NotCommissioned => {
                record["payer_number"] = Value::Null;
                record["recipient_number"] = Value::Null;
            }
        }
        json!({
            "folder": if self.inquiry.is_some() { "res" } else { "face" },
            "method": if self.inquiry.is_some() { "ticket" } else { "card" },
            "reference_classification": "1", "executed_at": self.executed_at,
            "confirmed_on": "2026-05-11", "institution_code": TERMINALS[self.terminal].0,
            "rejected": false, "validity": self.says.word(), "records": [record],
            "inquiry": self.inquiry,
        })
    }

    /// As the adapter puts it into its spool.
    pub fn entry(&self, seen_at: Timestamp) -> Entry {
        let (facility, device) = TERMINALS[self.terminal];
        let bytes = self.bytes();
        let evidence = evidence_ref(&group_key(), &bytes, "application/xml");
        let place = format!("{device}/face");
        let code = FacilityCode::from(facility);
        let id = ObservationId::of_evidence(&code, &place, &evidence.id, 0);
        let observation: Observation = serde_json::from_value(json!({
            "observation_id": id, "facility": facility, "source": "terminal", "device": device,
            "sequence": 0, "seen_at": seen_at, "as_of": self.executed_at,
            "evidence": evidence, "kind": "oqs-answer", "body": self.answer(),
        }))
        .expect("an observation");
        Entry {
            observation,
            evidence: Some(bytes),
        }
    }
}

/// What the desk's own model knows: everything that a spool has acknowledged.
#[derive(Debug, Default)]
pub struct Model {
    /// By observation.
    pub kept: BTreeMap<ObservationId, Seen>,
    /// Kept while the disk lied: may be gone after a power cut, and need not be missed.
    pub doubtful: BTreeMap<ObservationId, Seen>,
}

impl Model {
    pub fn seen(&self, id: &ObservationId) -> Option<&Seen> {
        self.kept.get(id).or_else(|| self.doubtful.get(id))
    }
}
