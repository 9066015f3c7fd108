//! Answers of ours that another program took or renamed before we had read them.
//!
//! Any host may write into `res/`. What is taken there is lost for us: a single request is uncertain from then on (its
//! answer may come once more, or a person looks), a job is simply asked after again.

use std::ffi::OsString;

use shikaku_schemas::oqs::Message;
use shikaku_schemas::oqs::file::answer_base;

use super::{Inquiries, News, Request, Step};
use crate::folder::Scanned;

impl Inquiries {
    /// Looks at what a scan of `res/` missed and met.
    pub(crate) fn look_for_thieves(&self, scanned: &Scanned) {
        for name in &scanned.vanished {
            self.vanished(name);
        }
        for name in &scanned.foreign {
            self.renamed(name);
        }
    }

    /// A file of `res/` went away before it was read to its end.
    pub(crate) fn vanished(&self, name: &OsString) {
        let name = name.to_string_lossy();
        if self.lies_there(&name) {
            return;
        }
        let inquiry = self.answered_by(&name);
        let Some(request) = inquiry.and_then(|inquiry| self.get(inquiry)) else {
            return;
        };
        // We removed it ourselves, and a slow listing showed it once more.
        if matches!(request.step, Step::Answered | Step::Rejected | Step::Lapsed) {
            return;
        }
        self.count("shikaku_terminal_answers_vanished_total");
        tracing::warn!(inquiry.id = %request.inquiry, terminal.id = self.terminal,
            "an answer vanished from res before it was read: another program takes files there, or the terminal tidies \
             them away too soon (ResponseFileStayTime) / 応答が読み取り前に消えました。他のプログラムか ResponseFileStayTime を確かめてください");
        self.is_uncertain(request);
    }

    /// A file that is nobody's bears the unique part of an answer that we wait for.
    fn renamed(&self, name: &OsString) {
        let name = name.to_string_lossy();
        let waiting = self.journal().open_requests();
        let Some(request) = waiting
            .into_iter()
            .find(|request| is_renamed(request, &name))
        else {
            return;
        };
        self.count("shikaku_terminal_answers_renamed_total");
        tracing::warn!(inquiry.id = %request.inquiry, terminal.id = self.terminal,
            "another program gave an answer of ours another name, and has it now / 他のプログラムが応答の名前を変えました");
        self.is_uncertain(request);
    }

    /// Whether the answer has only got its final name, or another extension.
    fn lies_there(&self, name: &str) -> bool {
        let base = |name: &str| {
            let base = name.rsplit_once('.').map_or(name, |(base, _)| base);
            base.to_ascii_lowercase()
        };
        let wanted = base(name);
        // A folder that can't be listed now tells nothing of thieves.
        let listed = self.folders.disk.list(&self.folders.res);
        listed.map_or(true, |found| {
            let mut names = found.iter().filter_map(|path| path.file_name());
            names.any(|found| base(&found.to_string_lossy()) == wanted)
        })
    }

    fn is_uncertain(&self, request: Request) {
        if !request.step.awaits_first_answer() {
            return;
        }
        let kept = self.say(&request, News::Uncertain).map_err(Into::into);
        let kept = kept.and_then(|()| {
            let mut journal = self.journal();
            self.note(&mut journal, request, Step::Uncertain)
                .map_err(super::StepError::from)
        });
        if let Err(error) = kept {
            // Its deadline says the same again.
            tracing::warn!(error = %error, "a lost answer could not be noted yet");
        }
    }

    pub(super) fn count(&self, name: &'static str) {
        metrics::counter!(name,
            "facility" => self.facility.as_str().to_owned(), "terminal" => self.terminal.clone())
        .increment(1);
    }
}

/// Whether a name holds the whole of our answer's, or its digits in a name that is none of the interface's. Digits
/// alone prove nothing: another program's answer to another function may bear the same.
fn is_renamed(request: &Request, name: &str) -> bool {
    let Some(base) = request.file.as_deref().and_then(answer_base) else {
        return false;
    };
    let digits = base.split_once('_').map(|(_, digits)| digits);
    let (name, base) = (name.to_ascii_lowercase(), base.to_ascii_lowercase());
    name.contains(&base)
        || (Message::recognise(&name, b"").is_none()
            && digits.is_some_and(|digits| name.contains(digits)))
}
