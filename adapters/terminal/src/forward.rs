//! Requests of existing programs: what one of them puts into the `req/` of its virtual terminal goes to the real
//! terminal under a name of ours, once, and its answer goes back under the name that the program expects.
//!
//! The bytes are not touched. What is asked is read beside, packed or not, so that the answer can be told as any other.

mod name;

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shikaku_schemas::oqs::job::Poll;
use shikaku_schemas::oqs::{Family, Limits, Message, Phase, Request as _};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{InquiryId, ObservationId};
use tokio::time::Instant;

use crate::config::TerminalOptions;
use crate::decode::{self, RES_BYTES};
use crate::ending::may_be_cut;
use crate::folder::{Ready, Removal, Settings, Watch, remove_if_same};
use crate::request::{
    Asked, Forwarded, Inquiries, News, Request, Sheet, Step, StepError, Submission, hex, letter,
    send,
};
pub(crate) use name::expected_name;
use name::{parts, whose};

const GROUP: usize = 64;
const GROUP_BYTES: usize = 8 << 20;
const AGAIN: Duration = Duration::from_secs(1);
/// Nothing but another file of that name mends one that is too large.
const TOO_LARGE_AGAIN: Duration = Duration::from_secs(600);
/// Programs give up far sooner: after this nobody waits for what the terminal did not take.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);

/// The programs whose requests this terminal carries.
pub(crate) struct Forwarder {
    options: TerminalOptions,
    inquiries: Arc<Inquiries>,
    key: SealKey,
    programs: Vec<Program>,
}

struct Program {
    id: String,
    watch: Watch,
    /// By their names, as long as they stand there.
    standing: HashMap<OsString, Standing>,
}

/// A request that was looked at. While the same bytes stand under its name it is the same one, although it is touched
/// meanwhile: a writer that lets it go late, a share that sets its time.
struct Standing {
    digest: [u8; 32],
    mark: String,
    /// Only its removal is still to come.
    went_on: bool,
}

impl Forwarder {
    pub(crate) fn new(options: &TerminalOptions, inquiries: Arc<Inquiries>) -> Self {
        let facility = &options.facility;
        let first = facility.terminals.first().map(|terminal| &terminal.id);
        let mut carried = facility.virtual_terminals.clone();
        carried.retain(|program| {
            let carrier = program.terminal.as_ref().or(first);
            carrier.is_none_or(|carrier| *carrier == options.terminal.id)
        });
        let programs = carried.into_iter().map(|program| {
            let settings = Settings {
                disk: options.disk.clone(),
                folder: program.root.join("req"),
                stable: options.timing.stable,
                limit: RES_BYTES,
                group: GROUP,
                group_bytes: GROUP_BYTES,
            };
            Program {
                watch: Watch::new(settings, options.group_key.derive("evidence-digest")),
                id: program.id,
                standing: HashMap::new(),
            }
        });
        Self {
            programs: programs.collect(),
            key: options.group_key.derive("spool"),
            options: options.clone(),
            inquiries,
        }
    }

    /// One look at every program's requests.
    pub(crate) fn pass(&mut self) {
        let mut programs = std::mem::take(&mut self.programs);
        for program in &mut programs {
            // A folder that is away is looked for again.
            let Ok(scanned) = program.watch.scan(whose, |_, _| false) else {
                continue;
            };
            let standing = &mut program.standing;
            standing.retain(|name, _| scanned.present.contains(name));
            for ready in program.watch.ready() {
                if ready.bytes.len() > RES_BYTES {
                    self.too_large(program, &ready);
                    continue;
                }
                let timing = &self.options.timing;
                // One that is cut is answered with an error; when its writer has died, that is what its program is told.
                if ready.unchanged < timing.incomplete && may_be_cut(&ready.bytes) {
                    program
                        .watch
                        .keep(&ready.name, false, timing.look_again(ready.unchanged));
                    continue;
                }
                match self.goes_on(program, &ready) {
                    true => self.let_go(program, &ready),
                    false => program.watch.keep(&ready.name, true, AGAIN),
                }
            }
        }
        self.programs = programs;
    }

    /// `true` once the request is the terminal's.
    fn goes_on(&self, program: &mut Program, ready: &Ready) -> bool {
        let new = || Standing {
            digest: ready.digest,
            mark: self.mark(ready),
            went_on: false,
        };
        let known = program.standing.entry(ready.name.clone());
        let standing = known.or_insert_with(new);
        if standing.digest != ready.digest {
            *standing = new();
        }
        if !standing.went_on {
            let sent = self.forward(&program.id, ready, &standing.mark);
            standing.went_on = sent.unwrap_or_else(|error| {
                tracing::warn!(virtual_terminal.id = program.id, error = %error,
                    "a program's request could not be kept yet");
                false
            });
        }
        standing.went_on
    }

    /// Tells a request from every other one.
    fn mark(&self, ready: &Ready) -> String {
        let mut seed = ready.digest.to_vec();
        seed.extend_from_slice(&ready.signature.bytes());
        seed.extend_from_slice(ready.name.to_string_lossy().as_bytes());
        hex(&self.key.digest(&seed)[..16])
    }

