//! What of a 一括照会 is asked about again: the people of whom its result tells an error, or all of a job that ended
//! without a result.

use std::collections::HashSet;

use shikaku_domain::FacilityFacts;
use shikaku_domain::history::Opened;
use shikaku_domain::identity::CandidateKey;
use shikaku_schemas::command::{CommandReply, InquireBulk, ListedPerson};
use shikaku_schemas::event::Event;
use shikaku_schemas::task::{BulkQuestion, BulkRow, TaskBody};
use shikaku_schemas::value::{FacilityCode, InquiryId, Method, Position, StreamId};
use uuid::Uuid;

use super::{InquiryView, Queries, QueryError};
use crate::commands::refused;
use crate::sequencer::{inquiry_made_by, next_of};

/// Namespace of commands that ask again.
const RETRIES: Uuid = Uuid::from_u128(0x2f0b_9a64_5f0d_5c1e_8d43_90b1_7e6a_c258);

/// What asks again about the errors of a job.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Of the job and its errors alone: the same retry given twice is one command, and so one job.
    pub command_id: Uuid,
    /// The question, as it is to be given. Without rows there is nobody left to ask about.
    pub question: InquireBulk,
    /// Rows that had an error and were answered since in another way.
    pub answered_since: Vec<String>,
    /// Errors that name no row: whom they are about is not known.
    pub without_row: usize,
}

impl Queries {
    /// What asks again about the errors of `job`, or the rule that forbids it. A retry that was given before comes
    /// out with everybody in it, because the hub answers it as it did then.
    ///
    /// # Errors
    /// [`QueryError::FacilityUnknown`], or no answer from the database.
    pub async fn retry(
        &self,
        facility: &FacilityCode,
        job: InquiryId,
        purpose: &str,
    ) -> Result<Result<Retry, CommandReply>, QueryError> {
        let no = |rule| Ok(Err(refused(rule, crate::parked::message(rule))));
        let configured = self.group.facility(facility);
        let facts = FacilityFacts::from(configured.ok_or(QueryError::FacilityUnknown)?);
        let Some(view) = self.inquiry(job).await? else {
            return no("inquiry-unknown");
        };
        if view.facility.as_ref() != Some(facility) {
            return no("inquiry-of-another-facility");
        }
        let Some(question) = bulk_question(&view) else {
            return no("inquiry-not-bulk");
        };
        let over = view.job.is_some() || matches!(view.state, "rejected" | "timed-out");
        if !over {
            return no("inquiry-not-over");
        }
        if !self
            .stream(&StreamId::inquiry(next_of(job)))
            .await?
            .is_empty()
        {
            return no("inquiry-asked-anew");
        }
        let (mut rows, without_row) = self.unanswered(&view, question).await?;
        let command_id = command_id(job, &rows);
        let made = StreamId::inquiry(inquiry_made_by(command_id));
        let asked = self.stream(&StreamId::inquiry(job)).await?;
        let asked = asked.first().map(|(head, _)| head.position);
        let mut answered_since = Vec::new();
        if self.stream(&made).await?.is_empty() {
            let mut left = Vec::new();
            for row in rows {
                match self.is_answered(&facts, asked, question, row).await? {
                    true => answered_since.push(row.identifier.clone()),
                    false => left.push(row),
                }
            }
            rows = left;
        }
        let question = InquireBulk {
            facility: facility.clone(),
            on: Some(question.confirmed_on),
            insurance: question.insurance,
            rows: rows.into_iter().map(listed).collect(),
            purpose: purpose.to_owned(),
            repeats: Some(job),
        };
        Ok(Ok(Retry {
            command_id,
            question,
            answered_since,
            without_row,
        }))
    }

    /// Rows of a job of which an error is told, in the order of the list; all of them where no result came. Then how
    /// many errors name no row.
    async fn unanswered<'a>(
        &self,
        view: &InquiryView,
        question: &'a BulkQuestion,
    ) -> Result<(Vec<&'a BulkRow>, usize), QueryError> {
        if view.job.is_none() {
            return Ok((question.rows.iter().collect(), 0));
        }
        let errors = self.errors(view).await?;
        // Not found and 未委託 are answers.
        let errors = errors.iter().filter(|error| error.validity.is_none());
        let told: Vec<_> = errors.map(|error| error.row.as_deref()).collect();
        let named: HashSet<&str> = told.iter().flatten().map(|row| row.trim()).collect();
        let rows: Vec<_> = question
            .rows
            .iter()
            .filter(|row| named.contains(row.identifier.as_str()))
            .collect();
        Ok((rows, told.iter().filter(|row| row.is_none()).count()))
    }

    /// Whether the centre has said after `asked` what the row asks.
    async fn is_answered(
        &self,
        facility: &FacilityFacts,
        asked: Option<Position>,
        question: &BulkQuestion,
        row: &BulkRow,
    ) -> Result<bool, QueryError> {
        let keys = CandidateKey::of_row(facility, question.insurance, row);
        let keys: Vec<_> = keys.iter().map(|key| self.digests.key(key)).collect();
        let records: HashSet<_> = self.ledger.resolve(&keys).await?.into_values().collect();
        let answers = |(head, event): &Opened| {
            let Some(Event::Verified(verified)) = event else {
                return false;
            };
            Some(head.position) > asked
                && head.facility.as_ref() == Some(&facility.code)
                && verified.method != Method::LocalCopy
                && verified.confirmed_on >= question.confirmed_on
                && verified.qualifications.iter().any(|half| {
                    half.scheme
                        .as_ref()
                        .is_some_and(|scheme| scheme.is_insurance() == question.insurance)
                })
        };
        for record in records {
            let events = self.stream(&StreamId::patient(record)).await?;
            if events.iter().any(answers) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn bulk_question(view: &InquiryView) -> Option<&BulkQuestion> {
    match view.requested.as_ref()?.question.as_deref()? {
        TaskBody::Bulk(question) => Some(question),
        _ => None,
    }
}

fn command_id(job: InquiryId, rows: &[&BulkRow]) -> Uuid {
    let rows: Vec<&str> = rows.iter().map(|row| row.identifier.as_str()).collect();
    Uuid::new_v5(&RETRIES, format!("{job}|{}", rows.join(",")).as_bytes())
}

fn listed(row: &BulkRow) -> ListedPerson {
    ListedPerson {
        numbers: row.numbers.clone(),
        birth_date: row.birth_date,
        patient: row.patient.clone(),
    }
}
