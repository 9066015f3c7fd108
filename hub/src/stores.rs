//! The stores of this `data_dir`, as the configuration places them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use shikaku_core::query::{Queries, QueryError};
use shikaku_ledger::{Database, KeyStoreAt, KeysOptions, Ledger, LedgerOptions};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::Position;

use crate::answer::{Refused, Standing};
use crate::config::Config;
use crate::{keys, words};

const REACHED_WITHIN: Duration = Duration::from_secs(30);
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// Where the ledger, its keys and its proof are.
pub fn ledger_options(config: &Config, group_key: SealKey) -> LedgerOptions {
    let database = match &config.database_url {
        Some(url) => Database::Postgres { url: url.clone() },
        None => Database::Sqlite {
            path: ledger_file(config),
        },
    };
    let store = match &config.keys_url {
        Some(url) => KeyStoreAt::Postgres { url: url.clone() },
        None => KeyStoreAt::beside(&database),
    };
    LedgerOptions {
        keys: KeysOptions {
            group_key,
            signing_key_file: config.signing_key_file.clone(),
            store,
        },
        database,
        proof_dir: config.data_dir.join("proof"),
    }
}

/// The embedded ledger.
pub fn ledger_file(config: &Config) -> PathBuf {
    config.data_dir.join("ledger.db")
}

/// The ledger beside a running hub, or without one: nothing is written.
///
/// # Errors
/// No key or no ledger yet, or it can't be opened.
pub async fn open_read_only(config: &Config) -> anyhow::Result<(Ledger, SealKey)> {
    let key = keys::open(config).map_err(|error| match error {
        keys::KeyError::Absent(_) => anyhow::Error::from(Refused::from(words::NO_LEDGER)),
        other => other.into(),
    })?;
    if config.database_url.is_none() && !ledger_file(config).exists() {
        return Err(Refused::from(words::NO_LEDGER).into());
    }
    let ledger = Ledger::open_read_only(&ledger_options(config, key.clone()))
        .await
        .context("台帳を開けません / the ledger cannot be opened")?;
    Ok((ledger, key))
}

/// The questions that the ledger answers.
///
/// # Errors
/// As [`open_read_only`].
pub async fn questions(config: &Config) -> anyhow::Result<(Ledger, Queries)> {
    let (ledger, key) = open_read_only(config).await?;
    let queries = Queries::new(ledger.clone(), config.group.clone(), &key);
    Ok((ledger, queries))
}

/// What a person is told when a question has no answer.
pub fn unanswered(error: QueryError) -> anyhow::Error {
    match error {
        QueryError::FacilityUnknown => Refused::from(words::NO_SUCH_FACILITY).into(),
        QueryError::RecordUnknown => Refused::from(words::NOT_KNOWN).into(),
        other @ QueryError::Ledger(_) => other.into(),
    }
}

/// Where an answer given now stands, once the ledger has reached `at_least`.
///
/// # Errors
/// The position was not reached in time.
pub async fn standing(ledger: &Ledger, at_least: Option<Position>) -> anyhow::Result<Standing> {
    let reached = async {
        loop {
            let position = ledger.head().await?.position;
            if at_least.is_none_or(|wanted| position >= wanted) {
                return anyhow::Ok(position);
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    };
    let position = tokio::time::timeout(REACHED_WITHIN, reached)
        .await
        .map_err(|_| Refused::from(words::POSITION_LATE))??;
    Ok(Standing {
        store: ledger.identity(),
        position,
    })
}
