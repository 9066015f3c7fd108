//! Invented people at two facilities, what terminals see of them, and what a simple mind would make of it.
//!
//! The model here knows nothing of the program: a list of what was seen, and rules of one line each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::json;
use shikaku_kit::publisher::evidence_ref;
use shikaku_schemas::feed::Audience;
use shikaku_schemas::group::{Consumer, FaceMode, Facility, Group, Terminal};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{EvidenceId, FacilityCode, ObservationId};

pub const FACILITIES: [&str; 2] = ["1319912349", "1306139992"];
pub const TERMINALS: [(&str, &str); 3] = [
    (FACILITIES[0], "t1"),
    (FACILITIES[0], "t2"),
    (FACILITIES[1], "t3"),
];
pub const PAYER: &str = "12997151";
pub const CONSUMERS: [(&str, Audience, &str, bool); 4] = [
    ("receipt-a", Audience::Receipt, FACILITIES[0], false),
    ("ward-a", Audience::Department, FACILITIES[0], false),
    ("ward-b", Audience::Department, FACILITIES[1], false),
    ("chart-b", Audience::Ehr, FACILITIES[1], true),
];

pub fn recipient_number(person: u64) -> String {
    format!("{:07}", 1000 + person)
}

pub fn group_key() -> SealKey {
    SealKey::from_bytes([9; 32])
}

