//! What a reader said, as short words: `+hospital:00012345`, `+unknown(pulled)`, `-taken`.

use std::collections::HashSet;

use shikaku_schemas::observation::{CardPresented, Observation, ObservationBody};

pub fn of(seen: &[Observation]) -> Vec<String> {
    seen.iter().map(word).collect()
}

fn word(seen: &Observation) -> String {
    match &seen.body {
        ObservationBody::CardPresented(card) => presented(card),
        ObservationBody::CardRemoved(card) => format!("-{}", card.reason.as_str()),
        other => panic!("not of a card: {}", other.kind()),
    }
}

fn presented(card: &CardPresented) -> String {
    let mut word = format!("+{}", card.card.as_str());
    let number = card.patient.as_ref().map(|number| number.as_str());
    if let Some(number) = number.or(card.staff.as_deref()) {
        word.push_str(&format!(":{number}"));
    }
    if let Some(why) = card.unread {
        let why = serde_json::to_value(why).expect("a word");
        word.push_str(&format!("({})", why.as_str().expect("a word")));
    }
    word
}

/// Presented and removed alternate, each removal ends the presence before it, and no id stands twice.
#[track_caller]
pub fn alternates(seen: &[Observation]) {
    let mut ids = HashSet::new();
    for (at, one) in seen.iter().enumerate() {
        assert!(ids.insert(one.observation_id), "said twice");
        match (&one.body, at % 2) {
            (ObservationBody::CardPresented(_), 0) => {}
            (ObservationBody::CardRemoved(removed), 1) => {
                assert_eq!(removed.presented, seen[at - 1].observation_id);
                assert!(one.seen_at >= seen[at - 1].seen_at, "gone before it came");
            }
            _ => panic!("they do not alternate: {:?}", of(seen)),
        }
    }
}
