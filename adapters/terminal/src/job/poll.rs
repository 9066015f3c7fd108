//! Asking for the results of jobs: each time under a new name, as often as it takes.

use std::io;

use jiff::{SignedDuration, Timestamp};
use shikaku_schemas::oqs::job::Poll;
use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::oqs::{Message, Refusal, Request as _};
use shikaku_schemas::value::InquiryId;

use super::is_result;
use crate::folder::sync_folder;
use crate::request::{
    Inquiries, Journal, News, Request, Sheet, Step, StepError, make_visible, prepare, present,
};

/// No 受付番号 is known to live so long.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Inquiries {
    /// Asks for the result of each job whose turn it is. While an asking still lies in `req/`, or an answer in
    /// `res/`, there is no other.
    pub(super) fn poll(&self, pace: impl Fn(InquiryId) -> SignedDuration) -> Result<(), StepError> {
        let mut journal = self.journal();
        let now = self.clock.now();
        let mut due = journal.running_jobs();
        due.retain(|job| is_due(job, now, pace(job.inquiry)));
        if due.is_empty() {
            return Ok(());
        }
        let Ok(present) = present(&self.folders) else {
            return Ok(());
        };
        for job in due {
            if now.duration_since(job.deadline) > GIVE_UP {
                self.say(&job, News::Lapsed(Refusal::default()))?;
                self.note(&mut journal, job, Step::Lapsed)?;
            } else if !is_pending(&journal, &job, &present) {
                self.ask(&mut journal, &job, now)?;
            }
        }
        Ok(())
    }

    /// Whether there ever was a job here: only then may results come.
    pub(super) fn has_jobs(&self) -> bool {
        self.journal().has_jobs()
    }

    fn ask(&self, journal: &mut Journal, job: &Request, now: Timestamp) -> io::Result<()> {
        let poll = Poll {
            institution_code: self.facility.as_str().to_owned(),
            reception_number: job.reception_number.clone().unwrap_or_default(),
        };
        let bytes = match poll.write(Encoding::Cp932) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(error = %error, inquiry.id = %job.inquiry, "a 受付番号 can't be asked after");
                return Ok(());
            }
        };
        let message = Message::poll(job.asked.family);
        let sheet = Sheet {
            name: (&message.prefix(), message.form.extension()),
            bytes: &bytes,
            password: self.encrypted.password(message.family),
        };
        self.ask_after(journal, job.clone(), sheet, now).map(drop)
    }

    /// Puts an asking into `req/`, noted before it is visible; `false` when nothing was asked.
    pub(crate) fn ask_after(
        &self,
        journal: &mut Journal,
        job: Request,
        sheet: Sheet<'_>,
        now: Timestamp,
    ) -> io::Result<bool> {
        let Ok(file) = prepare(journal, &self.folders, sheet, now) else {
            return Ok(false);
        };
        let before = journal.get(job.inquiry).cloned();
        let asked = Request {
            file: Some(file.clone()),
            polls: job.polls + 1,
            ..job.clone()
        };
        let disk = &*self.folders.disk;
        let temporary = self.folders.temporary(&file);
        if let Err(error) = self.note(journal, asked.clone(), Step::Accepted) {
            self.folders.remove_left(&temporary);
            return Err(error);
        }
        match make_visible(disk, &temporary, &self.folders.request(&file)) {
            Ok(()) => sync_folder(disk, &self.folders.req),
            // A program asks by itself, and this once: the job is as before, and its file is tried again.
            Err(_) if job.forwarded.is_some() && disk.remove_file(&temporary).is_ok() => {
                let dropped = Request {
                    step: Step::Dropped,
                    polls: job.polls,
                    ..asked
                };
                let before = before.unwrap_or(dropped);
                let step = before.step;
                self.note(journal, before, step)?;
                return Ok(false);
            }
            // The name is used up; the next asking has another.
            Err(_) => self.folders.remove_left(&temporary),
        }
        Ok(true)
    }
}

/// A job taken over from another terminal was never asked after here: its turn is at once. So it is after a clock that
/// was ahead: nobody knows how long ago the last asking was.
fn is_due(job: &Request, now: Timestamp, pace: SignedDuration) -> bool {
    job.file.is_none() || now < job.at || now.duration_since(job.at) >= pace
}

fn is_pending(journal: &Journal, job: &Request, present: &[String]) -> bool {
    present.iter().any(|name| {
        let lies_in_req = job.file.as_deref() == Some(name);
        lies_in_req || (is_result(name) && journal.answered_by(name) == Some(job.inquiry))
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::request::Asked;

    #[test]
    fn a_job_noted_by_a_clock_that_was_ahead_is_asked_after_at_once() {
        let at: Timestamp = "2026-05-11T05:00:00Z".parse().unwrap();
        let job = Request {
            inquiry: InquiryId(Uuid::from_u128(1)),
            step: Step::Accepted,
            file: Some("OQSmutic02req_202605115001.xml".to_owned()),
            deadline: at,
            at,
            asked: Asked::default(),
            reception_number: None,
            polls: 1,
            forwarded: None,
        };
        let pace = SignedDuration::from_secs(60);
        let is_due_after = |seconds| is_due(&job, at + SignedDuration::from_secs(seconds), pace);
        let due = [-86_400, -1, 0, 59, 60].map(is_due_after);
        assert_eq!(due, [true, true, false, false, true]);
    }
}
