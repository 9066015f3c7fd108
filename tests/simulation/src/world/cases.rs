//! Somebody decides what numbers could not: to which of two records an answer belongs.

use serde_json::json;
use uuid::Uuid;

use super::World;

impl World {
    /// Whoever looks at the open cases; perhaps two people at one, who think otherwise.
    pub(super) fn decide_cases(&mut self) {
        for case in self.database.open_cases() {
            let record = *self.sky.dice.pick(&case.candidates);
            let arguments = json!({ "case": case.case, "record": record });
            self.gives(case.facility.as_str(), "decide-case", &arguments);
        }
    }

    /// Once all is mended: one at a time, until none is open.
    pub(super) fn decide_the_rest(&mut self) {
        if !self.is_giving() {
            self.decide_cases();
        }
    }

    /// A case in which an answer still waits.
    pub(super) fn undecided(&self) -> Option<String> {
        let open = self.database.open_cases();
        open.first().map(|case| format!("case {}", case.case))
    }

    pub(super) fn was_a_case(&self, id: Uuid) -> bool {
        let stream = format!("case-{id}");
        let events = self.database.events();
        events
            .iter()
            .any(|event| event.head.stream.to_string() == stream)
    }
}
