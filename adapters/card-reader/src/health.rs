//! How a reader is: told by metrics, and by one line whenever it changes.

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A thread that shows no sign of life for this long hangs in its driver: PC/SC knows no time limit.
const HANGS_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// What the thread sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Condition {
    /// Not known yet.
    Starting,
    /// The PC/SC service does not answer.
    NoService,
    /// The service has no reader of this name.
    Absent,
    /// It has several.
    Several,
    /// Everything is as it should be.
    Good,
    /// No sign of life.
    Hanging,
}

/// Shared by the thread and the task that looks after it.
pub(crate) struct Health {
    facility: String,
    reader: String,
    condition: AtomicU8,
    beat_ms: AtomicI64,
}

impl Health {
    pub(crate) fn new(facility: &str, reader: &str, now: Timestamp) -> Self {
        let health = Self {
            facility: facility.to_owned(),
            reader: reader.to_owned(),
            condition: AtomicU8::new(Condition::Starting as u8),
            beat_ms: AtomicI64::new(now.as_millisecond()),
        };
        health.show(Condition::Starting);
        health
    }

    /// A sign of life.
    pub(crate) fn beat(&self, now: Timestamp) {
        self.beat_ms.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// Says what is seen, once for each change.
    pub(crate) fn is(&self, condition: Condition) {
        let before = self.condition.swap(condition as u8, Ordering::Relaxed);
        if before == condition as u8 {
            return;
        }
        self.show(condition);
        let reader = self.reader.as_str();
        match condition {
            Condition::Good => tracing::info!(reader.id = reader, "the card reader is watched"),
            Condition::NoService => tracing::warn!(
                reader.id = reader,
                "the PC/SC service does not answer: `shikaku doctor` says how to mend it"
            ),
            Condition::Absent => tracing::warn!(
                reader.id = reader,
                "the card reader is not plugged in: `shikaku doctor` lists those that are"
            ),
            Condition::Several => tracing::error!(
                reader.id = reader,
                "the reader's name fits several readers, so none of them is opened"
            ),
            Condition::Hanging => tracing::error!(
                reader.id = reader,
                "the card reader shows no sign of life: its driver hangs"
            ),
            Condition::Starting => {}
        }
    }

    /// Looks whether the thread still lives.
    pub(crate) fn check(&self, now: Timestamp) {
        let beat = self.beat_ms.load(Ordering::Relaxed);
        let label = || (self.facility.clone(), self.reader.clone());
        let (facility, reader) = label();
        #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
        metrics::gauge!("shikaku_card_reader_beat_seconds", "facility" => facility, "reader" => reader)
            .set(beat as f64 / 1000.0);
        let silent = SignedDuration::from_millis(now.as_millisecond().saturating_sub(beat));
        if silent > HANGS_AFTER {
            self.is(Condition::Hanging);
        }
    }

    /// A card of this kind was seen.
    pub(crate) fn counted(&self, card: &'static str) {
        metrics::counter!("shikaku_card_reader_cards_total",
            "facility" => self.facility.clone(), "reader" => self.reader.clone(), "card" => card)
        .increment(1);
    }

    fn show(&self, condition: Condition) {
        metrics::gauge!("shikaku_card_reader_up",
            "facility" => self.facility.clone(), "reader" => self.reader.clone())
        .set(f64::from(u8::from(condition == Condition::Good)));
    }
}
