//! From a group of stable files to their ends.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use shikaku_kit::publisher::evidence_ref;
use shikaku_kit::spool::Entry;
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::observation::{Observation, OqsFolder};
use shikaku_schemas::oqs::job::Accepted;
use shikaku_schemas::oqs::{Message, Refusal};
use shikaku_schemas::value::{InquiryId, ObservationId};
use uuid::Uuid;

use super::{Desk, content_mark};
use crate::decode::{Answer, FACE_BYTES, Fault, Place, RES_BYTES, Verdict, is_sayable, judge};
use crate::ending::{may_be_cut, may_file_be_cut};
use crate::folder::{Ready, remove_if_same};
use crate::quarantine::{QuarantinedFile, SetAside};
use crate::request::{Asked, Effect, Forwarded, News};
use crate::tally::FileEnd;

/// After the disk refused: it will hardly have changed its mind at once.
const DISK_PAUSE: Duration = Duration::from_secs(1);

/// A file with its end, not yet durable.
pub(super) struct Ended {
    pub(super) ready: Ready,
    inquiry: Option<InquiryId>,
    /// The program whose request it answers.
    pub(super) back: Option<Forwarded>,
    pub(super) end: End,
}

pub(super) enum End {
    /// The entry is taken out when it goes to the spool.
    Event(Option<Box<Entry>>, Option<Effect>),
    Duplicate,
    Quarantined(Fault),
}

impl Desk {
    /// Takes one group of stable files to their ends; `false` when none was ready or the disk refused.
    pub(super) fn conclude_group(&mut self, folder: OqsFolder) -> bool {
        let group = self.drop_folder(folder).watch.ready();
        if group.is_empty() {
            return false;
        }
        let mut ended = self.verdicts(folder, group);
        if ended.is_empty() {
            // What only stands there keeps nobody from their turn.
            return false;
        }
        for file in &ended {
            if planted(Mutant::LetGoBeforeSpool) {
                self.let_go(folder, &file.ready);
            }
            if planted(Mutant::SeenBeforeSpool) {
                let place = place_word(folder, file.inquiry);
                let mark = content_mark(&self.seen, &place, &file.ready.digest);
                let _ = self.seen.note(&[mark], self.options.clock.now());
            }
        }
        let mirrors = folder == OqsFolder::Face && !self.mirror.is_empty();
        let entries: Vec<Entry> = ended
            .iter_mut()
            .filter_map(|file| {
                let mut entry = match &mut file.end {
                    End::Event(entry, _) => entry.take()?,
                    End::Duplicate | End::Quarantined(_) => return None,
                };
                if entry.observation.evidence.is_some() && entry.evidence.is_none() {
                    entry.evidence = Some(match mirrors || file.back.is_some() {
                        true => file.ready.bytes.clone(),
                        false => std::mem::take(&mut file.ready.bytes),
                    });
                }
                Some(*entry)
            })
            .collect();
        if !entries.is_empty()
            && let Err(error) = self.spool.append(entries)
        {
            tracing::error!(error = %error, terminal.id = self.options.terminal.id,
                "the spool did not take a group of files; they stay where they are");
            metrics::counter!("shikaku_terminal_spool_refused_total").increment(1);
            let names: Vec<_> = ended.into_iter().map(|file| file.ready.name).collect();
            for name in names {
                self.drop_folder(folder).watch.keep(&name, true, DISK_PAUSE);
            }
            return false;
        }
        let mut all_kept = true;
        for file in ended {
            all_kept &= self.finish(folder, &file);
        }
        all_kept
    }

    fn verdicts(&mut self, folder: OqsFolder, group: Vec<Ready>) -> Vec<Ended> {
        let mut ended = Vec::with_capacity(group.len());
        let mut in_group = HashSet::new();
        for ready in group {
            let inquiry = self.inquiry_of(folder, &ready);
            let name = ready.name.to_string_lossy();
            let back = inquiry.and_then(|_| self.inquiries.goes_back_to(&name));
            let place = place_word(folder, inquiry);
            let mark = content_mark(&self.seen, &place, &ready.digest);
            let is_known = self.seen.contains(&mark) || in_group.contains(&mark);
            let end = match is_known {
                true => (!self.is_on_its_way(&ready, back.is_some())).then_some(End::Duplicate),
                false => self.verdict(folder, inquiry, &ready, back.is_some()),
            };
            let Some(end) = end else {
                let pause = self.options.timing.look_again(ready.unchanged);
                let watch = &mut self.drop_folder(folder).watch;
                watch.keep(&ready.name, false, pause);
                continue;
            };
            in_group.insert(mark);
            if !ready.counted {
                self.tally.seen();
            }
            ended.push(Ended {
                ready,
                inquiry,
                back,
                end,
            });
        }
        ended
    }

