//! Which entries were published and not answered, and when to say them again.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use shikaku_schemas::value::ObservationId;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::spool::Pending;

/// What the stream showed at one moment. While it stays equal, nobody has taken anything from the stream
/// and the broker has not been away: what it acknowledged is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamReading {
    pub(super) generation: u64,
    pub(super) created: i128,
    pub(super) consumed: u64,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    entry: Pending,
    attempts: u32,
    due: Instant,
    /// The reading before it was stored; none when the broker did not store this very message.
    stored_at: Option<StreamReading>,
}

#[derive(Debug, Default)]
pub(super) struct Unanswered {
    attempts: HashMap<ObservationId, Attempt>,
    by_due: BTreeSet<(Instant, ObservationId)>,
    latest: Option<StreamReading>,
}

impl Unanswered {
    pub(super) fn len(&self) -> usize {
        self.attempts.len()
    }

    pub(super) fn contains(&self, id: &ObservationId) -> bool {
        self.attempts.contains_key(id)
    }

    pub(super) fn attempts(&self, id: &ObservationId) -> u32 {
        self.attempts.get(id).map_or(0, |attempt| attempt.attempts)
    }

    /// Of the latest reading; 0 before the first.
    pub(super) fn generation(&self) -> u64 {
        self.latest.map_or(0, |reading| reading.generation)
    }

    pub(super) fn answered(&mut self, id: &ObservationId) {
        if let Some(attempt) = self.attempts.remove(id) {
            self.by_due.remove(&(attempt.due, *id));
        }
    }

    /// Notes one attempt. A refused one is due again after the first pause already.
    pub(super) fn published(&mut self, entry: Pending, stored: bool, now: Instant, again: Backoff) {
        let attempts = self.attempts(&entry.id) + 1;
        self.schedule(Attempt {
            entry,
            attempts,
            due: now + again.pause(attempts),
            stored_at: self.latest.filter(|_| stored),
        });
    }

    /// Takes a new reading: what is surely still in the stream is put off; what may be lost is due at once.
    pub(super) fn take_reading(&mut self, reading: StreamReading, now: Instant, again: Backoff) {
        let came_back = self
            .latest
            .is_some_and(|before| before.created != reading.created);
        self.latest = Some(reading);
        let concerned: Vec<Attempt> = if came_back {
            self.attempts.values().copied().collect()
        } else {
            self.due_attempts(now)
        };
        for mut attempt in concerned {
            if attempt.stored_at == Some(reading) {
                attempt.due = now + again.pause(attempt.attempts.saturating_add(1));
            } else if came_back {
                attempt.due = now;
            }
            self.schedule(attempt);
        }
    }

    pub(super) fn any_due(&self, now: Instant) -> bool {
        self.by_due.first().is_some_and(|(due, _)| *due <= now)
    }

    pub(super) fn due(&self, now: Instant, limit: usize) -> Vec<Pending> {
        self.by_due
            .iter()
            .take_while(|(due, _)| *due <= now)
            .take(limit)
            .filter_map(|(_, id)| self.attempts.get(id).map(|attempt| attempt.entry))
            .collect()
    }

    pub(super) fn next_due(&self, now: Instant) -> Option<Duration> {
        self.by_due
            .first()
            .map(|(due, _)| due.saturating_duration_since(now))
    }

    fn due_attempts(&self, now: Instant) -> Vec<Attempt> {
        self.due(now, usize::MAX)
            .iter()
            .filter_map(|entry| self.attempts.get(&entry.id).copied())
            .collect()
    }

    fn schedule(&mut self, attempt: Attempt) {
        let id = attempt.entry.id;
        if let Some(before) = self.attempts.insert(id, attempt) {
            self.by_due.remove(&(before.due, id));
        }
        self.by_due.insert((attempt.due, id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGAIN: Backoff = Backoff {
        first: Duration::from_secs(5),
        cap: Duration::from_secs(60),
    };

    fn entry(n: u64) -> Pending {
        Pending {
            sequence: n,
            id: ObservationId(uuid::Uuid::from_u128(n.into())),
            bytes: 1,
        }
    }

    fn reading(consumed: u64) -> StreamReading {
        StreamReading {
            generation: 1,
            created: 1,
            consumed,
        }
    }

    #[test]
    fn is_not_said_again_while_nobody_consumes() {
        let start = Instant::now();
        let mut unanswered = Unanswered::default();
        unanswered.take_reading(reading(0), start, AGAIN);
        unanswered.published(entry(1), true, start, AGAIN);
        let later = start + Duration::from_secs(6);
        assert!(unanswered.any_due(later));
        unanswered.take_reading(reading(0), later, AGAIN);
        assert!(unanswered.due(later, 9).is_empty());
        let much_later = start + Duration::from_secs(60);
        unanswered.take_reading(reading(1), much_later, AGAIN);
        assert_eq!(unanswered.due(much_later, 9), [entry(1)]);
    }

    #[test]
    fn a_new_stream_makes_everything_due() {
        let start = Instant::now();
        let mut unanswered = Unanswered::default();
        unanswered.take_reading(reading(0), start, AGAIN);
        unanswered.published(entry(1), true, start, AGAIN);
        let wiped = StreamReading {
            generation: 2,
            created: 2,
            consumed: 0,
        };
        unanswered.take_reading(wiped, start, AGAIN);
        assert_eq!(unanswered.due(start, 9), [entry(1)]);
    }

    #[test]
    fn what_the_broker_called_a_duplicate_is_said_again() {
        let start = Instant::now();
        let mut unanswered = Unanswered::default();
        unanswered.take_reading(reading(0), start, AGAIN);
        unanswered.published(entry(1), false, start, AGAIN);
        let later = start + Duration::from_secs(6);
        unanswered.take_reading(reading(0), later, AGAIN);
        assert_eq!(unanswered.due(later, 9), [entry(1)]);
        unanswered.answered(&entry(1).id);
        assert!(!unanswered.any_due(later));
    }
}
