//! Feed messages as an outside subscriber sees them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::hub::Hub;
use crate::outside::{Client, credentials};

/// One subscriber that acknowledges everything.
pub struct Subscriber(Client);

/// One message of a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its subject.
    pub subject: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Value,
}

impl Message {
    fn of(printed: Value) -> Self {
        let headers = printed["headers"].as_object().expect("headers");
        Self {
            subject: printed["subject"].as_str().expect("a subject").to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            body: printed["body"].clone(),
        }
    }

    /// A header that must be there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// `feed-sequence`.
    #[track_caller]
    pub fn sequence(&self) -> u64 {
        self.header("feed-sequence").parse().expect("a number")
    }

    /// The type in `ce-type`: `jp.shikaku.<type>.v1`.
    #[track_caller]
    pub fn kind(&self) -> &str {
        self.header("ce-type")
            .strip_prefix("jp.shikaku.")
            .and_then(|rest| rest.strip_suffix(".v1"))
            .unwrap_or_else(|| panic!("ce-type of {self:?}"))
    }
}

impl Subscriber {
    /// Connects as a configured consumer, binds to its durable and fetches for ever.
    #[track_caller]
    pub fn of(hub: &Hub, consumer: &str) -> Self {
        Self::with(&credentials(hub, consumer))
    }

    /// [`Subscriber::of`] with credentials that may have been changed.
    #[track_caller]
    pub fn with(credentials: &Value) -> Self {
        Self(Client::start("subscribe.py", credentials, &[]))
    }

    /// What came so far.
    pub fn messages(&self) -> Vec<Message> {
        self.0.printed().into_iter().map(Message::of).collect()
    }

    /// Ends it; what came until then.
    pub fn end(self) -> Vec<Message> {
        self.0.end().into_iter().map(Message::of).collect()
    }

    /// Asks it to end in order; what came until then, all of it acknowledged.
    #[track_caller]
    pub fn stop(self) -> Vec<Message> {
        self.0.stop().into_iter().map(Message::of).collect()
    }

    /// Waits until `count` messages came.
    #[track_caller]
    pub fn await_messages(&self, count: usize) -> Vec<Message> {
        self.0
            .await_printed(count)
            .into_iter()
            .map(Message::of)
            .collect()
    }
}

/// The rules that every feed keeps: stable ids, sequences from 1 without a gap. Gives one message for each id, in
/// order of their sequence.
#[track_caller]
pub fn each_once(messages: &[Message]) -> Vec<Message> {
    let mut by_sequence: BTreeMap<u64, Message> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for message in messages {
        let first = by_sequence
            .entry(message.sequence())
            .or_insert_with(|| message.clone());
        assert_eq!(
            (first.header("ce-id"), &first.body),
            (message.header("ce-id"), &message.body),
            "the same feed-sequence tells two things"
        );
        assert_eq!(message.header("ce-id"), message.header("Nats-Msg-Id"));
        ids.insert(message.header("ce-id").to_owned());
    }
    assert_eq!(
        ids.len(),
        by_sequence.len(),
        "an id came under two sequences"
    );
    let gapless = by_sequence.keys().copied().eq(1..=by_sequence.len() as u64);
    assert!(gapless, "feed-sequence has a gap: {:?}", by_sequence.keys());
    by_sequence.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sequence: u64, id: &str, body: &str) -> Message {
        let headers = [
            ("feed-sequence", sequence.to_string()),
            ("ce-id", id.to_owned()),
            ("Nats-Msg-Id", id.to_owned()),
        ];
        Message {
            subject: "s".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body: body.into(),
        }
    }

    #[test]
    fn redelivery_is_lawful() {
        let messages = [
            message(2, "b", "y"),
            message(1, "a", "x"),
            message(2, "b", "y"),
        ];
        let bodies: Vec<Value> = each_once(&messages)
            .into_iter()
            .map(|message| message.body)
            .collect();
        assert_eq!(bodies, ["x", "y"]);
    }

    #[test]
    #[should_panic(expected = "gap")]
    fn a_gap_is_found() {
        each_once(&[message(1, "a", "x"), message(3, "c", "z")]);
    }

    #[test]
    #[should_panic(expected = "two things")]
    fn a_sequence_used_twice_is_found() {
        each_once(&[message(1, "a", "x"), message(1, "b", "y")]);
    }

    #[test]
    #[should_panic(expected = "two sequences")]
    fn an_id_used_twice_is_found() {
        each_once(&[message(1, "a", "x"), message(2, "a", "x")]);
    }
}
