//! Carrying out one command on the working set: one file a family of commands, with what it needs loaded.

pub(crate) mod bulk;
mod medical;
mod month;
mod parked;
mod reference;
mod resolve;
mod ticket;

use shikaku_domain::inquiry::{self, InquiryCommand};
use shikaku_ledger::{Draft, InboxRow};
use shikaku_schemas::command::{Command, CommandEnvelope};
use shikaku_schemas::event::InquiryRequested;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{FacilityCode, InquiryId, ObservationId, StreamId};
use uuid::Uuid;

pub(crate) use reference::{numbered_after, numbered_inquiry};

use super::context::Context;
use super::needs::Needs;
use super::verdict::{Place, Verdict};
use super::working_set::{Effects, WorkingSet};

/// Namespace of what commands make.
const COMMANDS: Uuid = Uuid::from_u128(0x51c8_0d6a_90f4_5b0e_b7a1_6a0c_3d52_e9f7);
/// Facility of rows that belong to no facility.
const GROUP: &str = "group";

/// The inbox row of a command.
pub(crate) fn command_row(envelope: &CommandEnvelope) -> ObservationId {
    ObservationId(Uuid::new_v5(
        &COMMANDS,
        format!("command|{}", envelope.command_id).as_bytes(),
    ))
}

/// The inquiry that a command asks for: always the same one, so that a repeat asks nothing.
pub(crate) fn inquiry_of(envelope: &CommandEnvelope) -> InquiryId {
    inquiry_made_by(envelope.command_id)
}

/// The same, of a command that may not have been given yet.
pub(crate) fn inquiry_made_by(command_id: Uuid) -> InquiryId {
    InquiryId(Uuid::new_v5(
        &COMMANDS,
        format!("inquiry|{command_id}").as_bytes(),
    ))
}

/// The row of a command that was carried out.
pub(super) fn done_row(envelope: &CommandEnvelope, facility: Option<FacilityCode>) -> InboxRow {
    InboxRow {
        observation_id: command_row(envelope),
        facility: facility.unwrap_or_else(|| FacilityCode::from(GROUP)),
        outcome: CommitOutcome::Recorded,
        first: None,
        last: None,
        case: None,
        reason: None,
        observation: None,
    }
}

impl Needs {
    /// What a command and the rules of its family look at.
    pub(super) fn command(&mut self, context: &Context, envelope: &CommandEnvelope) {
        self.inbox.insert(command_row(envelope));
        match &envelope.command {
            Command::InquireTicket(asked) => self.inquire_ticket(context, envelope, asked),
            Command::InquireMedical(asked) => self.inquire_medical(context, envelope, asked),
            Command::RegisterReference(asked) => self.register_reference(context, envelope, asked),
            Command::InquireBulk(_)
            | Command::InquireCommissioned(_)
            | Command::InquirePeriod(_) => self.inquiry(inquiry_of(envelope)),
            Command::AddTicket(asked) => self.chart(context, &asked.facility, &asked.patient),
            Command::RequestTicket(asked) => self.request_ticket(context, asked),
            Command::ResolveInquiry { inquiry, .. } => self.inquiry(*inquiry),
            Command::DecideCase { case, .. } => self.case(*case),
            Command::LinkRecords { records, .. } => {
                for record in records {
                    self.record(context, *record);
                }
            }
            Command::UnlinkRecord { record, .. } => self.record(context, *record),
            Command::RetryParked { id } | Command::DiscardParked { id, .. } => self.parked(id),
        }
    }
}

