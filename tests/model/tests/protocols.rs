//! Every model in its real design, and once without each step that protects it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::path::Path;

use shikaku_model::fencing::Fencing;
use shikaku_model::outbox::Outbox;
use shikaku_model::relay::Relay;
use shikaku_model::search::search;
use shikaku_model::spool::Spooling;
use shikaku_model::submission::Submission;
use shikaku_model::{Protocol, Refuted, Step};
use stateright::{Checker as _, Expectation, HasDiscoveries};

/// Nothing of the real design is refuted, everything that should be possible is, and it recovers from anything.
fn holds<P>(name: &str, model: &P) -> BTreeSet<String>
where
    P: Protocol<State: Send + Sync, Action: PartialEq> + Send + Sync + 'static,
{
    let checker = model.clone().checker().spawn_bfs().join();
    checker.assert_properties();
    let searched = search(model);
    assert_eq!(checker.unique_state_count(), searched.states);
    println!(
        "{name}: {} unique states, depth {}, {} properties and recovery hold",
        searched.states,
        checker.max_depth(),
        model.properties().len()
    );
    assert!(
        searched.stuck.is_empty(),
        "{name} is stuck:\n{}",
        searched.stuck.join("\n")
    );
    searched.taken
}

/// Without a protecting step the named property is refuted.
fn needs_every_guard<P>(name: &str, model: &P)
where
    P: Protocol<State: Send + Sync, Action: PartialEq> + Send + Sync + 'static,
{
    for (guard, refuted) in P::GUARDS {
        let broken = model.clone().without(*guard);
        let story = match refuted {
            Refuted::Property(property) => refutation(broken, property),
            Refuted::Recovery => search(&broken).stuck,
        };
        assert!(
            !story.is_empty(),
            "{name} does not need {guard:?}: {refuted:?} holds without it"
        );
        println!(
            "{name} without {guard:?}: {refuted:?}, refuted in {} steps",
            story.len()
        );
        println!("  {}", story.join("\n  "));
    }
}

fn refutation<P>(broken: P, property: &'static str) -> Vec<String>
where
    P: Protocol<State: Send + Sync + Clone + Debug + Eq + Hash, Action: PartialEq>
        + Send
        + Sync
        + 'static,
{
    let known = broken.properties();
    assert!(
        known.iter().any(|known| known.name == property),
        "no property {property:?}"
    );
    let wanted = HasDiscoveries::AllOf([property].into());
    let checker = broken.checker().finish_when(wanted).spawn_bfs().join();
    let path = checker.discovery(property);
    path.map_or_else(Vec::new, |path| {
        path.into_actions()
            .iter()
            .map(|action| format!("{action:?}"))
            .collect()
    })
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every action is in the table of steps and happens, and what the table names is in the code.
fn steps_exist<P: Protocol>(taken: &BTreeSet<String>) {
    let named: BTreeSet<String> = P::STEPS
        .iter()
        .map(|step| step.action().to_owned())
        .collect();
    assert_eq!(&named, taken, "the table of steps and what happens differ");
    for step in P::STEPS {
        if let Step::Code { path, function, .. } = step {
            let found = read(path).contains(&format!("fn {function}("));
            assert!(found, "{path} has no function {function}: {step:?}");
        }
    }
}

/// A property begins with the number of the invariant that it checks.
fn invariants_exist<P: Protocol>(model: &P) {
    let architecture = read("ARCHITECTURE.md");
    for property in model.properties() {
        if property.expectation == Expectation::Sometimes {
            continue;
        }
        let number = property.name.split(' ').next().unwrap();
        let line = format!("{number}. ");
        assert!(
            number.parse::<u32>().is_ok() && architecture.lines().any(|it| it.starts_with(&line)),
            "{:?} names no invariant of ARCHITECTURE.md",
            property.name
        );
    }
}

/// Each property that always holds is refuted by leaving out some guard, so none is true of everything; recovery too;
/// and each guard of the model is in the list.
fn is_refuted_by_a_guard<P: Protocol>(name: &str, model: &P) {
    for property in model.properties() {
        let refuted = Refuted::Property(property.name);
        assert!(
            property.expectation != Expectation::Always
                || P::GUARDS.iter().any(|(_, by)| *by == refuted),
            "no guard of {name} protects {:?}",
            property.name
        );
    }
    let recovers = P::GUARDS.iter().any(|(_, by)| *by == Refuted::Recovery);
    assert!(recovers, "no guard of {name} is needed for recovery");
    let source = read(&format!("tests/model/src/{name}.rs"));
    let (_, variants) = source.split_once("pub enum Guard {\n").unwrap();
    let variants = variants.split_once('}').unwrap().0.lines();
    let declared = variants.filter_map(|line| line.trim().strip_suffix(','));
    let listed: BTreeSet<String> = P::GUARDS
        .iter()
        .map(|(guard, _)| format!("{guard:?}"))
        .collect();
    let declared: BTreeSet<String> = declared.map(str::to_owned).collect();
    assert_eq!(declared, listed, "guards of {name}");
}

fn all<P>(name: &str, model: &P)
where
    P: Protocol<State: Send + Sync, Action: PartialEq> + Send + Sync + 'static,
{
    let taken = holds(name, model);
    steps_exist::<P>(&taken);
    invariants_exist(model);
    is_refuted_by_a_guard(name, model);
    needs_every_guard(name, model);
}

#[test]
fn the_fence_lets_one_write() {
    let alone = Fencing::new(2, 0);
    let mut taken = holds("fencing", &alone);
    taken.extend(holds("fencing with a lock that slips", &Fencing::new(1, 1)));
    steps_exist::<Fencing>(&taken);
    invariants_exist(&alone);
    is_refuted_by_a_guard("fencing", &alone);
    needs_every_guard("fencing", &alone);
}

#[test]
fn log_is_the_ledgers_copy() {
    all("relay", &Relay::default());
}

/// T7: rows, checkpoint and outbox change together.
#[test]
fn feeds_tell_once_and_in_order() {
    let one = Outbox::new(1, 3);
    let mut taken = holds("outbox", &one);
    taken.extend(holds("outbox of two instances", &Outbox::new(2, 1)));
    steps_exist::<Outbox>(&taken);
    invariants_exist(&one);
    is_refuted_by_a_guard("outbox", &one);
    needs_every_guard("outbox", &one);
}

#[test]
fn an_inquiry_is_sent_once_and_ends_once() {
    all("submission", &Submission::default());
}

#[test]
fn the_spool_lets_go_of_what_is_committed() {
    all("spool", &Spooling::new(1, 3));
    holds("spool of two files", &Spooling::new(2, 0));
}
