//! Bytes of one file to what they say, or to the reason why they say nothing.

use std::borrow::Cow;
use std::io::{Cursor, Read as _};

use shikaku_schemas::group::{Facility, Scheme};
use shikaku_schemas::observation::{
    MedicalAnswer, Observation, ObservationBody, OqsFolder, RegistrationOutcome,
};
use shikaku_schemas::oqs::archive::{Archive, ArchiveError, ArchiveLimits};
use shikaku_schemas::oqs::job::Accepted;
use shikaku_schemas::oqs::medical::{Overview, pdf_is_whole};
use shikaku_schemas::oqs::registration::Outcome;
use shikaku_schemas::oqs::{
    Envelope, Family, Form, Limits, Message, OqsError, Reading, Refusal, read_answer, text,
};
use shikaku_schemas::topology::OBSERVATION_BYTES;
use shikaku_schemas::value::{AsOf, InquiryId};

use crate::request::Asked;

/// What the bytes turned out to be.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// A whole answer.
    Answer(Box<Answer>),
    /// The answer to a job's request: accepted, or refused.
    Job(Result<Accepted, Refusal>),
    /// Not whole, or not readable as it stands. A writer may still be at work, so it is only final once the
    /// file has stayed unchanged for long.
    Unfinished(Fault),
    /// No further byte can make it good.
    Broken(Fault),
}

/// A whole answer as an observation tells it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: ObservationBody,
    pub(crate) as_of: Option<AsOf>,
    /// What the evidence is.
    pub(crate) form: Form,
    /// The evidence, where it is not the file itself: packing on the way is nobody's record.
    pub(crate) unpacked: Option<Vec<u8>>,
}

/// Why a file is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Stable word.
    pub(crate) reason: &'static str,
    /// For people, Japanese with English beside; nothing of the content.
    pub(crate) message: String,
    /// Whether the file is a whole message all the same, which another program may understand.
    pub(crate) whole: bool,
}

impl Fault {
    pub(crate) fn of(error: &OqsError) -> Self {
        Self {
            reason: error.reason(),
            message: error.to_string(),
            whole: matches!(error, OqsError::Reading(_)),
        }
    }

    pub(crate) fn says_too_much() -> Self {
        Self {
            reason: "says-too-much",
            message: "一人分の応答として大きすぎます (too much for an answer about one person)"
                .to_owned(),
            whole: true,
        }
    }

    pub(crate) fn of_another_job() -> Self {
        Self {
            reason: "another-job",
            message: "別の受付番号の結果です (the result of another 受付番号)".to_owned(),
            whole: true,
        }
    }

    pub(crate) fn too_large() -> Self {
        Self {
            reason: "too-large",
            message: "大きすぎます。先頭だけを保管します (too large; only its start is kept)"
                .to_owned(),
            whole: false,
        }
    }
}

/// Whether an observation fits into one message.
pub(crate) fn is_sayable(observation: &Observation) -> bool {
    serde_json::to_vec(observation).is_ok_and(|json| json.len() <= OBSERVATION_BYTES)
}

/// Where a file lay and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) folder: OqsFolder,
    pub(crate) facility: &'a Facility,
    pub(crate) schemes: &'a [Scheme],
    pub(crate) inquiry: Option<InquiryId>,
    /// What was asked; of face files, what is answered unasked.
    pub(crate) asked: &'a Asked,
    pub(crate) zip_password: Option<&'a [u8]>,
}

impl<'a> Place<'a> {
    pub(crate) fn reading(&self) -> Reading<'a> {
        Reading {
            folder: self.folder,
            facility: self.facility,
            schemes: self.schemes,
            inquiry: self.inquiry,
        }
    }
}

/// Bytes of one file in `face/` at most.
pub(crate) const FACE_BYTES: usize = Limits::SINGLE.bytes;
/// Bytes of one file in `res/` at most, results of jobs apart: medical information is the largest.
pub(crate) const RES_BYTES: usize = Overview::LIMITS.bytes;

/// Reads one file.
pub(crate) fn judge(name: &str, bytes: &[u8], place: Place<'_>) -> Verdict {
    read(name, bytes, place).unwrap_or_else(|error| {
        let fault = Fault::of(&error);
        match is_final(&error) {
            true => Verdict::Broken(fault),
            false => Verdict::Unfinished(fault),
        }
    })
}

