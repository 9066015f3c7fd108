//! Each role, started with what the configuration says.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use shikaku_card_reader::CardReaderOptions;
use shikaku_core::{HubHandle, HubOptions, JobOptions, MonthOptions};
use shikaku_disk::SystemDisk;
use shikaku_kit::broker::BrokerOptions;
use shikaku_ledger::Ledger;
use shikaku_models::{AccessAt, Database, ModelsOptions, StatusBoard};
use shikaku_schemas::clock::{SystemClock, SystemRandomness};
use shikaku_terminal::{TerminalOptions, Timing};
use tokio::sync::oneshot;

use super::Site;
use super::roles::Roles;
use crate::keys::nats_password;

const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// The hub role: waits as a standby if it must, and until everything in it runs.
///
/// # Errors
/// The role ended before it was ready.
pub async fn hub(site: &Site, ledger: Ledger, roles: &mut Roles) -> anyhow::Result<HubHandle> {
    let config = &site.config;
    let options = HubOptions {
        group: config.group.clone(),
        group_key: site.group_key.clone(),
        nats: shikaku_core::BrokerOptions {
            url: site.nats_url.clone(),
            user: "hub".to_owned(),
            password: nats_password(&site.group_key, "hub"),
            ca_file: config.nats.ca_file.clone(),
        }
        .into(),
        feed_days: config.retention.feed_days,
        answer_timeout: Duration::from_secs(config.timing.answer_timeout_s),
        jobs: JobOptions {
            poll: Duration::from_secs(config.timing.bulk_poll_s),
            per_terminal: usize::from(config.schedule.jobs_per_terminal),
            rows: usize::from(config.schedule.rows_per_job),
        },
        months: MonthOptions {
            schedule: config.schedule.enabled,
            vanishing_percent: config.schedule.vanishing_percent,
        },
        medical: shikaku_core::MedicalMonths {
            first_drug: config.medical.first_drug_month,
            first_checkup: config.medical.first_checkup_month,
            months_back: config.medical.months_back,
        },
        auto_link: config.identity.auto_link,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    };
    let (ready, is_ready) = oneshot::channel();
    let cancel = roles.cancel();
    roles.spawn("hub", async move {
        Ok(shikaku_core::run(ledger, options, ready, cancel).await?)
    });
    match is_ready.await {
        Ok(handle) => Ok(handle),
        Err(_) => Err(roles.first_end().await),
    }
}

/// The projections role. Where it stands is told on the board.
pub fn projections(site: &Site, roles: &mut Roles) -> StatusBoard {
    let config = &site.config;
    let status = StatusBoard::default();
    let (database, access) = models_stores(config);
    let options = ModelsOptions {
        nats: shikaku_models::BrokerOptions {
            url: site.nats_url.clone(),
            user: "projections".to_owned(),
            password: nats_password(&site.group_key, "projections"),
            ca_file: config.nats.ca_file.clone(),
        }
        .into(),
        database,
        access,
        group: config.group.clone(),
        lookup_key: site.group_key.derive("read-model"),
        feed_days: config.retention.feed_days,
        clock: Arc::new(SystemClock),
        status: status.clone(),
    };
    let cancel = roles.cancel();
    roles.spawn("projections", async move {
        Ok(shikaku_models::run(options, cancel).await?)
    });
    status
}

/// Where read models and the access log are.
pub fn models_stores(config: &crate::config::Config) -> (Database, AccessAt) {
    match &config.database_url {
        Some(url) => (
            Database::Postgres { url: url.clone() },
            AccessAt::Postgres { url: url.clone() },
        ),
        None => (
            Database::Sqlite {
                directory: config.data_dir.join("projections"),
            },
            AccessAt::Sqlite {
                path: config.data_dir.join("access.db"),
            },
        ),
    }
}

/// Waits until every projection has read what there is.
///
/// # Errors
/// A role ended meanwhile.
pub async fn projections_ready(status: &StatusBoard, roles: &mut Roles) -> anyhow::Result<()> {
    let ready = async {
        while !status.ready() {
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    };
    tokio::select! {
        () = ready => Ok(()),
        failure = roles.first_end() => Err(failure),
    }
}

/// An adapter for each terminal of each facility.
pub fn terminals(site: &Site, roles: &mut Roles) {
    let config = &site.config;
    let timing = &config.timing;
    for facility in &config.group.facilities {
        for terminal in &facility.terminals {
            let options = TerminalOptions {
                facility: facility.clone(),
                terminal: terminal.clone(),
                schemes: config.group.schemes.clone(),
                timing: Timing {
                    scan: Duration::from_millis(timing.scan_ms),
                    stable: Duration::from_millis(timing.stable_ms),
                    incomplete: Duration::from_secs(timing.incomplete_s),
                    bulk_poll: Duration::from_secs(timing.bulk_poll_s),
                    ..Timing::default()
                },
                data_dir: config.data_dir.clone(),
                group_key: site.group_key.clone(),
                broker: edge_broker(site, "terminal").into(),
                disk: Arc::new(SystemDisk),
                clock: Arc::new(SystemClock),
                spool_bytes: TerminalOptions::SPOOL_BYTES,
                zip_password: None,
            };
            let password = terminal.zip_password_file.clone();
            let name = format!("terminal {} {}", facility.code, terminal.id);
            let cancel = roles.cancel();
            roles.spawn(name, async move {
                let zip_password = password.map(|file| zip_password(&file)).transpose()?;
                let options = TerminalOptions {
                    zip_password,
                    ..options
                };
                Ok(shikaku_terminal::run(options, cancel).await?)
            });
        }
    }
}

fn zip_password(file: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let text = std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    Ok(text.trim_ascii_end().to_vec())
}

/// An adapter for each card reader of each desk.
pub fn card_readers(site: &Site, roles: &mut Roles) {
    for facility in &site.config.group.facilities {
        for desk in &facility.desks {
            for reader in &desk.readers {
                let options = CardReaderOptions {
                    facility: facility.code.clone(),
                    card_rules: facility.card_rules.clone(),
                    desk: desk.id.clone(),
                    reader: reader.clone(),
                    data_dir: site.config.data_dir.clone(),
                    group_key: site.group_key.clone(),
                    broker: edge_broker(site, "card-reader"),
                    clock: Arc::new(SystemClock),
                    randomness: Arc::new(SystemRandomness),
                    again: CardReaderOptions::AGAIN,
                };
                let name = format!("card-reader {} {}", facility.code, reader.id);
                let cancel = roles.cancel();
                roles.spawn(name, async move {
                    Ok(shikaku_card_reader::run(options, cancel).await?)
                });
            }
        }
    }
}

/// Whether any is configured.
pub fn has_card_readers(config: &crate::config::Config) -> bool {
    let mut desks = config
        .group
        .facilities
        .iter()
        .flat_map(|facility| &facility.desks);
    desks.any(|desk| !desk.readers.is_empty())
}

fn edge_broker(site: &Site, user: &str) -> BrokerOptions {
    BrokerOptions {
        url: site.nats_url.clone(),
        user: user.to_owned(),
        password: nats_password(&site.group_key, user),
        ca_file: site.config.nats.ca_file.clone(),
    }
}
