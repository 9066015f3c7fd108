//! `medical`: drugs, treatments and check-ups that came, and the files as received. The look is logged with its purpose
//! before anything is read.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use comfy_table::Table;
use jiff::civil::Date;
use serde_json::json;
use shikaku_core::query::MedicalView;
use shikaku_schemas::oqs::medical::MedicalChart;
use shikaku_schemas::value::{Month, show_day};

use super::history::look_for;
use crate::answer::{self, Exit, Outcome, Usage};
use crate::cli::Medical;
use crate::config::Config;
use crate::{stores, words};

/// Shows what came for one person.
pub async fn run(config: &Config, asked: Medical, json: bool) -> Outcome {
    let purpose = asked.purpose.trim();
    if purpose.is_empty() {
        return Err(Usage(words::PURPOSE_MISSING.to_string()).into());
    }
    let (ledger, queries) = stores::questions(config).await?;
    let standing = stores::standing(&ledger, asked.at_least.at_least).await?;
    let (facility, who) = look_for(config, &queries, "medical", &asked.who, purpose).await?;
    let scope = asked.scope.map(Into::into);
    let views = queries
        .medical(&facility, &who, scope)
        .await
        .map_err(stores::unanswered)?;
    if let Some(folder) = &asked.save {
        save(folder, &views)?;
    }
    if json {
        answer::json_line(&standing.around(json!({ "medical": views }))?)?;
    } else if views.is_empty() {
        answer::line(words::NONE_FOUND.to_string())?;
    } else {
        let shown: Vec<String> = views.iter().map(text).collect();
        answer::line(shown.join("\n\n"))?;
    }
    Ok(Exit::Done)
}

/// Writes each file as it came, readable by this user alone. One that is there already is the same one.
fn save(folder: &Path, views: &[MedicalView]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for view in views {
        let (Some(bytes), Some(form)) = (&view.file, view.form) else {
            continue;
        };
        let path = folder.join(format!("{}.{form}", view.evidence));
        let new = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match new {
            Ok(mut file) => file.write_all(bytes).and_then(|()| file.sync_all()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
        .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn text(view: &MedicalView) -> String {
    let mut head = answer::table(&[words::KEY, words::VALUE]);
    let mut row = |words: words::Words, value: String| {
        head.add_row([words.heading(), value]);
    };
    let scopes = view.scopes.iter().map(|scope| words::scope(*scope));
    let scopes: Vec<String> = scopes.map(|words| words.to_string()).collect();
    row(words::TYPE, scopes.join(", "));
    row(words::RECEIVED, answer::time(view.received_at));
    let months = [view.from_month, view.to_month].map(month);
    row(words::MONTHS, months.join(" – "));
    let form = match view.form {
        Some(form) => form.to_owned(),
        None => words::ERASED.to_string(),
    };
    row(words::FORM, format!("{form} {}", view.evidence));
    if view.empty {
        row(words::STATE, words::CENTRE_HOLDS_NONE.to_string());
    }
    let mut text = head.trim_fmt();
    let none = MedicalChart::default();
    let chart = view.chart.as_ref().unwrap_or(&none);
    for table in [drugs(chart), treatments(chart), checkups(chart)] {
        if table.row_count() > 0 {
            text.push_str(&format!("\n\n{}", table.trim_fmt()));
        }
    }
    text
}

fn drugs(chart: &MedicalChart) -> Table {
    let mut table = answer::table(&[
        words::DAY,
        words::PART,
        words::DRUG,
        words::AMOUNT,
        words::USAGE,
        words::TIMES,
    ]);
    for drug in &chart.drugs {
        let amount = [&drug.quantity, &drug.unit];
        let amount: String = amount.into_iter().flatten().map(String::as_str).collect();
        let usage = [&drug.usage, &drug.instruction].into_iter().flatten();
        let usage: Vec<&str> = usage.map(String::as_str).collect();
        table.add_row([
            day(drug.on, drug.month),
            drug.part
                .map(|part| words::part(part).to_string())
                .unwrap_or_default(),
            named(&drug.name, &drug.code),
            amount,
            usage.join(" "),
            drug.times.clone().unwrap_or_default(),
        ]);
    }
    table
}

fn treatments(chart: &MedicalChart) -> Table {
    let mut table = answer::table(&[words::DAY, words::TREATMENT]);
    for treatment in &chart.treatments {
        table.add_row([
            day(treatment.on, treatment.month),
            named(&treatment.name, &treatment.code),
        ]);
    }
    table
}

fn checkups(chart: &MedicalChart) -> Table {
    let mut table = answer::table(&[words::DAY, words::ITEM, words::VALUE]);
    for result in &chart.checkups {
        let value = result.value_name.as_ref().or(result.value.as_ref());
        let value = [value, result.unit.as_ref()].into_iter().flatten();
        let value: Vec<&str> = value.map(String::as_str).collect();
        table.add_row([
            day(result.on, None),
            named(&result.name, &result.code),
            value.join(" "),
        ]);
    }
    table
}

fn day(on: Option<Date>, or: Option<Month>) -> String {
    on.map_or_else(|| month(or), show_day)
}

fn month(month: Option<Month>) -> String {
    month.map(|month| month.to_string()).unwrap_or_default()
}

/// The name; the code where there is none.
fn named(name: &Option<String>, code: &Option<String>) -> String {
    name.as_ref().or(code.as_ref()).cloned().unwrap_or_default()
}
