//! What a card holds and how it answers.

use std::collections::BTreeMap;
use std::time::Duration;

/// Words in everything that nobody may read. None of them may ever be seen outside a card.
pub const CANARIES: [&str; 8] = [
    "CANARY-TOKEN-SERIAL",
    "CANARY-CERTIFICATE-HOLDER",
    "CANARY-ORGANISATION",
    "CANARY-SERIAL",
    "CANARY-KOJIN-BANGO",
    "CANARY-FOUR-FACTS",
    "CANARY-FACE-OF-CARD",
    "CANARY-RECORD",
];

/// The application of the hospital card that [`Card::hospital`] makes; its EF 0001 holds the number.
pub const HOSPITAL_AID: &str = "A000000099010101";

const JPKI: &[u8] = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
const ENTRY_HELP: &[u8] = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08];
const FACE: &[u8] = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02];
const RESIDENT: &[u8] = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00];
const HOSPITAL: &[u8] = &[0xA0, 0x00, 0x00, 0x00, 0x99, 0x01, 0x01, 0x01];
const NDEF: &[u8] = &[0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01];
/// Issued for nobody; its serial number and its names are canaries.
const CERTIFICATE: &[u8] = include_bytes!("certificate.der");
/// Of a plastic My Number card. Others have it too here: it must tell nothing.
const ATR: &[u8] = &[0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14];
const OTHER_ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];

/// A card.
#[derive(Debug, Clone, Default)]
pub struct Card {
    pub(crate) atr: Vec<u8>,
    applications: BTreeMap<Vec<u8>, BTreeMap<u16, File>>,
    identifier: Option<Vec<u8>>,
    memory: Vec<u8>,
    /// Before each answer.
    pub(crate) slow: Duration,
    /// Is torn out instead of answering the so-manieth command, from 1.
    pub(crate) torn_at: Option<usize>,
    nonsense: Option<Vec<u8>>,
    selected: Option<Vec<u8>>,
    file: Option<u16>,
    tries: BTreeMap<u16, u8>,
}

#[derive(Debug, Clone)]
struct File {
    bytes: Vec<u8>,
    locked: bool,
    /// Tries left; only of PIN files.
    pin: Option<u8>,
}

fn open(bytes: &[u8]) -> File {
    File {
        bytes: bytes.to_vec(),
        locked: false,
        pin: None,
    }
}

fn locked(bytes: &[u8]) -> File {
    File {
        locked: true,
        ..open(bytes)
    }
}

fn pin(tries: u8) -> File {
    File {
        pin: Some(tries),
        ..locked(&[])
    }
}

impl Card {
    fn blank() -> Self {
        Self {
            atr: ATR.to_vec(),
            ..Self::default()
        }
    }

    fn with(mut self, application: &[u8], files: Vec<(u16, File)>) -> Self {
        self.applications
            .insert(application.to_vec(), files.into_iter().collect());
        self
    }

    fn jpki(label: &str) -> Self {
        let mut token = label.as_bytes().to_vec();
        token.resize(32, b' ');
        token.extend_from_slice(b"CANARY-TOKEN-SERIAL");
        token.resize(160, 0);
        Self::blank().with(
            JPKI,
            vec![
                (0x0006, open(&token)),
                (0x0008, open(&[0x8F, 0x8F, 0x00])),
                (0x000A, open(CERTIFICATE)),
                (0x000B, open(CERTIFICATE)),
                (0x0001, locked(CERTIFICATE)),
                (0x0002, open(CERTIFICATE)),
                (0x0017, locked(&[])),
                (0x0018, pin(3)),
                (0x001A, locked(&[])),
                (0x001B, pin(5)),
            ],
        )
    }

