//! Doing one step, and saying what was seen.

use std::io::{BufRead as _, Write as _};

use jiff::Timestamp;
use shikaku_core::query::{InquiryView, Queries, Who};
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::command::{
    Command, CommandReply, InquireBulk, InquireCommissioned, InquireMedical, InquireTicket,
    ListedPerson, RegisterReference,
};
use shikaku_schemas::task::QualificationNumbers;
use shikaku_schemas::value::{
    ConsentScope, FacilityCode, InquiryId, Month, PatientNumber, jst_day,
};

use super::people::{People, TestPerson};
use super::report::{Attestation, State, StepReport};
use super::scenario::{Action, Expected, FACE_METHOD, Step};
use crate::commands::inquire::wait::{wait_for, wait_for_job};
use crate::config::Config;
use crate::{client, words};

const PURPOSE: &str = "運用テスト / operation test";

/// A test under way.
pub struct Test<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The facility.
    pub facility: FacilityCode,
    /// The ledger's answers.
    pub queries: Queries,
    /// The test data.
    pub people: People,
    /// Who attests; none: nobody is here to do what people do.
    pub attest_by: Option<String>,
}

/// What was seen.
struct Seen {
    text: String,
    state: State,
    evidence: Vec<String>,
}

impl Seen {
    fn new(state: State, text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            state,
            evidence: Vec::new(),
        }
    }
}

/// What became of a command.
enum Asked {
    View(Box<InquiryView>),
    Not(Seen),
}

impl Test<'_> {
    /// Does one step. What goes wrong is seen, and no reason to stop.
    pub async fn perform(&self, step: &Step) -> StepReport {
        let mut attested = None;
        let seen = match self.act(step, &mut attested).await {
            Ok(seen) => seen,
            Err(error) => Seen::new(State::Failed, error),
        };
        StepReport {
            step: step.title.to_string(),
            expected: expected(step.expected),
            seen: seen.text,
            state: seen.state,
            evidence: seen.evidence,
            attested,
        }
    }

    async fn act(&self, step: &Step, attested: &mut Option<Attestation>) -> anyhow::Result<Seen> {
        let command = match step.action {
            Action::Person => return self.attest(step, attested),
            Action::Face(who) => return self.face(self.person(who)?, step.expected).await,
            Action::TicketByNumbers(who) => {
                let person = self.person(who)?;
                Command::InquireTicket(InquireTicket {
                    payer_number: Some(person.payer.clone()),
                    recipient_number: Some(person.recipient.clone()),
                    birth_date: Some(person.birth_date),
                    patient: None,
                    ..self.ticket()
                })
            }
            Action::TicketByChart(who) => Command::InquireTicket(InquireTicket {
                patient: Some(chart(self.person(who)?)?),
                ..self.ticket()
            }),
            Action::Bulk(who) => Command::InquireBulk(InquireBulk {
                facility: self.facility.clone(),
                on: None,
                insurance: false,
                rows: who
                    .iter()
                    .map(|who| self.row(who))
                    .collect::<Result<_, _>>()?,
                purpose: PURPOSE.to_owned(),
                repeats: None,
            }),
            Action::Commissioned => Command::InquireCommissioned(InquireCommissioned {
                facility: self.facility.clone(),
                month: Month::of(jst_day(SystemClock.now())),
                purpose: PURPOSE.to_owned(),
            }),
            Action::Register(who) => Command::RegisterReference(RegisterReference {
                facility: self.facility.clone(),
                patient: Some(chart(self.person(who)?)?),
                purpose: PURPOSE.to_owned(),
            }),
            Action::Medical(who, scope) => self.medical(chart(self.person(who)?)?, scope),
        };
        Ok(match self.ask(command).await? {
            Asked::View(view) => judged(&view, step.expected),
            Asked::Not(seen) => seen,
        })
    }

    fn ticket(&self) -> InquireTicket {
        InquireTicket {
            facility: self.facility.clone(),
            payer_number: None,
            recipient_number: None,
            birth_date: None,
            patient: None,
            on: None,
            purpose: PURPOSE.to_owned(),
        }
    }

    fn medical(&self, patient: PatientNumber, scope: ConsentScope) -> Command {
        Command::InquireMedical(InquireMedical {
            facility: self.facility.clone(),
            patient,
            scope,
            from: None,
            to: None,
            purpose: PURPOSE.to_owned(),
        })
    }

    fn row(&self, who: &str) -> anyhow::Result<ListedPerson> {
        let person = self.person(who)?;
        Ok(ListedPerson {
            numbers: QualificationNumbers {
                insurer_number: person.payer.0.clone(),
                symbol: None,
                number: person.recipient.0.clone(),
                branch: None,
            },
            birth_date: person.birth_date,
            patient: None,
        })
    }

    fn person(&self, id: &str) -> anyhow::Result<&TestPerson> {
        let found = self.people.named(id);
        found.ok_or_else(|| anyhow::anyhow!("{}: {id}", words::NO_TEST_PERSON))
    }

    async fn ask(&self, command: Command) -> anyhow::Result<Asked> {
        let is_job = matches!(
            command,
            Command::InquireBulk(_) | Command::InquireCommissioned(_)
        );
        Ok(match client::command(self.config, command).await? {
            CommandReply::Done { id: Some(id), .. } => {
                let view = match is_job {
                    true => wait_for_job(self.config, &self.queries, InquiryId(id)).await?,
                    false => wait_for(self.config, &self.queries, InquiryId(id)).await?,
                };
                Asked::View(Box::new(view))
            }
            CommandReply::Done { id: None, .. } => {
                Asked::Not(Seen::new(State::NotDone, words::NOTHING_MISSING))
            }
            // What a person has to do first was not done.
            CommandReply::Refused { rule, message } if rule.starts_with("consent-") => {
                Asked::Not(Seen::new(State::NotDone, format!("{message} [{rule}]")))
            }
            CommandReply::Refused { rule, message } => {
                Asked::Not(Seen::new(State::Failed, format!("{message} [{rule}]")))
            }
            CommandReply::Unavailable { message } => Asked::Not(Seen::new(State::Failed, message)),
        })
    }

    /// A face file of today, of the person's record.
    async fn face(&self, person: &TestPerson, wanted: Expected) -> anyhow::Result<Seen> {
        let who = Who::Patient(chart(person)?);
        let view = self.queries.history(&self.facility, &who, None, None).await;
        let Ok(view) = view else {
            return Ok(Seen::new(State::NotDone, words::NO_FACE_TODAY));
        };
        let today = jst_day(SystemClock.now());
        let checks = view.history.verifications.iter().rev();
        let check = checks
            .filter(|check| check.method == FACE_METHOD)
            .find(|check| jst_day(check.recorded_at) == today);
        let Some(check) = check else {
            return Ok(Seen::new(State::NotDone, words::NO_FACE_TODAY));
        };
        let fits = match wanted {
            Expected::Answer(validity, coverage) => {
                check.validity == validity && coverage.is_none_or(|it| it == check.coverage)
            }
            _ => false,
        };
        let text = format!(
            "{} ({})",
            words::validity(check.validity),
            words::coverage(check.coverage)
        );
        Ok(Seen {
            evidence: vec![format!("position {}", check.position)],
            ..Seen::new(passed(fits), text)
        })
    }

    /// Guides a person through it, and asks whether it was done.
    fn attest(&self, step: &Step, attested: &mut Option<Attestation>) -> anyhow::Result<Seen> {
        let Some(by) = &self.attest_by else {
            return Ok(Seen::new(State::NotDone, words::NOBODY_HERE));
        };
        let mut out = std::io::stderr().lock();
        write!(out, "  {}\n  {} [y/N]: ", step.title, words::WAS_IT_DONE)?;
        out.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "はい") {
            return Ok(Seen::new(State::NotDone, words::SAID_NOT_DONE));
        }
        let at: Timestamp = SystemClock.now();
        *attested = Some(Attestation { by: by.clone(), at });
        Ok(Seen::new(State::Attested, words::SAID_DONE))
    }
}

