//! The intent journal: one JSON line per step, each synced. It holds ids and our own file names, nothing
//! personal.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use shikaku_disk::{Disk, DiskFile, How, read};
use shikaku_schemas::oqs::file::answer_base;
use shikaku_schemas::value::{InquiryId, jst_day};

use super::asked::Asked;
use super::forwarded::Forwarded;
use super::is_temporary;

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
    /// The centre took a job; its result is asked for again and again.
    Accepted,
    /// An answer is safe in the spool; of a job, all of its result.
    Answered,
    /// The centre refused it, or its result.
    Rejected,
    /// The centre does not know its 受付番号 any more.
    Lapsed,
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
        !self.awaits_first_answer() && self != Self::Accepted
    }

    /// Whether its first request has no answer yet, and its deadline counts.
    pub(crate) fn awaits_first_answer(self) -> bool {
        matches!(self, Self::Intent | Self::Submitted)
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) inquiry: InquiryId,
    pub(crate) step: Step,
    /// The name of its latest file; none when there is none yet.
    pub(crate) file: Option<String>,
    pub(crate) deadline: Timestamp,
    /// When this step was taken.
    pub(crate) at: Timestamp,
    /// What is asked.
    #[serde(default)]
    pub(crate) asked: Asked,
    /// 受付番号 of a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reception_number: Option<String>,
    /// How often its result was asked for.
    #[serde(default)]
    pub(crate) polls: u32,
    /// The program that made it; none: the hub did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) forwarded: Option<Forwarded>,
}

/// The journal of one terminal.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    /// Where the last whole line ends, while a torn one behind it could not be cut off yet.
    torn_at: Option<u64>,
    requests: BTreeMap<InquiryId, Request>,
    /// Lower-case base name of the answer, to the inquiry; superseded names stay known.
    by_answer: HashMap<String, InquiryId>,
    names: HashSet<String>,
    /// Lower-case base name of the answer, to the program it goes back to.
    back: HashMap<String, Forwarded>,
    /// Marks of programs' requests, to their inquiry.
    marks: HashMap<String, InquiryId>,
}

