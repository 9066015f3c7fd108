//! From a sheet to bytes.

use encoding_rs::{EncoderResult, SHIFT_JIS};

use super::sheet::{Field, Group, Sheet, element};
use super::{MOST_ROWS, RequestError};
use crate::oqs::text::Encoding;

pub(super) fn write(sheet: &Sheet<'_>, encoding: Encoding) -> Result<Vec<u8>, RequestError> {
    let count = sheet.groups.len();
    if count > MOST_ROWS || (count == 0 && sheet.body.fields.is_empty()) {
        return Err(RequestError::Rows {
            element: "MessageBody",
            count,
            most: MOST_ROWS,
        });
    }
    let mut pen = Pen {
        encoding,
        bytes: Vec::with_capacity(1024 + 512 * sheet.groups.len()),
    };
    pen.line(&format!(
        "<?xml version=\"1.0\" encoding=\"{}\" standalone=\"no\"?>",
        encoding.name()
    ));
    pen.line("<XmlMsg>");
    pen.line("  <MessageHeader>");
    pen.fields(4, &sheet.header)?;
    pen.line("  </MessageHeader>");
    pen.line("  <MessageBody>");
    pen.fields(4, &sheet.body)?;
    for group in &sheet.groups {
        pen.line(&format!("    <{}>", group.name));
        pen.fields(6, group)?;
        pen.line(&format!("    </{}>", group.name));
    }
    pen.line("  </MessageBody>");
    pen.line("</XmlMsg>");
    Ok(pen.bytes)
}

struct Pen {
    encoding: Encoding,
    bytes: Vec<u8>,
}

impl Pen {
    /// A line of markup, ASCII.
    fn line(&mut self, markup: &str) {
        self.bytes.extend_from_slice(markup.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn fields(&mut self, indent: usize, group: &Group<'_>) -> Result<(), RequestError> {
        group
            .fields
            .iter()
            .try_for_each(|field| self.field(indent, field))
    }

    fn field(&mut self, indent: usize, field: &Field<'_>) -> Result<(), RequestError> {
        let (element, most) =
            element(field.name).expect("every element that a request writes has its length");
        if field.text.trim().is_empty() {
            return match field.required {
                true => Err(RequestError::Blank { element }),
                false => Ok(()),
            };
        }
        if field.text.chars().count() > most {
            return Err(RequestError::TooLong { element, most });
        }
        self.bytes.resize(self.bytes.len() + indent, b' ');
        self.bytes
            .extend_from_slice(format!("<{element}>").as_bytes());
        for (index, character) in field.text.chars().enumerate() {
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
