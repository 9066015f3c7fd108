//! Files set aside that somebody wants read again.

use shikaku_schemas::observation::OqsFolder;
use tokio::time::Instant;

use super::conclude::{End, place_word};
use super::{Desk, RETRIES_EVERY};
use crate::decode::{Fault, Verdict, judge};
use crate::quarantine::QuarantinedFile;

impl Desk {
    /// Takes up every wish there is, now and then.
    pub(super) fn read_retries(&mut self) {
        let now = Instant::now();
        if now < self.next_retries {
            return;
        }
        self.next_retries = now + RETRIES_EVERY;
        let wanted = match self.quarantine.retries() {
            Ok(wanted) => wanted,
            Err(error) => {
                tracing::warn!(error = %error, "wishes to read files again can't be read");
                return;
            }
        };
        for what in wanted {
            if let Err(error) = self.read_again(what) {
                tracing::warn!(error = %error, "a file set aside could not be read again");
            }
        }
    }

    fn read_again(&self, mut what: QuarantinedFile) -> std::io::Result<()> {
        let Some(content) = self.quarantine.open_content(what.id) else {
            return self.quarantine.forget_wish(what.id);
        };
        let folder = match what.folder.as_str() {
            "res" => OqsFolder::Res,
            _ => OqsFolder::Face,
        };
        what.inquiry = what
            .inquiry
            .filter(|&inquiry| self.names_no_other(inquiry, &content.bytes));
        let asked = self.asked(what.inquiry);
        let place = self.place(folder, what.inquiry, &asked);
        let verdict = match what.is_whole() {
            true => judge(&content.name, &content.bytes, place),
            false => Verdict::Broken(Fault::too_large()),
        };
        let end = match (verdict, what.inquiry) {
            (Verdict::Answer(answer), _) => {
                self.event(&place_word(folder, what.inquiry), &content.bytes, *answer)
            }
            (Verdict::Job(answer), Some(inquiry)) => self.job_begun(inquiry, answer),
            (Verdict::Job(_), None) => End::Duplicate,
            (Verdict::Broken(fault) | Verdict::Unfinished(fault), _) => End::Quarantined(fault),
        };
        match end {
            End::Event(Some(mut entry), effect) => {
                if entry.observation.evidence.is_some() && entry.evidence.is_none() {
                    entry.evidence = Some(content.bytes);
                }
                self.spool
                    .append(vec![*entry])
                    .map_err(std::io::Error::other)?;
                self.note_answer(what.inquiry, effect)?;
                self.quarantine.release(what.id)
            }
            End::Quarantined(fault) => {
                what.reason = fault.reason.to_owned();
                what.message = fault.message;
                self.quarantine.keep_again(&what, &content)
            }
            End::Event(None, _) | End::Duplicate => Ok(()),
        }
    }
}