fn read(name: &str, bytes: &[u8], place: Place<'_>) -> Result<Verdict, OqsError> {
    let family = place.asked.family;
    let form = Message::recognise(name, bytes).map_or(Form::Xml, |message| message.form);
    if form == Form::Pdf && matches!(family, Family::Drugs | Family::Checkups) {
        pdf_is_whole(bytes)?;
        let body = medical(place, None);
        return Ok(answer(body, None, form, None));
    }
    let text = match form {
        Form::Zip => Cow::Owned(unpack(bytes, &answer_prefix(family), place.zip_password)?),
        Form::Xml | Form::Pdf => Cow::Borrowed(bytes),
    };
    let (body, as_of) = match family {
        Family::Registration => {
            let outcome = Outcome::read(&text, &Limits::SINGLE)?;
            let as_of = outcome.executed_at;
            let inquiry = place.inquiry;
            let outcome = Box::new(RegistrationOutcome { inquiry, outcome });
            (ObservationBody::RegistrationOutcome(outcome), as_of)
        }
        Family::Drugs | Family::Checkups => {
            let overview = Overview::read(&text, family, &Overview::LIMITS)?;
            let as_of = overview.executed_at;
            (medical(place, Some(overview)), as_of)
        }
        Family::Single => {
            let answer = read_answer(&text, &Limits::SINGLE, &place.reading())?;
            let as_of = answer.executed_at;
            (ObservationBody::OqsAnswer(Box::new(answer)), as_of)
        }
        Family::Bulk
        | Family::Commissioned
        | Family::HomeVisit
        | Family::Online
        | Family::BulkRegistration => {
            return Ok(Verdict::Job(Accepted::read(&text, &Limits::SINGLE)?));
        }
    };
    let unpacked = match text {
        Cow::Owned(text) => Some(text),
        Cow::Borrowed(_) => None,
    };
    Ok(answer(body, as_of, Form::Xml, unpacked))
}

/// 任意のファイル識別子 that an answer of `family` repeats from its request; `None` where it has none or can't be read.
pub(crate) fn file_identifier(
    bytes: &[u8],
    family: Family,
    password: Option<&[u8]>,
) -> Option<String> {
    let text = match bytes.starts_with(b"PK") {
        true => Cow::Owned(unpack(bytes, &answer_prefix(family), password).ok()?),
        false => Cow::Borrowed(bytes),
    };
    let decoded = text::decode(&text).ok()?;
    let envelope = Envelope::read(&decoded.text, &Overview::LIMITS).ok()?;
    envelope.text("ArbitraryFileIdentifier")
}

fn answer(
    body: ObservationBody,
    as_of: Option<AsOf>,
    form: Form,
    unpacked: Option<Vec<u8>>,
) -> Verdict {
    Verdict::Answer(Box::new(Answer {
        body,
        as_of,
        form,
        unpacked,
    }))
}

fn medical(place: Place<'_>, overview: Option<Overview>) -> ObservationBody {
    ObservationBody::MedicalAnswer(Box::new(MedicalAnswer {
        inquiry: place.inquiry,
        scopes: place.asked.scopes(),
        overview,
    }))
}

/// What a program's request says, whichever way it is packed; `None` when it can't be opened.
pub(crate) fn question<'a>(
    message: Message,
    bytes: &'a [u8],
    password: Option<&[u8]>,
) -> Option<Cow<'a, [u8]>> {
    match message.form {
        Form::Xml => Some(Cow::Borrowed(bytes)),
        Form::Zip => {
            let opened = unpack(bytes, message.family.prefix(), password);
            opened.ok().map(Cow::Owned)
        }
        Form::Pdf => None,
    }
}

fn answer_prefix(family: Family) -> String {
    format!("{}01res_", family.prefix())
}

/// The message in a pack that fits into memory.
fn unpack(bytes: &[u8], prefix: &str, password: Option<&[u8]>) -> Result<Vec<u8>, OqsError> {
    let limits = ArchiveLimits {
        unpacked: RES_BYTES as u64,
        ..ArchiveLimits::DEFAULT
    };
    let mut archive = Archive::open(Cursor::new(bytes), &limits, password)?;
    let mut text = Vec::new();
    let read = archive.message(prefix)?.read_to_end(&mut text);
    read.map_err(|error| {
        let inner = error.get_ref();
        match inner.and_then(|inner| inner.downcast_ref::<ArchiveError>()) {
            Some(error) => OqsError::Archive(*error),
            None => OqsError::Archive(ArchiveError::Broken),
        }
    })?;
    Ok(text)
}

/// A whole message that can't be judged, and what stands in the part already written, stay as they are.
/// All else may be a copy in progress: blocks still empty, the end still missing.
pub(crate) fn is_final(error: &OqsError) -> bool {
    match error {
        OqsError::Reading(_) => true,
        OqsError::Archive(_) | OqsError::Source(_) => false,
        OqsError::Text(_) | OqsError::Xml(_) => matches!(
            error.reason(),
            "dtd" | "entity" | "too-deep" | "too-many-elements" | "text-too-long"
        ),
    }
}
