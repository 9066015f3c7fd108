//! What the ledger and the feeds must say of a [`Town`](crate::town::Town), worked out from its answers alone: the
//! checker of `tests/simulation/src/checker`, with what a black box shows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::count::Counts;
use crate::desk::Done;
use crate::feed::Message;
use crate::town::Answer;

/// What ends an inquiry, or leaves it to a person.
const ENDS: [&str; 5] = ["answered", "rejected", "timed-out", "uncertain", "resolved"];
/// What happens to one inquiry once at most.
const ONCE: [&str; 6] = [
    "requested",
    "submitted",
    "answered",
    "rejected",
    "timed-out",
    "uncertain",
];

/// Everything that was seen from outside.
pub struct Seen<'a> {
    /// Every answer that lay in a folder, by the centre's time.
    pub answers: &'a BTreeMap<String, Answer>,
    /// How often the terminals took a request for each inquiry.
    pub asked: &'a BTreeMap<String, usize>,
    /// What the desk's commands came to.
    pub done: &'a Done,
    /// The ledger.
    pub log: &'a [Value],
    /// The ward's feed, each message once, in order.
    pub ward: &'a [Message],
}

/// Kinds of events of each inquiry, without their `inquiry-`.
type Inquiries<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

impl<'a> Seen<'a> {
    /// Lost, doubled, out of order: answers in the ledger and words on the ward.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
        for (event, position) in self.log.iter().zip(1u64..) {
            let stream = event["stream"].as_str().expect("a stream");
            let version = versions.entry(stream).or_default();
            *version += 1;
            if event["position"] != position || event["stream_version"] != *version {
                counts.out_of_order += 1;
            }
        }
        let mut recorded: BTreeMap<&str, usize> = BTreeMap::new();
        for event in self.verified() {
            *recorded.entry(as_of(event)).or_default() += 1;
        }
        let lost = |time: &&String| !recorded.contains_key(time.as_str());
        counts.lost = self.answers.keys().filter(lost).count();
        for (time, times) in recorded {
            // What nobody said counts too.
            let expected = usize::from(self.answers.contains_key(time));
            counts.doubled += times - expected;
        }
        let (told, expected) = (self.told(), self.words());
        counts.lost += expected.len().saturating_sub(told.len());
        counts.doubled += told.len().saturating_sub(expected.len());
        let pairs = told.iter().zip(&expected);
        counts.out_of_order += pairs.filter(|(told, expected)| told != expected).count();
        counts
    }

    /// An inquiry that has no end yet.
    pub fn open(&self) -> Option<String> {
        let is_open =
            |kinds: &BTreeMap<&str, usize>| ENDS.iter().all(|end| !kinds.contains_key(end));
        let mut open = self.inquiries().into_iter();
        let open = open.find(|(_, kinds)| is_open(kinds));
        open.map(|(inquiry, kinds)| format!("{inquiry}: {kinds:?}"))
    }

    /// How many inquiries came to each end; a doubt that an answer or a person resolved counts as both.
    pub fn ends(&self) -> BTreeMap<String, usize> {
        let mut ends = BTreeMap::new();
        for kinds in self.inquiries().values() {
            for end in ENDS.iter().filter(|end| kinds.contains_key(*end)) {
                *ends.entry((*end).to_owned()).or_default() += 1;
            }
        }
        ends
    }

    /// Everything else that is not as it must be, in words.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = self.records();
        broken.extend(self.answered());
        broken.extend(self.once());
        broken
    }

    fn verified(&self) -> impl Iterator<Item = &'a Value> {
        let events = self.log.iter();
        events.filter(|event| event["type"] == "verified")
    }

    fn inquiries(&self) -> Inquiries<'a> {
        let mut all = Inquiries::new();
        for event in self.log {
            let stream = event["stream"]
                .as_str()
                .and_then(|at| at.strip_prefix("inquiry-"));
            let kind = event["type"]
                .as_str()
                .and_then(|at| at.strip_prefix("inquiry-"));
            if let (Some(inquiry), Some(kind)) = (stream, kind) {
                *all.entry(inquiry).or_default().entry(kind).or_default() += 1;
            }
        }
        all
    }

    /// One person is one record, nobody else is it, and each check says what its answer said.
    fn records(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut record_of: BTreeMap<u32, &str> = BTreeMap::new();
        let mut person_of: BTreeMap<&str, u32> = BTreeMap::new();
        for event in self.verified() {
            let Some(answer) = self.answers.get(as_of(event)) else {
                continue;
            };
            let record = event["patient"].as_str().unwrap_or_default();
            if *record_of.entry(answer.person).or_insert(record) != record {
                broken.push(format!("person {} was split", answer.person));
            }
            if *person_of.entry(record).or_insert(answer.person) != answer.person {
                broken.push(format!("person {} is in another's record", answer.person));
            }
            let inquiry = event["data"]["inquiry"].as_str();
            let validity = event["data"]["validity"].as_str();
            if inquiry != answer.inquiry.as_deref() || validity != Some(answer.says.validity()) {
                broken.push(format!("{answer:?} is recorded as {event}"));
            }
        }
        let mut opened: BTreeMap<&str, usize> = BTreeMap::new();
        for event in self
            .log
            .iter()
            .filter(|event| event["type"] == "patient-first-seen")
        {
            *opened
                .entry(event["patient"].as_str().unwrap_or_default())
                .or_default() += 1;
        }
        let expected = person_of.keys().map(|record| (*record, 1)).collect();
        if opened != expected {
            broken.push(format!("records were opened so: {opened:?}"));
        }
        broken
    }

    /// An inquiry that was answered says so, and one that was not doesn't.
    fn answered(&self) -> Vec<String> {
        let answers = self.answers.values();
        let expected: BTreeSet<&str> = answers.filter_map(|it| it.inquiry.as_deref()).collect();
        let inquiries = self.inquiries();
        let said = inquiries
            .iter()
            .filter(|(_, kinds)| kinds.contains_key("answered"));
        let said: BTreeSet<&str> = said.map(|(inquiry, _)| *inquiry).collect();
        let differ = said.symmetric_difference(&expected);
        differ
            .map(|inquiry| {
                format!(
                    "{inquiry} was answered, or not: {:?}",
                    inquiries.get(inquiry)
                )
            })
            .collect()
    }

    /// Each command came to one inquiry that is there, each inquiry was sent once, and none by nobody.
    fn once(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let inquiries = self.inquiries();
        for (command, ids) in self.done {
            let is_there = ids.iter().all(|id| inquiries.contains_key(id.as_str()));
            if ids.len() != 1 || !is_there {
                broken.push(format!("command {command} came to {ids:?}"));
            }
        }
        if inquiries.len() != self.done.len() {
            broken.push(format!(
                "{} commands made {} inquiries",
                self.done.len(),
                inquiries.len()
            ));
        }
        for (inquiry, times) in self.asked {
            if *times != 1 || !inquiries.contains_key(inquiry.as_str()) {
                broken.push(format!("{inquiry} was sent {times} times"));
            }
        }
        for (inquiry, kinds) in &inquiries {
            if ONCE
                .iter()
                .any(|kind| kinds.get(kind).is_some_and(|times| *times > 1))
            {
                broken.push(format!("{inquiry} went so: {kinds:?}"));
            }
            let was_taken = self.asked.contains_key(*inquiry);
            if was_taken && kinds.contains_key("timed-out") {
                broken.push(format!("{inquiry} was taken, and timed out"));
            }
        }
        broken
    }

    /// At each position the answer that the centre gave last decides; a word is told when it is another one.
    fn words(&self) -> Vec<(String, String)> {
        let mut latest: BTreeMap<u32, &Answer> = BTreeMap::new();
        let mut words = Vec::new();
        for event in self.verified() {
            let Some(answer) = self.answers.get(as_of(event)) else {
                continue;
            };
            let before = latest.get(&answer.person).copied();
            if before.is_some_and(|before| before.second > answer.second) {
                continue;
            }
            latest.insert(answer.person, answer);
            if before.is_none_or(|before| before.says != answer.says) {
                let chart = format!("K{:06}", answer.person);
                words.push((chart, answer.says.ward().to_owned()));
            }
        }
        words
    }

    fn told(&self) -> Vec<(String, String)> {
        let text = |message: &Message, member: &str| {
            message.body[member].as_str().unwrap_or_default().to_owned()
        };
        let words = self
            .ward
            .iter()
            .filter(|message| message.kind() == "assistance-changed");
        words
            .map(|message| (text(message, "patient"), text(message, "assistance")))
            .collect()
    }
}

fn as_of(event: &Value) -> &str {
    event["as_of"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
