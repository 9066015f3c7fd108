//! Bytes to UTF-8, in the order BOM, XML declaration, strict UTF-8, CP932.
//!
//! quick-xml can't be trusted with Shift_JIS, so it only ever sees what came through here. A declaration
//! that the bytes contradict is refused: guessing would store wrong names for ever.

mod stream;

use std::borrow::Cow;

use encoding_rs::{DecoderResult, SHIFT_JIS};

pub use stream::Decoder;

/// The encodings of this interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, with or without BOM.
    Utf8,
    /// Microsoft's Shift_JIS.
    Cp932,
}

/// Text made of bytes. Borrowed when the bytes were UTF-8 already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'b> {
    /// Without BOM.
    pub text: Cow<'b, str>,
    /// What it was.
    pub encoding: Encoding,
}

/// Why bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The bytes end inside a character.
    #[error("文字の途中で終わっています (ends inside a character) at byte {at}")]
    Cut {
        /// Where the character begins.
        at: u64,
    },
    /// A byte sequence that the encoding does not have.
    #[error("{}として読めません (not {}) at byte {at}", .encoding.name(), .encoding.name())]
    Invalid {
        /// The encoding declared, or found.
        encoding: Encoding,
        /// Where.
        at: u64,
    },
    /// Declared Shift_JIS, but the bytes are UTF-8.
    #[error("Shift_JISの宣言ですが中身はUTF-8です (declared Shift_JIS, but the bytes are UTF-8)")]
    Contradicted,
    /// An encoding this interface does not have.
    #[error("この文字コードは扱いません (encoding is neither UTF-8 nor Shift_JIS)")]
    Unsupported,
}

impl TextError {
    /// Whether more bytes may still come.
    pub fn is_incomplete(self) -> bool {
        matches!(self, Self::Cut { .. })
    }

    /// Stable word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Cut { .. } => "incomplete",
            Self::Invalid { .. } | Self::Contradicted => "wrong-encoding",
            Self::Unsupported => "unsupported-encoding",
        }
    }
}

impl Encoding {
    /// Name in an XML declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Cp932 => "Shift_JIS",
        }
    }
}

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";
/// A declaration longer than this is none.
const DECLARATION: usize = 256;

/// What the first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sniffed {
    /// Length of a BOM to drop.
    skip: usize,
    /// `None`: nothing is said.
    encoding: Option<Encoding>,
}

fn sniff(bytes: &[u8]) -> Result<Sniffed, TextError> {
    if bytes.starts_with(UTF8_BOM) {
        return Ok(Sniffed {
            skip: UTF8_BOM.len(),
            encoding: Some(Encoding::Utf8),
        });
    }
    if bytes.starts_with(b"\xFE\xFF") || bytes.starts_with(b"\xFF\xFE") {
        return Err(TextError::Unsupported);
    }
    let encoding = declared(bytes).map(encoding_of).transpose()?;
    Ok(Sniffed { skip: 0, encoding })
}

/// The value of `encoding` in the XML declaration at the very start, if there is a whole one.
fn declared(bytes: &[u8]) -> Option<&[u8]> {
    let head = &bytes[..bytes.len().min(DECLARATION)];
    let inside = head.strip_prefix(b"<?xml")?;
    let end = inside.windows(2).position(|two| two == b"?>")?;
    let inside = &inside[..end];
    let at = inside.windows(8).position(|eight| eight == b"encoding")?;
    let value = inside[at + 8..].trim_ascii_start().strip_prefix(b"=")?;
    let (quote, value) = value.trim_ascii_start().split_first()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let end = value.iter().position(|byte| byte == quote)?;
    Some(&value[..end])
}

fn encoding_of(label: &[u8]) -> Result<Encoding, TextError> {
    const CP932: [&[u8]; 7] = [
        b"shift_jis",
        b"shift-jis",
        b"sjis",
        b"x-sjis",
        b"windows-31j",
        b"cp932",
        b"ms932",
    ];
    const UTF8: [&[u8]; 3] = [b"utf-8", b"utf8", b"us-ascii"];
    let is = |name: &&[u8]| name.eq_ignore_ascii_case(label);
    if CP932.iter().any(is) {
        Ok(Encoding::Cp932)
    } else if UTF8.iter().any(is) {
        Ok(Encoding::Utf8)
    } else {
        Err(TextError::Unsupported)
    }
}

/// Makes text of a whole file.
///
/// # Errors
/// See [`TextError`]; [`TextError::Cut`] means that more bytes may still come.
pub fn decode(bytes: &[u8]) -> Result<Decoded<'_>, TextError> {
    let sniffed = sniff(bytes)?;
    let content = &bytes[sniffed.skip..];
    match sniffed.encoding {
        Some(Encoding::Utf8) => utf8(content, sniffed.skip),
        Some(Encoding::Cp932) if is_utf8_beyond_doubt(content) => Err(TextError::Contradicted),
        Some(Encoding::Cp932) => cp932(content),
        None => match utf8(content, sniffed.skip) {
            Err(TextError::Invalid { .. }) => cp932(content),
            other => other,
        },
    }
}

fn utf8(content: &[u8], skipped: usize) -> Result<Decoded<'_>, TextError> {
    match std::str::from_utf8(content) {
        Ok(text) => Ok(Decoded {
            text: Cow::Borrowed(text),
            encoding: Encoding::Utf8,
        }),
        Err(error) => {
            let at = (error.valid_up_to() + skipped) as u64;
            Err(match error.error_len() {
                None => TextError::Cut { at },
                Some(_) => TextError::Invalid {
                    encoding: Encoding::Utf8,
                    at,
                },
            })
        }
    }
}

/// Valid UTF-8 with a character of three or more bytes: real CP932 text does not fall into that by chance,
/// while UTF-8 read as CP932 often gives plausible rubbish without any error.
fn is_utf8_beyond_doubt(content: &[u8]) -> bool {
    match std::str::from_utf8(content) {
        Ok(_) => content.iter().any(|byte| *byte >= 0xE0),
        Err(_) => false,
    }
}

fn cp932(content: &[u8]) -> Result<Decoded<'_>, TextError> {
    let mut decoder = SHIFT_JIS.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(content.len() + content.len() / 2 + 16);
    let mut read = 0;
    loop {
        let (result, taken) =
            decoder.decode_to_string_without_replacement(&content[read..], &mut text, false);
        read += taken;
        match result {
            DecoderResult::InputEmpty => break,
            DecoderResult::OutputFull => text.reserve(content.len() - read + 16),
            DecoderResult::Malformed(length, beyond) => {
                let at = read.saturating_sub(usize::from(length) + usize::from(beyond));
                return Err(TextError::Invalid {
                    encoding: Encoding::Cp932,
                    at: at as u64,
                });
            }
        }
    }
    text.reserve(16);
    match decoder.decode_to_string_without_replacement(&[], &mut text, true) {
        (DecoderResult::InputEmpty, _) => Ok(Decoded {
            text: Cow::Owned(text),
            encoding: Encoding::Cp932,
        }),
        _ => Err(TextError::Cut {
            at: (content.len() - 1) as u64,
        }),
    }
}

#[cfg(test)]
mod tests;
