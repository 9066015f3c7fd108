//! What terminals tell of inquiries, and what is asked anew.

use shikaku_domain::inquiry::{self, InquiryCommand, InquiryProcess, InquiryRejection};
use shikaku_ledger::Draft;
use shikaku_schemas::event::{Event, JobResult};
use shikaku_schemas::observation::{
    AnswerManifest, CommitOutcome, InquiryProgress, Observation, RequestForwarded,
};
use shikaku_schemas::value::{InquiryId, RecordId, StreamId, jst_day};
use uuid::Uuid;

use super::context::{Context, draft};
use super::observation::Judged;
use super::verdict::Verdict;
use super::working_set::{Effects, WorkingSet};

/// Namespace of inquiries that are asked anew.
const AGAIN: Uuid = Uuid::from_u128(0x8d5a_35b4_0f0e_5d3a_9b1c_5f0e_2a77_c1d0);

/// The inquiry that asks a lapsed one anew: always the same one, so that it is asked once.
pub(crate) fn next_of(inquiry: InquiryId) -> InquiryId {
    InquiryId(Uuid::new_v5(&AGAIN, inquiry.0.as_bytes()))
}

impl Context {
    /// Asks the question of a lapsed job anew, under an id of its own.
    pub(super) fn again(&self, set: &mut WorkingSet, inquiry: InquiryId, times: u32) -> Verdict {
        let stream = StreamId::inquiry(inquiry);
        let process = set.stream(&stream).inquiry();
        let facility = set.stream(&stream).facility();
        let asked = inquiry::repeat(&process, next_of(inquiry), times);
        let effects = asked
            .map_err(|rejection| rejection.rule())
            .and_then(|asked| {
                let facility = facility.ok_or("facility-unknown")?;
                self.requested(set, &facility, asked)
            });
        let outcome = match effects {
            Ok(effects) => {
                set.apply(effects);
                CommitOutcome::Recorded
            }
            Err(rule) => {
                tracing::warn!(inquiry.id = %inquiry, rule, "a lapsed job is not asked anew");
                CommitOutcome::NothingNew
            }
        };
        Verdict::committed(outcome, None)
    }
}

/// The close of a job's result: only this answers the job.
pub(super) fn manifest(
    set: &mut WorkingSet,
    seen: &Observation,
    manifest: &AnswerManifest,
) -> Judged {
    // A program of the facility's own asked: its units told all there is.
    let Some(inquiry) = manifest.inquiry else {
        return Judged::Effects(Effects::default());
    };
    let stream = StreamId::inquiry(inquiry);
    let process = set.stream(&stream).inquiry();
    let command = match &manifest.refusal {
        Some(refusal) => InquiryCommand::RecordRejection {
            inquiry: Some(inquiry),
            code: refusal.code.clone(),
            message: refusal.message.clone(),
            lapsed: false,
            part_of: None,
        },
        None => InquiryCommand::RecordResult(result(&process, seen, manifest)),
    };
    recorded(seen, &stream, inquiry::decide(&process, command), None)
}

fn result(process: &InquiryProcess, seen: &Observation, manifest: &AnswerManifest) -> JobResult {
    let asked = process.requested.as_ref();
    let month = manifest.month.is_none_or(|month| {
        asked.is_none_or(|asked| asked.month.is_none_or(|asked| asked == month))
    });
    let institution = manifest.institution_code.as_ref();
    let institution = institution.is_none_or(|code| code.0 == seen.facility.as_str());
    JobResult {
        units: manifest.units,
        unreadable: manifest.unreadable,
        repeated: manifest.repeated,
        errors: manifest.stated_errors.unwrap_or_default(),
        counts_agree: manifest.counts_agree,
        same_question: month && institution,
        executed_at: manifest.executed_at,
    }
}

fn recorded(
    seen: &Observation,
    stream: &StreamId,
    decided: Result<Vec<Event>, InquiryRejection>,
    key_of: Option<RecordId>,
) -> Judged {
    match decided {
        Ok(events) => Judged::Effects(Effects {
            drafts: events
                .into_iter()
                .map(|event| Draft {
                    key_of,
                    as_of: seen.as_of,
                    ..draft(seen, stream.clone(), event)
                })
                .collect(),
            ..Effects::default()
        }),
        Err(InquiryRejection::NeverRequested) => Judged::Parked("inquiry-unknown"),
        // What is over stays over: it came late, or a second time, and changes nothing.
        Err(_) => Judged::Effects(Effects::default()),
    }
}

/// Records what a terminal tells.
pub(super) fn progressed(
    set: &mut WorkingSet,
    seen: &Observation,
    progress: &InquiryProgress,
) -> Judged {
    let stream = StreamId::inquiry(progress.inquiry);
    let process = set.stream(&stream).inquiry();
    let Some(command) = InquiryCommand::from_progress(progress, &seen.device) else {
        return Judged::Effects(Effects::default());
    };
    let key_of = process.requested.as_ref().and_then(|asked| asked.record);
    recorded(seen, &stream, inquiry::decide(&process, command), key_of)
}

/// Records what a terminal tells of a request that a program made by itself.
pub(super) fn forwarded(
    set: &mut WorkingSet,
    seen: &Observation,
    told: &RequestForwarded,
) -> Judged {
    let stream = StreamId::inquiry(told.progress.inquiry);
    let process = set.stream(&stream).inquiry();
    let on = jst_day(seen.seen_at);
    let decided = inquiry::forwarded(&process, told, &seen.device, on);
    recorded(seen, &stream, decided, None)
}

/// Nothing was heard of it for too long.
pub(super) fn overdue(set: &mut WorkingSet, inquiry: InquiryId) -> Verdict {
    let stream = StreamId::inquiry(inquiry);
    let process = set.stream(&stream).inquiry();
    let command = InquiryCommand::NoteUncertain {
        reason: "no-answer".to_owned(),
    };
    let events = inquiry::decide(&process, command).unwrap_or_default();
    let outcome = match events.is_empty() {
        true => CommitOutcome::NothingNew,
        false => CommitOutcome::Recorded,
    };
    let facility = set.stream(&stream).facility();
    set.apply(Effects {
        drafts: events
            .into_iter()
            .map(|event| Draft {
                facility: facility.clone(),
                key_of: process.requested.as_ref().and_then(|asked| asked.record),
                ..Draft::new(event, stream.clone(), 0)
            })
            .collect(),
        ..Effects::default()
    });
    Verdict::committed(outcome, None)
}
