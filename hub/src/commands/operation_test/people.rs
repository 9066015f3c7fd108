//! The test data: people by the ids that scenarios name.

use std::path::Path;

use anyhow::Context as _;
use jiff::civil::Date;
use serde::Deserialize;
use shikaku_schemas::value::{PatientNumber, PayerNumber, RecipientNumber};
use shikaku_terminal_simulator::town;

/// One person of the test data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestPerson {
    /// The id that scenarios name.
    pub id: String,
    /// 公費負担者番号.
    pub payer: PayerNumber,
    /// 受給者番号.
    pub recipient: RecipientNumber,
    /// 生年月日.
    pub birth_date: Date,
    /// The chart number.
    #[serde(default)]
    pub patient: Option<PatientNumber>,
}

/// A file of test data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    person: Vec<TestPerson>,
}

/// Everybody, as the centre's verification environment or the simulator has them.
#[derive(Debug)]
pub struct People(Vec<TestPerson>);

impl People {
    /// Of a file, `[[person]]` each; without one, the simulator's invented people.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else {
            return Ok(Self::invented());
        };
        let context = || format!("{}", file.display());
        let text = std::fs::read_to_string(file).with_context(context)?;
        let read: File = toml::from_str(&text).with_context(context)?;
        Ok(Self(read.person))
    }

    fn invented() -> Self {
        let people = town().into_iter().filter_map(|person| {
            let assistance = person.assistance?;
            Some(TestPerson {
                id: person.id,
                payer: PayerNumber(assistance.payer_number),
                recipient: RecipientNumber(assistance.recipient_number),
                birth_date: person.birth_date,
                patient: person.reference_number.map(PatientNumber),
            })
        });
        Self(people.collect())
    }

    /// Somebody.
    pub fn named(&self, id: &str) -> Option<&TestPerson> {
        self.0.iter().find(|person| person.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Action;
    use super::super::scenarios::SCENARIOS;
    use super::*;

    /// Everybody that a scenario names, with the scenario.
    fn named() -> Vec<(&'static str, &'static str)> {
        let mut all = Vec::new();
        for scenario in SCENARIOS {
            for step in scenario.steps {
                let named: Vec<&str> = match step.action {
                    Action::Face(who)
                    | Action::TicketByNumbers(who)
                    | Action::TicketByChart(who)
                    | Action::Register(who)
                    | Action::Medical(who, _)
                    | Action::View(who, _) => vec![who],
                    Action::Bulk(all) => all.to_vec(),
                    Action::Person | Action::Commissioned => Vec::new(),
                };
                all.extend(named.into_iter().map(|who| (who, scenario.id)));
            }
        }
        all
    }

    #[test]
    fn everybody_that_a_scenario_names_is_invented() {
        let people = People::invented();
        for (who, _) in named() {
            assert!(people.named(who).is_some(), "{who}");
        }
    }

    #[test]
    fn everybody_that_a_scenario_names_is_described() {
        let page = include_str!("../../../../docs/operation-test.md");
        for (who, scenario) in named() {
            let row = page
                .lines()
                .find(|line| line.starts_with(&format!("| `{who}` |")));
            let row = row.unwrap_or_else(|| panic!("{who} is not described"));
            assert!(row.contains(&format!("`{scenario}`")), "{who}: {scenario}");
        }
    }

    #[test]
    fn the_example_of_the_page_is_read() {
        let page = include_str!("../../../../docs/operation-test.md");
        let (_, from) = page.split_once("```toml\n").unwrap();
        let (example, _) = from.split_once("```").unwrap();
        let read: File = toml::from_str(example).unwrap();
        assert_eq!(read.person[0].id, "one-ticket");
    }
}
