//! Carrying out one command on the working set.

use jiff::civil::Date;
use shikaku_domain::inquiry::{self, InquiryCommand};
use shikaku_domain::patient::PatientState;
use shikaku_ledger::{Draft, InboxRow};
use shikaku_schemas::command::{Command, CommandEnvelope, InquireTicket};
use shikaku_schemas::event::{InquiryRequested, InquiryResolved};
use shikaku_schemas::observation::{CommitOutcome, Observation};
use shikaku_schemas::value::{
    FacilityCode, InquiryId, InquiryKind, ObservationId, PayerNumber, RecipientNumber, RecordId,
    StreamId, jst_day,
};
use uuid::Uuid;

use super::context::Context;
use super::verdict::{Announcement, Place, Verdict};
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
    InquiryId(Uuid::new_v5(
        &COMMANDS,
        format!("inquiry|{}", envelope.command_id).as_bytes(),
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
            Command::InquireTicket(asked) => self.inquire(set, envelope, asked),
            Command::InquireBulk(_)
            | Command::InquireCommissioned(_)
            | Command::InquirePeriod(_)
            | Command::InquireMedical(_)
            | Command::RegisterReference(_)
            | Command::AddTicket(_)
            | Command::RequestTicket(_) => Err("not-supported"),
            Command::ResolveInquiry { inquiry, note } => resolve(set, envelope, *inquiry, note),
            Command::DecideCase { case, record } => self.decide_case(set, envelope, *case, *record),
            Command::LinkRecords { records, reason } => self
                .link_named(set, records, &envelope.by, reason)
                .map(|effects| carried_out(set, envelope, effects)),
            Command::UnlinkRecord { record, reason } => self
                .unlink(set, *record, &envelope.by, reason)
                .map(|effects| carried_out(set, envelope, effects)),
            Command::RetryParked { id } => self.retry(set, envelope, id),
            Command::DiscardParked { id, .. } => discard(set, envelope, id),
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

    fn inquire(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        asked: &InquireTicket,
    ) -> Result<Verdict, &'static str> {
        let facility = self.facility(&asked.facility).ok_or("facility-unknown")?;
        if facility.terminals.is_empty() {
            return Err("no-terminal");
        }
        let on = asked.on.unwrap_or_else(|| jst_day(self.clock.now()));
        let question = self.question(set, asked, on)?;
        let inquiry = inquiry_of(envelope);
        let stream = StreamId::inquiry(inquiry);
        let process = set.stream(&stream).inquiry();
        let request = InquiryCommand::Request(InquiryRequested {
            inquiry,
            kind: InquiryKind::Ticket,
            requested_by: envelope.by.clone(),
            purpose: asked.purpose.clone(),
            payer_number: Some(question.payer_number),
            recipient_number: Some(question.recipient_number),
            birth_date: Some(question.birth_date),
            on,
            month: None,
            record: question.record,
            question: None,
            repeats: None,
        });
        let events = inquiry::decide(&process, request).map_err(|rejection| rejection.rule())?;
        let effects = Effects {
            drafts: events
                .into_iter()
                .map(|event| Draft {
                    facility: Some(asked.facility.clone()),
                    key_of: question.record,
                    ..Draft::new(event, stream.clone(), 0)
                })
                .collect(),
            ..Effects::default()
        };
        Ok(carried_out(set, envelope, effects))
    }

    fn question(
        &self,
        set: &mut WorkingSet,
        asked: &InquireTicket,
        on: Date,
    ) -> Result<Question, &'static str> {
        let typed = (
            &asked.payer_number,
            &asked.recipient_number,
            asked.birth_date,
        );
        if let (Some(payer), Some(recipient), Some(birth_date)) = typed {
            return Ok(Question {
                payer_number: payer.clone(),
                recipient_number: recipient.clone(),
                birth_date,
                record: None,
            });
        }
        let number = asked.patient.as_ref().ok_or("numbers-missing")?;
        let facts = self.facts(&asked.facility).ok_or("facility-unknown")?;
        let record = set
            .record_of(&self.digests.chart(facts, number))
            .ok_or("record-unknown")?;
        known_numbers(set.patient(record), &asked.facility, record, on)
    }

    fn retry(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        id: &str,
    ) -> Result<Verdict, &'static str> {
        let row = parked_row(set, id)?;
        let bytes = row.observation.as_deref().unwrap_or_default();
        let seen: Observation = serde_json::from_slice(bytes).map_err(|_| "unreadable")?;
        if seen.facility != row.facility {
            return Err("facility-differs");
        }
        if self.facility(&seen.facility).is_none() {
            return Err("facility-unknown");
        }
        let outcome = match set.inbox.get(&seen.observation_id) {
            // Its spool tried again under its own id meanwhile.
            Some(own) if own.observation_id != row.observation_id => own.outcome,
            _ => self.settle(set, &seen, None).0,
        };
        if outcome == CommitOutcome::Parked {
            return Err("still-parked");
        }
        let mut verdict = carried_out(set, envelope, settled(row, &seen, outcome));
        verdict.announcements.push(announcement(&seen, outcome));
        Ok(verdict)
    }
}