    /// マイナンバーカード, with everything that must never be touched.
    pub fn my_number() -> Self {
        Self::jpki("JPKIAPICCTOKEN2")
            .with(
                ENTRY_HELP,
                vec![
                    (0x0001, open(b"CANARY-KOJIN-BANGO")),
                    (0x0002, open(b"CANARY-FOUR-FACTS")),
                    (0x0011, pin(3)),
                ],
            )
            .with(
                FACE,
                vec![
                    (0x0002, open(b"CANARY-FACE-OF-CARD")),
                    (0x0012, pin(10)),
                    (0x0013, pin(10)),
                ],
            )
            .with(RESIDENT, vec![(0x0001, open(b"CANARY-RECORD"))])
            // A hospital wrote its number on it too: rules must not find it.
            .with(HOSPITAL, vec![(0x0001, open(b"99999999"))])
            .identified(b"CANARY-SERIAL")
    }

    /// 住民基本台帳カード.
    pub fn juki() -> Self {
        Self::jpki("JPKIAPICCTOKEN")
    }

    /// A phone; its ATR is another.
    pub fn android() -> Self {
        Self {
            atr: OTHER_ATR.to_vec(),
            ..Self::jpki("JPKIAPGPSETOKEN")
        }
    }

    /// A phone; its ATR is another.
    pub fn iphone() -> Self {
        Self {
            atr: OTHER_ATR.to_vec(),
            ..Self::jpki("JPKIAPIOSTOKEN")
        }
    }

    /// A JPKI card of a kind that is not known yet; it has a hospital's number on it, too.
    pub fn of_the_future() -> Self {
        Self::jpki("JPKIAPNEXTTOKEN9").with(HOSPITAL, vec![(0x0001, open(b"99999999"))])
    }

    /// 診察券 with its number in a file.
    pub fn hospital(number: &str) -> Self {
        Self::blank().with(HOSPITAL, vec![(0x0001, open(number.as_bytes()))])
    }

    /// A card with an identifier and nothing else.
    pub fn identifier(bytes: &[u8]) -> Self {
        Self {
            atr: OTHER_ATR.to_vec(),
            ..Self::blank().identified(bytes)
        }
    }

    /// A type 4 tag with one text record.
    pub fn ndef(text: &str) -> Self {
        let message = text_record(text);
        let length = u16::try_from(message.len()).expect("a short text");
        let file = [&length.to_be_bytes()[..], &message].concat();
        let capabilities = [
            0x00, 0x0F, 0x20, 0x00, 0x7F, 0x00, 0x7F, 0x04, 0x06, 0xE1, 0x04, 0x04, 0x00, 0x00,
            0xFF,
        ];
        Self::blank().with(
            NDEF,
            vec![(0xE103, open(&capabilities)), (0xE104, open(&file))],
        )
    }

    /// A type 2 tag with one text record in its memory.
    pub fn memory(text: &str) -> Self {
        let message = text_record(text);
        let length = u8::try_from(message.len()).expect("a short text");
        let mut memory = [
            &[0x01, 0x03, 0xA0, 0x0C, 0x34, 0x03, length][..],
            &message,
            &[0xFE],
        ]
        .concat();
        memory.resize(memory.len().next_multiple_of(16), 0);
        Self {
            atr: OTHER_ATR.to_vec(),
            memory,
            ..Self::default()
        }
    }

    /// A card of somebody else: no application that anybody here knows.
    pub fn stranger() -> Self {
        Self::blank()
    }

    /// Answers everything with the same bytes.
    pub fn nonsense(answer: &[u8]) -> Self {
        Self {
            nonsense: Some(answer.to_vec()),
            ..Self::blank()
        }
    }

    /// The same card with an identifier.
    #[must_use]
    pub fn identified(mut self, bytes: &[u8]) -> Self {
        self.identifier = Some(bytes.to_vec());
        self
    }

    /// The same card, thinking before each answer.
    #[must_use]
    pub fn slow(mut self, pause: Duration) -> Self {
        self.slow = pause;
        self
    }

    /// The same card, torn out instead of answering its `nth` command.
    #[must_use]
    pub fn torn_at(mut self, nth: usize) -> Self {
        self.torn_at = Some(nth);
        self
    }

