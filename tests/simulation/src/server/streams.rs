//! The simulated broker's streams.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use shikaku_broker::{
    Kept, NATS_BATCH_ID, NATS_EXPECTED_LAST_MESSAGE_ID, NATS_EXPECTED_LAST_SEQUENCE,
    NATS_EXPECTED_STREAM, NATS_MESSAGE_ID, Outgoing, Stored, StreamConfig, StreamInfo,
};
use tokio::time::Instant;

use super::{Refused, Server, State, Stream, Watcher, header, matches};

impl Server {
    /// Ends an atomic batch: all of it is stored, or nothing.
    pub fn end_batch(&self, last: Outgoing) -> Result<u64, Refused> {
        let Some(batch) = header(&last, NATS_BATCH_ID.as_ref()) else {
            return Err(Refused::NoStream);
        };
        let mut state = self.state();
        let mut messages = state.batches.remove(&batch).unwrap_or_default();
        messages.push(last);
        // A batch with a hole is given up.
        let whole = messages.iter().enumerate().all(|(at, message)| {
            header(message, "Nats-Batch-Sequence") == Some((at + 1).to_string())
        });
        if !whole {
            return Err(Refused::WrongLastSequence(0));
        }
        let name = state
            .stream_of(&messages[0].subject)
            .ok_or(Refused::NoStream)?;
        let stream = state.streams.get_mut(&name).ok_or(Refused::NoStream)?;
        stream.expects(&messages[0], &name)?;
        for message in messages {
            stream.store(&name, message, self.sky.wall_millis(), &*self.watcher);
        }
        Ok(stream.last)
    }

    /// Stores one message.
    pub fn store(&self, message: Outgoing) -> Result<Stored, Refused> {
        let mut state = self.state();
        let name = state.stream_of(&message.subject).ok_or(Refused::NoStream)?;
        let stream = state.streams.get_mut(&name).ok_or(Refused::NoStream)?;
        stream.expects(&message, &name)?;
        if let Some(id) = header(&message, NATS_MESSAGE_ID.as_ref()) {
            let now = Instant::now();
            let window = stream.config.duplicate_window;
            stream
                .heard
                .retain(|_, (at, _)| now.duration_since(*at) < window);
            if let Some((_, sequence)) = stream.heard.get(&id) {
                return Ok(Stored {
                    sequence: *sequence,
                    duplicate: true,
                });
            }
            stream.heard.insert(id, (now, stream.last + 1));
        }
        stream.store(&name, message, self.sky.wall_millis(), &*self.watcher);
        Ok(Stored {
            sequence: stream.last,
            duplicate: false,
        })
    }

    pub fn stream(&self, name: &str) -> Option<StreamInfo> {
        let state = self.state();
        let stream = state.streams.get(name)?;
        Some(StreamInfo {
            config: stream.config.clone(),
            created_ns: i128::from(stream.born),
            created: format!("birth {}", stream.born),
            first_sequence: stream
                .kept
                .keys()
                .next()
                .map_or(stream.last + 1, |first| *first),
            last_sequence: stream.last,
            messages: stream.kept.len() as u64,
        })
    }

    pub fn create_stream(&self, config: StreamConfig) {
        let mut state = self.state();
        state.births += 1;
        let born = state.births;
        state.streams.entry(config.name.clone()).or_insert(Stream {
            config,
            born,
            last: 0,
            kept: BTreeMap::new(),
            stored_at: BTreeMap::new(),
            heard: HashMap::new(),
            consumers: BTreeMap::new(),
            changed: Arc::default(),
        });
    }

    pub fn update_stream(&self, config: StreamConfig) {
        if let Some(stream) = self.state().streams.get_mut(&config.name) {
            stream.config = config;
        }
    }

    pub fn delete_stream(&self, name: &str) {
        if let Some(stream) = self.state().streams.remove(name) {
            stream.changed.notify_waiters();
        }
    }

    pub fn message_at(&self, stream: &str, sequence: u64) -> Option<Kept> {
        let state = self.state();
        let message = state.streams.get(stream)?.kept.get(&sequence)?;
        Some(kept(sequence, message))
    }

    pub fn last_message(&self, stream: &str, subject: &str) -> Option<Kept> {
        let state = self.state();
        let mut all = state.streams.get(stream)?.kept.iter().rev();
        let found = all.find(|(_, message)| matches(subject, &message.subject));
        found.map(|(sequence, message)| kept(*sequence, message))
    }
}

impl State {
    /// A stream, if it still is the one that was born then.
    pub(super) fn in_life(&mut self, stream: &str, born: u64) -> Option<&mut Stream> {
        let found = self.streams.get_mut(stream);
        found.filter(|found| found.born == born)
    }

    fn stream_of(&self, subject: &str) -> Option<String> {
        let takes = |stream: &Stream| {
            let mut subjects = stream.config.subjects.iter();
            subjects.any(|pattern| matches(pattern, subject))
        };
        let mut streams = self.streams.iter();
        streams
            .find(|(_, stream)| takes(stream))
            .map(|(name, _)| name.clone())
    }
}

impl Stream {
    fn expects(&self, message: &Outgoing, name: &str) -> Result<(), Refused> {
        let stream = header(message, NATS_EXPECTED_STREAM.as_ref());
        if stream.is_some_and(|stream| stream != name) {
            return Err(Refused::OtherStream);
        }
        if let Some(id) = header(message, NATS_EXPECTED_LAST_MESSAGE_ID.as_ref()) {
            let last = self.kept.get(&self.last);
            if last.and_then(|last| header(last, NATS_MESSAGE_ID.as_ref())) != Some(id) {
                return Err(Refused::WrongLastSequence(self.last));
            }
        }
        let last = header(message, NATS_EXPECTED_LAST_SEQUENCE.as_ref());
        match last {
            Some(last) if last != self.last.to_string() => {
                Err(Refused::WrongLastSequence(self.last))
            }
            _ => Ok(()),
        }
    }

    fn store(&mut self, name: &str, message: Outgoing, at_ms: u64, watcher: &dyn Watcher) {
        self.last += 1;
        self.stored_at.insert(self.last, at_ms);
        watcher.stored(name, self.born, self.last, &message);
        self.kept.insert(self.last, message);
        self.changed.notify_waiters();
    }
}

pub(super) fn kept(sequence: u64, message: &Outgoing) -> Kept {
    Kept {
        sequence,
        headers: message.headers.clone(),
        payload: message.payload.clone(),
    }
}
