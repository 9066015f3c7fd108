//! `parked`: everything set aside, from the terminals' quarantine and from the hub's inbox.

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use shikaku_core::query::ParkedView;
use shikaku_schemas::command::Command;
use shikaku_schemas::value::{FacilityCode, Position};
use shikaku_terminal::quarantine::{self, QuarantinedFile};
use uuid::Uuid;

use crate::answer::{self, Exit, Outcome, Refused, Standing};
use crate::cli::{AtLeast, Parked};
use crate::config::Config;
use crate::{client, commands, stores, words};

/// One thing set aside. Nothing personal is in it.
#[derive(Debug, Clone, Serialize)]
struct Row {
    id: Uuid,
    kind: &'static str,
    facility: FacilityCode,
    device: Option<String>,
    /// Stable word.
    rule: String,
    /// For people.
    reason: String,
    size: Option<u64>,
    at: Option<Timestamp>,
}

impl From<QuarantinedFile> for Row {
    fn from(file: QuarantinedFile) -> Self {
        Self {
            id: file.id,
            kind: "quarantine",
            facility: file.facility,
            device: Some(format!("{}/{}", file.terminal, file.folder)),
            rule: file.reason,
            reason: file.message,
            size: Some(file.size),
            at: Some(file.quarantined_at),
        }
    }
}

impl From<ParkedView> for Row {
    fn from(view: ParkedView) -> Self {
        Self {
            id: view.id.0,
            kind: "observation",
            facility: view.facility,
            device: None,
            rule: view.reason,
            reason: view.message.to_owned(),
            size: None,
            at: None,
        }
    }
}

/// List, look, decide again, give up.
pub async fn run(config: &Config, what: Parked, json: bool) -> Outcome {
    match what {
        Parked::List(at_least) => list(config, at_least, json).await,
        Parked::Show { id } => show(config, &id, json).await,
        Parked::Retry { id } => {
            if quarantine::retry(&config.data_dir, uuid(&id)?)? {
                return done(json);
            }
            let reply = client::command(config, Command::RetryParked { id }).await?;
            commands::reply::show(&reply, json)
        }
        Parked::Discard { id, reason } => {
            if quarantine::discard(&config.data_dir, uuid(&id)?)? {
                return done(json);
            }
            let reply = client::command(config, Command::DiscardParked { id, reason }).await?;
            commands::reply::show(&reply, json)
        }
    }
}

fn uuid(id: &str) -> Result<Uuid, Refused> {
    id.parse().map_err(|_| Refused::from(words::NOT_KNOWN))
}

fn done(json: bool) -> Outcome {
    if json {
        answer::json_line(&json!({ "result": "done" }))?;
    } else {
        answer::line(words::DONE.to_string())?;
    }
    Ok(Exit::Done)
}

async fn all(config: &Config, at_least: Option<Position>) -> anyhow::Result<(Vec<Row>, Standing)> {
    let (ledger, queries) = stores::questions(config).await?;
    let standing = stores::standing(&ledger, at_least).await?;
    let files = quarantine::list(&config.data_dir).context("quarantine")?;
    let mut rows: Vec<Row> = files.into_iter().map(Row::from).collect();
    rows.extend(queries.parked().await?.into_iter().map(Row::from));
    Ok((rows, standing))
}

async fn list(config: &Config, at_least: AtLeast, json: bool) -> Outcome {
    let (rows, standing) = all(config, at_least.at_least).await?;
    if json {
        answer::json_line(&standing.around(json!({ "parked": rows }))?)?;
    } else if rows.is_empty() {
        answer::line(words::NONE_FOUND.to_string())?;
    } else {
        let mut table = answer::table(&[
            words::ID,
            words::TYPE,
            words::FACILITY,
            words::WHERE,
            words::REASON,
        ]);
        for row in &rows {
            table.add_row([
                row.id.to_string(),
                row.kind.to_owned(),
                row.facility.to_string(),
                row.device.clone().unwrap_or_default(),
                row.reason.clone(),
            ]);
        }
        answer::show(&table)?;
    }
    Ok(Exit::Done)
}

async fn show(config: &Config, id: &str, json: bool) -> Outcome {
    let id = uuid(id)?;
    let (rows, standing) = all(config, None).await?;
    let row = rows
        .into_iter()
        .find(|row| row.id == id)
        .ok_or(Refused::from(words::NOT_KNOWN))?;
    if json {
        answer::json_line(&standing.around(row)?)?;
        return Ok(Exit::Done);
    }
    let mut table = answer::table(&[words::KEY, words::VALUE]);
    if let serde_json::Value::Object(members) = serde_json::to_value(&row)? {
        for (name, value) in members {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            table.add_row([name, text]);
        }
    }
    answer::show(&table)?;
    Ok(Exit::Done)
}
