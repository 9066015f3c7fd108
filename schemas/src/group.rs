//! The hospital group as configured: facilities, terminals, welfare offices, outside subscribers.
//! Plain values; `hub`'s config validates them whole before any socket opens.

mod desk;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::feed::Audience;
use crate::value::{FacilityCode, PayerNumber};

pub use desk::{CardEncoding, CardNumber, CardReader, CardReading, CardRule, Desk};

/// One facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facility {
    /// 医療機関コード, 10 digits.
    pub code: FacilityCode,
    /// Its name, for people.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: FacilityKind,
    /// Facilities with the same value share one chart numbering; default: the code.
    #[serde(default)]
    pub patient_numbers: Option<String>,
    /// How a 照会番号 becomes a chart number.
    #[serde(default)]
    pub reference_number: ReferenceNumberRule,
    /// Whether a chart number is registered as 照会番号 by itself after a check that came without one (guide
    /// 4.1.1(4)). Without effect where `reference_number` is `none`.
    #[serde(default = "yes")]
    pub register_references: bool,
    /// 指定医療機関; false explains permanent 未委託.
    #[serde(default = "yes")]
    pub designated: bool,
    /// Its 資格確認端末.
    #[serde(default, rename = "terminal")]
    pub terminals: Vec<Terminal>,
    /// Folder sets for existing OQS-speaking programs.
    #[serde(default, rename = "virtual_terminal")]
    pub virtual_terminals: Vec<VirtualTerminal>,
    /// Its desks with card readers.
    #[serde(default, rename = "desk")]
    pub desks: Vec<Desk>,
    /// How its own cards are read.
    #[serde(default, rename = "card_rule")]
    pub card_rules: Vec<CardRule>,
}

impl Facility {
    /// The name of its chart numbering.
    pub fn numbering(&self) -> &str {
        self.patient_numbers
            .as_deref()
            .unwrap_or(self.code.as_str())
    }

    /// The desk at which a terminal shows its answers.
    pub fn desk_of_terminal(&self, terminal: &str) -> Option<&Desk> {
        self.desks
            .iter()
            .find(|desk| desk.terminal.as_deref() == Some(terminal))
    }
}

fn yes() -> bool {
    true
}

/// What a facility is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FacilityKind {
    /// 病院.
    #[default]
    Hospital,
    /// 診療所.
    Clinic,
    /// 歯科.
    Dental,
    /// 薬局.
    Pharmacy,
    /// 訪問看護.
    VisitingNurse,
}

/// How a 照会番号 becomes a chart number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceNumberRule {
    /// It is the chart number as it stands.
    #[default]
    Patient,
    /// The chart number with leading zeros.
    StripZeros,
    /// It tells nothing.
    None,
}

/// One 資格確認端末.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// Its id in this facility.
    pub id: String,
    /// Holds `req/`, `res/`, `face/`.
    pub root: PathBuf,
    /// Whether face files are only read, or taken.
    #[serde(default)]
    pub face: FaceMode,
    /// Production or verification.
    #[serde(default)]
    pub environment: Environment,
    /// Holds the password of interfaces that the terminal encrypts (ZIP); line ends at its end do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip_password_file: Option<PathBuf>,
    /// Interfaces that the terminal encrypts, by the beginning of their names (`OQSsiquc`): requests to them are packed
    /// under that password. Answers are opened whatever stands here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encrypted: Vec<String>,
}

/// Whether face files are only read, or taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaceMode {
    /// Only read; other programs see them too.
    #[default]
    Copy,
    /// Removed once the bytes are safe.
    Take,
}

/// What a terminal is connected to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// The real centre.
    #[default]
    Production,
    /// The centre's verification environment, or a simulator.
    Verification,
}

/// A folder set for one existing OQS-speaking program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualTerminal {
    /// Its id in this facility.
    pub id: String,
    /// Holds `req/`, `res/`, `face/`.
    pub root: PathBuf,
    /// The terminal that carries its requests; absent: the facility's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
}

/// 福祉事務所.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WelfareOffice {
    /// 福祉事務所名, as answers state it.
    pub name: String,
    /// Its 公費負担者番号.
    #[serde(default)]
    pub payer_numbers: Vec<PayerNumber>,
    /// Telephone.
    #[serde(default)]
    pub phone: Option<String>,
    /// Day of month on which tickets are registered, or `weekly`.
    #[serde(default)]
    pub registers: Option<String>,
}

/// An outside subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// Its name: also its durable's. Letters, digits and `-`, at most 24 characters.
    pub name: String,
    /// What it may know.
    pub audience: Audience,
    /// Of which facility.
    pub facility: FacilityCode,
    /// Whether insurance blocks (and for `ehr` the numbers) come with it.
    #[serde(default)]
    pub insurance_fields: bool,
}

/// A 公費 scheme beyond 医療扶助, as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// 法別番号.
    pub code: String,
    /// 被保険者証区分 that stands for it in an answer.
    pub classification: String,
    /// Elements passed on: element name to member name of `extra`.
    #[serde(default)]
    pub elements: BTreeMap<String, String>,
}

/// The whole group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Facilities.
    pub facilities: Vec<Facility>,
    /// 福祉事務所.
    pub welfare_offices: Vec<WelfareOffice>,
    /// Outside subscribers.
    pub consumers: Vec<Consumer>,
    /// Schemes beyond 医療扶助.
    pub schemes: Vec<Scheme>,
}

impl Group {
    /// The facility of a code.
    pub fn facility(&self, code: &FacilityCode) -> Option<&Facility> {
        self.facilities
            .iter()
            .find(|facility| &facility.code == code)
    }
}
