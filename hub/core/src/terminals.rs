//! How the terminals are doing, as far as this life of the hub has heard: which of them a new inquiry is given to.
//!
//! Kept in memory only. Nothing rests on it but the choice for a new inquiry, which the ledger keeps, and when an
//! inquiry's silence is long enough. What is heard may have waited in a spool behind thousands of others, and what is
//! not heard may still wait there: silence is longer by as much as the last word was late.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use shikaku_schemas::group::Facility;
use shikaku_schemas::value::{FacilityCode, InquiryId};

/// A terminal that was told something and says nothing for longer is passed over.
const SILENCE: Duration = Duration::from_secs(60);

/// The most that a late word makes silence longer: a clock that is wrong, or a site that was cut off for days, must
/// not keep every other waiting.
const LATE_AT_MOST: Duration = Duration::from_secs(60 * 60);

/// Which device of which facility.
type Place = (FacilityCode, String);

/// What was heard. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terminals(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    terminals: HashMap<Place, Terminal>,
    jobs: HashMap<InquiryId, Timestamp>,
    /// How long the last word had been under way.
    late: Duration,
}

#[derive(Debug, Default, Clone, Copy)]
struct Terminal {
    /// It was told something then, and nothing was heard of it since.
    unanswered_since: Option<Timestamp>,
    /// The last that was heard is that a request of it was never taken, or never answered.
    failed: bool,
    /// Jobs that it has now.
    jobs: usize,
}

impl Terminals {
    /// Something that was seen at `seen_at` came from a terminal; of which job, if of any.
    pub(crate) fn heard(
        &self,
        place: Place,
        job: Option<InquiryId>,
        seen_at: Timestamp,
        now: Timestamp,
    ) {
        let mut heard = self.lock();
        let late = Duration::try_from(now.duration_since(seen_at)).unwrap_or_default();
        heard.late = late.min(LATE_AT_MOST);
        let terminal = heard.terminals.entry(place).or_default();
        (terminal.unanswered_since, terminal.failed) = (None, false);
        if let Some(job) = job {
            heard.jobs.insert(job, now);
        }
    }

    /// Its adapter said that a request was never taken, or never answered: the adapter lives, its terminal may not.
    pub(crate) fn failed(&self, place: Place) {
        self.lock().terminals.entry(place).or_default().failed = true;
    }

    /// It was told something.
    pub(crate) fn told(&self, place: Place, now: Timestamp) {
        let mut heard = self.lock();
        let terminal = heard.terminals.entry(place).or_default();
        terminal.unanswered_since.get_or_insert(now);
    }

    /// Whether a job that could be heard of `since` then has been silent for longer than `patience`.
    pub(crate) fn is_job_silent(
        &self,
        job: InquiryId,
        since: Timestamp,
        patience: Duration,
        now: Timestamp,
    ) -> bool {
        let heard = self.lock();
        let last = heard.jobs.get(&job).map_or(since, |at| since.max(*at));
        last.checked_add(patience + heard.late)
            .is_ok_and(|end| end < now)
    }

    /// By how much silence is longer at present.
    pub(crate) fn late(&self) -> Duration {
        self.lock().late
    }

