//! Desks with their card readers, and what a facility's own cards say.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A desk (窓口): where a person stands, a terminal shows its answers, and card readers lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// Its id in this facility.
    pub id: String,
    /// The 資格確認端末 whose face files are shown together with this desk's cards.
    #[serde(default)]
    pub terminal: Option<String>,
    /// Its card readers. A reader that is not named here is never opened.
    #[serde(default, rename = "reader")]
    pub readers: Vec<CardReader>,
}

/// One PC/SC reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardReader {
    /// Its id in this facility.
    pub id: String,
    /// Its PC/SC name as `shikaku doctor` lists it; a `*` at the end stands for any rest. It must fit one reader alone.
    /// Never the reader that a 資格確認端末 uses.
    pub name: String,
}

/// How one kind of a facility's own cards is read. Rules are tried in order, never on a card that has the JPKI
/// application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardRule {
    /// Its name, for people.
    pub name: String,
    /// What its number is.
    #[serde(default)]
    pub gives: CardNumber,
    /// How it is read.
    pub read: CardReading,
    /// With `read = "apdu"`: commands in hexadecimal, sent in order; each must end with 9000, and the last one's
    /// answer holds the number. Only SELECT, READ BINARY, READ RECORD and GET DATA, and only reading ones.
    #[serde(default)]
    pub apdu: Vec<String>,
    /// How the bytes become text.
    #[serde(default)]
    pub encoding: CardEncoding,
    /// Where the number begins in the text, from 0.
    #[serde(default)]
    pub start: usize,
    /// How many characters it has; absent: up to the end or the first filling character.
    #[serde(default)]
    pub length: Option<usize>,
    /// What the number begins with on the card, cut off here; a card without it does not fit the rule.
    #[serde(default)]
    pub prefix: String,
    /// Whether leading zeros are cut off.
    #[serde(default)]
    pub strip_zeros: bool,
    /// CSV with the heading `card,number`: what each card's number stands for. A card that is not in it does not fit.
    #[serde(default)]
    pub map_file: Option<PathBuf>,
}

/// What the number of a card is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CardNumber {
    /// A chart number (診察券).
    #[default]
    Patient,
    /// A staff account.
    Staff,
}

/// Where the number of a card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CardReading {
    /// In a file, read by the rule's own commands.
    Apdu,
    /// It is the card's own identifier (FeliCa IDm, MIFARE UID).
    Uid,
    /// In the first text or URI record of an NDEF message.
    Ndef,
}

/// How bytes become text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CardEncoding {
    /// Printable ASCII; blanks, zeros bytes and FF at the end are filling.
    #[default]
    Ascii,
    /// Two hexadecimal digits a byte, upper case.
    Hex,
    /// Two decimal digits a byte; the half-byte F is filling.
    Bcd,
}
