//! What must hold once all is quiet.

use std::collections::{BTreeMap, BTreeSet};

use shikaku_ledger::Ledger;
use shikaku_schemas::event::Event;
use shikaku_schemas::feed::{FeedVariant, RecordView, ce_id, tell};
use shikaku_schemas::value::{FacilityCode, ObservationId, RecordId};

use super::as_of::as_of;
use super::audience::audiences;
use super::identity::identity;
use super::{Checker, Told};
use crate::town::{CONSUMERS, Model, group};

/// What one outside consumer took, by number, and the epoch that it tells of: another one makes it begin anew.
#[derive(Clone, Default)]
pub struct Taken {
    pub epoch: u32,
    pub messages: BTreeMap<u64, Told>,
}

impl Taken {
    pub fn of(&self, epoch: u32) -> BTreeMap<u64, Told> {
        match self.epoch == epoch {
            true => self.messages.clone(),
            false => BTreeMap::new(),
        }
    }
}

/// Everything that must hold once all is quiet.
pub async fn settled(
    checker: &Checker,
    ledger: &Ledger,
    model: &Model,
    taken: &[Taken],
) -> anyhow::Result<()> {
    let stored = checker.database.events();
    let opened = ledger.open_events(&stored).await?;
    if checker.database.strangers() > 0 {
        checker.broken("invariant 3: a writer committed in a term that it did not begin");
    }
    positions(checker);
    once(checker, model);
    identity(checker, model);
    let report = ledger.verify(|_| {}).await?;
    checker.asked("the proof", 1);
    if let Some(bad) = report.first_bad {
        let (position, reason) = (bad.position, bad.reason);
        checker.broken(format!("the proof breaks at {position}: {reason}"));
    }
    let epoch = ledger.identity().epoch;
    for variant in variants() {
        for facility in &group().facilities {
            feed(
                checker,
                variant,
                &facility.code,
                epoch,
                &stored_with(&opened),
            );
        }
    }
    wards(checker, model, epoch);
    audiences(checker, model, epoch);
    as_of(checker, ledger, model).await?;
    for ((name, audience, facility, insurance), taken) in CONSUMERS.iter().zip(taken) {
        let variant = FeedVariant::of(*audience, *insurance).to_string();
        let told = checker.told(&(variant, (*facility).to_owned(), epoch));
        checker.asked("what a consumer took", told.len() as u64);
        // Whom nothing was told in this epoch still has what it took before.
        let taken = taken.of(epoch);
        if taken != told {
            let (had, were) = (taken.len(), told.len());
            checker.broken(format!(
                "consumer {name} took {had} messages and {were} were told, or others"
            ));
        }
    }
    Ok(())
}

type WithEvent = (shikaku_schemas::event::EventHead, Event);

fn stored_with(opened: &[shikaku_ledger::Opened]) -> Vec<WithEvent> {
    let events = opened.iter();
    events
        .filter_map(|opened| Some((opened.head.clone(), opened.event.clone()?)))
        .collect()
}

pub(super) fn variants() -> BTreeSet<FeedVariant> {
    let plain = shikaku_schemas::feed::Audience::ALL
        .iter()
        .map(|audience| FeedVariant::of(*audience, false));
    let asked = CONSUMERS
        .iter()
        .map(|(_, audience, _, insurance)| FeedVariant::of(*audience, *insurance));
    plain.chain(asked).collect()
}

fn positions(checker: &Checker) {
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (at, event) in checker.database.events().iter().enumerate() {
        checker.asked("positions and versions", 1);
        let head = &event.head;
        if head.position.0 != at as u64 + 1 {
            checker.broken("invariant 4: positions have a gap");
        }
        let version = versions.entry(head.stream.to_string()).or_default();
        *version += 1;
        if head.stream_version != *version {
            checker.broken("a stream has a gap or a double version");
        }
        if !ids.insert(head.event_id) {
            checker.broken("two events have one id");
        }
    }
}

