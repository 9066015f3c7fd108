//! The ticket calendar of one facility and month, read from the ledger.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz;
use shikaku_domain::calendar::{Calendar, CalendarFold, RecordOfRun};
use shikaku_ledger::{Ledger, LedgerError};
use shikaku_schemas::group::Group;
use shikaku_schemas::value::{FacilityCode, InquiryId, Month, RecordId, StreamId};

use super::{PAGE, Queries, QueryError};
use crate::identity::Digests;

/// What makes a record speak of a month.
const KINDS: &[&str] = &[
    "not-commissioned-observed",
    "commissioned-ticket-arrived",
    "ticket-sourced-offline",
    "ticket-requested",
];
/// Nothing is known of a month longer than this before it begins.
const BEFORE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 62);
/// Records folded at a time.
const AT_ONCE: usize = 500;

impl Queries {
    /// Who waits for a ticket of the month since when and at which office, and what arrived, changed or vanished.
    ///
    /// # Errors
    /// [`QueryError::FacilityUnknown`], or no answer from the database.
    pub async fn calendar(
        &self,
        facility: &FacilityCode,
        month: Month,
    ) -> Result<Calendar, QueryError> {
        if self.group.facility(facility).is_none() {
            return Err(QueryError::FacilityUnknown);
        }
        calendar(&self.ledger, &self.digests, &self.group, facility, month).await
    }
}

/// As [`Queries::calendar`], of a facility that is configured.
pub(crate) async fn calendar(
    ledger: &Ledger,
    digests: &Digests,
    group: &Group,
    facility: &FacilityCode,
    month: Month,
) -> Result<Calendar, QueryError> {
    let mut rows = Vec::new();
    folded(ledger, digests, facility, month, |human| {
        let (record, fold) = joined(human);
        rows.extend(fold.finish(record));
    })
    .await?;
    let phone = |office: &str| {
        let known = group.welfare_offices.iter().find(|it| it.name == office);
        known.and_then(|office| office.phone.clone())
    };
    Ok(Calendar::of(facility.clone(), month, rows, phone))
}

/// Every record of the month, as a run is settled.
pub(crate) async fn records_of_run(
    ledger: &Ledger,
    digests: &Digests,
    facility: &FacilityCode,
    month: Month,
    run: InquiryId,
) -> Result<Vec<RecordOfRun>, LedgerError> {
    let mut records = Vec::new();
    folded(ledger, digests, facility, month, |human| {
        let told = human.iter();
        let mut told: Vec<RecordOfRun> = told
            .map(|(record, fold)| fold.for_settlement(*record, run))
            .collect();
        let waits = joined(human).1.is_waiting();
        told.iter_mut().for_each(|record| record.waits &= waits);
        records.append(&mut told);
    })
    .await?;
    Ok(records)
}

/// One human's records as one, named by the one with a ticket, or by the first.
fn joined(mut human: Vec<(RecordId, CalendarFold)>) -> (RecordId, CalendarFold) {
    let named = human.iter().position(|(_, fold)| fold.has_ticket());
    let (record, mut all) = human.swap_remove(named.unwrap_or_default());
    for (_, fold) in human {
        all.join(fold);
    }
    (record, all)
}

/// Gives every human's records, never none: one alone, or all that are linked.
async fn folded(
    ledger: &Ledger,
    digests: &Digests,
    facility: &FacilityCode,
    month: Month,
    mut take: impl FnMut(Vec<(RecordId, CalendarFold)>),
) -> Result<(), LedgerError> {
    let records = records(ledger, facility, month).await?;
    let mut linked: BTreeMap<RecordId, Vec<(RecordId, CalendarFold)>> = BTreeMap::new();
    for some in records.chunks(AT_ONCE) {
        let keys: Vec<_> = some.iter().map(|record| digests.person(*record)).collect();
        let persons = ledger.resolve(&keys).await?;
        let streams: Vec<StreamId> = some
            .iter()
            .map(|record| StreamId::patient(*record))
            .collect();
        let mut loaded = ledger.load_streams(&streams).await?;
        for ((record, stream), key) in some.iter().zip(&streams).zip(&keys) {
            let events = loaded.remove(stream).unwrap_or_default();
            let mut fold = CalendarFold::new(facility.clone(), month);
            for opened in ledger.open_events(&events).await? {
                if let Some(event) = &opened.event {
                    fold.record(&opened.head, event);
                }
            }
            match persons.get(key) {
                Some(person) => linked.entry(*person).or_default().push((*record, fold)),
                None => take(vec![(*record, fold)]),
            }
        }
    }
    linked.into_values().for_each(take);
    Ok(())
}

/// The records that may speak of the month: found by what stands in clear, without opening anything.
async fn records(
    ledger: &Ledger,
    facility: &FacilityCode,
    month: Month,
) -> Result<Vec<RecordId>, LedgerError> {
    let first = tz::offset(9).to_timestamp(month.first_day().at(0, 0, 0, 0));
    let begin = first.ok().and_then(|first| first.checked_sub(BEFORE).ok());
    let begin = begin.unwrap_or(jiff::Timestamp::MIN);
    let mut after = ledger.position_at(begin).await?;
    let mut records = BTreeSet::new();
    loop {
        let page = ledger.read_kinds(after, KINDS, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(records.into_iter().collect());
        };
        after = last.head.position;
        let here = page
            .iter()
            .filter(|event| event.head.facility.as_ref() == Some(facility));
        records.extend(here.filter_map(|event| event.head.patient));
    }
}
