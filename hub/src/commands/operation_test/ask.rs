//! What the test asks the hub for, step by step.

use shikaku_core::query::InquiryView;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::command::{
    Command, CommandReply, InquireBulk, InquireCommissioned, InquireMedical, InquireTicket,
    ListedPerson, RegisterReference,
};
use shikaku_schemas::task::QualificationNumbers;
use shikaku_schemas::value::{ConsentScope, InquiryId, Month, PatientNumber, jst_day};

use super::perform::{PURPOSE, Test, chart};
use super::report::State;
use super::scenario::Action;
use super::seen::Seen;
use crate::commands::inquire::wait::{wait_for, wait_for_job};
use crate::{client, words};

/// What became of a command.
pub(super) enum Asked {
    View(Box<InquiryView>),
    Not(Seen),
}

impl Test<'_> {
    pub(super) fn command(&self, asking: Action) -> anyhow::Result<Command> {
        Ok(match asking {
            Action::TicketByNumbers(who) => {
                let person = self.person(who)?;
                Command::InquireTicket(InquireTicket {
                    payer_number: Some(person.payer.clone()),
                    recipient_number: Some(person.recipient.clone()),
                    birth_date: Some(person.birth_date),
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
            Action::Person | Action::Face(_) | Action::View(..) => {
                anyhow::bail!("a step that asks nothing")
            }
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

    pub(super) async fn ask(&self, command: Command) -> anyhow::Result<Asked> {
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
