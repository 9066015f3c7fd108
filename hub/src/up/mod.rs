//! Starting and stopping, on one page: configuration → lock → keys → broker → ledger → roles → ready → signal →
//! drain.
//!
//! A role that ends before it is asked to is an error, whatever it says.

mod clock;
mod console;
mod demo;
mod lines;
mod lock;
mod role;
mod roles;
mod socket;

use std::time::Duration;

use anyhow::Context as _;
use shikaku_core::query::Queries;
use shikaku_ledger::Ledger;
use shikaku_schemas::seal::SealKey;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::answer::{self, Exit, Outcome, Refused};
use crate::broker::place::Place;
use crate::broker::supervisor::Broker;
use crate::broker::{self, locate};
use crate::cli::{Role, Up};
use crate::commands::nats::supervised;
use crate::config::{Config, ConfigError};
use crate::{keys, stores, words};

use lock::DataLock;
pub use role::models_stores;
use roles::Roles;

/// How long the roles may drain.
const DRAINS_WITHIN: Duration = Duration::from_secs(15);
/// How long until everything serves.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Whether an `up` runs on this folder.
pub fn is_running(data_dir: &std::path::Path) -> bool {
    data_dir.join("up.lock").exists() && DataLock::take(data_dir).is_err()
}

/// What every role is given.
#[derive(Clone)]
pub struct Site {
    /// The configuration.
    pub config: Config,
    /// The group key.
    pub group_key: SealKey,
    /// The broker's URL.
    pub nats_url: String,
}

/// All roles in one process.
///
/// # Errors
/// What could not start, or the first role that ended by itself.
pub async fn run(config: Config, options: Up) -> Outcome {
    keys::private_dir(&config.data_dir).with_context(|| {
        format!(
            "{} を作れません / cannot be made",
            config.data_dir.display()
        )
    })?;
    let _lock = DataLock::take(&config.data_dir)?;
    let stop = stop_signal()?;
    let demo = options.demo || config.embedded;
    let group_key = group_key(&config, demo)?;
    let broker_stop = CancellationToken::new();
    let (nats_url, broker) = start_broker(&config, &group_key, &broker_stop).await?;
    let site = Site {
        config,
        group_key,
        nats_url,
    };
    let mut roles = Roles::new();
    clock::watch(&mut roles);
    let served = serve_all(&site, &options, demo, &mut roles, &stop).await;
    let drained = roles.stop(DRAINS_WITHIN).await;
    broker_stop.cancel();
    let broker_ended = match broker {
        Some(task) => task
            .await
            .map_err(anyhow::Error::from)
            .and_then(|ended| Ok(ended?)),
        None => Ok(()),
    };
    served?;
    drained?;
    broker_ended.context("broker")?;
    eprintln!("{}", words::STOPPED);
    Ok(Exit::Done)
}

async fn serve_all(
    site: &Site,
    options: &Up,
    demo: bool,
    roles: &mut Roles,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let ledger = open_ledger(site).await?;
    let head = ledger.head().await?.position;
    let started = async {
        let hub = role::hub(site, ledger.clone(), roles).await?;
        socket::serve(&site.config.data_dir, hub.clone(), roles)?;
        let status = role::projections(site, roles);
        if demo {
            demo::make_folders(site)?;
        }
        role::terminals(site, roles);
        role::card_readers(site, roles);
        let queries = queries(site, &ledger);
        let console = console::serve(site, queries, Some(status.clone()), roles).await?;
        role::projections_ready(&status, roles).await?;
        let desks = hub.desks().clone();
        if demo {
            demo::play(site, hub, roles)?;
        }
        anyhow::Ok((console, desks))
    };
    let (console, desks) = tokio::select! {
        started = tokio::time::timeout(READY_WITHIN, started) => {
            started.context("起動が時間内に終わりません / not ready in time")??
        }
        () = stop.cancelled() => return Ok(()),
    };
    banner(site, &console, demo)?;
    lines::follow(site, ledger, desks, head, options.show_names, roles);
    wait(roles, stop).await
}

/// Until a person stops it, or a role ends by itself.
async fn wait(roles: &mut Roles, stop: &CancellationToken) -> anyhow::Result<()> {
    tokio::select! {
        () = stop.cancelled() => {
            eprintln!("{}", words::STOPPING);
            Ok(())
        }
        failure = roles.first_end() => Err(failure),
    }
}

