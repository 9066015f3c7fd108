//! The program `shikaku`: configuration, roles, command line.
//!
//! Only this crate knows both wings. It owns no rule and no table: it reads the configuration, starts the
//! roles, stops them, and asks them what a person wants to know. To add a command, add it to [`cli`] and a
//! module in [`commands`]; to add a role, start it in [`up`].

mod access;
mod answer;
mod broker;
mod cli;
mod client;
mod commands;
mod config;
mod event_line;
mod keys;
mod stores;
mod up;
mod who;
mod words;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Parser as _;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::answer::{Exit, Outcome, Refused, Usage};
use crate::cli::{Cli, Command};
use crate::config::{Config, ConfigError};

/// The system's allocator takes a third of the sequencer's time; see `docs/decisions`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(&cli);
    keep_to_small_pages();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let outcome = runtime.block_on(perform(cli));
            // Whatever still blocks has been given its time already.
            runtime.shutdown_background();
            outcome
        });
    ExitCode::from(outcome.unwrap_or_else(|error| complain(&error)))
}

/// Of a huge page a quiet hub uses a few KiB: an idle one took 110 MiB of them, and takes 36 without. Where a system gives
/// them only to who asks, the allocator is built not to ask; elsewhere the process has to decline, for the nats-server that it starts, too.
fn keep_to_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages cannot be declined");
    }
}

async fn perform(cli: Cli) -> Outcome {
    let json = cli.json;
    match cli.command {
        Command::Doctor { defaults: true } => {
            answer::line(config::DEFAULTS.trim_end())?;
            return Ok(Exit::Done);
        }
        Command::Schema { what } => return commands::schema::run(what),
        Command::Sim(sim) => return commands::sim::run(sim).await,
        _ => {}
    }
    if let Command::Doctor { .. } = cli.command {
        return commands::doctor::run(cli.config.as_deref(), json).await;
    }
    let config = Config::load(cli.config.as_deref())?;
    match cli.command {
        Command::Up(options) => up::run(config, options).await,
        Command::Run { role } => up::run_one(config, role).await,
        Command::Inquire(what) => commands::inquire::run(&config, what, json).await,
        Command::History(question) => commands::history::run(&config, question, json).await,
        Command::Tickets(what) => commands::tickets::run(&config, what, json).await,
        Command::Terminals(asked) => commands::terminals::run(&config, asked, json).await,
        Command::Medical(asked) => commands::medical::run(&config, asked, json).await,
        Command::Display(question) => commands::display::run(&config, question, json).await,
        Command::Log(what) => commands::log::run(&config, what, json).await,
        Command::Identity(what) => commands::identity::run(&config, what, json).await,
        Command::Parked(what) => commands::parked::run(&config, what, json).await,
        Command::Keys(what) => commands::keys::run(&config, what, json),
        Command::Nats(what) => commands::nats::run(&config, what),
        Command::OperationTest(asked) => commands::operation_test::run(&config, asked, json).await,
        Command::Audit(what) => commands::audit::run(&config, what, json).await,
        Command::Doctor { .. } | Command::Schema { .. } | Command::Sim(_) => Ok(Exit::Done),
    }
}

/// Long-running commands tell what they do; answers stay undisturbed unless `RUST_LOG` asks.
fn log_to_stderr(cli: &Cli) {
    let usual = match cli.command {
        Command::Up(_) | Command::Run { .. } => "warn",
        _ => "error",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(filter)
        .with(lines.with_filter(filter_fn(|about| !tells_messages(about))))
        .init();
}

/// The NATS library traces every message with its content: no setting brings that into a log.
fn tells_messages(about: &Metadata<'_>) -> bool {
    about.target().starts_with("async_nats") && *about.level() == Level::TRACE
}

/// Tells a person why, once, and which exit status it is.
fn complain(error: &anyhow::Error) -> Exit {
    if is_broken_pipe(error) {
        return Exit::Done;
    }
    if let Some(wrong) = error.downcast_ref::<ConfigError>() {
        eprintln!("shikaku: {wrong}");
        return Exit::Config;
    }
    if let Some(usage) = error.downcast_ref::<Usage>() {
        eprintln!("shikaku: {usage}");
        return Exit::Usage;
    }
    if let Some(refused) = error.downcast_ref::<Refused>() {
        eprintln!("shikaku: {refused}");
        return Exit::Failed;
    }
    eprintln!("shikaku: {error:#}");
    Exit::Failed
}

/// Whoever read our stdout has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
