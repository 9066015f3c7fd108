//! Scalars of the interface as requests write them.

use jiff::civil::Date;

use crate::value::Month;

/// `yyyyMMdd`.
pub(super) fn compact(day: Date) -> String {
    format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

/// `yyyyMM`.
pub(super) fn compact_month(month: Month) -> String {
    format!("{:04}{:02}", month.year, month.month)
}

/// Whether a flag says yes.
pub(super) fn is_set(flag: Option<&str>) -> bool {
    flag.map(str::trim) == Some("1")
}
