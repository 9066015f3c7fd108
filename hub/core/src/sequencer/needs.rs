//! What the items of a batch name: everything that has to be loaded before they can be decided.

use std::collections::HashSet;

use shikaku_ledger::IdentityKey;
use shikaku_schemas::observation::{Observation, ObservationBody, OqsAnswer};
use shikaku_schemas::value::{
    CaseId, FacilityCode, InquiryId, ObservationId, PatientNumber, RecordId, StreamId,
};

use super::answer::names_nobody;
use super::context::Context;
use super::job::next_of;
use super::working_set::WorkingSet;
use super::{Registration, Work};

/// What the items of a batch name.
#[derive(Default)]
pub(super) struct Needs {
    /// Answers given before.
    pub(super) inbox: HashSet<ObservationId>,
    /// Cases that are being decided, each once: two people may decide one in the same batch.
    pub(super) cases: Vec<CaseId>,
    /// Identity keys.
    pub(super) keys: HashSet<IdentityKey>,
    /// Streams.
    pub(super) streams: HashSet<StreamId>,
}

impl Needs {
    /// What one item needs.
    pub(super) fn name(&mut self, context: &Context, set: &mut WorkingSet, work: &Work) {
        match work {
            Work::Observation(seen) => {
                self.inbox.insert(seen.observation_id);
                self.look_up(context, set, seen);
            }
            Work::Unjudged(unjudged) => drop(self.inbox.insert(unjudged.observation_id)),
            Work::Settle(order) => self.settle(order),
            Work::Again { inquiry, .. } => {
                self.inquiry(*inquiry);
                self.inquiry(next_of(*inquiry));
            }
            Work::Overdue(inquiry) | Work::Withdraw { inquiry, .. } => self.inquiry(*inquiry),
            Work::Register(registration) => self.registration(registration),
            Work::Command(envelope) => self.command(context, envelope),
            Work::Chunk(_) => {}
        }
    }

    /// The records; their inquiries are named once these are known.
    fn registration(&mut self, registration: &Registration) {
        match registration {
            Registration::Due { record, .. } => {
                self.streams.insert(StreamId::patient(*record));
            }
            Registration::Bulk {
                inquiry, records, ..
            } => {
                self.inquiry(*inquiry);
                let records = records.iter().copied().map(StreamId::patient);
                self.streams.extend(records);
            }
        }
    }

    /// What an answer about no qualification belongs to.
    fn consequence(&mut self, seen: &Observation, inquiry: Option<InquiryId>) {
        self.inquiry(InquiryId(seen.observation_id.0));
        self.streams.extend(inquiry.map(StreamId::inquiry));
    }

    /// An inquiry.
    pub(super) fn inquiry(&mut self, inquiry: InquiryId) {
        self.streams.insert(StreamId::inquiry(inquiry));
    }

    /// A case with what waits in it.
    pub(super) fn case(&mut self, case: CaseId) {
        if !self.cases.contains(&case) {
            self.cases.push(case);
        }
        self.streams.insert(StreamId::case(case));
    }

    /// A record, and the person it belongs to.
    pub(super) fn record(&mut self, context: &Context, record: RecordId) {
        self.streams.insert(StreamId::patient(record));
        self.keys.insert(context.digests.person(record));
    }

    /// What judging an observation needs.
    pub(super) fn look_up(&mut self, context: &Context, set: &mut WorkingSet, seen: &Observation) {
        match &seen.body {
            ObservationBody::OqsAnswer(answer) | ObservationBody::OqsAnswerUnit(answer) => {
                self.answer(context, set, seen, answer);
            }
            ObservationBody::InquiryProgress(progress) => self.inquiry(progress.inquiry),
            ObservationBody::RequestForwarded(told) => self.inquiry(told.progress.inquiry),
            ObservationBody::OqsAnswerManifest(manifest) => {
                self.streams.extend(manifest.inquiry.map(StreamId::inquiry));
            }
            ObservationBody::ChartOpened(opened) => {
                self.chart(context, &seen.facility, &opened.patient);
                if let Some(record) = opened.record {
                    self.streams.insert(StreamId::patient(record));
                }
            }
            ObservationBody::VisitAccepted(visit) | ObservationBody::AppointmentBooked(visit) => {
                self.chart(context, &seen.facility, &visit.patient)
            }
            ObservationBody::RegistrationOutcome(told) => {
                self.consequence(seen, told.inquiry);
                let number = told.outcome.registered.reference_number.as_ref();
                let facts = context.facts(&seen.facility);
                let number = number
                    .zip(facts)
                    .and_then(|(it, facts)| facts.chart_number(it));
                if let Some(number) = number {
                    self.chart(context, &seen.facility, &number);
                }
            }
            ObservationBody::MedicalAnswer(told) => self.consequence(seen, told.inquiry),
            ObservationBody::ConsentEntered(entered) => {
                self.chart(context, &seen.facility, &entered.patient);
            }
            ObservationBody::TicketEnteredOffline(told) => {
                self.chart(context, &seen.facility, &told.patient);
            }
            ObservationBody::CardPresented(card) => {
                if let Some(number) = &card.patient {
                    self.chart(context, &seen.facility, number);
                }
            }
            _ => {}
        }
    }

    /// Where a chart number leads.
    pub(super) fn chart(
        &mut self,
        context: &Context,
        facility: &FacilityCode,
        number: &PatientNumber,
    ) {
        if let Some(facts) = context.facts(facility) {
            self.keys.insert(context.digests.chart(facts, number));
        }
    }

    fn answer(
        &mut self,
        context: &Context,
        set: &mut WorkingSet,
        seen: &Observation,
        answer: &OqsAnswer,
    ) {
        self.streams.extend(answer.inquiry.map(StreamId::inquiry));
        if names_nobody(answer) {
            self.inquiry(InquiryId(seen.observation_id.0));
        }
        let Some(facts) = context.facts(&seen.facility) else {
            return;
        };
        let named = set.named(context, seen, answer, facts);
        for key in &named.keys {
            let rows = [&key.row, &key.decided, &key.waiting];
            self.keys.extend(rows.into_iter().cloned());
        }
        self.keys.extend(named.twin.clone());
    }
}
