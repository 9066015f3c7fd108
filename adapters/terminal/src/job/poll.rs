//! Asking for the results of jobs: each time under a new name, as often as it takes.

use std::io;

use jiff::{SignedDuration, Timestamp};
use shikaku_schemas::oqs::job::Poll;
use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::oqs::{Message, Refusal, Request as _};
use shikaku_schemas::value::InquiryId;

use super::is_result;
use crate::folder::sync_folder;
use crate::request::{Inquiries, Journal, News, Request, Sheet, Step, StepError, prepare, present};

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
        let asked = Request {
            file: Some(file.clone()),
            polls: job.polls + 1,
            ..job
        };
        let disk = &*self.folders.disk;
        let temporary = self.folders.temporary(&file);
        if let Err(error) = self.note(journal, asked, Step::Accepted) {
            self.folders.remove_left(&temporary);
            return Err(error);
        }
        match disk.rename_new(&temporary, &self.folders.request(&file)) {
            Ok(()) => sync_folder(disk, &self.folders.req),
            // The name is used up; the next asking has another.
            Err(_) => self.folders.remove_left(&temporary),
        }
        Ok(true)
    }
}

/// A job taken over from another terminal was never asked after here: its turn is at once.
fn is_due(job: &Request, now: Timestamp, pace: SignedDuration) -> bool {
    job.file.is_none() || now.duration_since(job.at) >= pace
}

fn is_pending(journal: &Journal, job: &Request, present: &[String]) -> bool {
    present.iter().any(|name| {
        let lies_in_req = job.file.as_deref() == Some(name);
        lies_in_req || (is_result(name) && journal.answered_by(name) == Some(job.inquiry))
    })
}