impl Journal {
    /// Opens the journal, cuts a torn last line, forgets what is long settled.
    pub(crate) fn open(disk: &Arc<dyn Disk>, directory: &Path, now: Timestamp) -> io::Result<Self> {
        let path = directory.join("requests.jsonl");
        let stored = read(&**disk, &path)?.unwrap_or_default();
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
            .filter(|step| {
                let waits = step.forwarded.is_none() && !open[&step.inquiry].is_settled();
                step.at >= oldest || waits
            })
            .collect();
        let fresh = path.with_extension("new");
        let file = disk.open(&fresh, How::Fresh)?;
        for step in &kept {
            file.append(&line(step)?)?;
        }
        file.sync()?;
        disk.rename(&fresh, &path)?;
        disk.sync_directory(directory)?;
        let mut journal = Self {
            file: disk.open(&path, How::Append)?,
            disk: disk.clone(),
            path,
            torn_at: None,
            requests: BTreeMap::new(),
            by_answer: HashMap::new(),
            names: HashSet::new(),
            back: HashMap::new(),
            marks: HashMap::new(),
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
        self.by_answer.get(&base(name)).copied()
    }

    /// The program that a file of that name in `res/` goes back to.
    pub(crate) fn goes_back_to(&self, name: &str) -> Option<Forwarded> {
        self.back.get(&base(name)).cloned()
    }

    /// The inquiry that a program's request of that mark became; `None` when it surely was not sent.
    pub(crate) fn forwarded_as(&self, mark: &str) -> Option<InquiryId> {
        let inquiry = self.marks.get(mark)?;
        let step = self.get(*inquiry)?.step;
        (step != Step::Dropped).then_some(*inquiry)
    }

    /// The job that a program began here, by its 受付番号.
    pub(crate) fn job_of(&self, program: &str, reception_number: &str) -> Option<&Request> {
        self.requests.values().find(|request| {
            let of_program = request.forwarded.as_ref();
            of_program.is_some_and(|forwarded| forwarded.program == program)
                && request.reception_number.as_deref() == Some(reception_number)
        })
    }

    /// Whether `file` is a request of ours that nobody waits for any more.
    pub(crate) fn is_settled(&self, file: &str) -> bool {
        self.names.contains(file)
            && !self
                .requests
                .values()
                .any(|request| request.file.as_deref() == Some(file) && !request.step.is_settled())
    }

    /// Whether `file` was the last that its request wrote, and that is settled. A program's earlier asking after a job is
    /// none: it may still be taken and answered.
    pub(crate) fn is_over(&self, file: &str) -> bool {
        let mut requests = self.requests.values();
        let is_last = requests.any(|request| request.file.as_deref() == Some(file));
        is_last && self.is_settled(file)
    }

    /// Requests whose first answer somebody waits for.
    pub(crate) fn open_requests(&self) -> Vec<Request> {
        self.all(|request| request.step.awaits_first_answer())
    }

    /// Jobs of ours whose result is still to come; programs ask after theirs themselves.
    pub(crate) fn running_jobs(&self) -> Vec<Request> {
        self.all(|request| request.step == Step::Accepted && request.forwarded.is_none())
    }

    /// Whether there ever was a job. Of one that a program packed under its own password, only its asking is known.
    pub(crate) fn has_jobs(&self) -> bool {
        let mut requests = self.requests.values();
        requests.any(|request| request.reception_number.is_some() || request.polls > 0)
    }

    fn all(&self, wanted: impl Fn(&Request) -> bool) -> Vec<Request> {
        let found = self.requests.values().filter(|request| wanted(request));
        found.cloned().collect()
    }

    /// Notes a step; durable when this returns.
    pub(crate) fn note(&mut self, request: Request) -> io::Result<()> {
        let line = line(&request)?;
        if let Some(whole) = self.torn_at {
            self.file.set_len(whole)?;
            self.torn_at = None;
        }
        let before = self.file.length()?;
        let written = self.file.append(&line).and_then(|()| self.file.sync());
        if let Err(error) = written {
            // Half a line would swallow the next one, and with it a request that was sent.
            if self.file.set_len(before).is_err() {
                self.torn_at = Some(before);
            }
            self.file = self.disk.open(&self.path, How::Append)?;
            return Err(error);
        }
        self.apply(request);
        Ok(())
    }

    /// A name that was never used, and whose answer is not there already (that one would be somebody else's);
    /// `None` when the day has no more. It begins with `prefix` and ends with a dot and `extension`. Answers are told
    /// apart by what stands between the two, whatever the case: so a name is used up with all its extensions.
    pub(crate) fn next_name(
        &self,
        now: Timestamp,
        (prefix, extension): (&str, &str),
        present: &[String],
    ) -> Option<String> {
        let day = jst_day(now).strftime("%Y%m%d").to_string();
        // A left-over of ours is of a name that nobody saw: taken again, it goes. Another program's `.tmp` takes its name.
        let seen = present.iter().filter(|name| !is_temporary(name));
        let present: HashSet<String> = seen.map(|name| base(name)).collect();
        let is_taken = |name: &str| {
            let answer = answer_base(name).map(|answer| answer.to_ascii_lowercase());
            let has_answer = |it| present.contains(it) || self.by_answer.contains_key(it);
            present.contains(&base(name)) || answer.as_ref().is_some_and(has_answer)
        };
        (FIRST_OF_DAY..=LAST_OF_DAY)
            .chain(1..FIRST_OF_DAY)
            .map(|sequence| format!("{prefix}{day}{sequence:04}.{extension}"))
            .find(|name| !self.names.contains(name) && !is_taken(name))
    }

    fn apply(&mut self, request: Request) {
        if let Some(file) = &request.file {
            self.names.insert(file.clone());
            if let Some(base) = answer_base(file) {
                let base = base.to_ascii_lowercase();
                if let Some(forwarded) = &request.forwarded {
                    self.back.entry(base.clone()).or_insert(forwarded.clone());
                }
                self.by_answer.insert(base, request.inquiry);
            }
        }
        // An asking that was taken back: its program's file is not sent.
        if let Some(before) = self.requests.get(&request.inquiry)
            && let Some(asking) = &before.forwarded
            && request.polls < before.polls
        {
            self.marks.remove(&asking.mark);
        }
        if let Some(forwarded) = &request.forwarded {
            self.marks.insert(forwarded.mark.clone(), request.inquiry);
        }
        self.requests.insert(request.inquiry, request);
    }
}

fn base(name: &str) -> String {
    let base = name.rsplit_once('.').map_or(name, |(base, _)| base);
    base.to_ascii_lowercase()
}

fn line(request: &Request) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use shikaku_disk::{Stat, SystemDisk};
    use uuid::Uuid;

