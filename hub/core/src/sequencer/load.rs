//! Everything a batch needs, with one query each: answers already given, where keys lead, which evidence is
//! here, and the streams that are not kept from earlier batches.

use std::collections::{HashMap, HashSet};

use lru::LruCache;
use shikaku_ledger::{IdentityKey, InboxRow, Ledger, LedgerError, Opened, StoredEvent};
use shikaku_schemas::command::Command;
use shikaku_schemas::observation::Observation;
use shikaku_schemas::value::{
    CaseId, EvidenceId, ObservationId, PersonId, Position, RecordId, StreamId,
};

use super::command::command_row;
use super::context::Context;
use super::human;
use super::needs::Needs;
use super::row::load_rows;
use super::state::Loaded;
use super::working_set::WorkingSet;
use super::{Registration, Work};

/// Loads for `works`; states in `kept` move into the working set.
pub(crate) async fn load(
    ledger: &Ledger,
    context: &Context,
    kept: &mut LruCache<StreamId, Loaded>,
    works: &[Work],
) -> Result<WorkingSet, LedgerError> {
    let mut needs = Needs::default();
    let mut set = WorkingSet::default();
    for work in works {
        needs.name(context, &mut set, work);
    }
    // None of the three waits for another.
    (set.inbox, set.keys, set.evidence) = tokio::try_join!(
        inbox(ledger, std::mem::take(&mut needs.inbox)),
        keys(ledger, std::mem::take(&mut needs.keys)),
        evidence(ledger, works)
    )?;
    commands_given_before(ledger, &mut set, works).await?;
    anew(ledger, context, &mut set, &mut needs, works).await?;
    for (key, leads_to) in &set.keys {
        needs.streams.insert(target(key, *leads_to));
    }
    streams(ledger, &mut set, kept, needs.streams).await?;
    load_rows(ledger, context, &mut set, kept, works).await?;
    human::load(ledger, context, &mut set, kept, works).await?;
    behind(ledger, context, &mut set, kept, works).await?;
    links(ledger, context, &mut set, kept).await?;
    Ok(set)
}

async fn inbox(
    ledger: &Ledger,
    ids: HashSet<ObservationId>,
) -> Result<HashMap<ObservationId, InboxRow>, LedgerError> {
    let ids: Vec<_> = ids.into_iter().collect();
    match ids.is_empty() {
        true => Ok(HashMap::new()),
        false => ledger.inbox(&ids).await,
    }
}

/// Where keys lead.
pub(super) async fn keys(
    ledger: &Ledger,
    keys: HashSet<IdentityKey>,
) -> Result<HashMap<IdentityKey, RecordId>, LedgerError> {
    let keys: Vec<_> = keys.into_iter().collect();
    match keys.is_empty() {
        true => Ok(HashMap::new()),
        false => ledger.resolve(&keys).await,
    }
}

/// Observations that commands have decided anew: those that wait in a case, and parked ones.
async fn anew(
    ledger: &Ledger,
    context: &Context,
    set: &mut WorkingSet,
    needs: &mut Needs,
    works: &[Work],
) -> Result<(), LedgerError> {
    let mut observations = waiting(ledger, set, &needs.cases).await?;
    observations.extend(parked(set, works));
    if observations.is_empty() {
        return Ok(());
    }
    let mut more = Needs::default();
    for seen in &observations {
        more.look_up(context, set, seen);
    }
    set.keys.extend(keys(ledger, more.keys).await?);
    needs.streams.extend(more.streams);
    Ok(())
}

/// The stream that a key leads to.
pub(super) fn target(key: &IdentityKey, leads_to: RecordId) -> StreamId {
    match key.kind {
        shikaku_ledger::KeyKind::Waiting => StreamId::case(CaseId(leads_to.0)),
        shikaku_ledger::KeyKind::Person => StreamId::person(PersonId(leads_to.0)),
        _ => StreamId::patient(leads_to),
    }
}

/// What a repeated command made the first time, so that it gets the same answer.
async fn commands_given_before(
    ledger: &Ledger,
    set: &mut WorkingSet,
    works: &[Work],
) -> Result<(), LedgerError> {
    for work in works {
        let Work::Command(envelope) = work else {
            continue;
        };
        let id = command_row(envelope);
        let first = set.inbox.get(&id).and_then(|row| row.first);
        if let Some(Position(first)) = first {
            let event = ledger
                .read_page(Position(first.saturating_sub(1)), 1)
                .await?;
            if let Some(event) = event.first() {
                set.made.insert(id, event.head.stream.clone());
            }
        }
    }
    Ok(())
}

