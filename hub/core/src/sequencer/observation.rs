//! Judging one observation on the working set.

use shikaku_domain::patient::{self, PatientCommand};
use shikaku_ledger::InboxRow;
use shikaku_schemas::command::AddTicket;
use shikaku_schemas::event::{AppointmentBooked, VisitAccepted};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::observation::{
    ChartOpened, CommitOutcome, Observation, ObservationBody, Progress, TicketEntered, VisitSeen,
};
use shikaku_schemas::value::{CaseId, RecordId, jst_day};

use super::context::{Context, patient_draft};
use super::job;
use super::medical::{medical_answer, withdraw};
use super::verdict::Verdict;
use super::working_set::{Effects, WorkingSet};
use super::{Unjudged, Work};
use crate::desk::DeskNews;

/// What an observation makes.
pub(crate) enum Judged {
    /// Effects; none = it told nothing new.
    Effects(Effects),
    /// It waits in a case.
    Waits { case: CaseId, effects: Effects },
    /// It can't be judged: the stable word says why.
    Parked(&'static str),
}

impl Context {
    /// Decides every item in order. Nothing here can fail: what can't be judged is set aside.
    pub(crate) fn decide(&self, set: &mut WorkingSet, works: &[Work]) -> Vec<Verdict> {
        for work in works {
            if let Work::Observation(seen) = work
                && let Some(evidence) = &seen.evidence
            {
                set.know_media(&evidence.id, &evidence.media);
            }
        }
        works.iter().map(|work| self.item(set, work)).collect()
    }

    fn item(&self, set: &mut WorkingSet, work: &Work) -> Verdict {
        match work {
            Work::Observation(seen) => self.observation(set, seen),
            Work::Unjudged(unjudged) => set_aside(set, unjudged),
            Work::Command(envelope) => self.command(set, envelope),
            Work::Overdue(inquiry) => job::overdue(set, *inquiry),
            Work::Settle(order) => self.settle_month(set, order),
            Work::Again { inquiry, times } => self.again(set, *inquiry, *times),
            Work::Withdraw { inquiry, rule } => withdraw(set, *inquiry, rule),
            Work::Register(registration) => self.register(set, registration),
            Work::Chunk(chunk) => {
                set.add_chunk(chunk.clone());
                Verdict::committed(CommitOutcome::NothingNew, None)
            }
        }
    }

    fn observation(&self, set: &mut WorkingSet, seen: &Observation) -> Verdict {
        self.heard(seen);
        if let Some(row) = set.inbox.get(&seen.observation_id)
            && !planted(Mutant::IgnoreInbox)
        {
            metrics::counter!("shikaku_hub_observations_duplicate_total").increment(1);
            return Verdict::committed(row.outcome, row.reason.clone());
        }
        if let Some(evidence) = &seen.evidence
            && !set.has_evidence(&evidence.id, evidence.chunks)
            && !planted(Mutant::CommitWithoutEvidence)
        {
            return Verdict::evidence_missing();
        }
        let (outcome, reason) = self.settle(set, seen, None);
        let unit = match &seen.body {
            ObservationBody::OqsAnswerUnit(answer) => answer.inquiry.map(|job| (job, outcome)),
            _ => None,
        };
        Verdict::committed(outcome, reason)
            .with_news(self.at_the_desk(set, seen))
            .with_unit(unit)
    }

    /// Even what was seen before tells that its terminal lives.
    fn heard(&self, seen: &Observation) {
        if seen.source == "terminal" {
            let job = match &seen.body {
                ObservationBody::InquiryProgress(progress) => {
                    if progress.progress == Progress::Received {
                        self.jobs.received(progress.inquiry, progress.count);
                    }
                    Some(progress.inquiry)
                }
                ObservationBody::OqsAnswerUnit(answer) => answer.inquiry,
                ObservationBody::RegistrationOutcome(outcome) => outcome.inquiry,
                _ => None,
            };
            let place = (seen.facility.clone(), seen.device.clone());
            let now = self.clock.now();
            self.terminals.heard(place.clone(), job, seen.seen_at, now);
            if let ObservationBody::InquiryProgress(told) = &seen.body
                && matches!(told.progress, Progress::TimedOut | Progress::Uncertain)
            {
                self.terminals.failed(place);
            }
        }
    }