    /// Whether it answers to the selection of the JPKI application.
    pub fn has_jpki(&self) -> bool {
        let says_yes = self.nonsense.as_deref() == Some(&[0x90, 0x00]);
        says_yes || self.applications.contains_key(JPKI)
    }

    /// Power off or reset.
    pub(crate) fn reset(&mut self) {
        self.selected = None;
        self.file = None;
    }

    /// Answers one command.
    pub(crate) fn answer(&mut self, apdu: &[u8]) -> Vec<u8> {
        if let Some(nonsense) = &self.nonsense {
            return nonsense.clone();
        }
        match *apdu {
            [0xFF, 0xCA, 0x00, 0x00, ..] => match &self.identifier {
                Some(identifier) => done(identifier),
                None => vec![0x6A, 0x81],
            },
            [0xFF, 0xB0, 0x00, page, length] => self.page(page, length),
            [0x00, 0xA4, by, _, length, ref rest @ ..] if rest.len() >= length.into() => {
                self.select(by, &rest[..length.into()])
            }
            [0x00, 0xB0, high, low, length] => self.read(u16::from_be_bytes([high, low]), length),
            [0x00, 0x20, 0x00, 0x80, ref rest @ ..] => self.verify(rest),
            [0x00, ..] => vec![0x6D, 0x00],
            _ => vec![0x6E, 0x00],
        }
    }

    fn select(&mut self, by: u8, name: &[u8]) -> Vec<u8> {
        let found = if by == 0x04 {
            let found = self.applications.contains_key(name);
            if found {
                self.selected = Some(name.to_vec());
                self.file = None;
            }
            found
        } else {
            let wanted = name.try_into().map(u16::from_be_bytes).ok();
            let found =
                wanted.filter(|wanted| self.files().is_some_and(|f| f.contains_key(wanted)));
            self.file = found.or(self.file);
            found.is_some()
        };
        match found {
            true => done(&[]),
            false => vec![0x6A, 0x82],
        }
    }

    fn files(&self) -> Option<&BTreeMap<u16, File>> {
        self.applications.get(self.selected.as_ref()?)
    }

    fn read(&self, offset: u16, length: u8) -> Vec<u8> {
        let Some(file) = self.file.and_then(|file| self.files()?.get(&file)) else {
            return vec![0x69, 0x86];
        };
        if file.locked {
            return vec![0x69, 0x82];
        }
        let length = if length == 0 {
            256
        } else {
            usize::from(length)
        };
        match file.bytes.get(usize::from(offset)..) {
            Some(rest) if !rest.is_empty() => done(&rest[..rest.len().min(length)]),
            _ => vec![0x6B, 0x00],
        }
    }

    fn page(&self, page: u8, length: u8) -> Vec<u8> {
        let from = usize::from(page.saturating_sub(4)) * 4;
        match self.memory.get(from..from + usize::from(length)) {
            Some(bytes) if page >= 4 => done(bytes),
            _ => vec![0x6A, 0x82],
        }
    }

    /// Every PIN is wrong.
    fn verify(&mut self, data: &[u8]) -> Vec<u8> {
        let Some((file, tries)) = self
            .file
            .and_then(|file| Some((file, self.files()?.get(&file)?.pin?)))
        else {
            return vec![0x69, 0x84];
        };
        let left = self.tries.entry(file).or_insert(tries);
        if !data.is_empty() {
            *left = left.saturating_sub(1);
        }
        vec![0x63, 0xC0 | *left]
    }
}

fn done(data: &[u8]) -> Vec<u8> {
    [data, &[0x90, 0x00]].concat()
}

fn text_record(text: &str) -> Vec<u8> {
    let payload = [&[0x02][..], b"ja", text.as_bytes()].concat();
    let length = u8::try_from(payload.len()).expect("a short text");
    [&[0xD1, 0x01, length, b'T'][..], &payload].concat()
}