    use super::*;

    /// A file of a disk that takes half a line and then nothing more, not even its cutting off.
    #[derive(Debug)]
    struct Torn(Arc<dyn DiskFile>);

    impl DiskFile for Torn {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.0.read_at(buffer, offset)
        }

        fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            self.0.write_at(bytes, offset)
        }

        fn append(&self, bytes: &[u8]) -> io::Result<()> {
            self.0.append(&bytes[..bytes.len() / 2])?;
            Err(io::Error::other("input/output error"))
        }

        fn set_len(&self, _: u64) -> io::Result<()> {
            Err(io::Error::other("input/output error"))
        }

        fn stat(&self) -> io::Result<Stat> {
            self.0.stat()
        }

        fn length(&self) -> io::Result<u64> {
            self.0.length()
        }

        fn sync(&self) -> io::Result<()> {
            self.0.sync()
        }
    }

    fn intent(n: u128, now: Timestamp) -> Request {
        Request {
            inquiry: InquiryId(Uuid::from_u128(n)),
            step: Step::Intent,
            file: Some(format!("OQSsiquc01req_2026051150{n:02}.xml")),
            deadline: now + SignedDuration::from_secs(60),
            at: now,
            asked: Asked::default(),
            reception_number: None,
            polls: 0,
            forwarded: None,
        }
    }

    #[test]
    fn what_is_noted_after_a_torn_line_is_known_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
        let now: Timestamp = "2026-05-11T05:00:00Z".parse().unwrap();
        let mut journal = Journal::open(&disk, folder.path(), now).unwrap();
        journal.note(intent(1, now)).unwrap();
        journal.file = Arc::new(Torn(journal.file.clone()));
        journal.note(intent(2, now)).unwrap_err();
        journal.note(intent(3, now)).unwrap();
        let again = Journal::open(&disk, folder.path(), now).unwrap();
        let known = |n| again.get(InquiryId(Uuid::from_u128(n))).is_some();
        assert_eq!([1, 2, 3].map(known), [true, false, true]);
    }

    #[test]
    fn a_name_is_used_up_with_all_its_extensions_whatever_the_case() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
        let now: Timestamp = "2026-05-11T05:00:00Z".parse().unwrap();
        let mut journal = Journal::open(&disk, folder.path(), now).unwrap();
        let (mut used, mut lying) = (Vec::new(), Vec::new());
        let names = [("OQSsiquc01req_", "XML"), ("oqsSIQUC01REQ_", "zip")];
        for (n, name) in (1..).zip(names.into_iter().cycle().take(6)) {
            let file = journal.next_name(now, name, &lying).unwrap();
            let answer = answer_base(&file).unwrap().to_ascii_lowercase();
            assert!(!used.contains(&answer), "{file}");
            used.push(answer);
            match n % 3 {
                // Only its left-over tells of it.
                0 => lying.push(
                    Path::new(&file)
                        .with_extension("withdrawn")
                        .display()
                        .to_string(),
                ),
                _ => journal
                    .note(Request {
                        file: Some(file),
                        ..intent(n, now)
                    })
                    .unwrap(),
            }
        }
    }
}