/// One role alone.
///
/// # Errors
/// [`ConfigError`] when the configuration lacks what a single role needs; the role's own failure.
pub async fn run_one(config: Config, role: Role) -> Outcome {
    let nats_url =
        config.nats.url.clone().ok_or_else(|| {
            ConfigError::needs(&config, "nats.url", &words::NEEDS_NATS.to_string())
        })?;
    if !is_edge(role) && config.database_url.is_none() {
        let reason = words::NEEDS_POSTGRES.to_string();
        return Err(ConfigError::needs(&config, "database.url", &reason).into());
    }
    if role == Role::CardReader && !role::has_card_readers(&config) {
        let reason = words::NEEDS_READER.to_string();
        return Err(ConfigError::needs(&config, "facility.desk.reader", &reason).into());
    }
    keys::private_dir(&config.data_dir)?;
    let stop = stop_signal()?;
    let group_key = group_key(&config, false)?;
    let site = Site {
        config,
        group_key,
        nats_url,
    };
    let mut roles = Roles::new();
    clock::watch(&mut roles);
    let served = serve_one(&site, role, &mut roles, &stop).await;
    let drained = roles.stop(DRAINS_WITHIN).await;
    served?;
    drained?;
    eprintln!("{}", words::STOPPED);
    Ok(Exit::Done)
}

/// Works at the edge: needs the broker, and no database.
fn is_edge(role: Role) -> bool {
    matches!(role, Role::Terminal | Role::CardReader)
}

async fn serve_one(
    site: &Site,
    role: Role,
    roles: &mut Roles,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let nats = broker::bare(&site.nats_url);
    let started = async {
        match role {
            Role::Hub => {
                let ledger = open_ledger(site).await?;
                eprintln!("{}", words::STANDBY);
                let hub = role::hub(site, ledger, roles).await?;
                socket::serve(&site.config.data_dir, hub, roles)?;
            }
            Role::Terminal => role::terminals(site, roles),
            Role::CardReader => role::card_readers(site, roles),
            Role::Projections => {
                let status = role::projections(site, roles);
                role::projections_ready(&status, roles).await?;
            }
            Role::Api => {
                let ledger = stores::open_read_only(&site.config).await?.0;
                let console = console::serve(site, queries(site, &ledger), None, roles).await?;
                answer::line(console.welcome())?;
                return Ok(format!("ready http={} nats={nats}", console.url));
            }
        }
        anyhow::Ok(format!("ready nats={nats}"))
    };
    let ready = tokio::select! {
        started = started => started?,
        () = stop.cancelled() => return Ok(()),
    };
    answer::line(ready)?;
    wait(roles, stop).await
}

async fn open_ledger(site: &Site) -> anyhow::Result<Ledger> {
    Ledger::open(&stores::ledger_options(
        &site.config,
        site.group_key.clone(),
    ))
    .await
    .context("台帳を開けません / the ledger cannot be opened")
}

fn queries(site: &Site, ledger: &Ledger) -> Queries {
    Queries::new(ledger.clone(), site.config.group.clone(), &site.group_key)
}

fn group_key(config: &Config, demo: bool) -> anyhow::Result<SealKey> {
    for warning in &config.warnings {
        tracing::warn!(key = warning.key, reason = warning.reason, "configuration");
    }
    let group = keys::open_or_make(config)?;
    if group.fresh && !demo {
        let place = config.group_key_file.display();
        eprintln!("********\n{} ({place})\n********", words::FRESH_KEY);
    }
    if keys::is_open_to_others(&config.group_key_file)? {
        tracing::warn!("the group key's file can be read by others: chmod 600");
    }
    Ok(group.key)
}

type BrokerTask = tokio::task::JoinHandle<Result<(), broker::supervisor::BrokerError>>;

/// The supervised server, unless the configuration names one.
async fn start_broker(
    config: &Config,
    group_key: &SealKey,
    stop: &CancellationToken,
) -> anyhow::Result<(String, Option<BrokerTask>)> {
    if let Some(url) = &config.nats.url {
        return Ok((url.clone(), None));
    }
    let program =
        locate::find(config.nats.server.as_deref()).ok_or(Refused::from(words::NO_NATS_SERVER))?;
    if locate::version(&program).is_none_or(|version| version < locate::LEAST_VERSION) {
        return Err(Refused::from(words::OLD_NATS_SERVER).into());
    }
    let place = Place::open(&config.data_dir)?;
    let url = place.url();
    let text = supervised(&place, config, group_key);
    let broker = Broker::start(program, place, text).await?;
    Ok((url, Some(tokio::spawn(broker.keep(stop.clone())))))
}

/// Cancelled by Ctrl-C or SIGTERM; the second one ends the process at once.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let token = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if token.is_cancelled() {
                std::process::exit(1);
            }
            token.cancel();
        }
    });
    Ok(stop)
}

fn banner(site: &Site, console: &console::Console, demo: bool) -> anyhow::Result<()> {
    answer::line("資格 Shikaku Hub")?;
    if demo {
        answer::line(format!("  {}", words::DEMO))?;
    }
    for facility in &site.config.group.facilities {
        for terminal in &facility.terminals {
            answer::line(format!(
                "  {}: {} {} {}",
                words::FOLDERS,
                facility.name,
                terminal.id,
                terminal.root.display()
            ))?;
        }
    }
    answer::line(console.welcome())?;
    answer::line(format!("  {}", words::STOP_HINT))?;
    answer::line(format!(
        "ready http={} nats={}",
        console.url,
        broker::bare(&site.nats_url)
    ))?;
    Ok(())
}
