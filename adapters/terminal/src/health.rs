//! How a terminal is: one word for people and metrics for machines. Nothing is decided by it here.

use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::Timestamp;

/// Requests in a row that nothing answered, before a terminal counts as silent.
const SILENT_AFTER: u32 = 3;
/// The last answers whose time is told.
const MEDIAN_OF: usize = 31;

/// What requests and answers tell of a terminal. Shared by all who meet them.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<Beat>);

#[derive(Debug, Default, Clone, Copy)]
struct Beat {
    faced_at: Option<Timestamp>,
    answered_at: Option<Timestamp>,
    unanswered: u32,
    /// How long the last answers took, in ms; only so many of them are filled.
    took_ms: [u64; MEDIAN_OF],
    answers: usize,
}

impl Beat {
    fn median_ms(&self) -> Option<u64> {
        let mut took = self.took_ms;
        let took = &mut took[..self.answers.min(MEDIAN_OF)];
        took.sort_unstable();
        took.get(took.len() / 2).copied()
    }
}

impl Pulse {
    /// An answer of the terminal is safe; `since` its request was sent, where that is the answer to it.
    pub(crate) fn answered(&self, at: Timestamp, since: Option<Timestamp>) {
        self.change(|beat| {
            beat.answered_at = Some(at);
            beat.unanswered = 0;
            if let Some(since) = since {
                let took = at.duration_since(since).as_millis();
                beat.took_ms[beat.answers % MEDIAN_OF] = u64::try_from(took).unwrap_or_default();
                beat.answers += 1;
            }
        });
    }

    /// A face file of the terminal is safe.
    pub(crate) fn faced(&self, at: Timestamp) {
        self.change(|beat| beat.faced_at = Some(at));
    }

    /// A request stayed without one.
    pub(crate) fn unanswered(&self) {
        self.change(|beat| beat.unanswered = beat.unanswered.saturating_add(1));
    }

    fn change(&self, change: impl FnOnce(&mut Beat)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn read(&self) -> Beat {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing speaks against it.
    Healthy,
    /// One of its folders can't be reached.
    FoldersAway,
    /// It takes requests, or leaves them, and answers none.
    Silent,
}

impl Word {
    const ALL: [Self; 3] = [Self::Healthy, Self::FoldersAway, Self::Silent];

    fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::FoldersAway => "folders-away",
            Self::Silent => "silent",
        }
    }
}

/// The health of one terminal.
#[derive(Debug)]
pub(crate) struct Health {
    facility: String,
    terminal: String,
    word: Option<Word>,
}

impl Health {
    pub(crate) fn new(facility: &str, terminal: &str) -> Self {
        Self {
            facility: facility.to_owned(),
            terminal: terminal.to_owned(),
            word: None,
        }
    }

    /// After each pass: whether all folders can be reached, what is open, what was heard.
    pub(crate) fn check(&mut self, reachable: bool, open: usize, jobs: usize, pulse: &Pulse) {
        let beat = pulse.read();
        let word = match (reachable, beat.unanswered >= SILENT_AFTER) {
            (false, _) => Word::FoldersAway,
            (true, true) => Word::Silent,
            (true, false) => Word::Healthy,
        };
        #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
        {
            self.gauge("shikaku_terminal_requests_open", open as f64);
            self.gauge("shikaku_terminal_jobs_running", jobs as f64);
        }
        self.gauge(
            "shikaku_terminal_unanswered_in_a_row",
            beat.unanswered.into(),
        );
        for (name, at) in [
            ("shikaku_terminal_last_answer_seconds", beat.answered_at),
            ("shikaku_terminal_last_face_seconds", beat.faced_at),
        ] {
            if let Some(at) = at {
                self.gauge(name, at.as_duration().as_secs_f64());
            }
        }
        if let Some(took) = beat.median_ms() {
            let took = std::time::Duration::from_millis(took);
            self.gauge("shikaku_terminal_median_answer_seconds", took.as_secs_f64());
        }
        if self.word.replace(word) != Some(word) {
            self.say(word);
        }
    }

    fn say(&self, word: Word) {
        match word {
            Word::Healthy => tracing::info!(terminal.id = self.terminal, "the terminal is healthy"),
            unwell => tracing::warn!(
                terminal.id = self.terminal,
                health = unwell.as_str(),
                "端末に問題があります / the terminal is not well"
            ),
        }
        for known in Word::ALL {
            metrics::gauge!("shikaku_terminal_health", "facility" => self.facility.clone(),
                "terminal" => self.terminal.clone(), "word" => known.as_str())
            .set(f64::from(u8::from(known == word)));
        }
    }

    fn gauge(&self, name: &'static str, value: f64) {
        metrics::gauge!(name,
            "facility" => self.facility.clone(), "terminal" => self.terminal.clone())
        .set(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_silent_after_three_and_well_with_the_next_answer() {
        let (pulse, mut health) = (Pulse::default(), Health::new("1319912349", "t1"));
        let mut word = |pulse: &Pulse, reachable| {
            health.check(reachable, 0, 0, pulse);
            health.word
        };
        assert_eq!(word(&pulse, true), Some(Word::Healthy));
        for _ in 0..SILENT_AFTER {
            pulse.unanswered();
        }
        assert_eq!(word(&pulse, true), Some(Word::Silent));
        assert_eq!(word(&pulse, false), Some(Word::FoldersAway));
        pulse.answered(Timestamp::UNIX_EPOCH, None);
        assert_eq!(word(&pulse, true), Some(Word::Healthy));
    }

    #[test]
    fn the_median_is_of_the_last_answers() {
        let pulse = Pulse::default();
        assert_eq!(pulse.read().median_ms(), None);
        let answer = |ms| {
            let at = Timestamp::from_millisecond(ms).unwrap();
            pulse.answered(at, Some(Timestamp::UNIX_EPOCH));
        };
        (0..100).for_each(|_| answer(9_000));
        (0..31).for_each(answer);
        assert_eq!(pulse.read().median_ms(), Some(15));
        pulse.answered(Timestamp::UNIX_EPOCH, None);
        assert_eq!(pulse.read().median_ms(), Some(15), "a poll is no answer");
    }
}