/// Observations that wait in the cases that are being decided, in order of arrival.
async fn waiting(
    ledger: &Ledger,
    set: &mut WorkingSet,
    cases: &[CaseId],
) -> Result<Vec<Observation>, LedgerError> {
    let mut found = Vec::new();
    for case in cases {
        let ids = ledger.waiting_in(*case).await?;
        let rows = ledger.inbox(&ids).await?;
        for row in ids.iter().filter_map(|id| rows.get(id)) {
            let bytes = row.observation.as_deref().unwrap_or_default();
            if let Ok(seen) = serde_json::from_slice::<Observation>(bytes) {
                found.push(seen.clone());
                set.waiting.entry(*case).or_default().push(seen);
            }
            set.inbox.insert(row.observation_id, row.clone());
        }
    }
    Ok(found)
}

/// Parked observations that are decided anew.
pub(super) fn parked(set: &WorkingSet, works: &[Work]) -> Vec<Observation> {
    let ids = works.iter().filter_map(|work| match work {
        Work::Command(envelope) => match &envelope.command {
            Command::RetryParked { id } => id.parse().ok(),
            _ => None,
        },
        _ => None,
    });
    ids.filter_map(|id: ObservationId| set.inbox.get(&id)?.observation.as_deref())
        .filter_map(|bytes| serde_json::from_slice(bytes).ok())
        .collect()
}

async fn evidence(ledger: &Ledger, works: &[Work]) -> Result<HashSet<EvidenceId>, LedgerError> {
    let references: Vec<_> = works
        .iter()
        .filter_map(|work| match work {
            Work::Observation(seen) => seen.evidence.clone(),
            _ => None,
        })
        .collect();
    match references.is_empty() {
        true => Ok(HashSet::new()),
        false => ledger.evidence_complete(&references).await,
    }
}

/// Streams that are not in the set yet.
pub(super) async fn streams(
    ledger: &Ledger,
    set: &mut WorkingSet,
    kept: &mut LruCache<StreamId, Loaded>,
    wanted: HashSet<StreamId>,
) -> Result<(), LedgerError> {
    let mut missing = Vec::new();
    for stream in wanted {
        if set.streams.contains_key(&stream) {
            continue;
        }
        match kept.pop(&stream) {
            Some(loaded) => drop(set.streams.insert(stream, loaded)),
            None => missing.push(stream),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let mut found = ledger.load_streams(&missing).await?;
    let all: Vec<StoredEvent> = missing
        .iter()
        .flat_map(|stream| found.remove(stream).unwrap_or_default())
        .collect();
    let mut opened: HashMap<StreamId, Vec<Opened>> = HashMap::new();
    for event in ledger.open_events(&all).await? {
        opened
            .entry(event.head.stream.clone())
            .or_default()
            .push(event);
    }
    for stream in missing {
        let events = opened.remove(&stream).unwrap_or_default();
        let loaded = Loaded::replay(&stream, &events);
        set.streams.insert(stream, loaded);
    }
    Ok(())
}

/// What only loaded streams name: the records of inquiries that confirm no qualification, and the inquiries
/// under which a record's missing 照会番号 would be asked for.
async fn behind(
    ledger: &Ledger,
    context: &Context,
    set: &mut WorkingSet,
    kept: &mut LruCache<StreamId, Loaded>,
    works: &[Work],
) -> Result<(), LedgerError> {
    let mut wanted: HashSet<StreamId> = set
        .streams
        .values()
        .filter_map(Loaded::asked_of)
        .map(StreamId::patient)
        .collect();
    for work in works {
        if let Work::Register(registration) = work
            && let Registration::Due { facility, record } = &**registration
        {
            let due = context.due(set, facility, *record);
            wanted.extend(due.iter().map(|(inquiry, _)| StreamId::inquiry(*inquiry)));
        }
    }
    streams(ledger, set, kept, wanted).await
}

/// Where a link may be offered or taken, the records may belong to persons already.
async fn links(
    ledger: &Ledger,
    context: &Context,
    set: &mut WorkingSet,
    kept: &mut LruCache<StreamId, Loaded>,
) -> Result<(), LedgerError> {
    let offers = set
        .keys
        .keys()
        .any(|key| key.kind == shikaku_ledger::KeyKind::Provisional);
    let records: HashSet<RecordId> = set
        .streams
        .values()
        .flat_map(Loaded::candidates)
        .chain(set.keys.values().copied().filter(|_| offers))
        .collect();
    let keys: Vec<_> = records
        .iter()
        .map(|record| context.digests.person(*record))
        .filter(|key| !set.keys.contains_key(key))
        .collect();
    if keys.is_empty() {
        return Ok(());
    }
    let persons = ledger.resolve(&keys).await?;
    let mut wanted: HashSet<StreamId> = persons
        .iter()
        .map(|(key, person)| target(key, *person))
        .collect();
    wanted.extend(
        set.streams
            .values()
            .flat_map(Loaded::candidates)
            .map(StreamId::patient),
    );
    set.keys.extend(persons);
    streams(ledger, set, kept, wanted).await
}
