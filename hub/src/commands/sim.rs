//! `sim terminal`: a simulated terminal on folders of one's choice.

use std::sync::Arc;

use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_terminal_simulator::{Scenario, Simulator, SimulatorOptions};
use tokio_util::sync::CancellationToken;

use crate::answer::{Exit, Outcome, Usage};
use crate::cli::{Sim, SimTerminal};
use crate::words;

/// Runs until Ctrl-C.
pub async fn run(sim: Sim) -> Outcome {
    let Sim::Terminal(terminal) = sim;
    let simulator = Simulator::new(options(&terminal)?)?;
    let cancel = CancellationToken::new();
    let running = tokio::spawn(simulator.run(cancel.clone()));
    eprintln!("{} ({})", words::SIMULATING, terminal.root.display());
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    cancel.cancel();
    running.await??;
    Ok(Exit::Done)
}

fn options(terminal: &SimTerminal) -> Result<SimulatorOptions, Usage> {
    let scenario = match &terminal.scenario {
        Some(file) => Scenario::read(file).map_err(|error| usage(&error))?,
        None => Scenario::default_day(),
    };
    Ok(SimulatorOptions {
        root: terminal.root.clone(),
        knobs: scenario
            .turn(&terminal.knobs)
            .map_err(|error| usage(&error))?,
        scenario,
        centre: None,
        clock: Arc::new(|| SystemClock.now()),
        speed: None,
        desk: None,
    })
}

fn usage(error: &dyn std::error::Error) -> Usage {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    Usage(text)
}
