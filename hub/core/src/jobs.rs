//! How far jobs have come, for whoever waits for them. Kept in memory only: a restart counts from zero.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use serde::{Deserialize, Serialize};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::InquiryId;

const KEPT: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// How far one job has come in this life of the hub.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    /// Units of its result, once the terminal has it.
    pub received: Option<u32>,
    /// Units committed.
    pub committed: u32,
    /// Of these, units that wait in an identity case.
    pub waiting: u32,
    /// Of these, units set aside with a reason.
    pub parked: u32,
}

/// The jobs that were heard of last. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Jobs(Arc<Mutex<LruCache<InquiryId, JobProgress>>>);

impl Default for Jobs {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(KEPT))))
    }
}

impl Jobs {
    /// How far a job has come.
    pub fn progress(&self, job: InquiryId) -> JobProgress {
        self.change(job, |_| {})
    }

    pub(crate) fn received(&self, job: InquiryId, units: Option<u32>) {
        self.change(job, |known| known.received = units.or(known.received));
    }

    pub(crate) fn committed(&self, job: InquiryId, outcome: CommitOutcome) {
        self.change(job, |known| {
            known.committed += 1;
            known.waiting += u32::from(outcome == CommitOutcome::Waiting);
            known.parked += u32::from(outcome == CommitOutcome::Parked);
        });
    }

    fn change(&self, job: InquiryId, change: impl FnOnce(&mut JobProgress)) -> JobProgress {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = jobs.get_or_insert_mut(job, JobProgress::default);
        change(known);
        *known
    }
}
