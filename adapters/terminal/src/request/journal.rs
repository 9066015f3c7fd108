//! The intent journal: one JSON line per step, each synced. It holds ids and our own file names, nothing
//! personal.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use shikaku_schemas::oqs::file::answer_base;
use shikaku_schemas::value::{InquiryId, jst_day};

/// Settled requests are remembered this long, for late answers.
const REMEMBER_DAYS: i64 = 35;
/// Programs that share the folder count from 0001: begin elsewhere, so that names hardly ever meet.
const FIRST_OF_DAY: u32 = 5001;
const LAST_OF_DAY: u32 = 9999;

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// About to become visible.
    Intent,
    /// It lies, or lay, in `req/`.
    Submitted,
    /// An answer is safe in the spool.
    Answered,
    /// Never taken, and withdrawn.
    TimedOut,
    /// Perhaps taken; nothing came.
    Uncertain,
    /// It surely never became visible; the task may be tried anew.
    Dropped,
    /// It can never be written.
    Refused,
}

impl Step {
    /// Whether nobody waits for it any more.
    pub(crate) fn is_settled(self) -> bool {
        !matches!(self, Self::Intent | Self::Submitted)
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) inquiry: InquiryId,
    pub(crate) step: Step,
    /// Its file name; none for one that was never written.
    pub(crate) file: Option<String>,
    pub(crate) deadline: Timestamp,
    /// When this step was taken.
    pub(crate) at: Timestamp,
}

/// The journal of one terminal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    requests: HashMap<InquiryId, Request>,
    /// Lower-case base name of the answer, to the inquiry; superseded names stay known.
    by_answer: HashMap<String, InquiryId>,
    names: HashSet<String>,
}

impl Journal {
    /// Opens the journal, cuts a torn last line, forgets what is long settled.
    pub(crate) fn open(directory: &Path, now: Timestamp) -> io::Result<Self> {
        let path = directory.join("requests.jsonl");
        let stored = match std::fs::read(&path) {
            Ok(stored) => stored,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let oldest = now
            .checked_sub((REMEMBER_DAYS * 24).hours())
            .unwrap_or(Timestamp::MIN);
        let steps: Vec<Request> = stored
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| line.ends_with(b"\n"))
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let open: HashMap<InquiryId, Step> =
            steps.iter().map(|step| (step.inquiry, step.step)).collect();
        let kept: Vec<&Request> = steps
            .iter()
            .filter(|step| step.at >= oldest || !open[&step.inquiry].is_settled())
            .collect();
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        for step in &kept {
            file.write_all(&line(step)?)?;
        }
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        crate::folder::sync_folder(directory);
        let mut journal = Self {
            file: OpenOptions::new().append(true).open(&path)?,
            path,
            requests: HashMap::new(),
            by_answer: HashMap::new(),
            names: HashSet::new(),
        };
        for step in kept {
            journal.apply(step.clone());
        }
        Ok(journal)
    }

    pub(crate) fn get(&self, inquiry: InquiryId) -> Option<&Request> {
        self.requests.get(&inquiry)
    }

    /// The inquiry that a file of that name in `res/` answers, however late.
    pub(crate) fn answered_by(&self, name: &str) -> Option<InquiryId> {
        let base = name.rsplit_once('.').map_or(name, |(base, _)| base);
        self.by_answer.get(&base.to_ascii_lowercase()).copied()
    }

    /// Whether `file` is a request of ours that nobody waits for any more.
    pub(crate) fn is_settled(&self, file: &str) -> bool {
        self.names.contains(file)
            && !self
                .requests
                .values()
                .any(|request| request.file.as_deref() == Some(file) && !request.step.is_settled())
    }

    /// Requests that somebody waits for.
    pub(crate) fn open_requests(&self) -> Vec<Request> {
        self.requests
            .values()
            .filter(|request| !request.step.is_settled())
            .cloned()
            .collect()
    }

    /// Notes a step; durable when this returns.
    pub(crate) fn note(&mut self, request: Request) -> io::Result<()> {
        let line = line(&request)?;
        let before = self.file.metadata()?.len();
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line would swallow the next one.
            let _ = self.file.set_len(before);
            self.file = OpenOptions::new().append(true).open(&self.path)?;
            return Err(error);
        }
        self.apply(request);
        Ok(())
    }

    /// A name that was never used; `None` when the day has no more.
    pub(crate) fn next_name(
        &self,
        now: Timestamp,
        name: impl Fn(jiff::civil::Date, u32) -> Option<String>,
        taken: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let day = jst_day(now);
        (FIRST_OF_DAY..=LAST_OF_DAY)
            .chain(1..FIRST_OF_DAY)
            .filter_map(|sequence| name(day, sequence))
            .find(|name| !self.names.contains(name) && !taken(name))
    }

    fn apply(&mut self, request: Request) {
        if let Some(file) = &request.file {
            self.names.insert(file.clone());
            if let Some(base) = answer_base(file) {
                self.by_answer
                    .insert(base.to_ascii_lowercase(), request.inquiry);
            }
        }
        self.requests.insert(request.inquiry, request);
    }
}

fn line(request: &Request) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    Ok(line)
}
