//! Everything a batch needs, with one query each: answers already given, where keys lead, which evidence is
//! here, and the streams that are not kept from earlier batches.

use std::collections::{HashMap, HashSet};

use lru::LruCache;
use shikaku_domain::identity::keys_of;
use shikaku_ledger::{IdentityKey, Ledger, LedgerError, Opened, StoredEvent};
use shikaku_schemas::command::{Command, CommandEnvelope};
use shikaku_schemas::observation::{Observation, ObservationBody, OqsAnswer};
use shikaku_schemas::value::{
    CaseId, InquiryId, ObservationId, PatientNumber, PersonId, Position, RecordId, StreamId,
};

use super::Work;
use super::command::{command_row, inquiry_of};
use super::context::Context;
use super::state::Loaded;
use super::working_set::WorkingSet;
use crate::identity;

/// What the items of a batch name.
#[derive(Default)]
struct Needs {
    inbox: HashSet<ObservationId>,
    observations: Vec<Observation>,
    cases: Vec<CaseId>,
    keys: HashSet<IdentityKey>,
    streams: HashSet<StreamId>,
}

/// Loads for `works`; states in `kept` move into the working set.
pub(crate) async fn load(
    ledger: &Ledger,
    context: &Context,
    kept: &mut LruCache<StreamId, Loaded>,
    works: &[Work],
) -> Result<WorkingSet, LedgerError> {
    let mut needs = Needs::default();
    for work in works {
        needs.name(context, work);
    }
    let mut set = WorkingSet::default();
    let ids: Vec<_> = needs.inbox.iter().copied().collect();
    if !ids.is_empty() {
        set.inbox = ledger.inbox(&ids).await?;
    }
    commands_given_before(ledger, &mut set, works).await?;
    waiting(ledger, &mut set, &mut needs).await?;
    needs.reopen(&set, works);
    for seen in std::mem::take(&mut needs.observations) {
        needs.look_up(context, &seen);
    }
    evidence(ledger, &mut set, works).await?;
    let keys: Vec<_> = needs.keys.drain().collect();
    if !keys.is_empty() {
        set.keys = ledger.resolve(&keys).await?;
    }
    for (key, leads_to) in &set.keys {
        needs.streams.insert(target(key, *leads_to));
    }
    streams(ledger, &mut set, kept, needs.streams).await?;
    links(ledger, context, &mut set, kept).await?;
    Ok(set)
}

fn target(key: &IdentityKey, leads_to: RecordId) -> StreamId {
    match key.kind {
        shikaku_ledger::KeyKind::Waiting => StreamId::case(CaseId(leads_to.0)),
        shikaku_ledger::KeyKind::Person => StreamId::person(PersonId(leads_to.0)),
        _ => StreamId::patient(leads_to),
    }
}

impl Needs {
    fn name(&mut self, context: &Context, work: &Work) {
        match work {
            Work::Observation(seen) => {
                self.inbox.insert(seen.observation_id);
                self.observations.push((**seen).clone());
            }
            Work::Unjudged(unjudged) => drop(self.inbox.insert(unjudged.observation_id)),
            Work::Overdue(inquiry) => drop(self.streams.insert(StreamId::inquiry(*inquiry))),
            Work::Command(envelope) => self.command(context, envelope),
            Work::Chunk(_) => {}
        }
    }

    fn command(&mut self, context: &Context, envelope: &CommandEnvelope) {
        self.inbox.insert(command_row(envelope));
        match &envelope.command {
            Command::InquireTicket(asked) => {
                self.inquiry(inquiry_of(envelope));
                if let (Some(number), Some(facts)) =
                    (&asked.patient, context.facts(&asked.facility))
                {
                    self.keys.insert(context.digests.chart(facts, number));
                }
            }
            Command::ResolveInquiry { inquiry, .. } => self.inquiry(*inquiry),
            Command::DecideCase { case, .. } => {
                self.cases.push(*case);
                self.streams.insert(StreamId::case(*case));
            }
            Command::LinkRecords { records, .. } => {
                for record in records {
                    self.record(context, *record);
                }
            }
            Command::UnlinkRecord { record, .. } => self.record(context, *record),
            Command::RetryParked { id } | Command::DiscardParked { id, .. } => {
                self.inbox.extend(id.parse::<ObservationId>().ok());
            }
        }
    }

