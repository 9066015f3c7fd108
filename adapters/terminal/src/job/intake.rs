//! Taking in a result: unit by unit into the spool, then the manifest. Nothing of it is ever held as a whole.
//!
//! A unit's id comes from facility, inquiry, its own bytes and its place, not from the terminal or the moment: the
//! same result taken in twice, after a crash or at another terminal, makes the same observations.

use std::time::Duration;

use shikaku_kit::publisher::evidence_ref;
use shikaku_kit::spool::{Entry, Spool, SpoolError};
use shikaku_schemas::observation::{
    AnswerManifest, Observation, ObservationBody, OqsFolder, RegistrationOutcome,
};
use shikaku_schemas::oqs::job::{BulkLimits, Survey, Tally, Unit, Units};
use shikaku_schemas::oqs::{Family, Form, OqsError, Reading, Refusal};
use shikaku_schemas::value::{AsOf, InquiryId, ObservationId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::result::ResultFile;
use crate::config::TerminalOptions;
use crate::decode::{Fault, is_sayable};
use crate::quarantine::{Quarantine, QuarantinedFile, SetAside};
use crate::request::{Inquiries, News, Request};

/// Units kept with one `fsync`.
const GROUP: usize = 256;
const GROUP_BYTES: usize = 4 << 20;
/// While the spool is full, the hub has to catch up first.
const FULL_PAUSE: Duration = Duration::from_millis(200);

/// Why it was not taken in to its end. What was kept so far stays, and is met again the next time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    #[error("the adapter ends")]
    Ending,
    #[error("its own disk refuses")]
    Disk(#[from] std::io::Error),
    #[error("the spool refuses")]
    Spool(#[source] SpoolError),
    #[error("the file is another now, or can't be read")]
    Content(#[from] OqsError),
}

/// The taking in of one job's result.
pub(super) struct Intake<'a> {
    pub(super) options: &'a TerminalOptions,
    pub(super) spool: &'a Spool,
    pub(super) inquiries: &'a Inquiries,
    pub(super) quarantine: &'a Quarantine,
    pub(super) stop: &'a CancellationToken,
    pub(super) job: &'a Request,
}

impl Intake<'_> {
    /// All units, then the manifest; safe in the spool when this returns.
    pub(super) fn take_in(&self, survey: &Survey, file: &mut ResultFile) -> Result<(), Stopped> {
        self.tell(News::Received(survey.units))?;
        let family = file.family;
        let tally = file.walk(|bytes| {
            let mut tally = Tally::default();
            let mut group = Group::default();
            for unit in Units::new(bytes, &BulkLimits::DEFAULT) {
                let unit = unit?;
                match self.unit(survey, family, &unit) {
                    Ok(entry) => {
                        tally.units += 1;
                        tally.repeated += u32::from(unit.repeats);
                        group.add(entry, unit.text.len());
                    }
                    Err(fault) => {
                        tally.unreadable += 1;
                        self.set_aside(&unit, &fault)?;
                    }
                }
                if group.is_full() {
                    self.keep(group.take())?;
                }
            }
            self.keep(group.take())?;
            Ok::<_, Stopped>(tally)
        })??;
        if tally.units + tally.unreadable != survey.units {
            return Err(OqsError::Source(std::io::ErrorKind::InvalidData).into());
        }
        let manifest = survey.manifest(self.ours(), self.job.asked.month, tally);
        self.keep(vec![self.manifest(survey, manifest)])
    }

    /// A result that the centre refuses: the manifest carries why, and its frame is the evidence.
    pub(super) fn refused(&self, survey: &Survey, refusal: &Refusal) -> Result<(), Stopped> {
        let manifest = survey.manifest(
            Some(self.job.inquiry),
            self.job.asked.month,
            Tally::default(),
        );
        let news = self
            .inquiries
            .news(self.job, News::Rejected(refusal.clone()));
        self.keep(vec![self.manifest(survey, manifest), news])
    }

    /// The inquiry, where the hub asked. A program's own job has units and a manifest that answer nobody here.
    fn ours(&self) -> Option<InquiryId> {
        self.job.forwarded.is_none().then_some(self.job.inquiry)
    }

    /// One step of the job.
    pub(super) fn tell(&self, news: News) -> Result<(), Stopped> {
        self.keep(vec![self.inquiries.news(self.job, news)])
    }

    fn unit(&self, survey: &Survey, family: Family, unit: &Unit) -> Result<Entry, Fault> {
        let inquiry = self.ours();
        let reading = Reading {
            folder: OqsFolder::Res,
            facility: &self.options.facility,
            schemes: &self.options.schemes,
            inquiry,
        };
        let body = match family {
            Family::BulkRegistration => unit
                .registration()
                .map(|outcome| RegistrationOutcome { inquiry, outcome })
                .map(|outcome| ObservationBody::RegistrationOutcome(Box::new(outcome))),
            _ => unit
                .answer(survey, family, &reading)
                .map(|answer| ObservationBody::OqsAnswerUnit(Box::new(answer))),
        };
        let body = body.map_err(|error| Fault::of(&error))?;
        let as_of = survey.envelope.executed_at();
        let entry = self.entry(&unit.text, Some(unit.ordinal), as_of, body);
        match is_sayable(&entry.observation) {
            true => Ok(entry),
            false => Err(Fault::says_too_much()),
        }
    }

    /// Its evidence is all that stands outside the units.
    fn manifest(&self, survey: &Survey, manifest: AnswerManifest) -> Entry {
        let as_of = manifest.executed_at;
        let body = ObservationBody::OqsAnswerManifest(manifest);
        self.entry(&survey.frame, None, as_of, body)
    }

    /// `ordinal` tells a unit from the manifest, of which a job has one for ever.
    fn entry(
        &self,
        text: &str,
        ordinal: Option<u32>,
        as_of: Option<AsOf>,
        body: ObservationBody,
    ) -> Entry {
        let facility = &self.options.facility.code;
        let evidence = evidence_ref(&self.options.group_key, text.as_bytes(), Form::Xml.media());
        let place = format!("job/{}", self.job.inquiry);
        let observation_id = match ordinal {
            Some(ordinal) => ObservationId::of_evidence(facility, &place, &evidence.id, ordinal),
            None => ObservationId::of_fact(facility, &place, "manifest"),
        };
        let observation = Observation {
            observation_id,
            facility: facility.clone(),
            source: "terminal".to_owned(),
            device: self.options.terminal.id.clone(),
            sequence: 0,
            seen_at: self.options.clock.now(),
            as_of,
            evidence: Some(evidence),
            body,
        };
        Entry {
            observation,
            evidence: Some(text.as_bytes().to_vec()),
        }
    }

    /// Waits for room where the spool is full.
    fn keep(&self, entries: Vec<Entry>) -> Result<(), Stopped> {
        loop {
            if self.stop.is_cancelled() {
                return Err(Stopped::Ending);
            }
            match self.spool.append(entries.clone()) {
                Ok(_) => return Ok(()),
                Err(SpoolError::Full) => self.options.disk.pause(FULL_PAUSE),
                Err(error) => return Err(Stopped::Spool(error)),
            }
        }
    }

    fn set_aside(&self, unit: &Unit, fault: &Fault) -> Result<(), Stopped> {
        let bytes = unit.text.as_bytes();
        let digest = self
            .options
            .group_key
            .derive("evidence-digest")
            .digest(bytes);
        let what = QuarantinedFile {
            id: quarantine_id(self.options, self.job.inquiry, &digest, unit.ordinal),
            facility: self.options.facility.code.clone(),
            terminal: self.options.terminal.id.clone(),
            folder: "res".to_owned(),
            reason: fault.reason.to_owned(),
            message: fault.message.clone(),
            size: bytes.len() as u64,
            kept_bytes: bytes.len() as u64,
            quarantined_at: self.options.clock.now(),
            inquiry: Some(self.job.inquiry),
        };
        let content = SetAside {
            name: format!("unit-{}.xml", unit.ordinal),
            bytes: bytes.to_vec(),
        };
        Ok(self.quarantine.keep(&what, &content)?)
    }
}

/// The same part of the same result is set aside once.
pub(super) fn quarantine_id(
    options: &TerminalOptions,
    inquiry: InquiryId,
    digest: &[u8; 32],
    ordinal: u32,
) -> Uuid {
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let place = format!("job/{inquiry}");
    let fact = format!("quarantine-{digest}-{ordinal}");
    ObservationId::of_fact(&options.facility.code, &place, &fact).0
}

/// Units that go to the spool together.
#[derive(Default)]
struct Group {
    entries: Vec<Entry>,
    bytes: usize,
}

impl Group {
    fn add(&mut self, entry: Entry, bytes: usize) {
        self.entries.push(entry);
        self.bytes += bytes;
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= GROUP || self.bytes >= GROUP_BYTES
    }

    fn take(&mut self) -> Vec<Entry> {
        self.bytes = 0;
        std::mem::take(&mut self.entries)
    }
}