    /// For screens alone: no judgement rests on it.
    fn at_the_desk(&self, set: &WorkingSet, seen: &Observation) -> Option<DeskNews> {
        let facility = self.facility(&seen.facility)?;
        let number = match &seen.body {
            ObservationBody::CardPresented(card) => card.patient.as_ref(),
            _ => None,
        };
        let record = number
            .zip(self.facts(&seen.facility))
            .and_then(|(number, facts)| set.record_of(&self.digests.chart(facts, number)));
        self.desks.note(facility, seen, record)
    }

    /// Judges and applies, row and all. `record` is what a person decided.
    pub(crate) fn settle(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        record: Option<RecordId>,
    ) -> (CommitOutcome, Option<String>) {
        let judged = match &seen.body {
            ObservationBody::OqsAnswer(answer) | ObservationBody::OqsAnswerUnit(answer) => {
                self.answer(set, seen, answer, record)
            }
            ObservationBody::OqsAnswerManifest(manifest) => job::manifest(set, seen, manifest),
            ObservationBody::InquiryProgress(progress) => job::progressed(set, seen, progress),
            ObservationBody::ChartOpened(opened) => self.chart_opened(set, seen, opened),
            ObservationBody::VisitAccepted(visit) => self.visit_accepted(set, seen, visit),
            ObservationBody::RequestForwarded(told) => job::forwarded(set, seen, told),
            ObservationBody::AppointmentBooked(visit) => self.appointment_booked(set, seen, visit),
            // That a card lay at a desk is committed for ever, and is no part of anybody's history.
            ObservationBody::CardPresented(_) | ObservationBody::CardRemoved(_) => {
                Judged::Effects(Effects::default())
            }
            ObservationBody::RegistrationOutcome(told) => {
                self.registration_outcome(set, seen, told)
            }
            ObservationBody::MedicalAnswer(told) => medical_answer(set, seen, told),
            ObservationBody::ConsentEntered(entered) => self.consent_entered(set, seen, entered),
            ObservationBody::TicketEnteredOffline(told) => self.ticket_entered(set, seen, told),
            _ => Judged::Parked("kind-not-supported"),
        };
        let mut row = row(seen);
        let mut effects = match judged {
            Judged::Effects(effects) => {
                row.outcome = match effects.drafts.is_empty() {
                    true => CommitOutcome::NothingNew,
                    false => CommitOutcome::Recorded,
                };
                effects
            }
            Judged::Waits { case, effects } => {
                row.outcome = CommitOutcome::Waiting;
                row.case = Some(case);
                row.observation = serde_json::to_vec(seen).ok();
                set.waiting.entry(case).or_default().push(seen.clone());
                effects
            }
            Judged::Parked(reason) => {
                metrics::counter!("shikaku_hub_observations_parked_total", "reason" => reason)
                    .increment(1);
                row.outcome = CommitOutcome::Parked;
                row.reason = Some(reason.to_owned());
                row.observation = serde_json::to_vec(seen).ok();
                Effects::default()
            }
        };
        let answer = (row.outcome, row.reason.clone());
        effects.inbox.push(row);
        set.apply(effects);
        answer
    }

    fn chart_opened(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        opened: &ChartOpened,
    ) -> Judged {
        let Some(facts) = self.facts(&seen.facility) else {
            return Judged::Parked("facility-unknown");
        };
        let chart = self.digests.chart(facts, &opened.patient);
        let known = set.record_of(&chart);
        let record = match (known, opened.record) {
            (Some(known), Some(told))
                if known != told && !self.same_human(set, &seen.facility, known, told) =>
            {
                return Judged::Parked("numbered-otherwise");
            }
            // Of one human the first is the chart's: while they are linked, its number goes for the others.
            (Some(known), _) => known,
            (None, Some(told)) => told,
            // A chart of somebody never verified here tells nothing about a qualification.
            (None, None) => return Judged::Effects(Effects::default()),
        };
        let command = PatientCommand::NumberPatient(opened.patient.clone());
        let mut effects = match on_record(set, seen, record, command) {
            Judged::Effects(effects) => effects,
            refused => return refused,
        };
        effects.taken.push((chart, record));
        Judged::Effects(effects)
    }

