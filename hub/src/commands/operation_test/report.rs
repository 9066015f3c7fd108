//! What the test found: the same report as JSON and as a page to print.

use jiff::Timestamp;
use serde::Serialize;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Seen as expected.
    Passed,
    /// Seen otherwise.
    Failed,
    /// A person says that it was done.
    Attested,
    /// Nobody did it, or something before it is missing.
    NotDone,
}

/// Who attested a step, and when.
#[derive(Debug, Clone, Serialize)]
pub struct Attestation {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// One step.
#[derive(Debug, Clone, Serialize)]
pub struct StepReport {
    /// What was done, Japanese with English beside.
    pub step: String,
    /// What had to be seen.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// How it ended.
    pub state: State,
    /// Inquiries and positions in the ledger.
    pub evidence: Vec<String>,
    /// Who attested it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attested: Option<Attestation>,
}

/// One scenario.
#[derive(Debug, Clone, Serialize)]
pub struct ScenarioReport {
    /// Its id.
    pub id: &'static str,
    /// The guide's section.
    pub section: &'static str,
    /// What it is.
    pub title: String,
    /// Its steps.
    pub steps: Vec<StepReport>,
}

/// The whole test.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `5.4`.
    pub guide: &'static str,
    /// The facility.
    pub facility: String,
    /// Its name.
    pub name: String,
    /// Its terminals, all of the verification environment.
    pub terminals: Vec<String>,
    /// Version of the program.
    pub version: &'static str,
    /// Who ran it.
    pub run_by: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Scenarios.
    pub scenarios: Vec<ScenarioReport>,
}

impl Report {
    /// How many steps ended so.
    pub fn count(&self, state: State) -> usize {
        let steps = self.scenarios.iter().flat_map(|scenario| &scenario.steps);
        steps.filter(|step| step.state == state).count()
    }
}
