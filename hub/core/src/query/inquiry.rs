//! Inquiries as people ask after them.

use jiff::Timestamp;
use serde::Serialize;
use shikaku_domain::history::Opened;
use shikaku_domain::inquiry::{InquiryProcess, evolve};
use shikaku_schemas::display::{Display, Situation, display, display_verified};
use shikaku_schemas::event::{
    Event, InquiryRejected, InquiryRequested, JobResult, MedicalInformationReceived, PartOf,
};
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{
    Coverage, FacilityCode, InquiryId, Method, Month, Position, RecordId, StreamId, Validity,
};

use super::{PAGE, Queries, QueryError};
use crate::follow;
use crate::sequencer::numbered_after;

/// Events looked through for a list at most.
const LOOKED_THROUGH: u64 = 1_000_000;
/// What is said of a row that names nobody.
const OF_ROWS: &[&str] = &["inquiry-rejected", "inquiry-answered"];

/// One inquiry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InquiryView {
    /// The inquiry.
    pub inquiry: InquiryId,
    /// The contract's word.
    pub state: &'static str,
    /// The facility that asked.
    pub facility: Option<FacilityCode>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// What was asked, by whom and why.
    pub requested: Option<InquiryRequested>,
    /// The terminal it went to.
    pub terminal: Option<String>,
    /// What the centre said.
    pub validity: Option<Validity>,
    /// What the desk shows for it.
    pub display: Option<Display>,
    /// The record it was about.
    pub record: Option<RecordId>,
    /// エラーコード / 処理結果コード of a refusal.
    pub code: Option<String>,
    /// Its message.
    pub message: Option<String>,
    /// 受付番号 of a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reception_number: Option<String>,
    /// What a job's result held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobResult>,
    /// 抽出対象年月 of medical information, first and last, as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<(Month, Month)>,
    /// Medical information that came for it: that it is held, never what it says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub medical: Vec<MedicalInformationReceived>,
    /// Its last event.
    pub position: Position,
}

/// One row of a job about which the centre named nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// 任意の識別子 of the row.
    pub row: Option<String>,
    /// What was said of it, where it was no refusal.
    pub validity: Option<Validity>,
    /// エラーコード / 処理結果コード of a refusal.
    pub code: Option<String>,
    /// Its message.
    pub message: Option<String>,
}

