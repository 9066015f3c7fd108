//! The simulated broker's durable and ephemeral consumers.

use std::collections::BTreeMap;
use std::time::Duration;

use shikaku_broker::{
    AckPolicy, ConsumerConfig, DeliverPolicy, Outgoing, PullConfig, RetentionPolicy,
};
use tokio::time::Instant;

use super::streams::kept;
use super::{Consumer, Next, Server, matches};

impl Server {
    pub fn consumer(&self, stream: &str, name: &str) -> Option<ConsumerConfig> {
        let state = self.state();
        let consumer = state.streams.get(stream)?.consumers.get(name)?;
        Some(consumer.config.clone())
    }

    pub fn create_consumer(&self, stream: &str, config: PullConfig) -> Option<String> {
        let mut state = self.state();
        state.consumers_made += 1;
        let made = state.consumers_made;
        let stream = state.streams.get_mut(stream)?;
        let durable = config.durable_name.clone();
        let name = durable.unwrap_or_else(|| format!("ephemeral-{made}"));
        let next = match config.deliver_policy {
            DeliverPolicy::ByStartSequence { start_sequence } => start_sequence,
            _ => 1,
        };
        let config = ConsumerConfig {
            durable_name: config.durable_name,
            ack_policy: config.ack_policy,
            ack_wait: config.ack_wait,
            max_deliver: config.max_deliver,
            max_ack_pending: config.max_ack_pending,
            filter_subject: config.filter_subject,
            sample_frequency: config.sample_frequency,
            ..ConsumerConfig::default()
        };
        let consumer = stream.consumers.entry(name.clone()).or_insert(Consumer {
            config: config.clone(),
            next,
            pending: BTreeMap::new(),
        });
        consumer.config = config;
        Some(name)
    }

    pub fn delete_consumer(&self, stream: &str, name: &str) -> bool {
        let mut state = self.state();
        let Some(stream) = state.streams.get_mut(stream) else {
            return false;
        };
        let changed = stream.changed.clone();
        let gone = stream.consumers.remove(name).is_some();
        changed.notify_waiters();
        gone
    }

    /// The next message of a consumer.
    pub fn next(&self, stream: &str, consumer: &str, born: u64) -> Next {
        let mut state = self.state();
        let Some(stream) = state.in_life(stream, born) else {
            return Next::Gone;
        };
        let changed = stream.changed.clone();
        let Some(consumer) = stream.consumers.get_mut(consumer) else {
            return Next::Gone;
        };
        let now = Instant::now();
        let explicit = consumer.config.ack_policy != AckPolicy::None;
        consumer
            .pending
            .retain(|sequence, _| stream.kept.contains_key(sequence));
        let due = consumer.pending.iter().find(|(_, due)| **due <= now);
        let again = due.map(|(sequence, _)| *sequence);
        let limit = match consumer.config.max_ack_pending {
            limit if limit > 0 => usize::try_from(limit).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        let filter = &consumer.config.filter_subject;
        let wanted = |message: &Outgoing| filter.is_empty() || matches(filter, &message.subject);
        let fresh = || {
            let mut rest = stream.kept.range(consumer.next..);
            rest.find(|(_, message)| wanted(message))
                .map(|(sequence, _)| *sequence)
        };
        let found = again.or_else(|| (consumer.pending.len() < limit).then(fresh).flatten());
        let Some(sequence) = found else {
            let soonest = consumer.pending.values().min().copied();
            return Next::Wait(changed, soonest);
        };
        consumer.next = consumer.next.max(sequence + 1);
        if explicit {
            let wait = match consumer.config.ack_wait {
                wait if wait.is_zero() => Duration::from_secs(30),
                wait => wait,
            };
            consumer.pending.insert(sequence, now + wait);
        }
        let behind = stream.kept.range(sequence + 1..);
        let behind = behind.filter(|(_, message)| wanted(message)).count();
        let message = &stream.kept[&sequence];
        Next::Message(
            kept(sequence, message),
            message.subject.clone(),
            behind as u64,
        )
    }

    /// Settles a message: it is gone for this consumer, or comes again at `again`.
    pub fn settle(
        &self,
        stream: &str,
        consumer: &str,
        born: u64,
        sequence: u64,
        again: Option<Instant>,
    ) {
        let mut state = self.state();
        let Some(stream) = state.in_life(stream, born) else {
            return;
        };
        let Some(found) = stream.consumers.get_mut(consumer) else {
            return;
        };
        match again {
            Some(at) => {
                found.pending.entry(sequence).and_modify(|due| *due = at);
            }
            None => {
                let was_pending = found.pending.remove(&sequence).is_some();
                if was_pending && stream.config.retention == RetentionPolicy::WorkQueue {
                    let gone = stream.kept.remove(&sequence);
                    if let Some(gone) = gone {
                        let mut rest = stream.kept.values();
                        let is_there_again = rest.any(|other| other.payload == gone.payload);
                        self.watcher
                            .settled(&stream.config.name, &gone, is_there_again);
                    }
                }
            }
        }
        stream.changed.notify_waiters();
    }

    pub fn born(&self, stream: &str) -> Option<u64> {
        Some(self.state().streams.get(stream)?.born)
    }
}
