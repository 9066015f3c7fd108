//! All tickets of a large facility's month in one answer, through the whole hub: once without a break, and once killed in
//! the middle of it. Memory is bounded, and the history is the same.
//!
//! The usual run has some hundred units; `make large UNITS=100000` makes the whole of it, with the program as hospitals run it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use shikaku_tests::chance::number;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::simulated::Simulated;
use shikaku_tests::until_within;

const PATIENCE: Duration = Duration::from_secs(3600);
/// A build for tests carries some 45 MiB of itself beside what it keeps; `make large` holds the one of hospitals to 200.
const MEBIBYTES: u64 = 250;

/// Each kind of a patient's event: how often, and the sum of what was said, whoever it names.
type History = BTreeMap<String, (u64, u64)>;

#[test]
fn is_the_same_history_after_kill_9_in_bounded_memory() {
    let units = number("SHIKAKU_LARGE_UNITS", 600);
    let whole = taken_in(units, false);
    let killed = taken_in(units, true);
    // A few of the town hold no ticket of this month.
    assert!(whole["verified"].0 > units * 9 / 10, "{whole:?}");
    assert_eq!(whole["verified"].0, whole["patient-first-seen"].0);
    assert_eq!(whole, killed);
}

fn taken_in(units: u64, is_killed: bool) -> History {
    let mut hub = Hub::start(&Settings::default());
    let root = hub.terminal("t1").root;
    let people = format!("people={units}");
    let _terminal = Simulated::start(&hub, &root, &["latency-ms=20", "processing-s=0", &people]);
    let begun = Instant::now();
    hub.ok(&[
        "inquire",
        "commissioned",
        "--facility",
        FACILITY,
        "--month",
        "2026-05",
    ]);
    let mut peak = 0;
    if is_killed {
        until_within(PATIENCE, "a part is recorded", || {
            let events = hub.metric("shikaku_hub_events_total", "");
            (events > units as f64).then_some(())
        });
        peak = hub.process().memory().peak;
        hub.kill();
        hub.resume();
    }
    until_within(PATIENCE, "the job is answered", || {
        let listed = hub.ok(&["inquire", "list", "--json"]).json();
        let state = &listed["inquiries"][0]["state"];
        (state == "answered").then_some(())
    });
    let took = begun.elapsed();
    peak = peak.max(hub.process().memory().peak) >> 20;
    println!("{units} units in {took:.1?}, killed: {is_killed}; the hub's peak {peak} MiB");
    assert!(peak < number("SHIKAKU_LARGE_MIB", MEBIBYTES), "{peak} MiB");
    history(&hub)
}

/// Read as it comes: a hundred thousand people have some hundred MiB of it.
fn history(hub: &Hub) -> History {
    let mut log = hub
        .program(&["log", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut history = History::new();
    for line in BufReader::new(log.stdout.take().unwrap()).lines() {
        let mut event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["patient"].is_null() {
            continue;
        }
        let mut said = DefaultHasher::new();
        let mut data = event["data"].take();
        unname(&mut data);
        data.to_string().hash(&mut said);
        let kind = event["type"].as_str().unwrap().to_owned();
        let (count, sum) = history.entry(kind).or_default();
        *count += 1;
        *sum = sum.wrapping_add(said.finish());
    }
    assert!(log.wait().unwrap().success());
    history
}

/// Ids and moments differ from run to run.
fn unname(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(unname),
        Value::Array(items) => items.iter_mut().for_each(unname),
        Value::String(text) => {
            let is_id = text.len() == 36 && text.matches('-').count() == 4;
            let is_moment = text.len() > 18 && text.as_bytes()[10] == b'T';
            if is_id || is_moment {
                *value = Value::Null;
            }
        }
        _ => {}
    }
}
