//! Days and months in Japan, and the centre's time.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Timestamp, tz};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Japan time. Japan keeps no summer time, so a fixed offset is exact for every day this product knows.
const JST: tz::Offset = tz::offset(9);

/// The day in Japan at `at`.
pub fn jst_day(at: Timestamp) -> Date {
    JST.to_datetime(at).date()
}

/// Reads `YYYY-MM-DD` or 和暦 (`R8.5.11`, `令和8年5月11日`); `None` when it is neither.
pub fn parse_day(text: &str) -> Option<Date> {
    let text = text.trim();
    if let Ok(day) = text.parse::<Date>() {
        return Some(day);
    }
    let (era_start, rest) = era(text)?;
    let rest = rest
        .trim_end_matches('日')
        .replace(['年', '月', '/', '-'], ".");
    let mut parts = rest.split('.');
    let year = match parts.next()?.trim() {
        "元" => 1,
        digits => digits.parse::<i16>().ok()?,
    };
    let month = parts.next()?.trim().parse().ok()?;
    let day = parts.next()?.trim().parse().ok()?;
    if parts.next().is_some() || year < 1 {
        return None;
    }
    Date::new(era_start.checked_add(year - 1)?, month, day).ok()
}

fn era(text: &str) -> Option<(i16, &str)> {
    const ERAS: [(&str, i16); 15] = [
        ("令和", 2019),
        ("平成", 1989),
        ("昭和", 1926),
        ("大正", 1912),
        ("明治", 1868),
        ("R", 2019),
        ("H", 1989),
        ("S", 1926),
        ("T", 1912),
        ("M", 1868),
        ("r", 2019),
        ("h", 1989),
        ("s", 1926),
        ("t", 1912),
        ("m", 1868),
    ];
    ERAS.iter()
        .find_map(|(name, start)| text.strip_prefix(name).map(|rest| (*start, rest)))
}

/// A day as screens show it: `2026-05-11 (R8.5.11)`.
pub fn show_day(day: Date) -> String {
    let (letter, start) = if day >= jiff::civil::date(2019, 5, 1) {
        ('R', 2019)
    } else if day >= jiff::civil::date(1989, 1, 8) {
        ('H', 1989)
    } else if day >= jiff::civil::date(1926, 12, 25) {
        ('S', 1926)
    } else if day >= jiff::civil::date(1912, 7, 30) {
        ('T', 1912)
    } else {
        ('M', 1868)
    };
    format!(
        "{day} ({letter}{}.{}.{})",
        day.year() - start + 1,
        day.month(),
        day.day()
    )
}

/// 診療年月: a calendar month, `YYYY-MM` on every wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// The Gregorian year.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl Month {
    /// The month that holds `day`.
    pub fn of(day: Date) -> Self {
        Self {
            year: day.year(),
            month: day.month(),
        }
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        jiff::civil::date(self.year, self.month, 1)
    }

    /// Its last day.
    pub fn last_day(self) -> Date {
        self.first_day().last_of_month()
    }

    /// Reads `yyyyMM` as the terminal writes it.
    pub fn from_compact(text: &str) -> Option<Self> {
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Self::checked(text[..4].parse().ok()?, text[4..].parse().ok()?)
    }

    fn checked(year: i16, month: i8) -> Option<Self> {
        ((1..=12).contains(&month) && (1..=9999).contains(&year)).then_some(Self { year, month })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A text that is no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is written YYYY-MM")]
pub struct NotAMonth;

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (year, month) = text.split_once('-').ok_or(NotAMonth)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(NotAMonth);
        }
        let (year, month) = (
            year.parse().map_err(|_| NotAMonth)?,
            month.parse().map_err(|_| NotAMonth)?,
        );
        Self::checked(year, month).ok_or(NotAMonth)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Month {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Month".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$" })
    }
}

/// The centre's time of an answer, printed in Japan time (`2026-05-11T09:15:00+09:00`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AsOf(pub Timestamp);

impl AsOf {
    /// Reads `yyyyMMddHHmmss`, Japan time without a zone, as the terminal writes it.
    pub fn from_compact(text: &str) -> Option<Self> {
        if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let part = |range: std::ops::Range<usize>| text[range].parse::<i8>().ok();
        let date = Date::new(text[..4].parse().ok()?, part(4..6)?, part(6..8)?).ok()?;
        let time = jiff::civil::Time::new(part(8..10)?, part(10..12)?, part(12..14)?, 0).ok()?;
        JST.to_timestamp(date.to_datetime(time)).ok().map(Self)
    }

    /// The day in Japan.
    pub fn day(self) -> Date {
        jst_day(self.0)
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display_with_offset(JST).fmt(f)
    }
}

impl Serialize for AsOf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AsOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for AsOf {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AsOf".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}