pub fn group() -> Group {
    let facility = |code: &str| {
        // The simulated centre keeps no register of 照会番号: whether it knows one is the dice's.
        let made = json!({ "code": code, "name": "見本病院", "register_references": false });
        let mut facility: Facility = serde_json::from_value(made).expect("a facility");
        for (_, id) in TERMINALS.iter().filter(|(of, _)| *of == code) {
            facility.terminals.push(Terminal {
                id: (*id).to_owned(),
                root: PathBuf::from(format!("/oqs/{id}")),
                face: match *id {
                    "t1" => FaceMode::Copy,
                    _ => FaceMode::Take,
                },
                environment: Default::default(),
                zip_password_file: None,
                encrypted: Vec::new(),
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

    /// 未委託 tells neither payer nor recipient.
    pub fn tells_numbers(self) -> bool {
        self != Self::NotCommissioned
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

/// By what a facility knows somebody again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Chart,
    Numbers,
    Name,
}

/// One answer that a terminal got from the centre.
#[derive(Debug, Clone)]
pub struct Seen {
    pub terminal: usize,
    /// Where the terminal puts it: `face` by card, `res` when it was asked.
    pub folder: &'static str,
    /// Of an answer in `res`: whose.
    pub inquiry: Option<String>,
    pub person: u64,
    pub says: Says,
    /// The facility has registered its chart number at the centre, and the answer repeats it (照会番号).
    pub is_registered: bool,
    /// The centre's time, in whole seconds; no two answers have the same.
    pub executed_at: Timestamp,
}

impl Seen {
    pub fn facility(&self) -> FacilityCode {
        FacilityCode::from(TERMINALS[self.terminal].0)
    }

    pub fn chart(&self) -> String {
        format!("{}", 70_000 + self.person)
    }

    /// By what its facility can know again whom it is about: numbers, and the exact name where it tells none.
    pub fn keys(&self) -> Vec<Key> {
        let chart = self.is_registered.then_some(Key::Chart);
        let numbers = self.says.tells_numbers().then_some(Key::Numbers);
        let keys: Vec<Key> = chart.into_iter().chain(numbers).collect();
        match keys.is_empty() {
            true => vec![Key::Name],
            false => keys,
        }
    }

    /// The bytes of the file. Some are large.
    pub fn bytes(&self) -> Vec<u8> {
        let blank = match self.person {
            0 => "\n".repeat(14_000),
            _ => String::new(),
        };
        let at = jiff::tz::offset(9).to_datetime(self.executed_at);
        let (moment, code) = (at.strftime("%Y%m%d%H%M%S"), TERMINALS[self.terminal].0);
        let (validity, end) = match self.says {
            Says::Valid => (1, ""),
            Says::Lost => (2, "<DisqualificationDate>20260501</DisqualificationDate>"),
            Says::NotCommissioned => (6, ""),
        };
        let numbers = match self.says.tells_numbers() {
            true => format!(
                "<InsurerNumber>{PAYER}</InsurerNumber>\
                 <InsuredIdentificationNumber>{}</InsuredIdentificationNumber>",
                recipient_number(self.person)
            ),
            false => String::new(),
        };
        let method = if self.folder == "face" { 1 } else { 2 };
        // What was asked is repeated, and tells whose answer it is.
        let echo = self.inquiry.as_ref().map_or_else(String::new, |inquiry| {
            format!("<ArbitraryFileIdentifier>{inquiry}</ArbitraryFileIdentifier>")
        });
        let reference = match self.is_registered {
            true => format!("<ReferenceNumber>{}</ReferenceNumber>", self.chart()),
            false => String::new(),
        };
        let year = 1930 + self.person;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><XmlMsg><MessageHeader>{blank}\
             <ProcessExecutionTime>{moment}</ProcessExecutionTime>{blank}\
             <QualificationConfirmationDate>20260511</QualificationConfirmationDate>{blank}\
             <MedicalInstitutionCode>{code}</MedicalInstitutionCode>{blank}{echo}\
             <ReferenceClassification>{method}</ReferenceClassification>{blank}\
             <SegmentOfResult>1</SegmentOfResult><CharacterCodeIdentifier>0</CharacterCodeIdentifier>\
             </MessageHeader><MessageBody><ProcessingResultStatus>1</ProcessingResultStatus>\
             <QualificationValidity>{validity}</QualificationValidity><ResultList>\
             <ResultOfQualificationConfirmation><InsuredCardClassification>A1</InsuredCardClassification>\
             {numbers}<Name>見本　太郎</Name><NameKana>ﾐﾎﾝ ﾀﾛｳ</NameKana><Sex1>1</Sex1>\
             <Birthdate>{year}0501</Birthdate><QualificationDate>20250401</QualificationDate>{end}\
             <InsurerName>見本市福祉事務所</InsurerName>{reference}\
             </ResultOfQualificationConfirmation></ResultList></MessageBody></XmlMsg>"
        )
        .into_bytes()
    }

    /// The observation that its adapter must make of it, and the bytes that this rests on.
    pub fn observed(&self) -> (ObservationId, EvidenceId) {
        match &self.inquiry {
            Some(inquiry) => self.observed_in(&format!("{}/{inquiry}", self.folder)),
            None => self.observed_in(self.folder),
        }
    }

    /// The same where the adapter has forgotten who asked.
    pub fn observed_unasked(&self) -> ObservationId {
        self.observed_in(self.folder).0
    }

    fn observed_in(&self, folder: &str) -> (ObservationId, EvidenceId) {
        let (facility, device) = TERMINALS[self.terminal];
        let evidence = evidence_ref(&group_key(), &self.bytes(), "application/xml").id;
        let place = format!("{device}/{folder}");
        let code = FacilityCode::from(facility);
        let id = ObservationId::of_evidence(&code, &place, &evidence, 0);
        (id, evidence)
    }
}

/// What a simple mind knows: every file that lay whole in a folder.
#[derive(Debug, Default)]
pub struct Model {
    /// By observation.
    pub kept: BTreeMap<ObservationId, Seen>,
    /// Let go while the disk lied: may be gone after a power cut, and need not be missed.
    pub doubtful: BTreeMap<ObservationId, Seen>,
    /// How often each answer came to lie whole in a folder and was not taken away unread.
    pub copies: BTreeMap<ObservationId, u64>,
    /// Taken away by another program before its adapter has confirmed it: may be recorded or not.
    pub stolen: BTreeMap<ObservationId, Seen>,
    /// Files that nobody can read, by terminal.
    pub garbage: [usize; TERMINALS.len()],
    /// Those of them that another program took away, perhaps unread.
    pub stolen_garbage: [usize; TERMINALS.len()],
    /// Files that another program took away.
    pub thefts: [u64; TERMINALS.len()],
    /// Terminals whose disk lied before a power cut.
    pub betrayed: [bool; TERMINALS.len()],
}

impl Model {
    pub fn seen(&self, id: &ObservationId) -> Option<&Seen> {
        let kept = self.kept.get(id).or_else(|| self.doubtful.get(id));
        kept.or_else(|| self.stolen.get(id))
    }
}