impl Queries {
    /// One inquiry; `None` when it was never asked for.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn inquiry(&self, inquiry: InquiryId) -> Result<Option<InquiryView>, QueryError> {
        let events = self.stream(&StreamId::inquiry(inquiry)).await?;
        let mut process = InquiryProcess::default();
        let mut rejected: Option<InquiryRejected> = None;
        for (_, event) in &events {
            if let Some(event) = event {
                evolve(&mut process, event);
                if let Event::InquiryRejected(refusal) = event {
                    rejected = Some(refusal.clone());
                }
            }
        }
        let (Some(first), Some(last), Some(state)) =
            (events.first(), events.last(), process.state.as_str())
        else {
            return Ok(None);
        };
        let display = match (&rejected, process.record, process.validity) {
            (Some(_), _, _) => Some(plain(Validity::Rejected)),
            (None, Some(record), Some(validity)) => {
                Some(self.shown(inquiry, record, validity).await?)
            }
            (None, None, Some(validity)) => Some(plain(validity)),
            (None, _, None) => None,
        };
        let question = process.requested.as_ref();
        let question = question.and_then(|asked| asked.question.as_deref());
        let months = match question {
            Some(TaskBody::DrugInfo(asked)) => Some((asked.from, asked.to)),
            _ => None,
        };
        let medical = match (question, process.record) {
            (Some(TaskBody::DrugInfo(_) | TaskBody::CheckupInfo(_)), Some(record)) => {
                self.came_for(&events, record).await?
            }
            _ => Vec::new(),
        };
        Ok(Some(InquiryView {
            inquiry,
            months,
            medical,
            state,
            facility: first.0.facility.clone(),
            requested_at: first.0.recorded_at,
            requested: process.requested,
            terminal: process.terminal,
            reception_number: process.reception_number,
            job: process.job,
            validity: process
                .validity
                .or(rejected.as_ref().map(|_| Validity::Rejected)),
            display,
            record: process.record,
            code: rejected.as_ref().and_then(|refusal| refusal.code.clone()),
            message: rejected.and_then(|refusal| refusal.message),
            position: last.0.position,
        }))
    }

    /// The rows of a job about which the centre named nobody, in the order of their arrival: each can be asked again.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn errors(&self, job: &InquiryView) -> Result<Vec<RowError>, QueryError> {
        let mut errors = Vec::new();
        let mut after = self.ledger.position_at(job.requested_at).await?;
        loop {
            let page = self.ledger.read_kinds(after, OF_ROWS, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(errors);
            };
            after = last.head.position;
            for opened in follow::open(&self.ledger, &page).await?.events {
                let of_job = |part: &Option<PartOf>| {
                    let part = part.as_ref().filter(|part| part.inquiry == job.inquiry)?;
                    Some(part.row.clone())
                };
                errors.extend(match opened.event {
                    Some(Event::InquiryRejected(told)) => {
                        of_job(&told.part_of).map(|row| RowError {
                            row,
                            validity: None,
                            code: told.code,
                            message: told.message,
                        })
                    }
                    Some(Event::InquiryAnswered(told)) => {
                        of_job(&told.part_of).map(|row| RowError {
                            row,
                            validity: told.validity,
                            code: None,
                            message: None,
                        })
                    }
                    _ => None,
                });
            }
        }
    }

    /// The newest inquiries first, at most `limit` of them; very old ones are found by their id only.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn inquiries(&self, limit: usize) -> Result<Vec<InquiryView>, QueryError> {
        let head = self.ledger.head().await?.position.0;
        let mut views = Vec::new();
        let mut before = head;
        while before > 0 && views.len() < limit && head - before < LOOKED_THROUGH {
            let after = before.saturating_sub(u64::from(PAGE));
            let length = u32::try_from(before - after).unwrap_or(PAGE);
            let page = self.ledger.read_page(Position(after), length).await?;
            let asked = page
                .iter()
                .rev()
                .filter(|event| event.head.kind == "inquiry-requested");
            for event in asked {
                let Some(id) = event.head.stream.as_inquiry() else {
                    continue;
                };
                if views.len() == limit {
                    break;
                }
                match self.inquiry(id).await {
                    Ok(view) => views.extend(view),
                    // The others are shown all the same.
                    Err(QueryError::Ledger(error)) if error.is_unreadable() => {
                        tracing::warn!(inquiry.id = %id, %error, "an inquiry can't be shown");
                    }
                    Err(error) => return Err(error),
                }
            }
            before = after;
        }
        Ok(views)
    }

    /// Medical information that one observation brought together with the inquiry's answer.
    async fn came_for(
        &self,
        events: &[Opened],
        record: RecordId,
    ) -> Result<Vec<MedicalInformationReceived>, QueryError> {
        let brought: Vec<_> = events
            .iter()
            .filter(|(_, event)| matches!(event, Some(Event::InquiryAnswered(_))))
            .filter_map(|(head, _)| head.observation_id)
            .collect();
        let of_record = self.stream(&StreamId::patient(record)).await?;
        let told = of_record
            .into_iter()
            .filter_map(|(head, event)| match event {
                Some(Event::MedicalInformationReceived(received))
                    if head.observation_id.is_some_and(|id| brought.contains(&id)) =>
                {
                    Some(received)
                }
                _ => None,
            });
        Ok(told.collect())
    }

    /// The inquiries that one command made, the first of which is `first`.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn made_with(&self, first: InquiryId) -> Result<Vec<InquiryId>, QueryError> {
        let mut made = vec![first];
        for n in 1.. {
            let next = numbered_after(first, n);
            if self.stream(&StreamId::inquiry(next)).await?.is_empty() {
                break;
            }
            made.push(next);
        }
        Ok(made)
    }

    /// As the answer itself was recorded.
    async fn shown(
        &self,
        inquiry: InquiryId,
        record: RecordId,
        validity: Validity,
    ) -> Result<Display, QueryError> {
        let events = self.stream(&StreamId::patient(record)).await?;
        let verified = events.iter().rev().find_map(|(_, event)| match event {
            Some(Event::Verified(verified)) if verified.inquiry == Some(inquiry) => {
                Some(display_verified(verified))
            }
            _ => None,
        });
        Ok(verified.unwrap_or_else(|| plain(validity)))
    }
}

fn plain(validity: Validity) -> Display {
    display(
        Method::Ticket,
        Situation::plain(validity, Coverage::Unknown),
    )
}
