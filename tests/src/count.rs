//! How many files were lost, doubled or out of order, counted instead of asserted: a run of a thousand kills ends with a
//! line of numbers, whatever they are.
//!
//! Counted over three places: the ledger, the receipt's feed and the ward's. A file that is missing in two counts twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::checker::KINDS;
use crate::feed::{Message, Subscriber};
use crate::hub::Hub;
use crate::wait::within;

/// What went wrong so often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files without all of their events, or without their message.
    pub lost: usize,
    /// Events or messages beyond one of a kind for each file.
    pub doubled: usize,
    /// Events and messages that do not follow the one before by one, under its position, its record's version or its
    /// feed's number.
    pub out_of_order: usize,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            lost,
            doubled,
            out_of_order,
        } = self;
        write!(
            f,
            "lost={lost} doubled={doubled} out_of_order={out_of_order}"
        )
    }
}

impl Counts {
    /// Waits until nothing is missing any more, at most so long, and counts what then holds. `people` is how many
    /// [`Face::assistance_only`](crate::face::Face::assistance_only) files of different people were dropped, `earlier`
    /// what consumers of each feed heard before these.
    #[track_caller]
    pub fn of(
        hub: &Hub,
        receipt: &Subscriber,
        ward: &Subscriber,
        earlier: &[Vec<Message>; 2],
        people: usize,
        at_most: Duration,
    ) -> Self {
        let mut counts = Self::default();
        within(at_most, || {
            counts = in_ledger(&hub.log(), people);
            let kinds = ["commissioned-ticket-arrived", "assistance-changed"];
            for ((subscriber, earlier), kind) in [receipt, ward].iter().zip(earlier).zip(kinds) {
                let mut heard = earlier.clone();
                heard.extend(subscriber.messages());
                counts.add(in_feed(&heard, kind, people));
            }
            (counts.lost == 0).then_some(())
        });
        counts
    }

    fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.out_of_order += other.out_of_order;
    }
}

fn in_ledger(log: &[serde_json::Value], people: usize) -> Counts {
    let mut counts = Counts::default();
    let mut records: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for (event, position) in log.iter().zip(1u64..) {
        let version = versions
            .entry(event["stream"].as_str().expect("a stream"))
            .or_default();
        *version += 1;
        if event["position"] != position || event["stream_version"] != *version {
            counts.out_of_order += 1;
        }
        if let Some(patient) = event["patient"].as_str() {
            let kind = event["type"].as_str().expect("a type");
            *records.entry(patient).or_default().entry(kind).or_default() += 1;
        }
    }
    let whole = records
        .values()
        .filter(|events| KINDS.iter().all(|kind| events.contains_key(kind)));
    counts.lost = people.saturating_sub(whole.count());
    let surplus = |events: &BTreeMap<&str, usize>| -> usize {
        let of = |kind| events.get(kind).map_or(0, |count| count - 1);
        KINDS.iter().map(of).sum()
    };
    counts.doubled =
        records.values().map(surplus).sum::<usize>() + records.len().saturating_sub(people);
    counts
}

/// A message that came again under its own id and number is no second one.
fn in_feed(messages: &[Message], kind: &str, people: usize) -> Counts {
    let told: BTreeSet<(u64, &str)> = messages
        .iter()
        .map(|message| (message.sequence(), message.header("ce-id")))
        .collect();
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for message in messages.iter().filter(|message| message.kind() == kind) {
        ids.entry(message.header("ce-subject"))
            .or_default()
            .insert(message.header("ce-id"));
    }
    let numbers: BTreeSet<u64> = told.iter().map(|(number, _)| *number).collect();
    let distinct: BTreeSet<&str> = told.iter().map(|(_, id)| *id).collect();
    let missing = numbers.last().map_or(0, |last| *last as usize) - numbers.len();
    Counts {
        lost: people.saturating_sub(ids.len()),
        doubled: ids.values().map(|ids| ids.len() - 1).sum::<usize>()
            + ids.len().saturating_sub(people)
            + (told.len() - distinct.len()),
        // A number not heard, or one that tells two things.
        out_of_order: missing + (told.len() - numbers.len()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn person(first: u64, patient: &str) -> Vec<Value> {
        KINDS
            .iter()
            .zip(0..)
            .map(|(kind, n)| {
                json!({"position": first + n, "stream": patient, "stream_version": n + 1, "patient": patient, "type": kind})
            })
            .collect()
    }

    fn message(sequence: u64, id: &str, subject: &str) -> Message {
        let headers = [
            ("feed-sequence", sequence.to_string()),
            ("ce-id", id.to_owned()),
            ("ce-subject", subject.to_owned()),
            ("ce-type", "jp.shikaku.assistance-changed.v1".to_owned()),
        ];
        Message {
            subject: "s".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body: Value::Null,
        }
    }

    fn heard(messages: &[Message], people: usize) -> (usize, usize, usize) {
        parts(in_feed(messages, "assistance-changed", people))
    }

    fn parts(counts: Counts) -> (usize, usize, usize) {
        (counts.lost, counts.doubled, counts.out_of_order)
    }

    #[test]
    fn each_fault_of_a_ledger_counts() {
        let mut log = person(1, "a");
        log.extend(person(5, "b"));
        assert_eq!(parts(in_ledger(&log, 2)), (0, 0, 0));
        assert_eq!(parts(in_ledger(&log, 3)), (1, 0, 0));
        assert_eq!(parts(in_ledger(&log, 1)), (0, 1, 0));
        let mut doubled = log.clone();
        let mut again = doubled[7].clone();
        again["position"] = 9.into();
        again["stream_version"] = 5.into();
        doubled.push(again);
        assert_eq!(parts(in_ledger(&doubled, 2)), (0, 1, 0));
        log.swap(5, 6);
        assert_eq!(parts(in_ledger(&log, 2)), (0, 0, 2));
    }

    #[test]
    fn each_fault_of_a_feed_counts_and_a_redelivery_does_not() {
        let first = message(1, "x", "a");
        let second = message(2, "y", "b");
        assert_eq!(heard(&[first.clone(), second.clone()], 2), (0, 0, 0));
        assert_eq!(
            heard(&[first.clone(), second.clone(), first.clone()], 2),
            (0, 0, 0)
        );
        assert_eq!(heard(std::slice::from_ref(&first), 2), (1, 0, 0));
        assert_eq!(heard(std::slice::from_ref(&second), 1), (0, 0, 1));
        assert_eq!(
            heard(&[first.clone(), second, message(3, "z", "b")], 2),
            (0, 1, 0)
        );
        assert_eq!(heard(&[first.clone(), message(2, "x", "a")], 1), (0, 1, 0));
        assert_eq!(heard(&[first, message(1, "y", "b")], 2), (0, 0, 1));
    }
}
