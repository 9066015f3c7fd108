//! Doing one step, and saying what was seen.

use std::collections::HashSet;
use std::sync::Mutex;

use jiff::Timestamp;
use shikaku_core::query::{InquiryView, Queries, Who};
use shikaku_domain::history::{KnownAt, VerificationView};
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::value::{
    FacilityCode, PatientNumber, Position, RecordId, TicketKind, jst_day,
};

use super::ask::Asked;
use super::people::{People, TestPerson};
use super::report::{Attestation, State, StepReport};
use super::scenario::{Action, Expected, Step};
use super::seen::{Seen, expected, judged};
use crate::config::Config;
use crate::{access, words};

/// What the log of looks calls it.
const LOOK: &str = "operation-test";
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
    /// When it began.
    pub started_at: Timestamp,
    /// Checks by card that a step rests on already: another step needs another card.
    pub cards: Mutex<HashSet<Position>>,
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
            Action::View(who, scope) => return self.view(self.person(who)?, scope).await,
            asking => self.command(asking)?,
        };
        let before = self.queries.head().await?;
        match self.ask(command).await? {
            Asked::View(view) => self.answered(step, &view, before).await,
            Asked::Not(seen) => Ok(seen),
        }
    }

    /// What an answer came to, with what only the record and the rows can tell.
    async fn answered(
        &self,
        step: &Step,
        view: &InquiryView,
        before: Position,
    ) -> anyhow::Result<Seen> {
        let mut seen = judged(view, step.expected);
        if let Expected::Units(_) = step.expected {
            let refused = self.queries.errors(view).await?;
            seen = seen.and(refused.is_empty(), words::NO_ERRORS);
        }
        let Some(record) = view.record else {
            return Ok(seen);
        };
        self.note(Some(record)).await?;
        if let Expected::Ticket(kind) = step.expected {
            let has = self.has_ticket(record, kind, before).await?;
            seen = seen.and(has, words::ticket_kind(kind));
        }
        if let Expected::NewPatient = step.expected {
            seen = match self.was_known(record, before).await? {
                false => seen.saying(words::NEW_PATIENT),
                true => seen.not_done(words::KNOWN_PATIENT),
            };
        }
        Ok(seen)
    }

    /// Whether a patient was known before that.
    async fn was_known(&self, record: RecordId, before: Position) -> anyhow::Result<bool> {
        let known_at = Some(KnownAt::Position(before));
        let who = Who::Record(record);
        let view = self.queries.history(&self.facility, &who, None, known_at);
        Ok(!view.await?.history.verifications.is_empty())
    }

    /// Whether a patient has a ticket of that kind for today, told by an answer after `before`.
    async fn has_ticket(
        &self,
        record: RecordId,
        kind: TicketKind,
        before: Position,
    ) -> anyhow::Result<bool> {
        let today = jst_day(SystemClock.now());
        let who = Who::Record(record);
        let view = self
            .queries
            .history(&self.facility, &who, Some(today), None);
        let history = view.await?.history;
        let told = |seen: &VerificationView| seen.position > before && !seen.without_ticket;
        let mut tickets = history.tickets.iter().filter(|ticket| !ticket.withdrawn);
        let has = tickets.any(|ticket| {
            ticket.content.ticket.kind == kind && ticket.content.confirmed_on == today
        });
        Ok(has && history.verifications.iter().any(told))
    }

    /// Writes down that somebody is looked at, before they are.
    pub(super) async fn note(&self, record: Option<RecordId>) -> anyhow::Result<()> {
        access::note_for(self.config, LOOK, Some(&self.facility), record, PURPOSE).await
    }

    pub(super) fn person(&self, id: &str) -> anyhow::Result<&TestPerson> {
        let found = self.people.named(id);
        found.ok_or_else(|| anyhow::anyhow!("{}: {id}", words::NO_TEST_PERSON))
    }
}

/// The chart number of somebody.
pub(super) fn chart(person: &TestPerson) -> anyhow::Result<PatientNumber> {
    let number = person.patient.clone();
    number.ok_or_else(|| anyhow::anyhow!("{}: {}", words::NO_TEST_PERSON, person.id))
}