    /// Whether a program's answer may still be on its way, whatever is known of it.
    fn is_on_its_way(&self, ready: &Ready, goes_back: bool) -> bool {
        let is_given_up = self.options.timing.is_given_up(ready.unchanged, || true);
        goes_back
            && !is_given_up
            && match ready.bytes.len() > RES_BYTES {
                true => may_file_be_cut(&*self.options.disk, &ready.path).unwrap_or(true),
                false => may_be_cut(&ready.bytes),
            }
    }

    /// `None` while a writer may still be at work.
    fn verdict(
        &self,
        folder: OqsFolder,
        inquiry: Option<InquiryId>,
        ready: &Ready,
        goes_back: bool,
    ) -> Option<End> {
        let timing = &self.options.timing;
        if ready.bytes.len() > most_bytes(folder) {
            let disk = &*self.options.disk;
            let is_cut = || goes_back && may_file_be_cut(disk, &ready.path).unwrap_or(true);
            let is_given_up = timing.is_given_up(ready.unchanged, is_cut);
            return is_given_up.then(|| End::Quarantined(Fault::too_large()));
        }
        let is_cut = || goes_back && may_be_cut(&ready.bytes);
        let name = ready.name.to_string_lossy();
        // A program asked something that we do not know: the answer is its own alone.
        if inquiry.is_some() && Message::recognise(&name, &ready.bytes).is_none() {
            let is_ready = !self.is_on_its_way(ready, goes_back);
            return is_ready.then_some(End::Event(None, Some(Effect::Answered)));
        }
        let asked = self.asked(inquiry);
        match judge(&name, &ready.bytes, self.place(folder, inquiry, &asked)) {
            Verdict::Answer(answer) => {
                Some(self.event(&place_word(folder, inquiry), &ready.bytes, *answer))
            }
            Verdict::Job(answer) => Some(match inquiry {
                Some(inquiry) => self.job_begun(inquiry, answer),
                None => End::Duplicate,
            }),
            Verdict::Broken(fault) => {
                let is_ready = fault.whole || !self.is_on_its_way(ready, goes_back);
                is_ready.then_some(End::Quarantined(fault))
            }
            Verdict::Unfinished(fault) => timing
                .is_given_up(ready.unchanged, is_cut)
                .then_some(End::Quarantined(fault)),
        }
    }

    pub(super) fn event(&self, place: &str, bytes: &[u8], answer: Answer) -> End {
        let options = &self.options;
        let media = answer.form.media();
        let bytes = answer.unpacked.as_deref().unwrap_or(bytes);
        let evidence = evidence_ref(&options.group_key, bytes, media);
        let observation = Observation {
            observation_id: ObservationId::of_evidence(
                &options.facility.code,
                &format!("{}/{place}", options.terminal.id),
                &evidence.id,
                0,
            ),
            facility: options.facility.code.clone(),
            source: "terminal".to_owned(),
            device: options.terminal.id.clone(),
            sequence: 0,
            seen_at: options.clock.now(),
            as_of: answer.as_of,
            evidence: Some(evidence),
            body: answer.body,
        };
        let evidence = answer.unpacked;
        match is_sayable(&observation) {
            true => End::Event(
                Some(Box::new(Entry {
                    observation,
                    evidence,
                })),
                Some(Effect::Answered),
            ),
            false => End::Quarantined(Fault::says_too_much()),
        }
    }

    /// What the centre says to a job's request. The answer holds nothing beyond what is told.
    pub(super) fn job_begun(&self, inquiry: InquiryId, answer: Result<Accepted, Refusal>) -> End {
        let Some(request) = self.inquiries.get(inquiry) else {
            return End::Duplicate;
        };
        let (news, effect) = match answer {
            Ok(accepted) => {
                let number = accepted.reception_number;
                (News::Accepted(number.clone()), Effect::Accepted(number))
            }
            Err(refusal) => (News::Rejected(refusal), Effect::Rejected),
        };
        let entry = self.inquiries.news(&request, news);
        End::Event(Some(Box::new(entry)), Some(effect))
    }

