//! The inquiries of one terminal: journal, folders and what the hub is told, in one place.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shikaku_kit::outcome::{Adapter, Outcome};
use shikaku_kit::spool::{Spool, SpoolError};
use shikaku_schemas::clock::Clock;
use shikaku_schemas::oqs::{Message, Refusal};
use shikaku_schemas::task::Task;
use shikaku_schemas::value::{FacilityCode, InquiryId};

use super::told::News;
use super::{
    Encrypted, Folders, Followed, Forwarded, Journal, Request, Step, Submission, clean_up, follow,
    letter, recover, submit, sweep,
};
use crate::health::Pulse;

const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The inquiries of one terminal.
pub(crate) struct Inquiries {
    pub(crate) facility: FacilityCode,
    pub(crate) terminal: String,
    pub(crate) folders: Folders,
    pub(crate) encrypted: Encrypted,
    pub(crate) spool: Arc<Spool>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Mutex<Journal>,
    /// How long an answer that lies in `res/` at the deadline may take to become whole.
    pub(crate) answer_patience: SignedDuration,
    /// What requests and answers tell of the terminal.
    pub(crate) pulse: Pulse,
    /// Whether what an earlier run left in `req/` is gone.
    pub(crate) is_swept: AtomicBool,
}

/// What an answer makes of its inquiry, once it is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// All that was asked for is here.
    Answered,
    /// The centre took the job, under this 受付番号.
    Accepted(String),
    /// The centre refused.
    Rejected,
    /// The centre does not know the 受付番号 any more.
    Lapsed,
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
        match submit(
            &mut journal,
            &self.folders,
            &self.encrypted,
            task,
            self.clock.now(),
        )? {
            Submission::Later(reason) => return Ok(later(reason)),
            Submission::Journalled => {}
        }
        let Some(request) = journal.get(task.inquiry) else {
            return Ok(later("own-disk"));
        };
        if request.step == Step::Refused {
            // Written anew to hear the reason, which names element and place alone.
            let message = letter::write(task).err().map(|error| error.to_string());
            let refusal = Refusal {
                code: Some("request-not-writable".to_owned()),
                message,
            };
            self.say(request, News::Refused(refusal))?;
            return Ok(Outcome::Reject {
                reason: "request-not-writable",
            });
        }
        self.tell(request, request.step)?;
        Ok(Outcome::Done)
    }

    /// Settles what an earlier run left between intent and outcome.
    pub(crate) fn recover(&self) -> Result<(), StepError> {
        let mut journal = self.journal();
        for found in recover(&journal, &self.folders)? {
            self.keep(&mut journal, &found)?;
        }
        self.sweep(&journal);
        Ok(())
    }

    /// Once after each start, as soon as the folder can be looked at: a left-over names a patient.
    fn sweep(&self, journal: &Journal) {
        if !self.is_swept.load(Ordering::Relaxed) {
            let swept = sweep(journal, &self.folders).is_ok();
            self.is_swept.store(swept, Ordering::Relaxed);
        }
    }

    /// Settles requests whose deadline has passed.
    pub(crate) fn follow(&self) -> Result<(), StepError> {
        let mut journal = self.journal();
        self.folders.remove_what_is_left();
        self.sweep(&journal);
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

    /// The program that a file of that name in `res/` goes back to.
    pub(crate) fn goes_back_to(&self, name: &str) -> Option<Forwarded> {
        self.journal().goes_back_to(name)
    }

    /// What the journal knows of an inquiry.
    pub(crate) fn get(&self, inquiry: InquiryId) -> Option<Request> {
        self.journal().get(inquiry).cloned()
    }

    /// An answer of `inquiry` is safe in the spool, and this is what it makes of the inquiry. Safe to repeat.
    pub(crate) fn took(&self, inquiry: InquiryId, effect: Effect) -> io::Result<()> {
        let mut journal = self.journal();
        let Some(mut request) = journal.get(inquiry).cloned() else {
            self.pulse.answered(self.clock.now(), None);
            return Ok(());
        };
        let sent = (request.step == Step::Submitted).then_some(request.at);
        self.pulse.answered(self.clock.now(), sent);
        let step = match effect {
            Effect::Accepted(_) if request.reception_number.is_some() => return Ok(()),
            Effect::Accepted(number) => {
                request.reception_number = Some(number);
                Step::Accepted
            }
            Effect::Answered => Step::Answered,
            Effect::Rejected => Step::Rejected,
            Effect::Lapsed => Step::Lapsed,
        };
        if request.step == step || request.step == Step::Answered {
            return Ok(());
        }
        self.note(&mut journal, request, step)
    }

    /// How many requests await their first answer, and how many jobs their result.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let journal = self.journal();
        (journal.open_requests().len(), journal.running_jobs().len())
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
        if found.step.is_settled() {
            self.pulse.unanswered();
            self.count("shikaku_terminal_requests_unanswered_total");
        }
        if let Some(file) = &found.request.file {
            clean_up(&self.folders, file);
        }
        Ok(())
    }

    pub(crate) fn note(
        &self,
        journal: &mut Journal,
        request: Request,
        step: Step,
    ) -> io::Result<()> {
        journal.note(Request {
            step,
            at: self.clock.now(),
            ..request
        })
    }

    pub(crate) fn tell(&self, request: &Request, step: Step) -> Result<(), SpoolError> {
        // Of a function that we do not know there is nothing to tell.
        let named = request.file.as_deref();
        if named.is_some_and(|file| Message::recognise(file, b"").is_none()) {
            return Ok(());
        }
        let news = match step {
            Step::Submitted | Step::Intent => News::Submitted,
            Step::TimedOut => News::TimedOut,
            Step::Uncertain => News::Uncertain,
            // Told with more than a step: see `News`.
            Step::Refused | Step::Accepted | Step::Rejected | Step::Lapsed => return Ok(()),
            Step::Answered | Step::Dropped => return Ok(()),
        };
        self.say(request, news)
    }

    /// Makes sure that the hub will hear of a step.
    pub(crate) fn say(&self, request: &Request, news: News) -> Result<(), SpoolError> {
        self.spool.append(vec![self.news(request, news)]).map(drop)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
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
        let disk = inquiries.folders.disk.clone();
        shikaku_disk::off_thread(&*disk, move || inquiries.take(&task))
            .await
            .unwrap_or(Outcome::Unknown {
                reason: "adapter-failed",
            })
    }
}
