//! `operation-test`: the guide's 5.4 against a running hub, on terminals of the verification environment alone.

mod ask;
mod desk;
mod html;
mod people;
mod perform;
mod report;
mod scenario;
mod scenarios;
mod seen;

use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::group::{Environment, Facility};
use shikaku_schemas::value::FacilityCode;

use crate::answer::{self, Exit, Outcome, Refused};
use crate::cli::OperationTest;
use crate::config::Config;
use crate::{stores, words};
use people::People;
use perform::Test;
use report::{Report, ScenarioReport, State};
use scenarios::SCENARIOS;

/// Runs every scenario in order and writes the report. 0: all was seen or attested; 1: something failed; 3:
/// something is left for a person to do.
pub async fn run(config: &Config, asked: OperationTest, json: bool) -> Outcome {
    let code = FacilityCode(asked.facility.clone());
    let facility = config.group.facility(&code);
    let facility = facility.ok_or(Refused::from(words::NO_SUCH_FACILITY))?;
    refuse_production(facility)?;
    let here = std::io::stdin().is_terminal();
    let (_, queries) = stores::questions(config).await?;
    let test = Test {
        config,
        facility: code,
        queries,
        people: People::read(asked.people.as_deref())?,
        attest_by: here.then(|| asked.attest_by.unwrap_or_else(crate::who::me)),
        started_at: SystemClock.now(),
        cards: Mutex::default(),
    };
    let report = perform(&test, facility).await;
    if let Some(folder) = &asked.report {
        write(folder, &report)?;
    }
    if json {
        answer::json_line(&report)?;
    } else {
        summary(&report)?;
    }
    Ok(match report {
        report if report.count(State::Failed) > 0 => Exit::Failed,
        report if report.count(State::NotDone) > 0 => Exit::Uncertain,
        _ => Exit::Done,
    })
}

/// A new inquiry may go to any terminal of the facility, so none of them may be in production.
fn refuse_production(facility: &Facility) -> Result<(), Refused> {
    if facility.terminals.is_empty() {
        return Err(words::NO_TERMINAL.into());
    }
    let mut terminals = facility.terminals.iter();
    match terminals.find(|terminal| terminal.environment != Environment::Verification) {
        None => Ok(()),
        Some(terminal) => Err(Refused(format!(
            "{} ({})",
            words::PRODUCTION_TERMINAL,
            terminal.id
        ))),
    }
}

async fn perform(test: &Test<'_>, facility: &Facility) -> Report {
    let mut scenarios = Vec::with_capacity(SCENARIOS.len());
    for scenario in SCENARIOS {
        eprintln!("{} {} ({})", scenario.id, scenario.title, scenario.section);
        let mut steps = Vec::with_capacity(scenario.steps.len());
        for step in scenario.steps {
            let done = test.perform(step).await;
            eprintln!("  {}: {}", html::words_of(done.state), done.step);
            steps.push(done);
        }
        scenarios.push(ScenarioReport {
            id: scenario.id,
            section: scenario.section,
            title: scenario.title.to_string(),
            steps,
        });
    }
    Report {
        guide: "5.4",
        facility: facility.code.0.clone(),
        name: facility.name.clone(),
        terminals: facility.terminals.iter().map(|it| it.id.clone()).collect(),
        version: env!("CARGO_PKG_VERSION"),
        run_by: crate::who::me(),
        started_at: test.started_at,
        ended_at: SystemClock.now(),
        scenarios,
    }
}

fn write(folder: &Path, report: &Report) -> anyhow::Result<()> {
    let context = || format!("{}", folder.display());
    fs::create_dir_all(folder).with_context(context)?;
    let json = serde_json::to_vec_pretty(report)?;
    fs::write(folder.join("operation-test.json"), json).with_context(context)?;
    fs::write(folder.join("operation-test.html"), html::page(report)).with_context(context)?;
    Ok(())
}

fn summary(report: &Report) -> anyhow::Result<()> {
    for state in [
        State::Passed,
        State::Attested,
        State::NotDone,
        State::Failed,
    ] {
        answer::line(format!(
            "{}: {}",
            html::words_of(state),
            report.count(state)
        ))?;
    }
    Ok(())
}
