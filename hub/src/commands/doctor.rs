//! `doctor`: looks at everything a hub needs, changes nothing, and says how to mend what is wrong.

mod broker;
mod card_reader;
mod files;
mod terminal;

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;

use crate::answer::{self, Exit, Outcome};
use crate::config::Config;
use crate::words::{self, Words};
use crate::{stores, up};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Good,
    /// Works, but look at it.
    Warning,
    /// Does not work.
    Bad,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was looked at.
    pub check: String,
    /// How it ended.
    pub state: State,
    /// What was found, Japanese with English beside.
    pub detail: String,
    /// How to mend it.
    pub mend: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn good(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            state: State::Good,
            detail: detail.into(),
            mend: None,
        }
    }

    /// Works, but look at it.
    pub fn warning(
        check: impl Into<String>,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Warning,
            mend: Some(mend.into()),
            ..Self::good(check, detail)
        }
    }

    /// Does not work.
    pub fn bad(
        check: impl Into<String>,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Bad,
            ..Self::warning(check, detail, mend)
        }
    }

    fn word(&self) -> Words {
        match self.state {
            State::Good => words::GOOD,
            State::Warning => words::WARN,
            State::Bad => words::BAD,
        }
    }
}

/// Exit 0 unless something is bad; a wrong configuration is exit 64.
pub async fn run(path: Option<&Path>, json: bool) -> Outcome {
    let config = Config::load(path)?;
    let mut checks = vec![configuration(&config)];
    checks.extend(config.warnings.iter().map(|warning| {
        Check::warning(
            &warning.key,
            &warning.reason,
            "設定を確かめてください / look at the configuration",
        )
    }));
    let running = up::is_running(&config.data_dir);
    checks.push(files::data_dir(&config, running));
    checks.extend(files::keys(&config));
    for facility in &config.group.facilities {
        for terminal in &facility.terminals {
            checks.extend(terminal::check(&config, facility, terminal));
        }
    }
    checks.extend(tokio::task::block_in_place(|| card_reader::check(&config)));
    checks.push(broker::check(&config, running).await);
    checks.push(database(&config).await);
    show(&checks, json)?;
    let bad = checks.iter().any(|check| check.state == State::Bad);
    Ok(if bad { Exit::Failed } else { Exit::Done })
}

fn configuration(config: &Config) -> Check {
    let group = &config.group;
    if group.facilities.is_empty() {
        return Check::warning(
            "configuration",
            format!(
                "{}: [[facility]] がありません / no [[facility]]",
                config.source_name
            ),
            "[[facility]] を書いてください / add a [[facility]]",
        );
    }
    Check::good(
        "configuration",
        format!(
            "{}: 施設 {}, 配信先 {} / {} facilities, {} consumers",
            config.source_name,
            group.facilities.len(),
            group.consumers.len(),
            group.facilities.len(),
            group.consumers.len()
        ),
    )
}

/// Opening proves the settings that durability rests on.
async fn database(config: &Config) -> Check {
    let kind = if config.database_url.is_some() {
        "database (postgres)"
    } else {
        "database (sqlite)"
    };
    let opened = async {
        let (ledger, _key) = stores::open_read_only(config).await?;
        let head = ledger.head().await.context("head")?;
        anyhow::Ok((ledger.identity(), head.position))
    };
    match opened.await {
        Ok((store, position)) => Check::good(
            kind,
            format!("{} / {} @ {position}", store.store_id, store.epoch),
        ),
        Err(error) if config.database_url.is_none() && !stores::ledger_file(config).exists() => {
            let _ = error;
            Check::good(kind, words::NO_LEDGER.to_string())
        }
        Err(error) => Check::bad(
            kind,
            format!("{error:#}"),
            "接続先と耐久設定 (fsync, full_page_writes, synchronous_commit) を確かめてください / \
             look at the address and the durability settings",
        ),
    }
}

fn show(checks: &[Check], json: bool) -> anyhow::Result<()> {
    if json {
        let good = checks.iter().all(|check| check.state != State::Bad);
        return answer::json_line(&json!({ "good": good, "checks": checks }));
    }
    let mut table = answer::table(&[words::RESULT, words::CHECK, words::DETAIL]);
    for check in checks {
        table.add_row([&check.word().to_string(), &check.check, &check.detail]);
    }
    answer::show(&table)?;
    for check in checks {
        if let Some(mend) = &check.mend {
            answer::line(format!("{}: {} → {mend}", words::MEND, check.check))?;
        }
    }
    Ok(())
}
