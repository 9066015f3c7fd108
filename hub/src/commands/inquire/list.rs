//! Lists of people: CSV, UTF-8, with a header.

use std::path::Path;

use anyhow::Context as _;
use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use shikaku_schemas::command::ListedPerson;
use shikaku_schemas::task::QualificationNumbers;
use shikaku_schemas::value::{PatientNumber, parse_day};

use crate::answer::Refused;
use crate::words;

/// People of one kind.
#[derive(Debug, PartialEq, Eq)]
pub struct List {
    /// Insurance numbers; else 公費負担者番号 and 受給者番号.
    pub insurance: bool,
    /// 資格確認日, where the list tells it.
    pub on: Option<jiff::civil::Date>,
    /// Whom.
    pub rows: Vec<ListedPerson>,
}

/// One appointment.
#[derive(Debug, PartialEq, Eq)]
pub struct Appointment {
    /// The chart number.
    pub patient: PatientNumber,
    /// The day.
    pub on: jiff::civil::Date,
}

/// Reads a list.
///
/// # Errors
/// The file can't be read, or a line is not what the header says: the message names it.
pub fn people(path: &Path) -> anyhow::Result<List> {
    let text = text(path)?;
    let mut reader = reader(&text);
    let header = reader.headers()?.clone();
    let has = |name: &str| header.iter().any(|column| column == name);
    let insurance = has("insurer");
    if insurance == has("payer") || !has("birth_date") {
        return Err(wrong(1, words::LIST_HEADER));
    }
    let mut rows = Vec::new();
    for (record, line) in records(&mut reader) {
        let record = record.with_context(|| format!("{}: {line}", words::LINE))?;
        let member = |name: &str| member(&header, &record, name);
        let must = |name: &str| member(name).ok_or_else(|| wrong(line, words::LIST_MISSING));
        let numbers = match insurance {
            true => QualificationNumbers {
                insurer_number: must("insurer")?,
                symbol: member("symbol"),
                number: must("number")?,
                branch: member("branch"),
            },
            false => QualificationNumbers {
                insurer_number: must("payer")?,
                symbol: None,
                number: must("recipient")?,
                branch: None,
            },
        };
        let birth_date = parse_day(&must("birth_date")?);
        rows.push(ListedPerson {
            numbers,
            birth_date: birth_date.ok_or_else(|| wrong(line, words::NOT_A_DAY))?,
            patient: member("patient").map(PatientNumber),
        });
    }
    Ok(List {
        insurance,
        on: None,
        rows,
    })
}

/// Reads appointments: `patient,date`.
///
/// # Errors
/// As [`people`].
pub fn appointments(path: &Path) -> anyhow::Result<Vec<Appointment>> {
    let text = text(path)?;
    let mut reader = reader(&text);
    let header = reader.headers()?.clone();
    let mut rows = Vec::new();
    for (record, line) in records(&mut reader) {
        let record = record.with_context(|| format!("{}: {line}", words::LINE))?;
        let must = |name: &str| {
            member(&header, &record, name).ok_or_else(|| wrong(line, words::APPOINTMENTS_HEADER))
        };
        let on = parse_day(&must("date")?).ok_or_else(|| wrong(line, words::NOT_A_DAY))?;
        let patient = PatientNumber(must("patient")?);
        rows.push(Appointment { patient, on });
    }
    Ok(rows)
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// A line with more or fewer members than the header is a fault: that is how kinds get mixed.
fn reader(text: &str) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .trim(Trim::All)
        .from_reader(text.as_bytes())
}

type Line = (csv::Result<StringRecord>, u64);

fn records(reader: &mut Reader<&[u8]>) -> impl Iterator<Item = Line> {
    reader.records().zip(2u64..).map(|(record, counted)| {
        let place = record.as_ref().ok().and_then(StringRecord::position);
        let line = place.map_or(counted, csv::Position::line);
        (record, line)
    })
}

fn member(header: &StringRecord, record: &StringRecord, name: &str) -> Option<String> {
    let at = header.iter().position(|column| column == name)?;
    let text = record.get(at)?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn wrong(line: u64, words: words::Words) -> anyhow::Error {
    Refused(format!("{}: {line}: {words}", words::LINE)).into()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn both_kinds_are_read_by_their_headers() {
        let tickets =
            file("\u{feff}payer,recipient,birth_date,patient\n12997011,1234567,S35.4.1,7001\n");
        let list = people(tickets.path()).unwrap();
        assert!(!list.insurance);
        assert_eq!(list.rows[0].birth_date, jiff::civil::date(1960, 4, 1));
        assert_eq!(list.rows[0].patient, Some("7001".into()));
        let cards = file("insurer,symbol,number,branch,birth_date\n06139992,1,22,,1960-04-01\n");
        let list = people(cards.path()).unwrap();
        assert!(list.insurance);
        assert_eq!(list.rows[0].numbers.branch, None);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let mixed = file("payer,insurer,birth_date\n");
        assert!(people(mixed.path()).unwrap_err().to_string().contains('1'));
        let missing =
            file("payer,recipient,birth_date\n12997011,1234567,1960-04-01\n12997011,,1960-04-01\n");
        assert!(
            people(missing.path())
                .unwrap_err()
                .to_string()
                .contains('3')
        );
        let longer = file("payer,recipient,birth_date\n06139992,1,22,01,1960-04-01\n");
        assert!(people(longer.path()).unwrap_err().to_string().contains('2'));
    }
}