    /// The jobs that are under way, by their terminals: what was heard of others is forgotten.
    pub(crate) fn under_way<'a>(
        &self,
        jobs: impl Iterator<Item = (InquiryId, &'a FacilityCode, &'a str)>,
    ) {
        let mut heard = self.lock();
        for terminal in heard.terminals.values_mut() {
            terminal.jobs = 0;
        }
        let mut known = HashMap::new();
        for (job, facility, device) in jobs {
            let place = (facility.clone(), device.to_owned());
            heard.terminals.entry(place).or_default().jobs += 1;
            known.extend(heard.jobs.remove_entry(&job));
        }
        heard.jobs = known;
    }

    /// The terminal for something new: one that answers, then the one with the fewest jobs, then as configured.
    /// `not` is passed over where there is another.
    pub(crate) fn choose(
        &self,
        facility: &Facility,
        not: Option<&str>,
        now: Timestamp,
    ) -> Option<String> {
        let heard = self.lock();
        let silent = |since: Timestamp| now.duration_since(since).unsigned_abs() > SILENCE;
        let standing = |id: &String| {
            let place = (facility.code.clone(), id.clone());
            let known = heard.terminals.get(&place).copied().unwrap_or_default();
            let silent = known.failed || known.unanswered_since.is_some_and(silent);
            (not == Some(id.as_str()), silent, known.jobs)
        };
        let ids = facility.terminals.iter().map(|terminal| &terminal.id);
        ids.min_by_key(|id| standing(id)).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hospital() -> Facility {
        serde_json::from_value(
            json!({ "code": "1319912349", "name": "見本病院", "terminal": [
            { "id": "t1", "root": "/nowhere/t1" }, { "id": "t2", "root": "/nowhere/t2" } ] }),
        )
        .unwrap()
    }

    fn at(id: &str) -> Place {
        (hospital().code, id.to_owned())
    }

    fn chosen(terminals: &Terminals, seconds: i64) -> String {
        let now = Timestamp::from_second(seconds).unwrap();
        terminals.choose(&hospital(), None, now).unwrap()
    }

    #[test]
    fn a_terminal_that_does_not_answer_is_passed_over_until_it_does() {
        let terminals = Terminals::default();
        assert_eq!(chosen(&terminals, 0), "t1");
        terminals.told(at("t1"), Timestamp::from_second(0).unwrap());
        assert_eq!(chosen(&terminals, 60), "t1", "it has time to answer");
        assert_eq!(chosen(&terminals, 61), "t2");
        let now = Timestamp::from_second(70).unwrap();
        terminals.heard(at("t1"), None, now, now);
        assert_eq!(chosen(&terminals, 70), "t1");
    }

    #[test]
    fn silence_is_longer_by_as_much_as_words_are_late() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let terminals = Terminals::default();
        let job = InquiryId(uuid::Uuid::from_u128(1));
        let patience = Duration::from_secs(300);
        let silent = |now| terminals.is_job_silent(job, second(0), patience, second(now));
        assert!(!silent(300));
        assert!(silent(301));
        // Another terminal's word took 200 s through the spool: this job's may be behind it.
        terminals.heard(at("t2"), None, second(101), second(301));
        assert!(!silent(500));
        assert!(silent(501));
        terminals.heard(at("t2"), None, second(501), second(501));
        assert!(silent(501), "what is said now arrives now");
        terminals.heard(at("t1"), Some(job), second(502), second(502));
        assert!(!silent(802));
        // A day in a spool, or a wrong clock.
        terminals.heard(at("t2"), None, second(-86_400), second(803));
        assert!(!silent(802 + 3600));
        assert!(silent(803 + 3600));
        // A clock that goes before ours.
        terminals.heard(at("t2"), None, second(9_999), second(803));
        assert!(silent(803));
    }

    #[test]
    fn a_terminal_that_left_a_request_unanswered_is_passed_over_until_it_is_heard_again() {
        let terminals = Terminals::default();
        let now = Timestamp::from_second(10).unwrap();
        terminals.heard(at("t1"), None, now, now);
        terminals.failed(at("t1"));
        assert_eq!(chosen(&terminals, 10), "t2");
        terminals.heard(at("t1"), None, now, now);
        assert_eq!(chosen(&terminals, 10), "t1");
    }

    #[test]
    fn jobs_are_spread() {
        let terminals = Terminals::default();
        let hospital = hospital();
        let job = InquiryId(uuid::Uuid::from_u128(1));
        terminals.under_way([(job, &hospital.code, "t1")].into_iter());
        assert_eq!(chosen(&terminals, 0), "t2");
        terminals.under_way(std::iter::empty());
        assert_eq!(chosen(&terminals, 0), "t1");
    }
}
