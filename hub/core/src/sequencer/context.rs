//! What every decision may look at besides the working set: configuration, keys for digests, time and ids.

use std::collections::HashMap;
use std::sync::Arc;

use shikaku_domain::FacilityFacts;
use shikaku_domain::patient::MedicalMonths;
use shikaku_ledger::Draft;
use shikaku_schemas::clock::{Clock, Randomness};
use shikaku_schemas::event::Event;
use shikaku_schemas::group::{Facility, Group};
use shikaku_schemas::observation::Observation;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{FacilityCode, RecordId, StreamId};
use uuid::Uuid;

use crate::HubOptions;
use crate::desk::Desks;
use crate::identity::Digests;
use crate::jobs::Jobs;
use crate::terminals::Terminals;

/// Fixed while the hub runs.
pub(crate) struct Context {
    group: Group,
    facts: HashMap<FacilityCode, FacilityFacts>,
    /// Makes identity rows.
    pub(crate) digests: Digests,
    /// Makes qualification ids.
    pub(crate) qualifications: SealKey,
    /// Months of medical information.
    pub(crate) medical: MedicalMonths,
    /// Whether a sure offer is taken without asking.
    pub(crate) auto_link: bool,
    /// Business time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub(crate) randomness: Arc<dyn Randomness>,
    /// What lies at the desks, for screens.
    pub(crate) desks: Desks,
    /// How the terminals are doing.
    pub(crate) terminals: Terminals,
    /// How far jobs have come.
    pub(crate) jobs: Jobs,
}

impl Context {
    /// From the role's options.
    pub(crate) fn new(options: &HubOptions) -> Self {
        Self {
            facts: options
                .group
                .facilities
                .iter()
                .map(|facility| (facility.code.clone(), FacilityFacts::from(facility)))
                .collect(),
            group: options.group.clone(),
            digests: Digests::new(&options.group_key),
            qualifications: options.group_key.derive("qualification"),
            medical: options.medical,
            auto_link: options.auto_link,
            clock: Arc::clone(&options.clock),
            randomness: Arc::clone(&options.randomness),
            desks: Desks::new(),
            terminals: Terminals::default(),
            jobs: Jobs::default(),
        }
    }

    /// A fresh id.
    pub(crate) fn id(&self) -> Uuid {
        self.randomness.id(self.clock.now())
    }

    /// A configured facility.
    pub(crate) fn facility(&self, code: &FacilityCode) -> Option<&Facility> {
        self.group.facility(code)
    }

    /// What the domain has to know of a configured facility.
    pub(crate) fn facts(&self, code: &FacilityCode) -> Option<&FacilityFacts> {
        self.facts.get(code)
    }
}

/// A draft that an observation brings.
pub(crate) fn draft(seen: &Observation, stream: StreamId, event: Event) -> Draft {
    Draft {
        facility: Some(seen.facility.clone()),
        observation_id: Some(seen.observation_id),
        evidence: seen.evidence.as_ref().map(|evidence| evidence.id.clone()),
        ..Draft::new(event, stream, 0)
    }
}

/// A draft on the stream of a patient record.
pub(crate) fn patient_draft(seen: &Observation, record: RecordId, event: Event) -> Draft {
    Draft {
        patient: Some(record),
        ..draft(seen, StreamId::patient(record), event)
    }
}
