//! What a command gives back: lines on stdout, and an exit status.

use std::io::{self, Write as _};
use std::process::ExitCode;

use comfy_table::{ContentArrangement, Table, TableComponent, presets};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::Serialize;
use serde_json::{Value, json};
use shikaku_ledger::StoreIdentity;
use shikaku_schemas::value::{Position, show_day};

use crate::words::Words;

/// The exit statuses of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Done,
    /// 1.
    Failed,
    /// 2: the command line itself.
    Usage,
    /// 3: an inquiry that needs a person.
    Uncertain,
    /// 64.
    Config,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Uncertain => 3,
            Exit::Config => 64,
        })
    }
}

/// What every command ends with.
pub type Outcome = anyhow::Result<Exit>;

/// A wrong command line that clap alone can't see: exit 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// A command that could not be done, told to a person: exit 1, without a chain of causes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl From<Words> for Refused {
    fn from(words: Words) -> Self {
        Self(words.to_string())
    }
}

/// Writes one line to stdout at once.
///
/// # Errors
/// Whoever read stdout is gone.
pub fn line(text: impl AsRef<str>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_ref().as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes one JSON value as one line.
///
/// # Errors
/// As [`line()`].
pub fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value)?)?;
    Ok(())
}

/// Where an answer stands: every answer carries it.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// The store.
    pub store: StoreIdentity,
    /// The position it was read at.
    pub position: Position,
}

impl Standing {
    /// `answer` with `store`, `epoch` and `position` in front; where it has members of these names, they give way.
    pub fn around(&self, answer: impl Serialize) -> serde_json::Result<Value> {
        let mut whole = json!({
            "store": self.store.store_id,
            "epoch": self.store.epoch,
            "position": self.position,
        });
        if let (Some(whole), Value::Object(answer)) =
            (whole.as_object_mut(), serde_json::to_value(answer)?)
        {
            for (name, value) in answer {
                whole.entry(name).or_insert(value);
            }
        }
        Ok(whole)
    }
}

/// An instant in Japan, to the second.
pub fn time(at: Timestamp) -> String {
    Offset::constant(9)
        .to_datetime(at)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// A period, last covered day inclusive.
pub fn period(from: Option<Date>, to: Option<Date>) -> String {
    let day = |day: Option<Date>| day.map(show_day).unwrap_or_default();
    format!("{} 〜 {}", day(from), day(to))
}

/// Prints a table for people, aligned for full-width text.
///
/// # Errors
/// As [`line()`].
pub fn show(table: &Table) -> io::Result<()> {
    line(table.trim_fmt())
}

/// An empty table: one line under the headings, none between rows.
pub fn table(headings: &[Words]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '═')
        .set_style(TableComponent::MiddleHeaderIntersections, '═')
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings.iter().map(|words| words.heading()));
    table
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::words;

    #[test]
    fn full_width_text_is_aligned() {
        let mut table = table(&[words::STATE, words::REASON]);
        table.add_row(["有効", "x"]);
        table.add_row(["lost", "長い理由です"]);
        assert_eq!(table.lines().count(), 4, "headings, one line, two rows");
        let widths: Vec<usize> = table.lines().map(|line| line.width()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
    }
}
