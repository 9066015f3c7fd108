//! A day at the desk: who comes when, with a card or a ticket.

use std::path::Path;

use jiff::civil::Time;
use serde::Deserialize;

use crate::person::{Person, Standing};
use crate::town::{INSTITUTION, town};

/// Why a scenario can't be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file can't be read.
    #[error("the scenario {path} can't be read")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No TOML of this shape.
    #[error("the scenario is not of the expected form")]
    Form(#[from] toml::de::Error),
    /// A step about nobody.
    #[error("nobody in the town is called `{0}`; there are: {people}", people = everybody())]
    Nobody(String),
    /// A ticket step about somebody without assistance.
    #[error("`{0}` has no ticket to show")]
    NoTicket(String),
    /// A day that stands still or runs backwards.
    #[error("`speed` must be above 0")]
    Speed,
}

fn everybody() -> String {
    let ids: Vec<String> = town().into_iter().map(|person| person.id).collect();
    ids.join(", ")
}

/// A day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The institution whose terminal this is.
    #[serde(default = "institution")]
    pub institution: String,
    /// How much faster than the clock the day passes.
    #[serde(default = "real_time")]
    pub speed: f64,
    /// Who comes, in the order of their times.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
}

fn institution() -> String {
    INSTITUTION.to_owned()
}

fn real_time() -> f64 {
    1.0
}

/// Somebody comes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When; the first step happens at once, the others as much later as their times say.
    pub at: Time,
    /// Who, by their id in the town.
    pub person: String,
    /// With a card or a ticket.
    #[serde(default)]
    pub by: Means,
    /// What the centre answers this time, when it is not the person's usual standing. Cards only.
    #[serde(default, rename = "as")]
    pub standing: Option<Standing>,
    /// What day the answer is of. Cards only.
    #[serde(default)]
    pub on: When,
}

/// With what somebody comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// My Number card at the reader.
    #[default]
    Card,
    /// A ticket on paper.
    Ticket,
}

/// What day an answer is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Today.
    #[default]
    Today,
    /// The 20th of last month: the terminal hands over what was left lying.
    LastMonth,
}

impl Scenario {
    /// The day that `make run` plays.
    pub fn default_day() -> Self {
        Self::parse(include_str!("day.toml")).expect("the embedded day is tested")
    }

    /// Nobody comes; requests are answered.
    pub fn quiet() -> Self {
        Self {
            institution: institution(),
            speed: 1.0,
            steps: Vec::new(),
        }
    }

    /// Reads a scenario file.
    ///
    /// # Errors
    /// An unreadable file, or what [`Scenario::parse`] refuses.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Read {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads a scenario's text.
    ///
    /// # Errors
    /// Text of another form, or a step that nobody of the town can do.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let mut scenario: Self = toml::from_str(text)?;
        if !scenario.speed.is_finite() || scenario.speed <= 0.0 {
            return Err(ScenarioError::Speed);
        }
        let people = town();
        for step in &scenario.steps {
            let person = find(&people, &step.person)
                .ok_or_else(|| ScenarioError::Nobody(step.person.clone()))?;
            if step.by == Means::Ticket && person.assistance.is_none() {
                return Err(ScenarioError::NoTicket(step.person.clone()));
            }
        }
        scenario.steps.sort_by_key(|step| step.at);
        Ok(scenario)
    }
}

pub(crate) fn find<'a>(people: &'a [Person], id: &str) -> Option<&'a Person> {
    people.iter().find(|person| person.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_day_shows_everybody() {
        let day = Scenario::default_day();
        for person in town() {
            assert!(
                day.steps.iter().any(|step| step.person == person.id),
                "{} does not come",
                person.id
            );
        }
    }

    #[test]
    fn a_step_about_nobody_names_everybody() {
        let error =
            Scenario::parse("[[step]]\nat = \"09:00:00\"\nperson = \"whoever\"").unwrap_err();
        assert!(error.to_string().contains("one-ticket"));
    }

    #[test]
    fn mistakes_are_refused() {
        for text in [
            "speed = 0.0",
            "speed = -1.0",
            "colour = 1",
            "[[step]]\nat = \"09:00:00\"\nperson = \"insured-only\"\nby = \"ticket\"",
            "[[step]]\nat = \"25:00:00\"\nperson = \"one-ticket\"",
        ] {
            assert!(Scenario::parse(text).is_err(), "{text}");
        }
    }
}
