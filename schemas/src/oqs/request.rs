//! Writing a single inquiry (`OQSsiquc01req_`).
//!
//! A character that the encoding lacks is refused, never written as a numeric reference: the centre would
//! take the reference for the text.

use encoding_rs::{EncoderResult, SHIFT_JIS};
use jiff::civil::Date;

use super::text::Encoding;
use crate::task::TicketQuestion;

/// What to ask. Numbers of 医療券/調剤券 stand where those of insurance stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleRequest<'a> {
    /// 資格確認日.
    pub confirmed_on: Date,
    /// 医療機関コード.
    pub institution_code: &'a str,
    /// 任意のファイル識別子, at most 50 characters.
    pub file_identifier: &'a str,
    /// 公費負担者番号 / 保険者番号.
    pub insurer_number: &'a str,
    /// 記号: insurance only.
    pub symbol: Option<&'a str>,
    /// 受給者番号 / 番号.
    pub number: &'a str,
    /// 枝番: insurance only.
    pub branch: Option<&'a str>,
    /// 生年月日.
    pub birth_date: Date,
    /// 任意の識別子, echoed by the centre.
    pub arbitrary_identifier: Option<&'a str>,
}

/// Why a request can't be written. Tells element, place and code point, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A required value is blank.
    #[error("{element}が空です ({element} is blank)")]
    Blank {
        /// The element.
        element: &'static str,
    },
    /// A value is longer than the interface allows.
    #[error("{element}が長すぎます ({element} is longer than {most} characters)")]
    TooLong {
        /// The element.
        element: &'static str,
        /// Characters at most.
        most: usize,
    },
    /// A character that the encoding lacks, or that XML forbids.
    #[error(
        "{element}の{position}文字目 U+{code_point:04X} は書けません (character {position} of {element}, U+{code_point:04X}, can't be written)"
    )]
    Character {
        /// The element.
        element: &'static str,
        /// Which character of the value, from 1.
        position: usize,
        /// Its code point.
        code_point: u32,
    },
}

impl<'a> SingleRequest<'a> {
    /// The request for a ticket task.
    pub fn of_ticket(
        question: &'a TicketQuestion,
        institution_code: &'a str,
        file_identifier: &'a str,
        arbitrary_identifier: Option<&'a str>,
    ) -> Self {
        Self {
            confirmed_on: question.confirmed_on,
            institution_code,
            file_identifier,
            insurer_number: question.payer_number.as_str(),
            symbol: None,
            number: question.recipient_number.as_str(),
            branch: None,
            birth_date: question.birth_date,
            arbitrary_identifier,
        }
    }

    /// The file's bytes, with CRLF line ends.
    ///
    /// # Errors
    /// [`RequestError`]: nothing is to be sent.
    pub fn write(&self, encoding: Encoding) -> Result<Vec<u8>, RequestError> {
        let mut file = Writer::new(encoding);
        file.line("<XmlMsg>");
        file.line("  <MessageHeader>");
        file.field(
            4,
            "QualificationConfirmationDate",
            &compact(self.confirmed_on),
            8,
        )?;
        file.field(4, "MedicalInstitutionCode", self.institution_code, 10)?;
        file.field(4, "ArbitraryFileIdentifier", self.file_identifier, 50)?;
        file.line("  </MessageHeader>");
        file.line("  <MessageBody>");
        file.line("    <QualificationConfirmSearchInfo>");
        // Shorter insurer numbers are padded on the left, never filled with zeros.
        let insurer = format!("{:>8}", self.insurer_number.trim());
        file.field(6, "InsurerNumber", &insurer, 8)?;
        file.optional(6, "InsuredCardSymbol", self.symbol, 20)?;
        file.field(6, "InsuredIdentificationNumber", self.number, 20)?;
        file.optional(6, "InsuredBranchNumber", self.branch, 2)?;
        file.field(6, "Birthdate", &compact(self.birth_date), 8)?;
        // 限度額 does not exist for 医療扶助 (guide 4.1.1(5)).
        file.field(6, "LimitApplicationCertificateRelatedConsFlg", "0", 1)?;
        file.optional(6, "ArbitraryIdentifier", self.arbitrary_identifier, 100)?;
        file.line("    </QualificationConfirmSearchInfo>");
        file.line("  </MessageBody>");
        file.line("</XmlMsg>");
        Ok(file.bytes)
    }
}

fn compact(day: Date) -> String {
    format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

struct Writer {
    encoding: Encoding,
    bytes: Vec<u8>,
}

impl Writer {
    fn new(encoding: Encoding) -> Self {
        let mut file = Self {
            encoding,
            bytes: Vec::with_capacity(1024),
        };
        file.line(&format!(
            "<?xml version=\"1.0\" encoding=\"{}\" standalone=\"no\"?>",
            encoding.name()
        ));
        file
    }

    /// A line of markup, ASCII.
    fn line(&mut self, markup: &str) {
        self.bytes.extend_from_slice(markup.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn optional(
        &mut self,
        indent: usize,
        element: &'static str,
        value: Option<&str>,
        most: usize,
    ) -> Result<(), RequestError> {
        match value {
            Some(value) if !value.trim().is_empty() => self.field(indent, element, value, most),
            _ => Ok(()),
        }
    }

    fn field(
        &mut self,
        indent: usize,
        element: &'static str,
        value: &str,
        most: usize,
    ) -> Result<(), RequestError> {
        if value.trim().is_empty() {
            return Err(RequestError::Blank { element });
        }
        if value.chars().count() > most {
            return Err(RequestError::TooLong { element, most });
        }
        self.bytes.resize(self.bytes.len() + indent, b' ');
        self.bytes
            .extend_from_slice(format!("<{element}>").as_bytes());
        for (index, character) in value.chars().enumerate() {
            if !self.character(character) {
                return Err(RequestError::Character {
                    element,
                    position: index + 1,
                    code_point: u32::from(character),
                });
            }
        }
        self.line(&format!("</{element}>"));
        Ok(())
    }

    /// Writes one character; `false` when it can't be.
    fn character(&mut self, character: char) -> bool {
        match character {
            '<' => self.bytes.extend_from_slice(b"&lt;"),
            '>' => self.bytes.extend_from_slice(b"&gt;"),
            '&' => self.bytes.extend_from_slice(b"&amp;"),
            ' '..='~' => self.bytes.push(character as u8),
            '\0'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' | '\u{feff}' => return false,
            _ => {
                let mut utf8 = [0; 4];
                let text: &str = character.encode_utf8(&mut utf8);
                match self.encoding {
                    Encoding::Utf8 => self.bytes.extend_from_slice(text.as_bytes()),
                    Encoding::Cp932 => return self.cp932(text),
                }
            }
        }
        true
    }

    /// Some characters have a look-alike in the encoding (¥ becomes a backslash): what does not come back as
    /// itself is refused too.
    fn cp932(&mut self, text: &str) -> bool {
        let mut bytes = [0; 8];
        let mut encoder = SHIFT_JIS.new_encoder();
        let (result, _, written) =
            encoder.encode_from_utf8_without_replacement(text, &mut bytes, true);
        if !matches!(result, EncoderResult::InputEmpty) {
            return false;
        }
        let back = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(&bytes[..written]);
        if back.as_deref() != Some(text) {
            return false;
        }
        self.bytes.extend_from_slice(&bytes[..written]);
        true
    }
}

#[cfg(test)]
mod tests;
