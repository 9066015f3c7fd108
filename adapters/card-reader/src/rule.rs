//! How a facility's own cards are read: rules of the configuration, checked before they run, and never run on a
//! card that has the JPKI application.

use shikaku_schemas::group::{CardEncoding, CardNumber, CardReading, CardRule};
use shikaku_schemas::observation::CardKind;

use crate::apdu::{Apdu, Forbidden};
use crate::decode::NoJpki;
use crate::ndef;
use crate::numbers::NumberMap;
use crate::wire::{Wire, WireError};

/// Commands of one rule at most.
const COMMANDS: usize = 16;
/// Characters of a number at most.
const NUMBER: usize = 32;
/// Pages of a storage card that may hold an NDEF message.
const PAGES: std::ops::Range<u8> = 4..128;

/// What is wrong with a rule, by the key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("card_rule[{rule}].{key}: {reason}")]
pub struct RuleFault {
    /// Which rule, from 0.
    pub rule: usize,
    /// Its key.
    pub key: String,
    /// Japanese with English beside.
    pub reason: String,
}

/// A facility's rules, allowed and ready.
pub struct Rules(Vec<Rule>);

struct Rule {
    card: CardKind,
    way: Way,
    encoding: CardEncoding,
    start: usize,
    length: Option<usize>,
    prefix: String,
    strip_zeros: bool,
    map: Option<NumberMap>,
}

enum Way {
    Commands(Vec<Apdu>),
    Uid,
    Ndef,
}

/// What the rules found on a card. `number` is personal.
pub(crate) enum Found {
    Number {
        card: CardKind,
        number: String,
    },
    /// A rule fits, but what stands there is no number.
    Unreadable,
    Nothing,
}

enum Fit {
    Number(String),
    Unreadable,
    No,
}

impl Rules {
    /// Checks every rule.
    ///
    /// # Errors
    /// The first [`RuleFault`]: no rule runs unless all are allowed.
    pub fn compile(rules: &[CardRule]) -> Result<Self, RuleFault> {
        let compiled = rules.iter().enumerate().map(|(at, rule)| {
            Rule::compile(rule).map_err(|(key, reason)| RuleFault {
                rule: at,
                key,
                reason,
            })
        });
        compiled.collect::<Result<_, _>>().map(Self)
    }

    /// The first number that a rule reads.
    pub(crate) fn read(
        &mut self,
        card: &mut Wire<'_>,
        no_jpki: &NoJpki,
    ) -> Result<Found, WireError> {
        let mut found = Found::Nothing;
        for rule in &mut self.0 {
            match rule.read(card, no_jpki)? {
                Fit::Number(number) => {
                    let card = rule.card;
                    return Ok(Found::Number { card, number });
                }
                Fit::Unreadable => found = Found::Unreadable,
                Fit::No => {}
            }
        }
        Ok(found)
    }
}

type Wrong = (String, String);

impl Rule {
    fn compile(rule: &CardRule) -> Result<Self, Wrong> {
        let wrong = |key: &str, reason: &str| Err((key.to_owned(), reason.to_owned()));
        if rule.name.trim().is_empty() {
            return wrong("name", "空です / is empty");
        }
        if rule.length == Some(0) || rule.length.is_some_and(|length| length > NUMBER) {
            return wrong("length", "1 から 32 まで / must be 1 to 32");
        }
        if rule.read != CardReading::Apdu && !rule.apdu.is_empty() {
            return wrong(
                "apdu",
                "read = \"apdu\" のときだけです / only with read = \"apdu\"",
            );
        }
        let way = match rule.read {
            CardReading::Uid => Way::Uid,
            CardReading::Ndef => Way::Ndef,
            CardReading::Apdu if rule.apdu.is_empty() || rule.apdu.len() > COMMANDS => {
                return wrong("apdu", "1 から 16 個まで / must be 1 to 16 commands");
            }
            CardReading::Apdu => Way::Commands(commands(&rule.apdu)?),
        };
        Ok(Self {
            card: match rule.gives {
                CardNumber::Patient => CardKind::Hospital,
                CardNumber::Staff => CardKind::Staff,
            },
            // An identifier is bytes and nothing else.
            encoding: match rule.read {
                CardReading::Uid => CardEncoding::Hex,
                _ => rule.encoding,
            },
            way,
            start: rule.start,
            length: rule.length,
            prefix: rule.prefix.clone(),
            strip_zeros: rule.strip_zeros,
            map: rule.map_file.clone().map(NumberMap::new),
        })
    }

