//! The life of a job after the centre took it: its result is asked for again and again, and taken in when it comes.
//!
//! Its 受付番号 stands in the journal of requests; every asking has a name of its own there, before it is visible.
//! Asking repeats nothing that anybody could see as a visit, so an asking that stays without answer is simply
//! followed by the next. This runs beside the folder pass: a large result keeps no card waiting.
//!
//! Files: [`poll`] asks, [`standing`] tells when a result is stable, [`result`] opens it, [`intake`] takes it in.

mod intake;
mod poll;
mod result;
mod standing;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use shikaku_disk::Reader;
use shikaku_kit::spool::Spool;
use shikaku_schemas::oqs::{Message, Phase, Refusal, Verdict};
use shikaku_schemas::value::InquiryId;
use tokio_util::sync::CancellationToken;

use crate::config::TerminalOptions;
use crate::decode::{Fault, RES_BYTES, is_final};
use crate::ending::may_file_be_cut;
use crate::folder::{Signature, open_regular, remove_if_same, start_of};
use crate::forward::expected_name;
use crate::mirror::{Mirror, ProgramsAnswer};
use crate::quarantine::{Quarantine, QuarantinedFile, SetAside};
use crate::request::{Effect, Inquiries, News, Request, Step};
use crate::tally::{FileEnd, Tally};
use intake::{Intake, Stopped};
use result::ResultFile;
use standing::{Stable, Standings};

/// Bytes of a result that are kept when it can't be taken in.
const KEPT_BYTES: usize = RES_BYTES / 8;
/// Between two askings after results that could not be taken in, at most.
const SLOWEST: Duration = Duration::from_secs(3600);

/// Whether a file of that name is the result of a job.
pub(crate) fn is_result(name: &str) -> bool {
    Message::recognise(name, b"").is_some_and(|message| message.phase == Phase::Second)
}

/// The jobs of one terminal.
pub(crate) struct Jobs {
    options: TerminalOptions,
    spool: Arc<Spool>,
    inquiries: Arc<Inquiries>,
    quarantine: Quarantine,
    mirror: Mirror,
    tally: Tally,
    standings: Standings,
    /// How often in a row the result of a job could not be taken in.
    setbacks: HashMap<InquiryId, u32>,
    /// Programs' results that were given to them, as long as they lie there: their removal may be refused.
    given: HashMap<OsString, [u8; 32]>,
    stop: CancellationToken,
}

/// A result that may go back to a program.
struct ProgramsResult<'a> {
    name: &'a OsStr,
    path: &'a Path,
    signature: Signature,
    digest: [u8; 32],
    is_half: bool,
}

/// How a look at one result ended.
enum Ended {
    /// It is safe, or told, and the file may go. No effect: the centre still works on the job.
    Event(Option<Effect>),
    /// Another result of the same job was taken in before.
    Duplicate,
    /// It may still be written, or something of our own is away.
    NotYet,
    /// It can't be taken in.
    SetAside(Fault),
}

impl Jobs {
    pub(crate) fn new(
        options: &TerminalOptions,
        mirror: Mirror,
        spool: Arc<Spool>,
        inquiries: Arc<Inquiries>,
        quarantine: Quarantine,
        stop: CancellationToken,
    ) -> Self {
        Self {
            mirror,
            tally: Tally::new(options.facility.code.as_str(), &options.terminal.id),
            standings: Standings::new(&options.timing, &options.group_key),
            options: options.clone(),
            spool,
            inquiries,
            quarantine,
            setbacks: HashMap::new(),
            given: HashMap::new(),
            stop,
        }
    }

    /// Asks whose turn it is, and takes in what lies there. What goes wrong is met again in the next pass.
    pub(crate) fn pass(&mut self) -> Duration {
        let every = self.options.timing.bulk_poll;
        let setbacks = &self.setbacks;
        let pace = |inquiry: InquiryId| {
            let doublings = setbacks.get(&inquiry).copied().unwrap_or(0).min(16);
            let pace = every.saturating_mul(1 << doublings).min(SLOWEST.max(every));
            SignedDuration::try_from(pace).unwrap_or(SignedDuration::MAX)
        };
        if let Err(error) = self.inquiries.poll(pace) {
            tracing::warn!(error = %error, "the result of a job could not be asked for yet");
        }
        if self.inquiries.has_jobs() {
            self.look();
        }
        self.options.timing.scan
    }

