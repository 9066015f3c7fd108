//! What must hold whatever was done to the hub, once it is quiet again.
//!
//! Every scenario that drops [`Face::assistance_only`](crate::face::Face::assistance_only) files of different people
//! ends with the same questions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::feed::{Message, Subscriber, each_once};
use crate::hub::Hub;
use crate::outside::{Client, asked, operator};
use crate::until_within;

/// How long the hub may take to work off what waited.
pub const REST: Duration = Duration::from_secs(240);
/// What one person's file becomes, each once.
pub const KINDS: [&str; 4] = [
    "patient-first-seen",
    "qualification-granted",
    "commissioned-ticket-arrived",
    "verified",
];

/// Waits until so many people's files are recorded, and checks everything that can be asked without a consumer. The
/// last position.
#[track_caller]
pub fn recorded(hub: &Hub, people: usize) -> u64 {
    let log = hub.await_events_within(REST, "verified", people);
    every_file_once(&log, people);
    whole(hub, &log)
}

/// What must hold of any ledger and its copies, whatever was dropped. The last position.
#[track_caller]
pub fn whole(hub: &Hub, log: &[Value]) -> u64 {
    let last = log.last().unwrap()["position"].as_u64().unwrap();
    assert_eq!(last, log.len() as u64);
    folder_equation(hub);
    let proof = hub.run(&["audit", "verify"]);
    assert_eq!(proof.code, 0, "{proof:?}");
    copied(hub, last);
    last
}

/// One record and one event of each kind for each file; positions without a gap.
#[track_caller]
pub fn every_file_once(log: &[Value], people: usize) {
    let mut records: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for event in log {
        if let Some(patient) = event["patient"].as_str() {
            let kind = event["type"].as_str().unwrap();
            *records.entry(patient).or_default().entry(kind).or_default() += 1;
        }
    }
    assert_eq!(records.len(), people);
    for (patient, events) in records {
        for kind in KINDS {
            assert_eq!(
                events.get(kind),
                Some(&1),
                "{kind} of {patient}: {events:?}"
            );
        }
    }
    for (event, position) in log.iter().zip(1u64..) {
        assert_eq!(event["position"], position);
    }
}

/// Each person's ticket came once to a consumer of the receipt feed and each word once to one of the department's,
/// under gapless numbers. `earlier` is what the ward's consumers heard before this one.
#[track_caller]
pub fn told(receipt: &Subscriber, ward: &Subscriber, earlier: &[Message], people: usize) {
    let tickets = each_once(&all(receipt, &[], "commissioned-ticket-arrived", people));
    let tickets = tickets
        .iter()
        .filter(|message| message.kind() == "commissioned-ticket-arrived");
    assert_eq!(tickets.count(), people);
    assert_eq!(
        each_once(&all(ward, earlier, "assistance-changed", people)).len(),
        people
    );
}

/// Everything that came, as soon as it holds, with what came earlier, so many messages of a kind.
#[track_caller]
pub fn all(subscriber: &Subscriber, earlier: &[Message], kind: &str, count: usize) -> Vec<Message> {
    until_within(REST, &format!("{count} × {kind} came"), || {
        let mut messages = earlier.to_vec();
        messages.extend(subscriber.messages());
        let ids: BTreeSet<_> = messages
            .iter()
            .filter(|message| message.kind() == kind)
            .map(|message| message.header("ce-id").to_owned())
            .collect();
        (ids.len() >= count).then_some(messages)
    })
}

/// Each file that was seen since the hub's start ended as one of the three.
#[track_caller]
pub fn folder_equation(hub: &Hub) {
    let mut before = None;
    until_within(REST, "seen = events + duplicates + quarantined", || {
        let ends = ["event", "duplicate", "quarantined"].map(|outcome| hub.files(outcome));
        let seen = hub.files("seen");
        if before.replace((seen, ends)) != Some((seen, ends)) {
            eprintln!("{seen} seen; event, duplicate, quarantined: {ends:?}");
        }
        let difference = seen - ends.iter().sum::<f64>();
        (difference.abs() < 0.5).then_some(())
    });
}

/// `LOG` holds every event under its position, and nothing waits for the hub.
#[track_caller]
pub fn copied(hub: &Hub, last: u64) {
    copied_at(&operator(hub), last);
}

/// [`copied`] as the operator's user sees it.
#[track_caller]
pub fn copied_at(operator: &Value, last: u64) {
    let stream = |name: &str| asked(operator, &format!("$JS.API.STREAM.INFO.{name}"), "");
    until_within(REST, "LOG holds every event", || {
        let state = &stream("LOG")["state"];
        let held = ["first_seq", "last_seq", "messages"].map(|member| state[member].as_u64());
        (held == [Some(1), Some(last), Some(last)]).then_some(())
    });
    until_within(REST, "nothing waits in OBSERVATIONS", || {
        (stream("OBSERVATIONS")["state"]["messages"] == 0).then_some(())
    });
}

/// `LOG` can be read from its first message to its last, and each is the ledger's event at that position. What the
/// messages hold.
#[track_caller]
pub fn copy(projections: &Value, log: &[Value]) -> Vec<Value> {
    let copied = Client::start("log.py", projections, &[&log.len().to_string()]).finish();
    assert_eq!(copied.len(), log.len());
    for (message, event) in copied.iter().zip(log) {
        assert_eq!(message["sequence"], event["position"]);
        // Behind it stands the epoch, once there was another one.
        let id = message["headers"]["Nats-Msg-Id"].as_str().unwrap();
        assert_eq!(id.split('/').next(), event["event_id"].as_str());
        for member in [
            "event_id",
            "stream",
            "stream_version",
            "type",
            "recorded_at",
        ] {
            assert_eq!(
                message["body"][member], event[member],
                "{member} of {message}"
            );
        }
    }
    copied
}
