//! Running seeds, and planting faults.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use shikaku_schemas::later;
use shikaku_schemas::mutant::{Mutant, plant};
use tokio::runtime::{Builder, RngSeed};

use crate::checker::Questions;
use crate::meters::Meters;
use crate::world::{Faces, Outcome, World};
use crate::{panics, shortest};

const STEPS: u64 = 60;
/// Each so-manieth seed of many is told again by another process.
const REPLAYED: u64 = 50;

/// What is run of each seed.
#[derive(Clone, Copy)]
pub struct Manner {
    pub steps: u64,
    pub mutant: Option<Mutant>,
    /// Faces of the dice that nothing follows from.
    pub without: Faces,
}

/// Runs one seed.
pub fn run(seed: u64, manner: Manner) -> Outcome {
    plant(manner.mutant);
    // Of an earlier story.
    drop(panics::first());
    let meters = Meters::default();
    let _recorder = metrics::set_default_local_recorder(&meters);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .rng_seed(RngSeed::from_bytes(&seed.to_le_bytes()))
        .build()
        .expect("a runtime");
    let outcome = runtime.block_on(async {
        let mut world = World::new(seed, meters.clone(), manner.without);
        for step in 0..manner.steps {
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
        world.outcome()
    });
    drop(runtime);
    plant(None);
    later::play(false);
    outcome
}

struct Asked {
    seed: u64,
    manner: Manner,
    seeds: Option<u64>,
    mutants: bool,
    verbose: bool,
}

fn asked() -> Result<Asked, String> {
    let mut asked = Asked {
        seed: 1,
        manner: Manner {
            steps: STEPS,
            mutant: None,
            without: Faces::default(),
        },
        seeds: None,
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
            "--steps" => asked.manner.steps = number()?,
            "--seeds" => asked.seeds = Some(number()?),
            "--without" => asked.manner.without = asked.manner.without.with(number()?),
            "--mutants" => asked.mutants = true,
            "--verbose" => asked.verbose = true,
            "--mutant" => {
                let name = words.next().unwrap_or_default();
                let known = Mutant::ALL.iter().find(|(known, _)| *known == name);
                asked.manner.mutant = Some(known.ok_or(format!("no fault is called {name}"))?.1);
            }
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(asked)
}

pub fn main() -> ExitCode {
    panics::watch();
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
    let outcome = run(asked.seed, asked.manner);
    if asked.verbose {
        outcome.lines.iter().for_each(|line| println!("{line}"));
    }
    if let Some(broken) = &outcome.broken {
        shortest::tell(asked.seed, asked.manner, broken);
    }
    last_line(asked.seed, asked.manner.steps, &outcome);
    match outcome.broken {
        Some(_) => ExitCode::FAILURE,
        None => ExitCode::SUCCESS,
    }
}

/// Runs seeds on every core, in no order, and gives what each came to, in order. Ends early when `enough` says so of
/// one: then all before it are there, and perhaps some after it.
fn each(
    seeds: Range<u64>,
    run: impl Fn(u64) -> Option<String> + Sync,
    enough: bool,
    progress: impl Fn(u64, u64) + Sync,
) -> BTreeMap<u64, String> {
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new(BTreeMap::new());
    let done = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    let count = || found.lock().map_or(0, |found| found.len() as u64);
                    if seed >= seeds.end || (enough && count() > 0) {
                        return;
                    }
                    if let (Some(told), Ok(mut found)) = (run(seed), found.lock()) {
                        found.insert(seed, told);
                    }
                    progress(done.fetch_add(1, Ordering::SeqCst) + 1, count());
                }
            });
        }
    });
    found.into_inner().unwrap_or_default()
}

fn many(asked: &Asked, seeds: u64) -> ExitCode {
    let begun = std::time::Instant::now();
    let rate = |done: u64| {
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(1);
        done * 60_000 / millis.max(1)
    };
    let looked = Mutex::new(Looked::new());
    let try_one = |seed| {
        let outcome = run(seed, asked.manner);
        count(&looked, &outcome.asked);
        if let Some(broken) = &outcome.broken {
            let last = last(seed, asked.manner.steps, &outcome);
            eprintln!("seed {seed}: {broken}");
            return Some(format!("seed {seed}: {broken}\n{last}"));
        }
        let tells_another = seed.is_multiple_of(REPLAYED) && !replays(seed, asked.manner, &outcome);
        tells_another.then(|| format!("seed {seed}: another process tells another story"))
    };
    let progress = |done: u64, failed: u64| {
        if done.is_multiple_of(1000) {
            eprintln!("{done} seeds, {failed} failed, {} a minute", rate(done));
        }
    };
    let range = asked.seed..asked.seed + seeds;
    let broken = each(range, try_one, false, progress);
    broken.values().for_each(|told| println!("{told}"));
    let failed = broken.len();
    if let Some(seed) = broken.keys().next() {
        let outcome = run(*seed, asked.manner);
        if let Some(broken) = &outcome.broken {
            shortest::tell(*seed, asked.manner, broken);
        }
    }
    tell_looked(&looked);
    eprintln!("{seeds} seeds, {failed} failed, {} a minute", rate(seeds));
    println!("seeds={seeds} failed={failed}");
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// In how many seeds each promise was looked at, and how often in all.
type Looked = BTreeMap<&'static str, (u64, u64)>;

fn count(looked: &Mutex<Looked>, asked: &Questions) {
    let mut looked = looked.lock().unwrap_or_else(PoisonError::into_inner);
    for (promise, times) in asked.iter().filter(|(_, times)| **times > 0) {
        let (seeds, all) = looked.entry(promise).or_default();
        *seeds += 1;
        *all += times;
    }
}

fn tell_looked(looked: &Mutex<Looked>) {
    let looked = looked.lock().unwrap_or_else(PoisonError::into_inner);
    for (promise, (seeds, times)) in looked.iter() {
        eprintln!("looked at in {seeds} seeds, {times} times: {promise}");
    }
}

fn mutants(asked: &Asked) -> ExitCode {
    let most = asked.seeds.unwrap_or(2000);
    let mut missed = 0;
    for (name, mutant) in Mutant::ALL {
        let range = asked.seed..asked.seed + most;
        let manner = Manner {
            mutant: Some(*mutant),
            ..asked.manner
        };
        let try_one = |seed| run(seed, manner).broken;
        let found = each(range, try_one, true, |_, _| {});
        match found.keys().next() {
            Some(seed) => println!("{name} found seed={seed} steps={}", manner.steps),
            None => {
                missed += 1;
                println!("{name} not found in {most} seeds of {} steps", manner.steps);
            }
        }
    }
    match missed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Whether another process tells the same story of a seed.
fn replays(seed: u64, manner: Manner, outcome: &Outcome) -> bool {
    let Ok(program) = std::env::current_exe() else {
        return false;
    };
    let other = std::process::Command::new(program)
        .args(["--seed", &seed.to_string()])
        .args(["--steps", &manner.steps.to_string()])
        .output();
    let ours = last(seed, manner.steps, outcome);
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