impl Context {
    /// Carries out one command, or says which rule forbids it.
    pub(super) fn command(&self, set: &mut WorkingSet, envelope: &CommandEnvelope) -> Verdict {
        let id = command_row(envelope);
        if let Some(verdict) = set.given.get(&id) {
            return verdict.clone();
        }
        if let Some(row) = set.inbox.get(&id) {
            let made = set.made.get(&id).and_then(named);
            return Verdict::done(Place::Ledger(row.last.unwrap_or_default()), made);
        }
        let carried_out = match &envelope.command {
            Command::InquireTicket(asked) => self.inquire_ticket(set, envelope, asked),
            Command::InquireBulk(asked) => self.inquire_bulk(set, envelope, asked),
            Command::InquireCommissioned(asked) => self.inquire_commissioned(set, envelope, asked),
            Command::InquirePeriod(asked) => self.inquire_period(set, envelope, asked),
            Command::InquireMedical(asked) => self.inquire_medical(set, envelope, asked),
            Command::RegisterReference(asked) => self.register_reference(set, envelope, asked),
            Command::AddTicket(asked) => self.add_ticket(set, envelope, asked),
            Command::RequestTicket(asked) => self.request_ticket(set, envelope, asked),
            Command::ResolveInquiry { inquiry, note } => {
                resolve::resolve(set, envelope, *inquiry, note)
            }
            Command::DecideCase { case, record, gone } => {
                self.decide_case(set, envelope, *case, (*record, *gone))
            }
            Command::LinkRecords { records, reason } => self
                .link_named(set, records, &envelope.by, reason)
                .map(|effects| carried_out(set, envelope, effects)),
            Command::UnlinkRecord { record, reason } => self
                .unlink(set, *record, &envelope.by, reason)
                .map(|effects| carried_out(set, envelope, effects)),
            Command::RetryParked { id } => self.retry(set, envelope, id),
            Command::DiscardParked { id, .. } => parked::discard(set, envelope, id),
        };
        match carried_out {
            Ok(verdict) => {
                let mut repeat = verdict.clone();
                repeat.announcements.clear();
                set.given.insert(id, repeat);
                verdict
            }
            Err(rule) => Verdict::refused(rule),
        }
    }
}

impl Context {
    /// Records that an inquiry is asked for, and gives it for good to a terminal of the facility.
    pub(super) fn request(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        facility: &FacilityCode,
        asked: InquiryRequested,
    ) -> Result<Verdict, &'static str> {
        let effects = self.requested(set, facility, asked)?;
        Ok(carried_out(set, envelope, effects))
    }

    /// The same, by nobody's command.
    pub(super) fn requested(
        &self,
        set: &mut WorkingSet,
        facility: &FacilityCode,
        mut asked: InquiryRequested,
    ) -> Result<Effects, &'static str> {
        let place = self.facility(facility).ok_or("facility-unknown")?;
        asked.terminal = self.terminals.choose(place, None, self.clock.now());
        if asked.terminal.is_none() {
            return Err("no-terminal");
        }
        let stream = StreamId::inquiry(asked.inquiry);
        let key_of = asked.record;
        let process = set.stream(&stream).inquiry();
        let events = inquiry::decide(&process, InquiryCommand::Request(asked))
            .map_err(|rejection| rejection.rule())?;
        let drafts = events.into_iter().map(|event| Draft {
            facility: Some(facility.clone()),
            key_of,
            ..Draft::new(event, stream.clone(), 0)
        });
        Ok(Effects {
            drafts: drafts.collect(),
            ..Effects::default()
        })
    }
}

/// Applies what a command makes, with its row, and says where it stands.
fn carried_out(set: &mut WorkingSet, envelope: &CommandEnvelope, mut effects: Effects) -> Verdict {
    let first = effects.drafts.first();
    let made = first.and_then(|draft| named(&draft.stream));
    let facility = first.and_then(|draft| draft.facility.clone());
    effects.inbox.push(done_row(envelope, facility));
    let end = set.apply(effects).end;
    Verdict::done(Place::Batch(end), made)
}

/// The inquiry, case or person whose stream this is.
fn named(stream: &StreamId) -> Option<Uuid> {
    let (_, id) = stream.as_str().split_once('-')?;
    id.parse().ok()
}