fn chart(person: &TestPerson) -> anyhow::Result<PatientNumber> {
    let number = person.patient.clone();
    number.ok_or_else(|| anyhow::anyhow!("{}: {}", words::NO_TEST_PERSON, person.id))
}

fn passed(fits: bool) -> State {
    match fits {
        true => State::Passed,
        false => State::Failed,
    }
}

fn judged(view: &InquiryView, wanted: Expected) -> Seen {
    let answered = matches!(view.state, "answered" | "resolved");
    let shown = view.display.as_ref();
    let fits = answered
        && match wanted {
            Expected::Answer(validity, _) => view.validity == Some(validity),
            Expected::WholeResult => view.job.as_ref().is_some_and(|job| job.is_complete()),
            Expected::Registered => true,
            Expected::Held => !view.medical.is_empty(),
            Expected::Attested => false,
        };
    let mut said = vec![format!(
        "{} / {}",
        words::inquiry_state(view.state),
        view.state
    )];
    said.extend(view.validity.map(|it| words::validity(it).to_string()));
    said.extend(shown.map(|shown| shown.japanese.to_string()));
    if let Some(job) = &view.job {
        said.push(format!("{} {}", words::UNITS, job.units));
    }
    for held in &view.medical {
        said.push(words::scope(held.scope).to_string());
    }
    said.extend(view.code.clone());
    Seen {
        evidence: vec![
            format!("inquiry {}", view.inquiry),
            format!("position {}", view.position),
        ],
        ..Seen::new(passed(fits), said.join("、"))
    }
}

/// What must be seen, in words.
fn expected(wanted: Expected) -> String {
    match wanted {
        Expected::Attested => words::TO_BE_ATTESTED.to_string(),
        Expected::Answer(validity, None) => words::validity(validity).to_string(),
        Expected::Answer(validity, Some(coverage)) => format!(
            "{} ({})",
            words::validity(validity),
            words::coverage(coverage)
        ),
        Expected::WholeResult => words::WHOLE_RESULT.to_string(),
        Expected::Registered => words::TO_BE_REGISTERED.to_string(),
        Expected::Held => words::TO_BE_HELD.to_string(),
    }
}