    fn inquiry(&mut self, inquiry: InquiryId) {
        self.streams.insert(StreamId::inquiry(inquiry));
    }

    fn record(&mut self, context: &Context, record: RecordId) {
        self.streams.insert(StreamId::patient(record));
        self.keys.insert(context.digests.person(record));
    }

    /// Parked observations that are decided anew.
    fn reopen(&mut self, set: &WorkingSet, works: &[Work]) {
        for work in works {
            let Work::Command(envelope) = work else {
                continue;
            };
            let Command::RetryParked { id } = &envelope.command else {
                continue;
            };
            let row = id.parse().ok().and_then(|id| set.inbox.get(&id));
            let bytes = row.and_then(|row| row.observation.as_deref());
            let seen = bytes.and_then(|bytes| serde_json::from_slice::<Observation>(bytes).ok());
            self.observations.extend(seen);
        }
    }

    fn look_up(&mut self, context: &Context, seen: &Observation) {
        match &seen.body {
            ObservationBody::OqsAnswer(answer) | ObservationBody::OqsAnswerUnit(answer) => {
                self.answer(context, seen, answer);
            }
            ObservationBody::InquiryProgress(progress) => self.inquiry(progress.inquiry),
            ObservationBody::ChartOpened(opened) => {
                self.chart(context, seen, &opened.patient);
                if let Some(record) = opened.record {
                    self.streams.insert(StreamId::patient(record));
                }
            }
            ObservationBody::VisitAccepted(visit) => self.chart(context, seen, &visit.patient),
            ObservationBody::CardPresented(card) => {
                if let Some(number) = &card.patient {
                    self.chart(context, seen, number);
                }
            }
            _ => {}
        }
    }

    fn chart(&mut self, context: &Context, seen: &Observation, number: &PatientNumber) {
        if let Some(facts) = context.facts(&seen.facility) {
            self.keys.insert(context.digests.chart(facts, number));
        }
    }

    fn answer(&mut self, context: &Context, seen: &Observation, answer: &OqsAnswer) {
        let of_its_own = InquiryId(seen.observation_id.0);
        self.inquiry(answer.inquiry.unwrap_or(of_its_own));
        let Some(facts) = context.facts(&seen.facility) else {
            return;
        };
        let told = identity::told(answer);
        for key in keys_of(answer, facts) {
            self.keys.insert(context.digests.key(&key));
            self.keys.insert(context.digests.decided(&key, &told));
            self.keys.insert(context.digests.waiting(&key, &told));
        }
        if answer
            .records
            .iter()
            .any(|record| !record.tickets.is_empty())
            && let Some(twin) = identity::nameless_twin(answer, facts)
        {
            self.keys.insert(context.digests.key(&twin));
        }
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
    needs: &mut Needs,
) -> Result<(), LedgerError> {
    for case in std::mem::take(&mut needs.cases) {
        let ids = ledger.waiting_in(case).await?;
        let rows = ledger.inbox(&ids).await?;
        for row in ids.iter().filter_map(|id| rows.get(id)) {
            let bytes = row.observation.as_deref().unwrap_or_default();
            if let Ok(seen) = serde_json::from_slice::<Observation>(bytes) {
                needs.observations.push(seen.clone());
                set.waiting.entry(case).or_default().push(seen);
            }
            set.inbox.insert(row.observation_id, row.clone());
        }
    }
    Ok(())
}

async fn evidence(
    ledger: &Ledger,
    set: &mut WorkingSet,
    works: &[Work],
) -> Result<(), LedgerError> {
    let references: Vec<_> = works
        .iter()
        .filter_map(|work| match work {
            Work::Observation(seen) => seen.evidence.clone(),
            _ => None,
        })
        .collect();
    if !references.is_empty() {
        set.evidence = ledger.evidence_complete(&references).await?;
    }
    Ok(())
}

async fn streams(
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
