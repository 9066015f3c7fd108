//! `sim terminal`: a simulated terminal on folders of one's choice. `sim people`: the town behind it.

use std::path::Path;
use std::sync::Arc;

use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_terminal_simulator::{Centre, Knobs, Scenario, Simulator, SimulatorOptions, residents};
use tokio_util::sync::CancellationToken;

use crate::answer::{self, Exit, Outcome, Usage};
use crate::cli::{Sim, SimPeople, SimTerminal};
use crate::words;

/// Does either.
pub async fn run(sim: Sim) -> Outcome {
    match sim {
        Sim::Terminal(terminal) => simulate(terminal).await,
        Sim::People(people) => list(&people),
    }
}

/// Everybody, one a line.
fn list(people: &SimPeople) -> Outcome {
    let (scenario, knobs) = played(people.scenario.as_deref(), &people.knobs)?;
    for resident in residents(&scenario, &knobs, people.month.first_day()) {
        answer::json_line(&resident)?;
    }
    Ok(Exit::Done)
}

/// Runs until Ctrl-C.
async fn simulate(terminal: SimTerminal) -> Outcome {
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

fn options(terminal: &SimTerminal) -> anyhow::Result<SimulatorOptions> {
    let (scenario, knobs) = played(terminal.scenario.as_deref(), &terminal.knobs)?;
    let shared = |folder: &Path| Centre::shared(&scenario, &knobs, folder);
    let centre = terminal.centre.as_deref().map(shared).transpose()?;
    Ok(SimulatorOptions {
        root: terminal.root.clone(),
        knobs,
        scenario,
        centre: centre.map(Arc::new),
        clock: Arc::new(|| SystemClock.now()),
        speed: None,
        desk: None,
    })
}

/// The scenario, and its knobs with those of the command line.
fn played(file: Option<&Path>, knobs: &[String]) -> Result<(Scenario, Knobs), Usage> {
    let scenario = match file {
        Some(file) => Scenario::read(file).map_err(|error| usage(&error))?,
        None => Scenario::default_day(),
    };
    let knobs = scenario.turn(knobs).map_err(|error| usage(&error))?;
    Ok((scenario, knobs))
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
