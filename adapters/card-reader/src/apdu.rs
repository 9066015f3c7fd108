//! The only commands that can be sent to a card: an allow-list by construction.
//!
//! The wire takes an [`Apdu`] and nothing else, and no value of it exists but by the constructors here. What a card
//! with the JPKI application is sent are three constants. What other cards are sent comes from a facility's rules,
//! each command checked when the configuration is read. There is no way to write a PIN, a key operation, a
//! 個人番号, a 券面 or a certificate file.

use std::fmt;

/// JPKI AP.
const JPKI: [u8; 10] = [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
/// EF 0006 of the JPKI AP: token information, the same on every card of a kind.
const TOKEN_INFORMATION: [u8; 2] = [0x00, 0x06];
/// Bytes of EF 0006 that hold the label.
const LABEL: u8 = 0x20;
/// Application providers whose applications hold what nobody but their owner may read: JPKI, and 個人番号, 券面
/// and 住基. A rule can't name them, nor a part of such a name.
const FORBIDDEN: [[u8; PROVIDER]; 2] = [
    [0xD3, 0x92, 0xF0, 0x00, 0x26],
    [0xD3, 0x92, 0x10, 0x00, 0x31],
];
/// An application identifier has at least its provider's five bytes.
const PROVIDER: usize = 5;
/// Of a type 4 NDEF tag.
const NDEF: [u8; 7] = [0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01];

/// One command that may be sent. Its `Debug` shows the first four bytes: a rule may hold a number in the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Apdu {
    bytes: Vec<u8>,
}

impl fmt::Debug for Apdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Apdu({}…)",
            hex::encode(self.bytes.get(..4).unwrap_or_default())
        )
    }
}

/// Why a command of a rule is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// No command at all.
    #[error("16 進数の APDU ではありません / is no APDU in hexadecimal")]
    Malformed,
    /// Not one of the commands that only read.
    #[error(
        "読み取り命令（SELECT, READ BINARY, READ RECORD, GET DATA）だけです / only SELECT, READ BINARY, READ RECORD and GET DATA"
    )]
    Instruction,
    /// An application that is nobody's business.
    #[error("マイナンバーカードのアプリは指定できません / no application of the My Number card")]
    Application,
    /// A reading command with other parameters than reading needs.
    #[error("命令の形が許されていません / the command has a form that is not allowed")]
    Form,
}

impl Apdu {
    /// SELECT of the JPKI AP: whether a card has it.
    pub(crate) fn select_jpki() -> Self {
        Self::select(0x04, &JPKI)
    }

    /// SELECT of EF 0006 in it.
    pub(crate) fn select_token_information() -> Self {
        Self::select(0x02, &TOKEN_INFORMATION)
    }

    /// READ BINARY of its label: the first 32 bytes.
    pub(crate) fn read_token_label() -> Self {
        Self {
            bytes: vec![0x00, 0xB0, 0x00, 0x00, LABEL],
        }
    }

    /// GET DATA of the reader: the card's own identifier. Only of cards that have no JPKI AP.
    pub(crate) fn uid() -> Self {
        Self {
            bytes: vec![0xFF, 0xCA, 0x00, 0x00, 0x00],
        }
    }

    /// SELECT of the NDEF application of a type 4 tag.
    pub(crate) fn select_ndef() -> Self {
        let mut apdu = Self::select(0x04, &NDEF);
        apdu.bytes[3] = 0x00;
        apdu.bytes.push(0x00);
        apdu
    }

    /// SELECT of a file in it.
    pub(crate) fn select_file(file: [u8; 2]) -> Self {
        Self::select(0x00, &file)
    }

    /// READ BINARY of the selected file.
    pub(crate) fn read(offset: u16, length: u8) -> Self {
        let [high, low] = (offset & 0x7FFF).to_be_bytes();
        Self {
            bytes: vec![0x00, 0xB0, high, low, length],
        }
    }

    /// READ BINARY of the reader: 16 bytes of a storage card from a page on.
    pub(crate) fn read_page(page: u8) -> Self {
        Self {
            bytes: vec![0xFF, 0xB0, 0x00, page, 0x10],
        }
    }

    /// The same reading command, asking for `length` bytes: what a card proposes with `6C`.
    pub(crate) fn with_length(&self, length: u8) -> Option<Self> {
        match *self.bytes {
            [class, instruction @ (0xB0 | 0xB2 | 0xCA), p1, p2, _] => Some(Self {
                bytes: vec![class, instruction, p1, p2, length],
            }),
            _ => None,
        }
    }

    fn select(by: u8, name: &[u8]) -> Self {
        let length = u8::try_from(name.len()).expect("names of files are short");
        let mut bytes = vec![0x00, 0xA4, by, 0x0C, length];
        bytes.extend_from_slice(name);
        Self { bytes }
    }

