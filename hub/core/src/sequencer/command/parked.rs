//! What was set aside is decided again, or given up.

use shikaku_ledger::InboxRow;
use shikaku_schemas::command::CommandEnvelope;
use shikaku_schemas::observation::{CommitOutcome, Observation};
use shikaku_schemas::value::ObservationId;

use super::carried_out;
use crate::sequencer::context::Context;
use crate::sequencer::needs::Needs;
use crate::sequencer::verdict::{Announcement, Verdict};
use crate::sequencer::working_set::{Effects, WorkingSet};

impl Needs {
    /// The row as it was set aside.
    pub(super) fn parked(&mut self, id: &str) {
        self.inbox.extend(id.parse::<ObservationId>().ok());
    }
}

impl Context {
    /// Decides it anew.
    pub(super) fn retry(
        &self,
        set: &mut WorkingSet,
        envelope: &CommandEnvelope,
        id: &str,
    ) -> Result<Verdict, &'static str> {
        let row = parked_row(set, id)?;
        let bytes = row.observation.as_deref().unwrap_or_default();
        let seen: Observation = serde_json::from_slice(bytes).map_err(|_| "unreadable")?;
        if seen.facility != row.facility {
            return Err("facility-differs");
        }
        if self.facility(&seen.facility).is_none() {
            return Err("facility-unknown");
        }
        let outcome = match set.inbox.get(&seen.observation_id) {
            // Its spool tried again under its own id meanwhile.
            Some(own) if own.observation_id != row.observation_id => own.outcome,
            _ => self.settle(set, &seen, None).0,
        };
        if outcome == CommitOutcome::Parked {
            return Err("still-parked");
        }
        let mut verdict = carried_out(set, envelope, settled(row, &seen, outcome));
        verdict.announcements.push(announcement(&seen, outcome));
        Ok(verdict)
    }
}

/// Gives it up.
pub(super) fn discard(
    set: &mut WorkingSet,
    envelope: &CommandEnvelope,
    id: &str,
) -> Result<Verdict, &'static str> {
    let row = parked_row(set, id)?;
    let bytes = row.observation.clone().unwrap_or_default();
    let seen = serde_json::from_slice::<Observation>(&bytes);
    tracing::info!(parked.id = %row.observation_id, by = %envelope.by, "parked observation given up");
    let outcome = CommitOutcome::NothingNew;
    let effects = Effects {
        inbox: vec![InboxRow {
            outcome,
            reason: Some("discarded".to_owned()),
            observation: None,
            ..row.clone()
        }],
        ..Effects::default()
    };
    let mut verdict = carried_out(set, envelope, effects);
    if let Ok(seen) = seen.as_ref()
        && seen.facility == row.facility
    {
        verdict.announcements.push(announcement(seen, outcome));
    }
    Ok(verdict)
}

fn parked_row(set: &WorkingSet, id: &str) -> Result<InboxRow, &'static str> {
    id.parse::<ObservationId>()
        .ok()
        .and_then(|id| set.inbox.get(&id))
        .filter(|row| row.outcome == CommitOutcome::Parked)
        .cloned()
        .ok_or("not-parked")
}

/// A row that had an id of its own gets the answer of the observation inside it.
fn settled(row: InboxRow, seen: &Observation, outcome: CommitOutcome) -> Effects {
    let mut effects = Effects::default();
    if row.observation_id != seen.observation_id {
        effects.inbox.push(InboxRow {
            outcome: CommitOutcome::NothingNew,
            reason: Some(format!("retried as {}", seen.observation_id)),
            observation: None,
            ..row
        });
    }
    tracing::info!(observation.id = %seen.observation_id, ?outcome, "parked observation decided anew");
    effects
}

fn announcement(seen: &Observation, outcome: CommitOutcome) -> Announcement {
    Announcement {
        facility: seen.facility.clone(),
        source: seen.source.clone(),
        device: seen.device.clone(),
        observation_id: seen.observation_id,
        outcome,
    }
}
