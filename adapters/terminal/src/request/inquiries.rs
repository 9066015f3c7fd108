//! The inquiries of one terminal: journal, folders and what the hub is told, in one place.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shikaku_kit::outcome::{Adapter, Outcome};
use shikaku_kit::spool::{Entry, Spool, SpoolError};
use shikaku_schemas::clock::Clock;
use shikaku_schemas::observation::{InquiryProgress, Observation, ObservationBody, Progress};
use shikaku_schemas::task::Task;
use shikaku_schemas::value::{FacilityCode, InquiryId, ObservationId};

use super::{
    Folders, Followed, Journal, Request, Step, Submission, clean_up, follow, recover, submit, sweep,
};

const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The inquiries of one terminal.
pub(crate) struct Inquiries {
    pub(crate) facility: FacilityCode,
    pub(crate) terminal: String,
    pub(crate) folders: Folders,
    pub(crate) spool: Arc<Spool>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Mutex<Journal>,
    /// How long an answer that lies in `res/` at the deadline may take to become whole.
    pub(crate) answer_patience: SignedDuration,
}

/// Why a step could not be kept. It is taken again later.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("the journal of requests can't be written")]
    Journal(#[from] io::Error),
    #[error("the spool did not take what became of a request")]
    Spool(#[from] SpoolError),
}

impl Inquiries {
    /// Carries out one task; blocks on the folders.
    pub(crate) fn take(&self, task: &Task) -> Outcome {
        if task.facility != self.facility || task.device != self.terminal {
            return Outcome::Reject {
                reason: "task-of-another-device",
            };
        }
        match self.try_take(task) {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::warn!(error = %error, inquiry.id = %task.inquiry, "a task is kept for later");
                later("own-disk")
            }
        }
    }

    fn try_take(&self, task: &Task) -> Result<Outcome, StepError> {
        let mut journal = self.journal();
        match submit(&mut journal, &self.folders, task, self.clock.now())? {
            Submission::Later(reason) => return Ok(later(reason)),
            Submission::Journalled => {}
        }
        let Some(request) = journal.get(task.inquiry) else {
            return Ok(later("own-disk"));
        };
        self.tell(request, request.step)?;
        Ok(match request.step {
            Step::Refused => Outcome::Reject {
                reason: "request-not-writable",
            },
            _ => Outcome::Done,
        })
    }

    /// Settles what an earlier run left between intent and outcome.
    pub(crate) fn recover(&self) -> Result<(), StepError> {
        let mut journal = self.journal();
        for found in recover(&journal, &self.folders) {
            self.keep(&mut journal, &found)?;
        }
        // Left-overs harm nobody, and the folder may be away.
        let _ = sweep(&journal, &self.folders);
        Ok(())
    }

    /// Settles requests whose deadline has passed.
    pub(crate) fn follow(&self) -> Result<(), StepError> {
        let mut journal = self.journal();
        let now = self.clock.now();
        for found in follow(&journal, &self.folders, now, self.answer_patience) {
            self.keep(&mut journal, &found)?;
        }
        Ok(())
    }

    /// Whose answer a file in `res/` is.
    pub(crate) fn answered_by(&self, name: &str) -> Option<InquiryId> {
        self.journal().answered_by(name)
    }

    /// An answer of `inquiry` is safe in the spool.
    pub(crate) fn answered(&self, inquiry: InquiryId) -> io::Result<()> {
        let mut journal = self.journal();
        match journal.get(inquiry).cloned() {
            Some(request) if request.step != Step::Answered => {
                self.note(&mut journal, request, Step::Answered)
            }
            _ => Ok(()),
        }
    }

    /// When the next deadline is, if one is open.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let open = self.journal().open_requests();
        open.into_iter().map(|request| request.deadline).min()
    }

    /// The hub is told first: a crash in between only tells it twice.
    fn keep(&self, journal: &mut Journal, found: &Followed) -> Result<(), StepError> {
        tracing::info!(inquiry.id = %found.request.inquiry, step = ?found.step, "a request's fate is clear");
        self.tell(&found.request, found.step)?;
        self.note(journal, found.request.clone(), found.step)?;
        if let Some(file) = &found.request.file {
            clean_up(&self.folders, file);
        }
        Ok(())
    }

    fn note(&self, journal: &mut Journal, request: Request, step: Step) -> io::Result<()> {
        journal.note(Request {
            step,
            at: self.clock.now(),
            ..request
        })
    }

    fn tell(&self, request: &Request, step: Step) -> Result<(), SpoolError> {
        let (progress, fact) = match step {
            Step::Submitted | Step::Intent => (Progress::Submitted, "submitted"),
            Step::TimedOut => (Progress::TimedOut, "timed-out"),
            Step::Uncertain => (Progress::Uncertain, "uncertain"),
            Step::Refused => (Progress::Refused, "refused"),
            Step::Answered | Step::Dropped => return Ok(()),
        };
        let inquiry = request.inquiry;
        let observation = Observation {
            observation_id: ObservationId::of_fact(
                &self.facility,
                &self.terminal,
                &format!("inquiry-{inquiry}-{fact}"),
            ),
            facility: self.facility.clone(),
            source: "terminal".to_owned(),
            device: self.terminal.clone(),
            sequence: 0,
            seen_at: self.clock.now(),
            as_of: None,
            evidence: None,
            body: ObservationBody::InquiryProgress(InquiryProgress {
                inquiry,
                progress,
                file: request.file.clone(),
                reception_number: None,
                count: None,
                refusal: None,
            }),
        };
        let entry = Entry {
            observation,
            evidence: None,
        };
        self.spool.append(vec![entry]).map(drop)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn later(reason: &'static str) -> Outcome {
    Outcome::Retry {
        reason,
        after: RETRY_AFTER,
    }
}

/// The task loop's side; shares the inquiries with the folder pass.
pub(crate) struct Asking(pub(crate) Arc<Inquiries>);

impl Adapter for Asking {
    async fn handle(&self, task: Task) -> Outcome {
        let inquiries = self.0.clone();
        tokio::task::spawn_blocking(move || inquiries.take(&task))
            .await
            .unwrap_or(Outcome::Unknown {
                reason: "adapter-failed",
            })
    }
}
