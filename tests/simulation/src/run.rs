//! Running seeds, planting faults, and telling the shortest story.

use std::process::ExitCode;

use shikaku_schemas::mutant::{Mutant, plant};
use tokio::runtime::{Builder, RngSeed};

use crate::world::{Outcome, World};

const STEPS: u64 = 60;
/// Each so-manieth seed of many is told again by another process.
const REPLAYED: u64 = 50;

/// Runs one seed.
pub fn run(seed: u64, steps: u64, mutant: Option<Mutant>) -> Outcome {
    plant(mutant);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .rng_seed(RngSeed::from_bytes(&seed.to_le_bytes()))
        .build()
        .expect("a runtime");
    let outcome = runtime.block_on(async {
        let mut world = World::new(seed);
        for step in 0..steps {
            // A quiet beginning, so that there is something to lose.
            world.step(step < 2).await;
            if world.sky.story.verdict().is_some() {
                break;
            }
        }
        if world.sky.story.verdict().is_none()
            && let Err(error) = world.settle().await
        {
            let millis = world.sky.millis();
            world
                .sky
                .story
                .broken(millis, format!("the end can't be read: {error:#}"));
        }
        Outcome {
            crashes: world.crashes,
            faults: world.faults,
            events: world.events(),
            digest: world.sky.story.digest(),
            broken: world.sky.story.verdict(),
            lines: world.sky.story.lines(),
        }
    });
    drop(runtime);
    plant(None);
    outcome
}

struct Asked {
    seed: u64,
    steps: u64,
    seeds: Option<u64>,
    mutant: Option<Mutant>,
    mutants: bool,
    verbose: bool,
}

fn asked() -> Result<Asked, String> {
    let mut asked = Asked {
        seed: 1,
        steps: STEPS,
        seeds: None,
        mutant: None,
        mutants: false,
        verbose: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let text = words.next().ok_or(format!("{word} needs a value"))?;
            text.parse::<u64>()
                .map_err(|_| format!("{word} needs a number"))
        };
        match word.as_str() {
            "--seed" => asked.seed = number()?,
            "--steps" => asked.steps = number()?,
            "--seeds" => asked.seeds = Some(number()?),
            "--mutants" => asked.mutants = true,
            "--verbose" => asked.verbose = true,
            "--mutant" => {
                let name = words.next().unwrap_or_default();
                let known = Mutant::ALL.iter().find(|(known, _)| *known == name);
                asked.mutant = Some(known.ok_or(format!("no fault is called {name}"))?.1);
            }
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(asked)
}

pub fn main() -> ExitCode {
    // What the code under test says of a panic is part of no story.
    let asked = match asked() {
        Ok(asked) => asked,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if asked.mutants {
        return mutants(&asked);
    }
    match asked.seeds {
        Some(seeds) => many(&asked, seeds),
        None => one(&asked),
    }
}

fn one(asked: &Asked) -> ExitCode {
    let outcome = run(asked.seed, asked.steps, asked.mutant);
    if asked.verbose {
        outcome.lines.iter().for_each(|line| println!("{line}"));
    }
    if outcome.broken.is_some() {
        tell_shortest(asked.seed, asked.steps, asked.mutant);
    }
    last_line(asked.seed, asked.steps, &outcome);
    match outcome.broken {
        Some(_) => ExitCode::FAILURE,
        None => ExitCode::SUCCESS,
    }
}

fn many(asked: &Asked, seeds: u64) -> ExitCode {
    let begun = std::time::Instant::now();
    let mut failed = 0u64;
    for seed in asked.seed..asked.seed + seeds {
        let outcome = run(seed, asked.steps, asked.mutant);
        if let Some(broken) = &outcome.broken {
            failed += 1;
            println!("seed {seed}: {broken}");
            last_line(seed, asked.steps, &outcome);
        }
        if seed % REPLAYED == 0 && !replays(seed, asked.steps, &outcome) {
            failed += 1;
            println!("seed {seed}: another process tells another story");
        }
        let done = seed + 1 - asked.seed;
        if done % 1000 == 0 {
            let rate = done * 60 / begun.elapsed().as_secs().max(1);
            eprintln!("{done} seeds, {failed} failed, {rate} a minute");
        }
    }
    let rate = seeds * 60_000
        / u64::try_from(begun.elapsed().as_millis())
            .unwrap_or(1)
            .max(1);
    eprintln!("{seeds} seeds, {failed} failed, {rate} a minute");
    println!("seeds={seeds} failed={failed}");
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn mutants(asked: &Asked) -> ExitCode {
    let most = asked.seeds.unwrap_or(2000);
    let mut missed = 0;
    for (name, mutant) in Mutant::ALL {
        let found = (asked.seed..asked.seed + most)
            .find(|seed| run(*seed, asked.steps, Some(*mutant)).broken.is_some());
        match found {
            Some(seed) => println!("{name} found seed={seed} steps={}", asked.steps),
            None => {
                missed += 1;
                println!("{name} not found in {most} seeds of {} steps", asked.steps);
            }
        }
    }
    match missed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Whether another process tells the same story of a seed.
fn replays(seed: u64, steps: u64, outcome: &Outcome) -> bool {
    let Ok(program) = std::env::current_exe() else {
        return false;
    };
    let other = std::process::Command::new(program)
        .args(["--seed", &seed.to_string(), "--steps", &steps.to_string()])
        .output();
    let ours = last(seed, steps, outcome);
    other.is_ok_and(|other| {
        let text = String::from_utf8_lossy(&other.stdout).into_owned();
        text.lines().last() == Some(ours.as_str())
    })
}

fn last_line(seed: u64, steps: u64, outcome: &Outcome) {
    println!("{}", last(seed, steps, outcome));
}

fn last(seed: u64, steps: u64, outcome: &Outcome) -> String {
    let Outcome {
        crashes,
        faults,
        events,
        digest,
        ..
    } = outcome;
    format!(
        "seed={seed} steps={steps} crashes={crashes} faults={faults} events={events} digest={digest}"
    )
}

/// The fewest steps that still break a promise, and what happened in them.
fn tell_shortest(seed: u64, steps: u64, mutant: Option<Mutant>) {
    let breaks = |steps: u64| run(seed, steps, mutant).broken.is_some();
    let (mut holds, mut fails) = (0, steps);
    while fails - holds > 1 {
        let middle = holds + (fails - holds) / 2;
        if breaks(middle) {
            fails = middle;
        } else {
            holds = middle;
        }
    }
    println!("the shortest story: {fails} steps of seed {seed}");
    for line in run(seed, fails, mutant).lines {
        if !line.contains(" ledger ") {
            println!("{line}");
        }
    }
}
