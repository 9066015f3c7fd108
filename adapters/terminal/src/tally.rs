//! The folder equation: `seen = events + duplicates + quarantined` at every quiet moment. Both sides are
//! counted at different places, so that a file lost in between shows.

use std::time::Duration;

use tokio::time::Instant;

const ALARM_AFTER: Duration = Duration::from_secs(30);

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileEnd {
    /// Its bytes are in the spool.
    Event,
    /// The same bytes were there before.
    Duplicate,
    /// Set aside with a reason.
    Quarantined,
}

/// The counts of one terminal since its adapter started.
#[derive(Debug)]
pub(crate) struct Tally {
    facility: String,
    terminal: String,
    pub(crate) seen: u64,
    pub(crate) events: u64,
    pub(crate) duplicates: u64,
    pub(crate) quarantined: u64,
    broken_since: Option<Instant>,
    alarmed: bool,
}

impl Tally {
    pub(crate) fn new(facility: &str, terminal: &str) -> Self {
        let tally = Self {
            facility: facility.to_owned(),
            terminal: terminal.to_owned(),
            seen: 0,
            events: 0,
            duplicates: 0,
            quarantined: 0,
            broken_since: None,
            alarmed: false,
        };
        for outcome in ["seen", "event", "duplicate", "quarantined", "foreign"] {
            tally.count(outcome, 0);
        }
        tally
    }

    /// A stable file was taken up for a verdict.
    pub(crate) fn seen(&mut self) {
        self.seen += 1;
        self.count("seen", 1);
    }

    /// A verdict is durable.
    pub(crate) fn ended(&mut self, end: FileEnd) {
        let (count, word) = match end {
            FileEnd::Event => (&mut self.events, "event"),
            FileEnd::Duplicate => (&mut self.duplicates, "duplicate"),
            FileEnd::Quarantined => (&mut self.quarantined, "quarantined"),
        };
        *count += 1;
        self.count(word, 1);
    }

    /// A file that is not ours, at first sight.
    pub(crate) fn foreign(&self) {
        self.count("foreign", 1);
    }

    /// Whether both sides agree.
    pub(crate) fn holds(&self) -> bool {
        self.seen == self.events + self.duplicates + self.quarantined
    }

    /// After each pass: `pending` files await their verdict.
    pub(crate) fn check(&mut self, pending: usize, now: Instant) {
        #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
        self.gauge("shikaku_terminal_files_pending", pending as f64);
        if pending > 0 || self.holds() {
            self.broken_since = None;
            self.alarmed = false;
        } else if now.duration_since(*self.broken_since.get_or_insert(now)) >= ALARM_AFTER
            && !std::mem::replace(&mut self.alarmed, true)
        {
            tracing::error!(
                terminal.id = self.terminal,
                seen = self.seen,
                events = self.events,
                duplicates = self.duplicates,
                quarantined = self.quarantined,
                "a file was lost: the folder equation does not hold"
            );
        }
        self.gauge(
            "shikaku_terminal_equation_broken",
            f64::from(u8::from(self.alarmed)),
        );
    }

    /// Whether a folder can be read.
    pub(crate) fn reachable(&self, folder: &'static str, reachable: bool) {
        metrics::gauge!("shikaku_terminal_folder_reachable",
            "facility" => self.facility.clone(), "terminal" => self.terminal.clone(), "folder" => folder)
        .set(f64::from(u8::from(reachable)));
    }

    fn gauge(&self, name: &'static str, value: f64) {
        metrics::gauge!(name,
            "facility" => self.facility.clone(), "terminal" => self.terminal.clone())
        .set(value);
    }

    fn count(&self, outcome: &'static str, more: u64) {
        metrics::counter!("shikaku_terminal_files_total",
            "facility" => self.facility.clone(), "terminal" => self.terminal.clone(), "outcome" => outcome)
        .increment(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the alarm is on after a look so many seconds from the beginning.
    fn looks(tally: &mut Tally, pending: usize, seconds: &[u64]) -> Vec<bool> {
        let begin = Instant::now();
        let look = |after: &u64| {
            tally.check(pending, begin + Duration::from_secs(*after));
            tally.alarmed
        };
        seconds.iter().map(look).collect()
    }

    /// T18: seen = events + duplicates + quarantined.
    #[test]
    fn a_file_lost_between_both_sides_is_told_within_a_minute() {
        let mut tally = Tally::new("1319912349", "t1");
        tally.seen();
        tally.ended(FileEnd::Event);
        assert_eq!(looks(&mut tally, 0, &[0, 60]), [false, false]);
        tally.seen();
        assert_eq!(looks(&mut tally, 1, &[0, 60]), [false, false], "it waits");
        assert_eq!(looks(&mut tally, 0, &[0, 29, 30]), [false, false, true]);
        tally.ended(FileEnd::Quarantined);
        assert_eq!(looks(&mut tally, 0, &[0]), [false], "it was found");
    }
}