    /// When the next request can be ready.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let due = self.programs.iter().map(|program| program.watch.next_due());
        due.flatten().min()
    }

    /// It stays where it is, and is told of now and then: the program waits for an answer that can't come.
    fn too_large(&self, program: &mut Program, ready: &Ready) {
        tracing::error!(
            virtual_terminal.id = program.id,
            most_bytes = RES_BYTES,
            "a program's request is larger than any terminal takes, and is not sent"
        );
        metrics::counter!("shikaku_terminal_requests_too_large_total",
            "virtual_terminal" => program.id.clone())
        .increment(1);
        program.watch.keep(&ready.name, true, TOO_LARGE_AGAIN);
    }

    fn let_go(&self, program: &mut Program, ready: &Ready) {
        match remove_if_same(&*self.options.disk, &ready.path, ready.signature) {
            Ok(Removal::Gone) => {
                program.standing.remove(&ready.name);
                let (signature, digest) = (ready.signature, ready.digest);
                program.watch.settle(&ready.name, signature, digest);
                return;
            }
            // Touched, or another one: its bytes will tell.
            Ok(Removal::Replaced) => {}
            Err(error) => {
                tracing::warn!(virtual_terminal.id = program.id, error = %error, "a request that went on can't be removed");
            }
        }
        program.watch.keep(&ready.name, true, AGAIN);
    }

    /// `true` once the request is the terminal's, or surely was before; `false` while it can't be sent.
    fn forward(&self, program: &str, ready: &Ready, mark: &str) -> Result<bool, StepError> {
        let name = ready.name.to_string_lossy();
        let message = Message::recognise(&name, &ready.bytes);
        let password = self.options.zip_password.as_deref();
        let text = message.and_then(|message| decode::question(message, &ready.bytes, password));
        let body = message
            .zip(text.as_deref())
            .and_then(|(message, text)| letter::read(message, text));
        let mut journal = self.inquiries.journal();
        if let Some(inquiry) = journal.forwarded_as(mark) {
            // It went on, and perhaps the spool had no room for the word of it.
            if let Some(request) = journal.get(inquiry) {
                self.tell(request, message, body)?;
            }
            return Ok(true);
        }
        let Some((prefix, extension)) = parts(&name) else {
            return Ok(false);
        };
        let now = self.inquiries.clock.now();
        let forwarded = Forwarded::new(&self.key, program, mark, &name);
        // Whoever speaks to an encrypted interface packs its requests itself.
        let sheet = Sheet {
            name: (prefix, extension),
            bytes: &ready.bytes,
            password: None,
        };
        let poll = message.filter(|message| message.phase == Phase::Second);
        if let Some(message) = poll {
            let number = text.as_deref().and_then(reception_number);
            let known = number
                .as_deref()
                .and_then(|number| journal.job_of(program, number))
                .cloned();
            let job = Request {
                reception_number: number,
                ..known.unwrap_or_else(|| self.request(&forwarded, message.family, now))
            };
            let asking = Request {
                forwarded: Some(forwarded),
                ..job
            };
            return Ok(self.inquiries.ask_after(&mut journal, asking, sheet, now)?);
        }
        let mut request = self.request(&forwarded, Family::Single, now);
        request.asked = asked(message, body.as_ref());
        let inquiry = request.inquiry;
        let folders = &self.inquiries.folders;
        let submission = send(&mut journal, folders, request, sheet)?;
        if submission != Submission::Journalled {
            return Ok(false);
        }
        if let Some(request) = journal.get(inquiry) {
            self.tell(request, message, body)?;
        }
        Ok(true)
    }

    /// Tells the hub of a request that went on. Of a function that we do not know there is nothing to tell, and an
    /// asking after a job's result is told by what comes.
    fn tell(
        &self,
        request: &Request,
        message: Option<Message>,
        body: Option<TaskBody>,
    ) -> Result<(), StepError> {
        match message {
            Some(message) if message.phase != Phase::Second => {
                let news = News::Forwarded(body.map(Box::new));
                Ok(self.inquiries.say(request, news)?)
            }
            _ => Ok(()),
        }
    }

    fn request(&self, forwarded: &Forwarded, family: Family, now: Timestamp) -> Request {
        let place = format!("virtual/{}", forwarded.program);
        let id = ObservationId::of_fact(&self.options.facility.code, &place, &forwarded.mark);
        Request {
            inquiry: InquiryId(id.0),
            step: Step::Intent,
            file: None,
            deadline: now.checked_add(PATIENCE).unwrap_or(Timestamp::MAX),
            at: now,
            asked: Asked::of(family),
            reception_number: None,
            polls: 0,
            forwarded: Some(forwarded.clone()),
        }
    }
}

fn asked(message: Option<Message>, body: Option<&TaskBody>) -> Asked {
    match (message, body) {
        (_, Some(body)) => letter::asked(body),
        (Some(message), None) => Asked::of(message.family),
        (None, None) => Asked::default(),
    }
}

fn reception_number(text: &[u8]) -> Option<String> {
    let poll = Poll::read(text, &Limits::SINGLE);
    poll.ok().map(|poll| poll.reception_number)
}
