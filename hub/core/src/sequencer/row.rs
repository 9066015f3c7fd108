//! Units of a 一括照会 and the rows that were asked.

use std::collections::HashSet;
use std::sync::Arc;

use lru::LruCache;
use shikaku_domain::FacilityFacts;
use shikaku_domain::inquiry::{issuer_differs, row_of};
use shikaku_ledger::{Ledger, LedgerError};
use shikaku_schemas::event::{CaseReason, Event, PatientNumbered};
use shikaku_schemas::observation::{Observation, ObservationBody, OqsAnswer};
use shikaku_schemas::task::{BulkQuestion, BulkRow, TaskBody};
use shikaku_schemas::value::{PatientNumber, RecordId, StreamId};

use super::Work;
use super::answer::Whose;
use super::context::{Context, patient_draft};
use super::load::{keys, streams, target};
use super::observation::Judged;
use super::state::Loaded;
use super::working_set::WorkingSet;
use crate::identity::Named;

impl WorkingSet {
    fn question_of(&self, answer: &OqsAnswer) -> Option<&BulkQuestion> {
        let stream = StreamId::inquiry(answer.inquiry?);
        let process = self.streams.get(&stream)?.as_inquiry()?;
        match process.requested.as_ref()?.question.as_deref()? {
            TaskBody::Bulk(question) => Some(question),
            _ => None,
        }
    }

    /// The row of its job that a unit answers.
    pub(super) fn row_asked(
        &self,
        seen: &Observation,
        answer: &OqsAnswer,
        facts: &FacilityFacts,
    ) -> Option<&BulkRow> {
        let is_unit = matches!(seen.body, ObservationBody::OqsAnswerUnit(_));
        let question = self.question_of(answer).filter(|_| is_unit)?;
        row_of(question, answer, facts)
    }
}

impl Context {
    /// An answer that names another payer or insurer than its row is for a person to look at.
    pub(super) fn differs(
        &self,
        set: &WorkingSet,
        answer: &OqsAnswer,
        named: &Named,
        row: Option<&BulkRow>,
    ) -> Option<Whose> {
        let insurance = set.question_of(answer)?.insurance;
        if !issuer_differs(row?, insurance, answer) {
            return None;
        }
        let rows = named.keys.iter().map(|key| &key.row);
        let mut candidates: Vec<RecordId> = rows.filter_map(|row| set.record_of(row)).collect();
        candidates.sort_unstable();
        candidates.dedup();
        Some(Whose::Unsure(CaseReason::IssuerDiffers, candidates))
    }

    /// A list that carries a chart number connects it, where the record has none yet.
    pub(super) fn numbered_by_list(
        &self,
        set: &WorkingSet,
        seen: &Observation,
        judged: Judged,
        (record, listed): (RecordId, Option<PatientNumber>),
    ) -> Judged {
        let (Some(number), Some(facts)) = (listed, self.facts(&seen.facility)) else {
            return judged;
        };
        let Judged::Effects(mut effects) = judged else {
            return judged;
        };
        let chart = self.digests.chart(facts, &number);
        let told = effects.drafts.iter().find_map(|draft| match &draft.event {
            Event::PatientNumbered(told) => Some(&told.patient_number),
            _ => None,
        });
        let known = told.or(set.patient(record).patient_number.as_ref());
        let leads_here = set.record_of(&chart) == Some(record)
            || effects.taken.contains(&(chart.clone(), record));
        match known {
            None if leads_here => {
                let numbered = Event::PatientNumbered(PatientNumbered {
                    patient_number: number,
                });
                effects.drafts.push(patient_draft(seen, record, numbered));
            }
            Some(known) if *known != number => {
                effects.taken.retain(|(key, _)| *key != chart);
                tracing::warn!(record.id = %record, "a list names another chart number than is known");
            }
            _ => {}
        }
        Judged::Effects(effects)
    }
}

/// What the rows add to what the answers themselves are looked up by. Needs the streams of their jobs.
pub(super) async fn load_rows(
    ledger: &Ledger,
    context: &Context,
    set: &mut WorkingSet,
    kept: &mut LruCache<StreamId, Loaded>,
    works: &[Work],
) -> Result<(), LedgerError> {
    let listed: Vec<_> = works
        .iter()
        .filter_map(|work| match work {
            Work::Observation(seen) => Some(&**seen),
            _ => None,
        })
        .chain(set.waiting.values().flatten())
        .filter_map(|seen| {
            let ObservationBody::OqsAnswerUnit(answer) = &seen.body else {
                return None;
            };
            let facts = context.facts(&seen.facility)?;
            let number = set.row_asked(seen, answer, facts)?.patient.as_ref()?;
            let named = context.digests.listed(answer, facts, number);
            Some((seen.observation_id, Arc::new(named)))
        })
        .collect();
    let mut missing = HashSet::new();
    for (id, named) in listed {
        for key in &named.keys {
            let rows = [&key.row, &key.decided, &key.waiting];
            missing.extend(
                rows.into_iter()
                    .filter(|row| !set.keys.contains_key(*row))
                    .cloned(),
            );
        }
        set.named.insert(id, named);
    }
    let found = keys(ledger, missing).await?;
    let wanted = found.iter().map(|(key, leads_to)| target(key, *leads_to));
    let wanted = wanted.collect();
    set.keys.extend(found);
    streams(ledger, set, kept, wanted).await
}
