//! Records of one human: what a link makes true of each of them, and what has to be loaded to know it.

use std::collections::HashSet;

use lru::LruCache;
use shikaku_domain::patient::{Human, PatientState};
use shikaku_ledger::{Ledger, LedgerError};
use shikaku_schemas::command::Command;
use shikaku_schemas::observation::{Observation, ObservationBody};
use shikaku_schemas::value::{FacilityCode, RecordId, StreamId};

use super::context::Context;
use super::load::{keys, parked, streams, target};
use super::state::Loaded;
use super::working_set::WorkingSet;
use super::{Registration, Work};

impl Context {
    /// A record with those that are linked with it, of the chart numbering of `facility`.
    pub(super) fn human<'s>(
        &self,
        set: &'s WorkingSet,
        facility: &FacilityCode,
        record: RecordId,
    ) -> Human<'s> {
        let linked = self.linked(set, facility, record);
        Human {
            record: set.patient(record),
            linked: linked.into_iter().map(|(_, state)| state).collect(),
        }
    }

    /// The other records of a human in the chart numbering of `facility`, as far as they are loaded.
    pub(super) fn linked<'s>(
        &self,
        set: &'s WorkingSet,
        facility: &FacilityCode,
        record: RecordId,
    ) -> Vec<(RecordId, &'s PatientState)> {
        let Some(person) = set.person_of(self, record) else {
            return Vec::new();
        };
        let stream = StreamId::person(person);
        let person = set.streams.get(&stream).map(Loaded::person);
        let records = person.unwrap_or_default().records;
        let others = records.into_iter().filter(|other| *other != record);
        others
            .filter_map(|other| {
                let loaded = set.streams.get(&StreamId::patient(other))?;
                let is_near = self.share_numbering(loaded.facility().as_ref()?, facility);
                let state = loaded.as_patient()?;
                (is_near && !state.erased).then_some((other, state))
            })
            .collect()
    }

    fn share_numbering(&self, one: &FacilityCode, other: &FacilityCode) -> bool {
        let numbering = |code| self.facts(code).map(|facts| &facts.numbering);
        numbering(one).is_some() && numbering(one) == numbering(other)
    }

    /// Whether two records are linked, in the chart numbering of `facility`.
    pub(super) fn same_human(
        &self,
        set: &WorkingSet,
        facility: &FacilityCode,
        one: RecordId,
        other: RecordId,
    ) -> bool {
        let linked = self.linked(set, facility, one);
        linked.iter().any(|(record, _)| *record == other)
    }
}

/// Persons, and the records linked with those that the items speak of, where a link may decide.
pub(super) async fn load(
    ledger: &Ledger,
    context: &Context,
    set: &mut WorkingSet,
    kept: &mut LruCache<StreamId, Loaded>,
    works: &[Work],
) -> Result<(), LedgerError> {
    let records = of_items(context, set, works);
    if records.is_empty() {
        return Ok(());
    }
    persons(ledger, context, set, &records).await?;
    let rows = records.iter().map(|record| context.digests.person(*record));
    let persons_of: HashSet<StreamId> = rows
        .filter_map(|row| Some(target(&row, set.record_of(&row)?)))
        .collect();
    streams(ledger, set, kept, persons_of.clone()).await?;
    let loaded = persons_of.iter().filter_map(|it| set.streams.get(it));
    let linked: HashSet<RecordId> = loaded.flat_map(|it| it.person().records).collect();
    persons(ledger, context, set, &linked).await?;
    let wanted = linked.into_iter().map(StreamId::patient).collect();
    streams(ledger, set, kept, wanted).await
}

/// To which persons records are linked.
async fn persons(
    ledger: &Ledger,
    context: &Context,
    set: &mut WorkingSet,
    records: &HashSet<RecordId>,
) -> Result<(), LedgerError> {
    let rows = records.iter().map(|record| context.digests.person(*record));
    let rows = rows.filter(|row| !set.keys.contains_key(row)).collect();
    set.keys.extend(keys(ledger, rows).await?);
    Ok(())
}

fn of_items(context: &Context, set: &WorkingSet, works: &[Work]) -> HashSet<RecordId> {
    let mut records = HashSet::new();
    for work in works {
        match work {
            Work::Observation(seen) => spoken_of(context, set, seen, &mut records),
            Work::Register(registration) => match &**registration {
                Registration::Due { record, .. } => drop(records.insert(*record)),
                Registration::Bulk { records: all, .. } => records.extend(all),
            },
            Work::Command(envelope) => records.extend(asked_of(context, set, &envelope.command)),
            _ => {}
        }
    }
    for seen in set.waiting.values().flatten().chain(&parked(set, works)) {
        spoken_of(context, set, seen, &mut records);
    }
    records
}

/// The records of an observation that may turn out to be one human.
fn spoken_of(
    context: &Context,
    set: &WorkingSet,
    seen: &Observation,
    records: &mut HashSet<RecordId>,
) {
    let chart = |number| {
        let facts = context.facts(&seen.facility)?;
        set.record_of(&context.digests.chart(facts, number))
    };
    match &seen.body {
        ObservationBody::OqsAnswer(_) | ObservationBody::OqsAnswerUnit(_) => {
            let named = set.named.get(&seen.observation_id);
            let rows = named.iter().flat_map(|named| &named.keys);
            let found: HashSet<_> = rows.filter_map(|key| set.record_of(&key.row)).collect();
            if found.len() > 1 {
                records.extend(found);
            }
        }
        ObservationBody::ChartOpened(opened) => {
            let known = chart(&opened.patient).filter(|known| Some(*known) != opened.record);
            records.extend(known.and(opened.record).into_iter().chain(known));
        }
        ObservationBody::RegistrationOutcome(told) => {
            let number = told.outcome.registered.reference_number.as_ref();
            let facts = context.facts(&seen.facility);
            let number = number
                .zip(facts)
                .and_then(|(it, facts)| facts.chart_number(it));
            records.extend(number.as_ref().and_then(chart));
        }
        _ => {}
    }
}

/// The record that a command names by its chart number, where its human is asked about.
fn asked_of(context: &Context, set: &WorkingSet, command: &Command) -> Option<RecordId> {
    let (facility, number) = match command {
        Command::RegisterReference(asked) => (&asked.facility, asked.patient.as_ref()?),
        Command::InquireTicket(asked) => (&asked.facility, asked.patient.as_ref()?),
        _ => return None,
    };
    let facts = context.facts(facility)?;
    set.record_of(&context.digests.chart(facts, number))
}
