//! A person settles an uncertain inquiry.

use shikaku_domain::inquiry::{self, InquiryCommand};
use shikaku_ledger::Draft;
use shikaku_schemas::command::CommandEnvelope;
use shikaku_schemas::event::InquiryResolved;
use shikaku_schemas::value::{InquiryId, StreamId};

use super::carried_out;
use crate::sequencer::verdict::Verdict;
use crate::sequencer::working_set::{Effects, WorkingSet};

/// Settles it.
pub(super) fn resolve(
    set: &mut WorkingSet,
    envelope: &CommandEnvelope,
    inquiry: InquiryId,
    note: &str,
) -> Result<Verdict, &'static str> {
    let stream = StreamId::inquiry(inquiry);
    let process = set.stream(&stream).inquiry();
    let facility = set.stream(&stream).facility();
    let command = InquiryCommand::Resolve(InquiryResolved {
        inquiry,
        by: envelope.by.clone(),
        note: note.to_owned(),
    });
    let events = inquiry::decide(&process, command).map_err(|rejection| rejection.rule())?;
    let effects = Effects {
        drafts: events
            .into_iter()
            .map(|event| Draft {
                facility: facility.clone(),
                key_of: process.requested.as_ref().and_then(|asked| asked.record),
                ..Draft::new(event, stream.clone(), 0)
            })
            .collect(),
        ..Effects::default()
    };
    Ok(carried_out(set, envelope, effects))
}
