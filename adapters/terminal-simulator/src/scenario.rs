//! A day at the desk: who comes when, with a card or a ticket.

use std::path::Path;

use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;

use crate::knobs::{KnobError, Knobs};
use crate::person::Standing;
use crate::population::Population;
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
    /// No YAML of this shape.
    #[error("the scenario is not of the expected form: {0}")]
    Yaml(String),
    /// A step about nobody.
    #[error("nobody in the town is called `{0}`; there are: {people}", people = everybody())]
    Nobody(String),
    /// A ticket step about somebody without assistance.
    #[error("`{0}` has no ticket to show")]
    NoTicket(String),
    /// A knob that can't be turned so.
    #[error("a knob of the scenario")]
    Knob(#[from] KnobError),
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
    /// Institutions among which generated people are shared out; each has tickets at one of them. Empty: at all.
    #[serde(default)]
    pub institutions: Vec<String>,
    /// Knobs that this scenario turns, as `NAME=VALUE`; those of the command line come after them.
    #[serde(default)]
    pub knobs: Vec<String>,
    /// Who comes, in the order of their times.
    #[serde(default, rename = "step", alias = "steps")]
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
    /// On this day, when the simulator's clock gets there. What was over before it started does not happen.
    #[serde(default)]
    pub date: Option<Date>,
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

impl Step {
    /// The moment of a step that has a day.
    pub(crate) fn moment(&self) -> Option<DateTime> {
        self.date.map(|date| date.to_datetime(self.at))
    }
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
    /// 利用申込（初回登録） at the reader: from now on the card is one that can be checked.
    Registration,
    /// A consent given at home (訪問診療等): nothing shows at the desk, `OQSmuhvq` brings it.
    HomeVisit,
    /// A consent given online (オンライン診療等): nothing shows at the desk, `OQSmuonq` brings it.
    Online,
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
            institutions: Vec::new(),
            knobs: Vec::new(),
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
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml {
            Self::parse_yaml(&text)
        } else {
            Self::parse(&text)
        }
    }

    /// Reads a scenario's text in TOML.
    ///
    /// # Errors
    /// Text of another form, or a step that nobody of the town can do.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        Self::checked(toml::from_str(text)?)
    }

    /// Reads the same in YAML.
    ///
    /// # Errors
    /// As [`Scenario::parse`].
    pub fn parse_yaml(text: &str) -> Result<Self, ScenarioError> {
        let scenario =
            serde_saphyr::from_str(text).map_err(|error| ScenarioError::Yaml(error.to_string()))?;
        Self::checked(scenario)
    }

    fn checked(mut scenario: Self) -> Result<Self, ScenarioError> {
        if !scenario.speed.is_finite() || scenario.speed <= 0.0 {
            return Err(ScenarioError::Speed);
        }
        let knobs = Knobs::parse(&scenario.knobs)?;
        let people = Population::new(knobs.people, knobs.seed);
        for step in &scenario.steps {
            let person = people
                .named(&step.person)
                .ok_or_else(|| ScenarioError::Nobody(step.person.clone()))?;
            if step.by == Means::Ticket && person.assistance.is_none() {
                return Err(ScenarioError::NoTicket(step.person.clone()));
            }
        }
        scenario.steps.sort_by_key(|step| (step.date, step.at));
        Ok(scenario)
    }

    /// The scenario's own knobs, and `words` after them.
    ///
    /// # Errors
    /// As [`Knobs::parse`].
    pub fn turn<W: AsRef<str>>(&self, words: &[W]) -> Result<Knobs, KnobError> {
        let own = self.knobs.iter().map(String::as_str);
        Knobs::parse(own.chain(words.iter().map(AsRef::as_ref)))
    }
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
    fn the_sample_in_deploy_is_a_scenario() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/scenario.yaml");
        let sample = Scenario::read(&path).unwrap();
        assert_eq!(sample.steps.len(), 6);
        assert_eq!(sample.turn::<&str>(&[]).unwrap().people, 2000);
    }

    #[test]
    fn yaml_says_the_same_as_toml() {
        let yaml = "institution: \"1319912349\"\nspeed: 160.0\nknobs: [\"people=5\", \"calendar=15\"]\nsteps:\n  - at: \"09:00:00\"\n    person: generated-4\n    by: ticket\n";
        let toml = "speed = 160.0\nknobs = [\"people=5\", \"calendar=15\"]\n[[step]]\nat = \"09:00:00\"\nperson = \"generated-4\"\nby = \"ticket\"";
        let (yaml, toml) = (
            Scenario::parse_yaml(yaml).unwrap(),
            Scenario::parse(toml).unwrap(),
        );
        assert_eq!(format!("{yaml:?}"), format!("{toml:?}"));
        assert_eq!(yaml.turn(&["seed=9"]).unwrap().people, 5);
        assert!(Scenario::parse_yaml("colour: 1").is_err());
    }

    #[test]
    fn mistakes_are_refused() {
        for text in [
            "speed = 0.0",
            "speed = -1.0",
            "colour = 1",
            "knobs = [\"colour=red\"]",
            "knobs = [\"people=3\"]\n[[step]]\nat = \"09:00:00\"\nperson = \"generated-3\"",
            "[[step]]\nat = \"09:00:00\"\nperson = \"insured-only\"\nby = \"ticket\"",
            "[[step]]\ndate = \"2026-02-30\"\nat = \"09:00:00\"\nperson = \"one-ticket\"",
            "[[step]]\nat = \"25:00:00\"\nperson = \"one-ticket\"",
        ] {
            assert!(Scenario::parse(text).is_err(), "{text}");
        }
    }
}