    /// What `tickets add` records, with the sender as the one who entered it.
    fn ticket_entered(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        told: &TicketEntered,
    ) -> Judged {
        let asked = AddTicket {
            facility: seen.facility.clone(),
            patient: told.patient.clone(),
            payer_number: told.payer_number.clone(),
            recipient_number: told.recipient_number.clone(),
            ticket: told.ticket.clone(),
            source: told.source.clone(),
            reason: told.reason.clone(),
        };
        let by = format!("{}/{}", seen.source, seen.device);
        match self.told_offline(set, &asked, (by, jst_day(seen.seen_at))) {
            Ok((record, command)) => on_record(set, seen, record, command),
            Err(rule) => Judged::Parked(rule),
        }
    }

    fn visit_accepted(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        visit: &VisitSeen,
    ) -> Judged {
        let Some(facts) = self.facts(&seen.facility) else {
            return Judged::Parked("facility-unknown");
        };
        let Some(record) = set.record_of(&self.digests.chart(facts, &visit.patient)) else {
            return Judged::Parked("record-unknown");
        };
        let accepted = VisitAccepted {
            visited_on: visit.on,
            department: visit.department.clone(),
        };
        on_record(set, seen, record, PatientCommand::AcceptVisit(accepted))
    }

    /// Of somebody never verified here nothing could be asked on the day: there is nothing to keep.
    fn appointment_booked(
        &self,
        set: &mut WorkingSet,
        seen: &Observation,
        booked: &VisitSeen,
    ) -> Judged {
        let Some(facts) = self.facts(&seen.facility) else {
            return Judged::Parked("facility-unknown");
        };
        let Some(record) = set.record_of(&self.digests.chart(facts, &booked.patient)) else {
            return Judged::Effects(Effects::default());
        };
        let booked = AppointmentBooked {
            on: booked.on,
            department: booked.department.clone(),
        };
        on_record(set, seen, record, PatientCommand::BookAppointment(booked))
    }
}

/// What a command makes of a record.
pub(super) fn on_record(
    set: &mut WorkingSet,
    seen: &Observation,
    record: RecordId,
    command: PatientCommand,
) -> Judged {
    match patient::decide(set.patient(record), command) {
        Ok(events) => Judged::Effects(Effects {
            drafts: events
                .into_iter()
                .map(|event| patient_draft(seen, record, event))
                .collect(),
            ..Effects::default()
        }),
        Err(rejection) => Judged::Parked(rejection.rule()),
    }
}

fn set_aside(set: &mut WorkingSet, unjudged: &Unjudged) -> Verdict {
    if let Some(row) = set.inbox.get(&unjudged.observation_id) {
        return Verdict::committed(row.outcome, row.reason.clone());
    }
    metrics::counter!("shikaku_hub_observations_parked_total", "reason" => unjudged.reason)
        .increment(1);
    let reason = Some(unjudged.reason.to_owned());
    set.apply(Effects {
        inbox: vec![InboxRow {
            observation_id: unjudged.observation_id,
            facility: unjudged.facility.clone(),
            outcome: CommitOutcome::Parked,
            first: None,
            last: None,
            case: None,
            reason: reason.clone(),
            observation: Some(unjudged.bytes.clone()),
        }],
        ..Effects::default()
    });
    Verdict::committed(CommitOutcome::Parked, reason)
}

/// The inbox row of an observation before it is judged.
pub(crate) fn row(seen: &Observation) -> InboxRow {
    InboxRow {
        observation_id: seen.observation_id,
        facility: seen.facility.clone(),
        outcome: CommitOutcome::NothingNew,
        first: None,
        last: None,
        case: None,
        reason: None,
        observation: None,
    }
}

impl Work {
    /// The item as something to set aside with a reason, if it is an observation.
    pub(crate) fn unjudged(&self, reason: &'static str) -> Option<Unjudged> {
        match self {
            Self::Observation(seen) => Some(Unjudged {
                observation_id: seen.observation_id,
                facility: seen.facility.clone(),
                reason,
                bytes: serde_json::to_vec(seen).ok()?,
            }),
            _ => None,
        }
    }
}
