//! The smallest aggregate that does the same work: two events a command.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A record.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Record {
    seen: u64,
    last: Value,
}

/// Two facts.
pub struct Tell(pub u64);

/// A fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// What was seen.
    Seen(Value),
}

impl DomainEvent for Told {
    fn event_type(&self) -> String {
        "seen".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

/// Never happens.
#[derive(Debug)]
pub struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("never")
    }
}

impl std::error::Error for Never {}

impl Aggregate for Record {
    const TYPE: &'static str = "record";
    type Command = Tell;
    type Event = Told;
    type Error = Never;
    type Services = ();

    async fn handle(&mut self, command: Tell, (): &(), sink: &EventSink<Self>) -> Result<(), Never> {
        sink.write(Told::Seen(crate::load::payload(command.0)), self).await;
        sink.write(Told::Seen(crate::load::payload(command.0 + 1)), self).await;
        Ok(())
    }

    fn apply(&mut self, event: Told) {
        let Told::Seen(value) = event;
        self.seen += 1;
        self.last = value;
    }
}
