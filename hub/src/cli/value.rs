//! How words of the command line become values.

use jiff::Timestamp;
use jiff::civil::Date;
use shikaku_core::query::KnownAt;
use shikaku_schemas::value::{Month, Position, parse_day};

use crate::words;

/// A day, in either calendar.
pub fn day(text: &str) -> Result<Date, String> {
    parse_day(text).ok_or_else(|| words::NOT_A_DAY.to_string())
}

/// A month, in either calendar.
pub fn month(text: &str) -> Result<Month, String> {
    parse_day(&format!("{}-01", text.trim()))
        .map(Month::of)
        .ok_or_else(|| words::NOT_A_MONTH.to_string())
}

/// A position of the ledger.
pub fn position(text: &str) -> Result<Position, std::num::ParseIntError> {
    text.parse().map(Position)
}

/// A moment of knowledge: a position or an RFC 3339 time.
pub fn known_at(text: &str) -> Result<KnownAt, String> {
    if let Ok(position) = position(text) {
        return Ok(KnownAt::Position(position));
    }
    text.parse::<Timestamp>().map(KnownAt::Time).map_err(|_| {
        "時刻は 2026-05-11T09:00:00+09:00 か位置の番号です / an RFC 3339 time or a position"
            .to_owned()
    })
}
