use serde_json::json;

use super::*;
use crate::town::Says;

const INQUIRY: &str = "0197a000-0000-7000-8000-000000000014";

/// A town of three answers about two people, one of them asked for, and all that must be seen of it.
struct Whole {
    answers: BTreeMap<String, Answer>,
    asked: BTreeMap<String, usize>,
    done: Done,
    log: Vec<Value>,
    ward: Vec<Message>,
}

fn answer(person: u32, says: Says, second: u32, inquiry: Option<&str>) -> Answer {
    Answer {
        person,
        says,
        inquiry: inquiry.map(str::to_owned),
        second,
    }
}

fn word(sequence: u64, person: u32, word: &str) -> Message {
    let headers = [
        ("feed-sequence", sequence.to_string()),
        ("ce-type", "jp.shikaku.assistance-changed.v1".to_owned()),
    ];
    Message {
        subject: "s".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: json!({ "patient": format!("K{person:06}"), "assistance": word }),
    }
}

fn whole() -> Whole {
    let answers = [
        answer(1, Says::Valid, 10, None),
        answer(2, Says::NotCommissioned, 20, Some(INQUIRY)),
        // Late: nobody is told of it.
        answer(1, Says::Lost, 5, None),
    ];
    let mut log = Vec::new();
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    let mut add = |stream: &str, kind: &str, mut event: Value| {
        let version = versions.entry(stream.to_owned()).or_default();
        *version += 1;
        event["stream"] = stream.into();
        event["stream_version"] = (*version).into();
        event["type"] = kind.into();
        event["position"] = (log.len() + 1).into();
        log.push(event);
    };
    let of_it = format!("inquiry-{INQUIRY}");
    for kind in ["inquiry-requested", "inquiry-submitted", "inquiry-answered"] {
        add(&of_it, kind, json!({}));
    }
    for at in &answers {
        let record = format!("patient-{}", at.person);
        if at.second >= 10 {
            add(&record, "patient-first-seen", json!({ "patient": record }));
        }
        let data = json!({ "inquiry": at.inquiry, "validity": at.says.validity() });
        let event = json!({ "patient": record, "as_of": at.as_of(), "data": data });
        add(&record, "verified", event);
    }
    let done = [("a".to_owned(), BTreeSet::from([INQUIRY.to_owned()]))];
    Whole {
        answers: answers.into_iter().map(|at| (at.as_of(), at)).collect(),
        asked: BTreeMap::from([(INQUIRY.to_owned(), 1)]),
        done: done.into(),
        log,
        ward: vec![word(1, 1, "yes"), word(2, 2, "pending")],
    }
}

impl Whole {
    fn counts(&self) -> (usize, usize, usize) {
        let counts = self.seen().counts();
        (counts.lost, counts.doubled, counts.out_of_order)
    }

    fn seen(&self) -> Seen<'_> {
        Seen {
            answers: &self.answers,
            asked: &self.asked,
            done: &self.done,
            log: &self.log,
            ward: &self.ward,
        }
    }

    /// The event of a type, the so-manieth from 0.
    fn event(&mut self, kind: &str, at: usize) -> &mut Value {
        let mut events = self.log.iter_mut().filter(|event| event["type"] == kind);
        events.nth(at).unwrap()
    }

    fn forget(&mut self, kind: &str) {
        let at = self
            .log
            .iter()
            .position(|event| event["type"] == kind)
            .unwrap();
        self.log.remove(at);
    }
}

#[test]
fn what_must_be_seen_is_no_fault() {
    let whole = whole();
    assert_eq!(whole.counts(), (0, 0, 0));
    assert_eq!(whole.seen().broken(), Vec::<String>::new());
    assert_eq!(whole.seen().open(), None);
}

#[test]
fn each_fault_of_the_ledger_counts() {
    let mut lost = whole();
    lost.log.pop();
    assert_eq!(lost.counts(), (1, 0, 0));
    let mut doubled = whole();
    let mut again = doubled.log[8 - 1].clone();
    again["position"] = 9.into();
    again["stream_version"] = 4.into();
    doubled.log.push(again);
    assert_eq!(doubled.counts(), (0, 1, 0));
    let mut swapped = whole();
    swapped.log.swap(2, 3);
    assert_eq!(swapped.counts().2, 2);
    let mut unseen = whole();
    unseen
        .answers
        .remove(&answer(1, Says::Lost, 5, None).as_of());
    assert_eq!(unseen.counts(), (0, 1, 0));
}

#[test]
fn each_wrong_word_counts() {
    let mut lost = whole();
    lost.ward.pop();
    assert_eq!(lost.counts(), (1, 0, 0));
    let mut late = whole();
    late.ward.push(word(3, 1, "no"));
    assert_eq!(late.counts(), (0, 1, 0));
    let mut other = whole();
    other.ward[1] = word(2, 2, "no");
    assert_eq!(other.counts(), (0, 0, 1));
}

#[test]
fn each_broken_promise_is_told() {
    let breaks: [fn(&mut Whole); 10] = [
        |it| it.event("verified", 2)["patient"] = "patient-3".into(),
        |it| it.event("verified", 1)["patient"] = "patient-1".into(),
        |it| it.event("verified", 1)["data"]["inquiry"] = Value::Null,
        |it| it.event("verified", 0)["data"]["validity"] = "lost".into(),
        |it| it.forget("patient-first-seen"),
        |it| it.forget("inquiry-answered"),
        |it| *it.asked.get_mut(INQUIRY).unwrap() = 2,
        |it| it.event("inquiry-submitted", 0)["type"] = "inquiry-timed-out".into(),
        |it| it.event("inquiry-submitted", 0)["type"] = "inquiry-requested".into(),
        |it| {
            it.done.get_mut("a").unwrap().insert("another".to_owned());
        },
    ];
    for (at, plant) in breaks.iter().enumerate() {
        let mut whole = whole();
        plant(&mut whole);
        assert!(!whole.seen().broken().is_empty(), "fault {at} is not seen");
    }
}

#[test]
fn an_inquiry_without_an_end_is_open() {
    let mut whole = whole();
    whole.forget("inquiry-answered");
    assert!(whole.seen().open().is_some());
}
