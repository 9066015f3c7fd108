//! How far each projection is, for readiness, metrics and the command line.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use shikaku_schemas::value::Position;

/// One projection's progress.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Last position applied.
    pub position: Position,
    /// Last position of `LOG` that it has heard of.
    pub head: Position,
    /// Connected, reading, and through with what it found at start-up.
    pub ready: bool,
    /// Records it knows.
    pub records: u64,
    /// Records set aside because one of their events can't be applied.
    pub parked_records: u64,
    /// Feed messages not yet with the broker.
    pub unpublished: u64,
    /// Why it stopped for good, without personal data.
    pub stopped: Option<String>,
}

/// Shared between the role and whoever wants to know. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StatusBoard {
    rows: Arc<Mutex<BTreeMap<String, ProjectionStatus>>>,
}

impl StatusBoard {
    /// Whether there are projections and every one is ready and none has stopped.
    pub fn ready(&self) -> bool {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        !rows.is_empty()
            && rows
                .values()
                .all(|status| status.ready && status.stopped.is_none())
    }

    /// Every projection by name.
    pub fn projections(&self) -> BTreeMap<String, ProjectionStatus> {
        self.rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes one projection's row.
    pub(crate) fn update(&self, name: &str, change: impl FnOnce(&mut ProjectionStatus)) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        change(rows.entry(name.to_owned()).or_default());
    }
}