    fn look(&mut self) {
        let folder = self.inquiries.folders.res.clone();
        let Ok(found) = self.options.disk.list(&folder) else {
            return;
        };
        let names = found.iter().filter_map(|path| path.file_name());
        let names: Vec<OsString> = names.map(OsStr::to_owned).collect();
        self.given.retain(|name, _| names.contains(name));
        for name in self.standings.retain(&names) {
            self.inquiries.vanished(&name);
        }
        for name in names {
            let text = name.to_string_lossy();
            if self.stop.is_cancelled() {
                return;
            }
            let job = self
                .inquiries
                .answered_by(&text)
                .filter(|_| is_result(&text));
            let Some(job) = job.and_then(|inquiry| self.inquiries.get(inquiry)) else {
                continue;
            };
            let path = folder.join(&name);
            if let Some(stable) = self.standings.look(&*self.options.disk, &name, &path) {
                self.conclude(&name, &path, &job, stable);
            }
        }
    }

    /// Takes one stable result to its end.
    fn conclude(&mut self, name: &OsString, path: &Path, job: &Request, stable: Stable) {
        let signature = stable.signature;
        if !stable.counted {
            self.tally.seen();
        }
        let mut is_half = false;
        let is_cut = || may_file_be_cut(&*self.options.disk, path).unwrap_or(true);
        let ended = match self.end(path, job, stable.file, stable.unchanged) {
            Ended::SetAside(fault) => match self.set_aside(path, job, &fault, stable.digest) {
                Ok(()) => {
                    is_half = !fault.whole || (job.forwarded.is_some() && is_cut());
                    tracing::warn!(inquiry.id = %job.inquiry, reason = fault.reason,
                        "the result of a job can't be taken in; it is asked for again, later each time");
                    *self.setbacks.entry(job.inquiry).or_default() += 1;
                    FileEnd::Quarantined
                }
                Err(error) => {
                    tracing::error!(error = %error, "a result's end could not be kept; it stays where it is");
                    return self.standings.keep(name);
                }
            },
            Ended::NotYet => return self.standings.keep(name),
            Ended::Duplicate => {
                is_half = job.forwarded.is_some() && is_cut();
                FileEnd::Duplicate
            }
            Ended::Event(effect) => {
                self.inquiries
                    .pulse
                    .answered(self.options.clock.now(), None);
                if let Some(effect) = effect
                    && let Err(error) = self.inquiries.took(job.inquiry, effect)
                {
                    tracing::error!(error = %error, "the end of a job could not be kept yet");
                    return self.standings.keep(name);
                }
                self.setbacks.remove(&job.inquiry);
                FileEnd::Event
            }
        };
        let result = ProgramsResult {
            name,
            path,
            signature,
            digest: stable.digest,
            is_half,
        };
        if let Err(error) = self.give_back(&result) {
            tracing::error!(error = %error, "a result can't be given to its program yet; it stays where it is");
            return self.standings.keep(name);
        }
        self.tally.ended(ended);
        self.standings.settle(name);
        if let Err(error) = remove_if_same(&*self.options.disk, path, signature) {
            tracing::warn!(error = %error, "a result that is safe can't be removed; it is tried again");
        }
    }

