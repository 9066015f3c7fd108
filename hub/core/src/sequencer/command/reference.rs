//! 照会番号の登録 of one person. All that are missing are gathered beside the sequencer, in `crate::reference`.

use std::collections::HashSet;

use shikaku_domain::patient;
use shikaku_schemas::command::{CommandEnvelope, RegisterReference};
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{InquiryId, jst_day};
use uuid::Uuid;

use super::{carried_out, inquiry_of};
use crate::sequencer::context::Context;
use crate::sequencer::needs::Needs;
use crate::sequencer::registration::Asked;
use crate::sequencer::verdict::Verdict;
use crate::sequencer::working_set::{Effects, WorkingSet};

/// Halves of one person at most: each is a request of its own.
const HALVES: u32 = 4;

/// The `n`th inquiry, from 0, of a command that makes several.
pub(crate) fn numbered_inquiry(envelope: &CommandEnvelope, n: u32) -> InquiryId {
    numbered_after(inquiry_of(envelope), n)
}

/// The `n`th inquiry, from 0, of a command whose first is `first`.
pub(crate) fn numbered_after(first: InquiryId, n: u32) -> InquiryId {
    match n {
        0 => first,
        n => InquiryId(Uuid::new_v5(&first.0, n.to_string().as_bytes())),
    }
}

impl Needs {
    /// The inquiries, and the chart.
    pub(super) fn register_reference(
        &mut self,
        context: &Context,
        envelope: &CommandEnvelope,
        asked: &RegisterReference,
    ) {
        for n in 0..HALVES {
            self.inquiry(numbered_inquiry(envelope, n));
        }
        if let Some(number) = &asked.patient {
            self.chart(context, &asked.facility, number);
        }
    }
}

impl Context {
    /// Registers each half that is valid, whether its number is known to be registered or not: a person asks.
    pub(super) fn register_reference(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        asked: &RegisterReference,
    ) -> Result<Verdict, &'static str> {
        let facility = self.facility(&asked.facility).ok_or("facility-unknown")?;
        if facility.terminals.is_empty() {
            return Err("no-terminal");
        }
        let facts = self.facts(&asked.facility).ok_or("facility-unknown")?;
        let number = asked.patient.as_ref().ok_or("patient-missing")?;
        let record = set
            .record_of(&self.digests.chart(facts, number))
            .ok_or("record-unknown")?;
        let today = jst_day(self.clock.now());
        let linked = self.linked(set, &asked.facility, record);
        let records = std::iter::once(record).chain(linked.into_iter().map(|(other, _)| other));
        let mut registrable: Vec<_> = records
            .flat_map(|record| {
                let human = self.human(set, &asked.facility, record);
                let halves = patient::registrable(&human, facts, today);
                halves.into_iter().map(move |half| (record, half))
            })
            .collect();
        let mut asked_of = HashSet::new();
        registrable.retain(|(_, half)| asked_of.insert(half.question.numbers.clone()));
        if registrable.is_empty() {
            return Err("nothing-to-register");
        }
        let mut effects = Effects::default();
        for ((record, registration), n) in registrable.into_iter().zip(0..HALVES) {
            let asked = Asked {
                inquiry: numbered_inquiry(envelope, n),
                facility: &asked.facility,
                requested_by: &envelope.by,
                purpose: &asked.purpose,
                record: Some(record),
            };
            let body = TaskBody::Reference(registration.question);
            effects.drafts.extend(self.ask(set, &asked, body)?);
        }
        Ok(carried_out(set, envelope, effects))
    }
}
