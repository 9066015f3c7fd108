//! Scalars of the interface: codes, days, amounts; and the words for what looked wrong.

use jiff::civil::Date;

use crate::oqs::eligibility::Text;

/// What looked wrong but was read: stable words, each once, in the order met.
#[derive(Debug, Default)]
pub(super) struct Warnings(Vec<&'static str>);

impl Warnings {
    pub(super) fn note(&mut self, word: &'static str) {
        if !self.0.contains(&word) {
            self.0.push(word);
        }
    }

    pub(super) fn into_words(self) -> Vec<String> {
        self.0.into_iter().map(str::to_owned).collect()
    }

    /// A day in a record; one that can't be read is left out and noted.
    pub(super) fn day(&mut self, text: &Text<'_>) -> Option<Date> {
        let text = code(text)?;
        let read = day(text);
        if read.is_none() {
            self.note("date-unreadable");
        }
        read
    }

    /// An amount or a ratio; one that can't be read is left out and noted.
    pub(super) fn number<N: std::str::FromStr>(&mut self, text: &Text<'_>) -> Option<N> {
        let text = code(text)?;
        let read = text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok())
            .flatten();
        if read.is_none() {
            self.note("number-unreadable");
        }
        read
    }

    /// 01 あり, 02 なし; anything else is left out and noted.
    pub(super) fn yes_or_no(&mut self, text: &Text<'_>) -> Option<bool> {
        match code(text)? {
            "01" => Some(true),
            "02" => Some(false),
            _ => {
                self.note("code-unknown");
                None
            }
        }
    }
}

/// A code or number: blanks around it are padding.
pub(super) fn code<'m>(text: &'m Text<'_>) -> Option<&'m str> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// Free text as received; line ends and spaces that a writer put around it are not part of it.
pub(super) fn plain<'m>(text: &'m Text<'_>) -> Option<&'m str> {
    text.as_deref()
        .map(str::trim_ascii)
        .filter(|text| !text.is_empty())
}

/// Reads `yyyyMMdd`.
pub(in crate::oqs) fn day(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(
        text[..4].parse().ok()?,
        text[4..6].parse().ok()?,
        text[6..].parse().ok()?,
    )
    .ok()
}