    fn end(&self, path: &Path, job: &Request, file: Reader, unchanged: Duration) -> Ended {
        let goes_back = job.forwarded.is_some();
        // What can't be looked at now is looked at again.
        let is_cut = || goes_back && may_file_be_cut(&*self.options.disk, path).unwrap_or(true);
        let has_stood = || self.options.timing.is_given_up(unchanged, is_cut);
        if job.step == Step::Answered {
            return match is_cut() && !has_stood() {
                true => Ended::NotYet,
                false => Ended::Duplicate,
            };
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let opened = ResultFile::open(&name, file, self.options.zip_password.as_deref());
        let (survey, mut file) = match opened.and_then(|mut file| Ok((file.survey()?, file))) {
            Ok(surveyed) => surveyed,
            Err(error) if has_stood() || (is_final(&error) && !is_cut()) => {
                return Ended::SetAside(Fault::of(&error));
            }
            Err(_) => return Ended::NotYet,
        };
        // After a lost journal a name comes twice: the first job's late result is not the second's.
        let told = survey.reception_number();
        if told.is_some()
            && job.reception_number.is_some()
            && told != job.reception_number.as_deref()
        {
            return Ended::SetAside(Fault::of_another_job());
        }
        let intake = Intake {
            options: &self.options,
            spool: &self.spool,
            inquiries: &self.inquiries,
            quarantine: &self.quarantine,
            stop: &self.stop,
            job,
        };
        let (kept, effect) = match &survey.verdict {
            Verdict::Working => (intake.tell(News::Polled(job.polls)), None),
            Verdict::Refused(refusal) if is_lapsed(refusal) => {
                let news = News::Lapsed(refusal.clone());
                (intake.tell(news), Some(Effect::Lapsed))
            }
            Verdict::Refused(refusal) => (intake.refused(&survey, refusal), Some(Effect::Rejected)),
            Verdict::Done => (intake.take_in(&survey, &mut file), Some(Effect::Answered)),
        };
        match kept {
            Ok(()) => Ended::Event(effect),
            Err(Stopped::Content(error)) if has_stood() => Ended::SetAside(Fault::of(&error)),
            Err(stopped) => {
                tracing::warn!(reason = %stopped, "a result is taken in again from its start");
                Ended::NotYet
            }
        }
    }

    /// A program gets its own job's result byte for byte, whatever became of it here.
    fn give_back(&mut self, result: &ProgramsResult<'_>) -> std::io::Result<()> {
        let text = result.name.to_string_lossy();
        let Some(forwarded) = self.inquiries.goes_back_to(&text) else {
            return Ok(());
        };
        let key = self.options.group_key.derive("spool");
        let Some(expected) = expected_name(&forwarded, &key, &text) else {
            return Ok(());
        };
        if self.given.get(result.name) == Some(&result.digest) {
            return Ok(());
        }
        let open = || match open_regular(&*self.options.disk, result.path)? {
            Some((file, signature)) if signature == result.signature => Ok(file),
            // It changed since it was looked at: it is looked at anew.
            _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
        };
        let answer = ProgramsAnswer {
            program: &forwarded.program,
            name: &expected,
            key: &forwarded.mark,
            is_half: result.is_half,
        };
        self.mirror.give_back(&answer, open)?;
        self.given.insert(result.name.to_owned(), result.digest);
        Ok(())
    }

    fn set_aside(
        &self,
        path: &Path,
        job: &Request,
        fault: &Fault,
        digest: [u8; 32],
    ) -> std::io::Result<()> {
        let (size, bytes) = start_of(&*self.options.disk, path, KEPT_BYTES)?;
        let what = QuarantinedFile {
            id: intake::quarantine_id(&self.options, job.inquiry, &digest, 0),
            facility: self.options.facility.code.clone(),
            terminal: self.options.terminal.id.clone(),
            folder: "res".to_owned(),
            reason: fault.reason.to_owned(),
            message: fault.message.clone(),
            size,
            kept_bytes: bytes.len() as u64,
            quarantined_at: self.options.clock.now(),
            inquiry: Some(job.inquiry),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let content = SetAside {
            name: name.into_owned(),
            bytes,
        };
        self.quarantine.keep(&what, &content)
    }
}

/// Whether a refusal means that the centre knows the 受付番号 no more. Its codes are not public, so the words decide
/// (docs/decisions): an asking names nothing but the institution and the 受付番号, and one that speaks of the latter
/// has nothing else to say of it.
fn is_lapsed(refusal: &Refusal) -> bool {
    let message = refusal.message.as_deref().unwrap_or_default();
    message.contains("受付番号")
}
