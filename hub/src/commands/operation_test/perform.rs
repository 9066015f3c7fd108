//! Doing one step, and saying what was seen.

use jiff::Timestamp;
use shikaku_core::query::{InquiryView, Queries, Who};
use shikaku_domain::history::KnownAt;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::command::{
    Command, CommandReply, InquireBulk, InquireCommissioned, InquireMedical, InquireTicket,
    ListedPerson, RegisterReference,
};
use shikaku_schemas::task::QualificationNumbers;
use shikaku_schemas::value::{
    ConsentScope, FacilityCode, InquiryId, Month, PatientNumber, TicketKind, jst_day,
};

use super::people::{People, TestPerson};
use super::report::{Attestation, State, StepReport};
use super::scenario::{Action, Expected, Step};
use super::seen::{Seen, expected, judged};
use crate::commands::inquire::wait::{wait_for, wait_for_job};
use crate::config::Config;
use crate::{client, words};

/// The purpose of whatever the test asks and looks at.
pub(super) const PURPOSE: &str = "運用テスト / operation test";

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
            Action::View(who, scope) => return self.view(self.person(who)?, scope).await,
        };
        let began = SystemClock.now();
        let view = match self.ask(command).await? {
            Asked::View(view) => view,
            Asked::Not(seen) => return Ok(seen),
        };
        let mut seen = judged(&view, step.expected);
        if let Expected::Ticket(kind) = step.expected {
            seen = seen.and(
                self.has_ticket(&view, kind).await?,
                words::ticket_kind(kind),
            );
        }
        if matches!(step.action, Action::TicketByNumbers(_))
            && let Some(known) = self.was_known(&view, began).await?
        {
            seen = seen.saying(match known {
                true => words::KNOWN_PATIENT,
                false => words::NEW_PATIENT,
            });
        }
        Ok(seen)
    }

    /// Whether the patient of an answer was known before it was asked for.
    async fn was_known(
        &self,
        view: &InquiryView,
        began: Timestamp,
    ) -> anyhow::Result<Option<bool>> {
        let Some(record) = view.record else {
            return Ok(None);
        };
        let before = Some(KnownAt::Time(began));
        let who = Who::Record(record);
        let view = self.queries.history(&self.facility, &who, None, before);
        let history = view.await?.history;
        Ok(Some(!history.verifications.is_empty()))
    }

    /// Whether the patient of an answer has a ticket of that kind for today.
    async fn has_ticket(&self, view: &InquiryView, kind: TicketKind) -> anyhow::Result<bool> {
        let Some(record) = view.record else {
            return Ok(false);
        };
        let today = Some(jst_day(SystemClock.now()));
        let who = Who::Record(record);
        let view = self.queries.history(&self.facility, &who, today, None);
        let tickets = view.await?.history.tickets;
        let mut kinds = tickets.iter().filter(|ticket| !ticket.withdrawn);
        Ok(kinds.any(|ticket| ticket.content.ticket.kind == kind))
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

    pub(super) fn person(&self, id: &str) -> anyhow::Result<&TestPerson> {
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
}

/// The chart number of somebody.
pub(super) fn chart(person: &TestPerson) -> anyhow::Result<PatientNumber> {
    let number = person.patient.clone();
    number.ok_or_else(|| anyhow::anyhow!("{}: {}", words::NO_TEST_PERSON, person.id))
}