/// Every acknowledged fact is there once.
fn once(checker: &Checker, model: &Model) {
    let mut verified: BTreeMap<ObservationId, u64> = BTreeMap::new();
    for event in checker.database.events() {
        if let (Some(id), "verified") = (event.head.observation_id, event.head.kind.as_str()) {
            *verified.entry(id).or_default() += 1;
        }
    }
    checker.asked("every answer once", model.kept.len() as u64);
    for id in model.kept.keys() {
        match verified.get(id) {
            Some(1) => {}
            None if checker.known().forgotten.answered.contains(id) => {}
            None => checker.broken(format!(
                "an acknowledged answer of terminal {} was lost",
                model.kept[id].terminal + 1
            )),
            Some(times) => checker.broken(format!("one answer was recorded {times} times")),
        }
    }
    for id in verified.keys().filter(|id| model.seen(id).is_none()) {
        checker.broken(format!("an answer was recorded that nobody saw: {id}"));
    }
}

/// A straight fold over the ledger, without checkpoint, outbox or crash, tells just what was told.
fn feed(
    checker: &Checker,
    variant: FeedVariant,
    facility: &FacilityCode,
    epoch: u32,
    events: &[WithEvent],
) {
    let group = group();
    let mut views: BTreeMap<RecordId, RecordView> = BTreeMap::new();
    let mut expected = BTreeMap::new();
    for (head, event) in events {
        let Some(record) = head.patient else {
            continue;
        };
        let view = views.entry(record).or_default();
        for (at, message) in tell(variant, &group, head, event, view) {
            if at == *facility {
                let told = Told {
                    ce_id: ce_id(head.event_id, variant, facility, epoch).to_string(),
                    body: message.body,
                };
                expected.insert(expected.len() as u64 + 1, told);
            }
        }
    }
    let told = checker.told(&(variant.to_string(), facility.to_string(), epoch));
    checker.asked("a feed as folded straight", expected.len() as u64);
    if told != expected {
        let at = expected
            .iter()
            .find(|(number, message)| told.get(number) != Some(message))
            .map_or(expected.len() as u64 + 1, |(number, _)| *number);
        checker.broken(format!(
            "feed {variant} of {facility} tells another story from number {at} on: {} told, {} expected",
            told.len(),
            expected.len()
        ));
    }
}

/// What is known of one record at its facility.
#[derive(Default)]
struct Heard {
    chart: String,
    last: Option<(jiff::Timestamp, &'static str)>,
}

/// What a ward was told, from nothing but what terminals saw: at each position the answer that the centre gave
/// last decides. So the word as of every position is checked, late answers included.
fn wards(checker: &Checker, model: &Model, epoch: u32) {
    for facility in &group().facilities {
        let mut known: BTreeMap<RecordId, Heard> = BTreeMap::new();
        let mut expected: Vec<(String, &'static str)> = Vec::new();
        for event in checker.database.events() {
            let head = &event.head;
            let seen = head.observation_id.and_then(|id| model.seen(&id));
            let Some(seen) = seen.filter(|_| head.kind == "verified") else {
                continue;
            };
            if seen.facility() != facility.code {
                continue;
            }
            let Some(record) = head.patient else {
                continue;
            };
            let heard = known.entry(record).or_default();
            // A chart number learnt is told with the word that stands, also by an answer that is late.
            if seen.is_registered && heard.chart.is_empty() {
                heard.chart = seen.chart();
                expected.extend(heard.last.map(|(_, word)| (heard.chart.clone(), word)));
            }
            let before = heard.last;
            if before.is_some_and(|(at, _)| at > seen.executed_at) {
                continue;
            }
            let word = seen.says.ward();
            heard.last = Some((seen.executed_at, word));
            if before.is_none_or(|(_, before)| before != word) {
                expected.push((heard.chart.clone(), word));
            }
        }
        checker.asked("a ward's words", expected.len() as u64);
        let feed = ("department".to_owned(), facility.code.to_string(), epoch);
        let told: Vec<(String, String)> = checker
            .told(&feed)
            .values()
            .map(|told| {
                let text = |name: &str| told.body[name].as_str().unwrap_or_default().to_owned();
                (text("patient"), text("assistance"))
            })
            .collect();
        let same = told.len() == expected.len()
            && told
                .iter()
                .zip(&expected)
                .all(|(told, expected)| told.0 == expected.0 && told.1 == expected.1);
        if !same {
            checker.broken(format!(
                "the ward of {} was told {} words where {} follow from what was seen, or others",
                facility.code,
                told.len(),
                expected.len()
            ));
        }
    }
}