    /// A command of a rule, in hexadecimal; blanks are passed over.
    ///
    /// # Errors
    /// [`Forbidden`] for anything but reading, and for the applications of the My Number card.
    pub fn of_rule(text: &str) -> Result<Self, Forbidden> {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let bytes = hex::decode(plain).map_err(|_| Forbidden::Malformed)?;
        let &[class, instruction, p1, p2, ref rest @ ..] = bytes.as_slice() else {
            return Err(Forbidden::Malformed);
        };
        match (class, instruction) {
            (0x00, 0xA4) => selects(p1, rest)?,
            (0x00, 0xB0 | 0xB2 | 0xCA) if rest.len() == 1 => {}
            (0xFF, 0xCA) if p1 <= 1 && p2 == 0 && rest.len() == 1 => {}
            (0xFF, 0xB0) if rest.len() == 1 => {}
            (0x00, 0xB0 | 0xB2 | 0xCA) | (0xFF, 0xCA | 0xB0) => return Err(Forbidden::Form),
            _ => return Err(Forbidden::Instruction),
        }
        Ok(Self { bytes })
    }

    /// The bytes for the card.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// `Lc name [Le]`, by name or by file identifier.
fn selects(p1: u8, rest: &[u8]) -> Result<(), Forbidden> {
    let Some((&length, rest)) = rest.split_first() else {
        return Err(Forbidden::Form);
    };
    let length = usize::from(length);
    if rest.len() < length || rest.len() > length + 1 {
        return Err(Forbidden::Form);
    }
    let name = &rest[..length];
    match p1 {
        0x04 if length < PROVIDER => Err(Forbidden::Form),
        0x04 if FORBIDDEN.iter().any(|provider| name.starts_with(provider)) => {
            Err(Forbidden::Application)
        }
        0x04 if length <= 16 => Ok(()),
        0x00 | 0x02 | 0x08 | 0x09 if length <= 8 => Ok(()),
        _ => Err(Forbidden::Form),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> Forbidden {
        Apdu::of_rule(text).expect_err(text)
    }

    #[test]
    fn a_rule_may_select_and_read() {
        for text in [
            "00A4040007A0000000990101",
            "00 A4 04 00 07 A0000000990101 00",
            "00A4020C020001",
            "00A40000023F00",
            "00B0000010",
            "00B2010400",
            "00CA004600",
            "FFCA000000",
            "FFB0000410",
        ] {
            let apdu = Apdu::of_rule(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            let plain: String = text.split_whitespace().collect();
            assert_eq!(hex::encode_upper(apdu.bytes()), plain.to_uppercase());
        }
    }

    #[test]
    fn no_pin_no_key_operation_nothing_that_writes() {
        for text in [
            "0020008004313233340",
            "002000800431323334",
            "00200080",
            "0024018004",
            "002C008004",
            "002A008000",
            "0088000000",
            "002241A400",
            "00D6000001FF",
            "00DA000001FF",
            "00E0000000",
            "80A2000000",
            "00C0000000",
            "00840000FF",
            "90600000",
            "FF000000",
            "FF82000006FFFFFFFFFFFF",
            "FF860000050100046000",
            "FFD6000410",
            "0CB0000010",
            "01A4040C0AD392F000260100000001",
        ] {
            assert!(
                matches!(refused(text), Forbidden::Instruction | Forbidden::Malformed),
                "{text}"
            );
        }
        for text in [
            "00A404",
            "00A4040C",
            "00A4040C02",
            "00B0000010FF",
            "00B00000",
            "FFCA020000",
            "FFCA000100",
        ] {
            assert!(
                matches!(refused(text), Forbidden::Form | Forbidden::Malformed),
                "{text}"
            );
        }
    }

    #[test]
    fn no_application_of_the_my_number_card_not_even_by_a_part_of_its_name() {
        for text in [
            "00A4040C0AD392F000260100000001",
            "00A4040008D392F00026010000",
            "00A4040005D392F00026",
            "00A4040C0AD3921000310001010408",
            "00A4040C0AD3921000310001010402",
            "00A4040C0AD3921000310001010100",
            "00A4040005D392100031",
        ] {
            assert_eq!(refused(text), Forbidden::Application, "{text}");
        }
        for text in [
            "00A4040004D392F000",
            "00A4040001D3",
            "00A4040000",
            "00A4030C02D392",
        ] {
            assert_eq!(refused(text), Forbidden::Form, "{text}");
        }
    }

    proptest! {
        /// Whatever is written, what comes out only selects or reads, and never where it must not.
        #[test]
        fn whatever_is_written_only_reads(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            if let Ok(apdu) = Apdu::of_rule(&hex::encode(&bytes)) {
                prop_assert_eq!(apdu.bytes(), &bytes[..]);
                prop_assert!([0x00, 0xFF].contains(&bytes[0]));
                prop_assert!([0xA4, 0xB0, 0xB2, 0xCA].contains(&bytes[1]));
                let text = hex::encode(&bytes);
                prop_assert!(!text.contains("d392f00026") && !text.contains("d392100031"));
            }
        }
    }
}
