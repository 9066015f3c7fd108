//! Medical information of one person, who consented at the card reader.

use shikaku_domain::patient::{self, MedicalWish};
use shikaku_schemas::command::{CommandEnvelope, InquireMedical};
use shikaku_schemas::value::jst_day;

use super::{carried_out, inquiry_of};
use crate::sequencer::context::Context;
use crate::sequencer::needs::Needs;
use crate::sequencer::registration::Asked;
use crate::sequencer::verdict::Verdict;
use crate::sequencer::working_set::{Effects, WorkingSet};

impl Needs {
    /// The inquiry, and the chart.
    pub(super) fn inquire_medical(
        &mut self,
        context: &Context,
        envelope: &CommandEnvelope,
        asked: &InquireMedical,
    ) {
        self.inquiry(inquiry_of(envelope));
        self.chart(context, &asked.facility, &asked.patient);
    }
}

impl Context {
    /// Asks for it, if a live consent permits.
    pub(super) fn inquire_medical(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        asked: &InquireMedical,
    ) -> Result<Verdict, &'static str> {
        let facility = self.facility(&asked.facility).ok_or("facility-unknown")?;
        if facility.terminals.is_empty() {
            return Err("no-terminal");
        }
        let facts = self.facts(&asked.facility).ok_or("facility-unknown")?;
        let record = set
            .record_of(&self.digests.chart(facts, &asked.patient))
            .ok_or("record-unknown")?;
        let wish = MedicalWish {
            scope: asked.scope,
            from: asked.from,
            to: asked.to,
        };
        let now = self.clock.now();
        let body = patient::medical_question(
            set.patient(record),
            &asked.facility,
            &wish,
            &self.medical,
            (jst_day(now), now),
        )
        .map_err(|rejection| rejection.rule())?;
        let about = Asked {
            inquiry: inquiry_of(envelope),
            facility: &asked.facility,
            requested_by: &envelope.by,
            purpose: &asked.purpose,
            record: Some(record),
        };
        let effects = Effects {
            drafts: self.ask(set, &about, body)?,
            ..Effects::default()
        };
        Ok(carried_out(set, envelope, effects))
    }
}