    fn read(&mut self, card: &mut Wire<'_>, _: &NoJpki) -> Result<Fit, WireError> {
        let text = match &self.way {
            Way::Commands(commands) => {
                last_answer(card, commands)?.map(|data| text_of(self.encoding, &data))
            }
            Way::Uid => {
                let answer = card.send(&Apdu::uid())?;
                (answer.is_done() && !answer.data.is_empty())
                    .then(|| text_of(self.encoding, &answer.data))
            }
            Way::Ndef => message(card)?.map(|message| ndef::first_text(&message)),
        };
        Ok(match text {
            None => Fit::No,
            Some(None) => Fit::Unreadable,
            Some(Some(text)) => self.number(&text),
        })
    }

    fn number(&mut self, text: &str) -> Fit {
        let Some(part) = text.get(self.start..) else {
            return Fit::Unreadable;
        };
        let part = match self.length {
            Some(length) => match part.get(..length) {
                Some(part) => part,
                None => return Fit::Unreadable,
            },
            None => part,
        };
        let Some(number) = part.trim().strip_prefix(self.prefix.as_str()) else {
            return Fit::No;
        };
        let number = match self.strip_zeros {
            true => number.trim_start_matches('0'),
            false => number,
        };
        if !is_number(number) {
            return Fit::Unreadable;
        }
        match &mut self.map {
            None => Fit::Number(number.to_owned()),
            Some(map) => map.look_up(number).map_or(Fit::No, Fit::Number),
        }
    }
}

fn commands(texts: &[String]) -> Result<Vec<Apdu>, Wrong> {
    let read = |(at, text): (usize, &String)| {
        Apdu::of_rule(text).map_err(|why: Forbidden| (format!("apdu[{at}]"), why.to_string()))
    };
    texts.iter().enumerate().map(read).collect()
}

fn is_number(text: &str) -> bool {
    (1..=NUMBER).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The answer to the last command, if all were answered with 9000.
fn last_answer(card: &mut Wire<'_>, commands: &[Apdu]) -> Result<Option<Vec<u8>>, WireError> {
    let mut last = None;
    for command in commands {
        let answer = card.send(command)?;
        if !answer.is_done() {
            return Ok(None);
        }
        last = Some(answer.data);
    }
    Ok(last)
}

/// Printable characters without the filling at the end; `None` for anything else.
fn text_of(encoding: CardEncoding, bytes: &[u8]) -> Option<String> {
    match encoding {
        CardEncoding::Hex => Some(hex::encode_upper(bytes)),
        CardEncoding::Bcd => {
            let text = hex::encode(bytes);
            let text = text.trim_end_matches('f');
            text.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.to_owned())
        }
        CardEncoding::Ascii => {
            let filling = |byte: &u8| matches!(byte, 0 | b' ' | 0xFF);
            let end = bytes.iter().rposition(|byte| !filling(byte))?;
            let text = &bytes[..=end];
            text.iter()
                .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
                .then(|| String::from_utf8_lossy(text).into_owned())
        }
    }
}

/// The NDEF message of a type 4 tag, else of a type 2 tag.
fn message(card: &mut Wire<'_>) -> Result<Option<Vec<u8>>, WireError> {
    if card.send(&Apdu::select_ndef())?.is_selected() {
        return type_4(card);
    }
    let mut memory = Vec::new();
    for page in PAGES.step_by(4) {
        let answer = card.send(&Apdu::read_page(page))?;
        if !answer.is_done() || answer.data.len() < 16 {
            break;
        }
        memory.extend_from_slice(&answer.data[..16]);
        if let Some(message) = ndef::in_memory(&memory) {
            return Ok(Some(message.to_vec()));
        }
    }
    Ok(None)
}

fn type_4(card: &mut Wire<'_>) -> Result<Option<Vec<u8>>, WireError> {
    const CAPABILITIES: [u8; 2] = [0xE1, 0x03];
    if !card.send(&Apdu::select_file(CAPABILITIES))?.is_selected() {
        return Ok(None);
    }
    let capabilities = card.send(&Apdu::read(0, 15))?.data;
    let Some(&[high, low]) = capabilities.get(9..11) else {
        return Ok(None);
    };
    if !card.send(&Apdu::select_file([high, low]))?.is_selected() {
        return Ok(None);
    }
    let Some(&[high, low]) = card.send(&Apdu::read(0, 2))?.data.get(..2) else {
        return Ok(None);
    };
    let length = u16::from_be_bytes([high, low]);
    if usize::from(length) > ndef::MESSAGE {
        return Ok(None);
    }
    let mut message = Vec::new();
    while message.len() < usize::from(length) {
        let read = u16::try_from(message.len()).unwrap_or(u16::MAX);
        let piece = u8::try_from(length - read).unwrap_or(0xF0).min(0xF0);
        let answer = card.send(&Apdu::read(2 + read, piece))?;
        if !answer.is_done() || answer.data.is_empty() {
            return Ok(None);
        }
        message.extend_from_slice(&answer.data);
    }
    message.truncate(usize::from(length));
    Ok(Some(message))
}

#[cfg(test)]
mod tests;
