//! The fence, and writing a batch.

use std::time::Duration;

use shikaku_schemas::observation::CommitOutcome;
use tokio::time::sleep;

use super::{Call, Contents, Evidence, Fate, MemoryDatabase, MemoryLine, Tables, lost};
use crate::LedgerError;
use crate::keys::{Keys, NewKeys};
use crate::model::{CaseChange, CaseRow};
use crate::store::rows::{CommitError, HeadRow, Prepared, RecoverError};

/// How often a standby tries for the fence.
const RETRY: Duration = Duration::from_millis(250);

/// The write side.
#[derive(Debug)]
pub(crate) struct Session {
    line: MemoryLine,
    id: u64,
    is_whole: bool,
}

/// The server frees the fence when the line ends.
impl Drop for Session {
    fn drop(&mut self) {
        let mut state = self.line.database.state();
        if state.holder == Some(self.id) {
            state.holder = None;
        }
    }
}

fn try_fence(database: &MemoryDatabase, id: u64) -> bool {
    let mut state = database.state();
    let is_ours = *state.holder.get_or_insert(id) == id;
    drop(state);
    is_ours
}

impl Session {
    pub(crate) async fn stand_by(tables: &Tables) -> Result<Self, LedgerError> {
        let line = tables.line.clone();
        let id = {
            let mut state = line.database.state();
            state.sessions += 1;
            state.sessions
        };
        let session = Self {
            line,
            id,
            is_whole: true,
        };
        loop {
            let arrives = session.line.weather.meet(Call::Fence).await != Fate::LostBefore;
            if arrives && try_fence(&session.line.database, id) {
                return Ok(session);
            }
            sleep(RETRY).await;
        }
    }

    pub(crate) async fn claim(&mut self) -> Result<HeadRow, LedgerError> {
        let fate = self.line.weather.meet(Call::Fence).await;
        if fate == Fate::LostBefore {
            return Err(lost());
        }
        let mut state = self.line.database.state();
        if state.holder != Some(self.id) {
            return Err(lost());
        }
        state.claimer = self.id;
        state.contents.head.term += 1;
        match fate {
            Fate::LostAfter => Err(lost()),
            _ => Ok(state.contents.head.clone()),
        }
    }

    /// Frees the fence.
    pub(crate) async fn close(self) {
        self.line.weather.meet(Call::Fence).await;
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub(crate) async fn commit(
        &mut self,
        batch: &Prepared,
        keys: &Keys,
        new: &NewKeys,
    ) -> Result<(), CommitError> {
        keys.persist(new).await.map_err(CommitError::Keys)?;
        // A call that is dropped half-way takes its line with it.
        self.is_whole = false;
        let fate = self.line.weather.meet(Call::Commit).await;
        if fate == Fate::LostBefore {
            return Err(CommitError::Lost(lost()));
        }
        let mut state = self.line.database.state();
        if state.holder != Some(self.id) {
            return Err(CommitError::Lost(lost()));
        }
        let done = state.contents.commit(batch);
        if done.is_ok() && state.claimer != self.id {
            state.strangers += 1;
        }
        drop(state);
        if fate == Fate::LostAfter {
            return Err(CommitError::Lost(lost()));
        }
        self.is_whole = true;
        done
    }

    /// Whether the term is still `_term` is for the writer to see.
    pub(crate) async fn recover(&mut self, term: u64) -> Result<HeadRow, RecoverError> {
        let fate = self.line.weather.meet(Call::Fence).await;
        if fate != Fate::Arrives {
            return Err(RecoverError::NotYet(lost()));
        }
        if !try_fence(&self.line.database, self.id) {
            // Who holds it may only have been quicker under this very term; another term is another writer's.
            let now = self.line.database.state().contents.head.term;
            return Err(match now == term {
                true => RecoverError::NotYet(lost()),
                false => RecoverError::Fenced,
            });
        }
        self.is_whole = true;
        Ok(self.line.database.state().contents.head.clone())
    }
}

impl Contents {
    /// All of it or nothing, with the refusals of the real databases.
    fn commit(&mut self, batch: &Prepared) -> Result<(), CommitError> {
        let (before, head) = (&batch.before, &self.head);
        if (head.term, head.commits) != (before.term, before.commits) || head.tree != before.tree {
            return Err(CommitError::Fenced);
        }
        let mut next = self.clone();
        next.take_events(batch)?;
        for key in &batch.released_keys {
            next.identity.remove(key);
        }
        for (key, record) in &batch.identity_keys {
            if next.identity.insert(key.clone(), *record).is_some() {
                return Err(CommitError::KeyTaken);
            }
        }
        next.take_inbox(batch)?;
        for part in &batch.evidence {
            let evidence = next.evidence.entry(part.id.clone());
            let evidence = evidence.or_insert_with(|| Evidence {
                media: part.media.clone(),
                chunks: part.chunks,
                parts: std::collections::BTreeMap::new(),
            });
            let sealed = evidence.parts.entry(part.index);
            sealed.or_insert_with(|| part.sealed.clone().into());
        }
        next.take_cases(batch)?;
        next.head = batch.after.clone();
        *self = next;
        Ok(())
    }

    fn take_events(&mut self, batch: &Prepared) -> Result<(), CommitError> {
        for event in &batch.events {
            let at = self.events.len();
            let id = event.head.event_id;
            let is_known = self.events.iter().any(|known| known.head.event_id == id);
            if is_known || event.head.position.0 != at as u64 + 1 {
                return Err(CommitError::Refused);
            }
            let stream = self.streams.entry(event.head.stream.clone()).or_default();
            if event.head.stream_version != stream.len() as u64 + 1 {
                return Err(CommitError::StreamTaken);
            }
            stream.push(at);
            self.events.push(event.clone());
        }
        Ok(())
    }

    fn take_inbox(&mut self, batch: &Prepared) -> Result<(), CommitError> {
        for row in &batch.inbox {
            let at = *self
                .arrivals
                .entry(row.observation_id)
                .or_insert(self.inbox.len());
            match self.inbox.get_mut(at) {
                None => self.inbox.push(row.clone()),
                Some(known)
                    if matches!(
                        known.outcome,
                        CommitOutcome::Waiting | CommitOutcome::Parked
                    ) =>
                {
                    *known = row.clone();
                }
                Some(_) => return Err(CommitError::AlreadyAnswered),
            }
        }
        Ok(())
    }

    fn take_cases(&mut self, batch: &Prepared) -> Result<(), CommitError> {
        let position = batch.after.position();
        for change in &batch.cases {
            let is_open = |case| self.cases.iter().any(|row| row.case == case);
            match change {
                CaseChange::Opened { case, .. } if is_open(*case) => {
                    return Err(CommitError::Refused);
                }
                CaseChange::Opened {
                    case,
                    facility,
                    reason,
                    observation_id,
                    candidates,
                } => self.cases.push(CaseRow {
                    case: *case,
                    facility: facility.clone(),
                    reason: *reason,
                    observation_id: *observation_id,
                    candidates: candidates.clone(),
                    opened: position,
                    closed: None,
                }),
                CaseChange::Closed { case } => {
                    for row in &mut self.cases {
                        if row.case == *case && row.closed.is_none() {
                            row.closed = Some(position);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