/// What a ticket inquiry asks with.
struct Question {
    payer_number: PayerNumber,
    recipient_number: RecipientNumber,
    birth_date: Date,
    record: Option<RecordId>,
}

/// Numbers that are known for that day and that nothing forbids to speak of it.
fn known_numbers(
    state: &PatientState,
    facility: &FacilityCode,
    record: RecordId,
    on: Date,
) -> Result<Question, &'static str> {
    if state.erased {
        return Err("record-erased");
    }
    if state.current(facility, on).not_commissioned {
        return Err("not-commissioned");
    }
    state
        .qualifications
        .iter()
        .rev()
        .filter(|known| !known.is_insurance() && known.covers(on))
        .find_map(|known| {
            Some(Question {
                payer_number: known.details.payer_number.clone()?,
                recipient_number: known.details.recipient_number.clone()?,
                birth_date: known.person.birth_date.or(state.person.birth_date)?,
                record: Some(record),
            })
        })
        .ok_or("numbers-unknown")
}

fn resolve(
    set: &mut WorkingSet,
    envelope: &CommandEnvelope,
    inquiry: InquiryId,
    note: &str,
) -> Result<Verdict, &'static str> {
    let stream = StreamId::inquiry(inquiry);
    let process = set.stream(&stream).inquiry();
    let facility = set.stream(&stream).facility();
    let command = InquiryCommand::Resolve(InquiryResolved {
        inquiry,
        by: envelope.by.clone(),
        note: note.to_owned(),
    });
    let events = inquiry::decide(&process, command).map_err(|rejection| rejection.rule())?;
    let effects = Effects {
        drafts: events
            .into_iter()
            .map(|event| Draft {
                facility: facility.clone(),
                key_of: process.requested.as_ref().and_then(|asked| asked.record),
                ..Draft::new(event, stream.clone(), 0)
            })
            .collect(),
        ..Effects::default()
    };
    Ok(carried_out(set, envelope, effects))
}

fn discard(
    set: &mut WorkingSet,
    envelope: &CommandEnvelope,
    id: &str,
) -> Result<Verdict, &'static str> {
    let row = parked_row(set, id)?;
    let bytes = row.observation.clone().unwrap_or_default();
    let seen = serde_json::from_slice::<Observation>(&bytes);
    tracing::info!(parked.id = %row.observation_id, by = %envelope.by, "parked observation given up");
    let outcome = CommitOutcome::NothingNew;
    let effects = Effects {
        inbox: vec![InboxRow {
            outcome,
            reason: Some("discarded".to_owned()),
            observation: None,
            ..row.clone()
        }],
        ..Effects::default()
    };
    let mut verdict = carried_out(set, envelope, effects);
    if let Ok(seen) = seen.as_ref()
        && seen.facility == row.facility
    {
        verdict.announcements.push(announcement(seen, outcome));
    }
    Ok(verdict)
}

fn parked_row(set: &WorkingSet, id: &str) -> Result<InboxRow, &'static str> {
    id.parse::<ObservationId>()
        .ok()
        .and_then(|id| set.inbox.get(&id))
        .filter(|row| row.outcome == CommitOutcome::Parked)
        .cloned()
        .ok_or("not-parked")
}

/// A row that had an id of its own gets the answer of the observation inside it.
fn settled(row: InboxRow, seen: &Observation, outcome: CommitOutcome) -> Effects {
    let mut effects = Effects::default();
    if row.observation_id != seen.observation_id {
        effects.inbox.push(InboxRow {
            outcome: CommitOutcome::NothingNew,
            reason: Some(format!("retried as {}", seen.observation_id)),
            observation: None,
            ..row
        });
    }
    tracing::info!(observation.id = %seen.observation_id, ?outcome, "parked observation decided anew");
    effects
}

fn announcement(seen: &Observation, outcome: CommitOutcome) -> Announcement {
    Announcement {
        facility: seen.facility.clone(),
        source: seen.source.clone(),
        device: seen.device.clone(),
        observation_id: seen.observation_id,
        outcome,
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
