//! What the log told so far, as the waiting asks for it.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::site::FACILITIES;

/// What is waited for, of all that the log told: no look goes through the whole log again.
#[derive(Default)]
pub(super) struct Told {
    /// The first run of a month that was asked for at a facility on a day.
    pub(super) runs: HashMap<(usize, String, String), String>,
    /// How far inquiries got: kinds of events with the inquiry.
    pub(super) steps: HashSet<(String, String)>,
    /// Cards recorded.
    pub(super) cards: usize,
}

impl Told {
    pub(super) fn take(&mut self, event: &Value) {
        let data = &event["data"];
        let kind = event["type"].as_str().unwrap();
        self.cards += usize::from(kind == "verified" && data["method"] == "card");
        let member = match kind {
            "month-settled" => "run",
            _ => "inquiry",
        };
        let Some(inquiry) = data[member].as_str() else {
            return;
        };
        self.steps.insert((kind.to_owned(), inquiry.to_owned()));
        let facility = FACILITIES.iter().position(|it| event["facility"] == *it);
        if let (Some(facility), Some(month), Some(on)) =
            (facility, data["month"].as_str(), data["on"].as_str())
            && kind == "inquiry-requested"
        {
            let run = (facility, month.to_owned(), on.to_owned());
            self.runs.entry(run).or_insert_with(|| inquiry.to_owned());
        }
    }
}
