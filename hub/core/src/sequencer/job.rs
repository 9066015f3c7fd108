//! What terminals tell of inquiries, and what is asked anew.

use shikaku_domain::inquiry::{self, InquiryCommand, InquiryRejection};
use shikaku_ledger::Draft;
use shikaku_schemas::observation::{CommitOutcome, InquiryProgress, Observation};
use shikaku_schemas::value::{InquiryId, StreamId};
use uuid::Uuid;

use super::context::{Context, draft};
use super::observation::Judged;
use super::verdict::Verdict;
use super::working_set::{Effects, WorkingSet};

/// Namespace of inquiries that are asked anew.
const AGAIN: Uuid = Uuid::from_u128(0x8d5a_35b4_0f0e_5d3a_9b1c_5f0e_2a77_c1d0);

/// The inquiry that asks a lapsed one anew: always the same one, so that it is asked once.
pub(super) fn next_of(inquiry: InquiryId) -> InquiryId {
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
    match inquiry::decide(&process, command) {
        Ok(events) => Judged::Effects(Effects {
            drafts: events
                .into_iter()
                .map(|event| Draft {
                    key_of: process.requested.as_ref().and_then(|asked| asked.record),
                    ..draft(seen, stream.clone(), event)
                })
                .collect(),
            ..Effects::default()
        }),
        Err(InquiryRejection::NeverRequested) => Judged::Parked("inquiry-unknown"),
        // What is over stays over: the note came late and changes nothing.
        Err(_) => Judged::Effects(Effects::default()),
    }
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