    /// Makes the rest of an end durable and lets the file go. `false`: met again later.
    fn finish(&mut self, folder: OqsFolder, file: &Ended) -> bool {
        let kept = match &file.end {
            End::Quarantined(fault) => self.set_aside(folder, file, fault),
            End::Event(_, effect) => self.note_answer(file.inquiry, effect.clone()),
            End::Duplicate => Ok(()),
        };
        let now = self.options.clock.now();
        let ready = &file.ready;
        let kept = kept.and_then(|()| match (&file.end, folder) {
            (_, OqsFolder::Res) => self.give_back(file, now),
            // Half a face file is of no use to anybody.
            (End::Quarantined(fault), OqsFolder::Face) if !fault.whole => Ok(()),
            (_, OqsFolder::Face) => {
                let (name, bytes) = (&ready.name, &ready.bytes);
                self.mirror
                    .deliver(name, bytes, &ready.digest, &mut self.seen, now)
            }
        });
        let place = place_word(folder, file.inquiry);
        let mark = content_mark(&self.seen, &place, &ready.digest);
        let kept = kept.and_then(|()| self.seen.note(&[mark], now));
        if let Err(error) = kept {
            tracing::error!(error = %error, "a file's end could not be kept; it stays where it is");
            let watch = &mut self.drop_folder(folder).watch;
            watch.keep(&ready.name, true, DISK_PAUSE);
            return false;
        }
        self.tally.ended(match file.end {
            End::Event(..) => FileEnd::Event,
            End::Duplicate => FileEnd::Duplicate,
            End::Quarantined(_) => FileEnd::Quarantined,
        });
        self.let_go(folder, ready);
        true
    }

    pub(super) fn note_answer(
        &self,
        inquiry: Option<InquiryId>,
        effect: Option<Effect>,
    ) -> io::Result<()> {
        match (inquiry, effect) {
            (Some(inquiry), Some(effect)) => self.inquiries.took(inquiry, effect),
            _ => Ok(()),
        }
    }

    fn let_go(&mut self, folder: OqsFolder, ready: &Ready) {
        let at = self.drop_folder(folder);
        at.watch.settle(&ready.name, ready.signature, ready.digest);
        if !at.takes {
            return;
        }
        if let Err(error) = remove_if_same(&*self.options.disk, &ready.path, ready.signature) {
            tracing::warn!(error = %error, "a file that is safe can't be removed; it is tried again");
            self.stuck.insert(ready.path.clone(), ready.signature);
        }
    }

    fn set_aside(&self, folder: OqsFolder, file: &Ended, fault: &Fault) -> io::Result<()> {
        let ready = &file.ready;
        let kept = &ready.bytes[..ready.bytes.len().min(most_bytes(folder))];
        let what = QuarantinedFile {
            id: self.quarantine_id(&place_word(folder, file.inquiry), &ready.digest),
            facility: self.options.facility.code.clone(),
            terminal: self.options.terminal.id.clone(),
            folder: word(folder).to_owned(),
            reason: fault.reason.to_owned(),
            message: fault.message.clone(),
            size: ready.signature.size.max(kept.len() as u64),
            kept_bytes: kept.len() as u64,
            quarantined_at: self.options.clock.now(),
            inquiry: file.inquiry,
        };
        let content = SetAside {
            name: ready.name.to_string_lossy().into_owned(),
            bytes: kept.to_vec(),
        };
        self.quarantine.keep(&what, &content)
    }

    fn quarantine_id(&self, place: &str, digest: &[u8; 32]) -> Uuid {
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let place = format!("{}/{place}", self.options.terminal.id);
        let fact = format!("quarantine-{digest}");
        ObservationId::of_fact(&self.options.facility.code, &place, &fact).0
    }

    /// What an answer of `inquiry` answers; of nobody's, what is answered unasked.
    pub(super) fn asked(&self, inquiry: Option<InquiryId>) -> Asked {
        let request = inquiry.and_then(|inquiry| self.inquiries.get(inquiry));
        request.map(|request| request.asked).unwrap_or_default()
    }

    pub(super) fn place<'a>(
        &'a self,
        folder: OqsFolder,
        inquiry: Option<InquiryId>,
        asked: &'a Asked,
    ) -> Place<'a> {
        Place {
            folder,
            facility: &self.options.facility,
            schemes: &self.options.schemes,
            inquiry,
            asked,
            zip_password: self.options.zip_password.as_deref(),
        }
    }
}

/// Where an answer was seen: of one inquiry, or in a folder. Two inquiries may be answered with the very same bytes,
/// because the terminal's clock has no parts of a second.
pub(super) fn place_word(folder: OqsFolder, inquiry: Option<InquiryId>) -> String {
    match inquiry {
        Some(inquiry) => format!("{}/{inquiry}", word(folder)),
        None => word(folder).to_owned(),
    }
}

fn word(folder: OqsFolder) -> &'static str {
    match folder {
        OqsFolder::Face => "face",
        OqsFolder::Res => "res",
    }
}

fn most_bytes(folder: OqsFolder) -> usize {
    match folder {
        OqsFolder::Face => FACE_BYTES,
        OqsFolder::Res => RES_BYTES,
    }
}
