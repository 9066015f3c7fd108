//! Questions answered from the ledger alone: what was valid, what did we know, and when?
//!
//! Works beside a running hub and without one. Nothing here writes, and nothing here logs who asked: the
//! caller does, before it asks.

mod booked;
mod calendar;
mod case;
mod display;
mod inquiry;
mod linked;
mod medical;
mod numbers;
mod outside;
mod retry;
mod terminal;

use jiff::civil::Date;
use serde::Serialize;
use shikaku_domain::FacilityFacts;
use shikaku_domain::history::{History, HistoryQuestion, Opened};
use shikaku_ledger::{Ledger, LedgerError, StoreIdentity};
use shikaku_schemas::group::Group;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{
    FacilityCode, Method, ObservationId, PatientNumber, PersonId, Position, RecordId, StreamId,
};

use crate::identity::Digests;
pub(crate) use calendar::{calendar, records_of_run};
pub use case::{CandidateView, CaseView};
pub use display::DisplayView;
pub use inquiry::{InquiryView, RowError};
pub use medical::MedicalView;
pub use outside::{Outside, OutsideRefusal};
pub use retry::Retry;
pub use shikaku_domain::history::KnownAt;
pub use terminal::{TerminalId, TerminalView};

const PAGE: u32 = 500;

/// Whom a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// By chart number.
    Patient(PatientNumber),
    /// By record.
    Record(RecordId),
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The facility is not configured.
    #[error("the facility is not configured")]
    FacilityUnknown,
    /// Nobody by that number or id is known at that facility.
    #[error("nobody by that number is known there")]
    RecordUnknown,
    /// The ledger could not be read.
    #[error("the ledger could not be read")]
    Ledger(#[from] LedgerError),
}

/// What a record's history says, and whom the record is joined with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryView {
    /// The record's own history: what its facility may be told.
    #[serde(flatten)]
    pub history: History,
    /// The person it is linked to.
    pub person: Option<PersonId>,
    /// Other records of the same human.
    pub linked: Vec<RecordId>,
}

/// One observation set aside by the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParkedView {
    /// What `parked show|retry|discard` names it by.
    pub id: ObservationId,
    /// The facility.
    pub facility: FacilityCode,
    /// Stable word.
    pub reason: String,
    /// The same for people, Japanese with English beside.
    pub message: &'static str,
}

/// Answers questions from one ledger. Cheap to clone.
#[derive(Clone)]
pub struct Queries {
    ledger: Ledger,
    group: Group,
    digests: Digests,
}

impl Queries {
    /// For one ledger of one group.
    pub fn new(ledger: Ledger, group: Group, group_key: &SealKey) -> Self {
        Self {
            ledger,
            group,
            digests: Digests::new(group_key),
        }
    }

    /// Which store answers, and where it stands now.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn standing(&self) -> Result<(StoreIdentity, Position), QueryError> {
        Ok((self.ledger.identity(), self.ledger.head().await?.position))
    }

    /// The record of somebody at a facility. A record of another chart numbering is not known there.
    ///
    /// # Errors
    /// [`QueryError::FacilityUnknown`], [`QueryError::RecordUnknown`], or no answer from the database.
    pub async fn record(&self, facility: &FacilityCode, who: &Who) -> Result<RecordId, QueryError> {
        Ok(self.events(facility, who).await?.0)
    }

    /// What is known of somebody: everything, or what covers a day, now or as it was known at a moment.
    ///
    /// # Errors
    /// As [`Queries::record`].
    pub async fn history(
        &self,
        facility: &FacilityCode,
        who: &Who,
        valid_on: Option<Date>,
        known_at: Option<KnownAt>,
    ) -> Result<HistoryView, QueryError> {
        let (record, events) = self.events(facility, who).await?;
        let question = HistoryQuestion {
            valid_on,
            known_at,
            facility: Some(facility.clone()),
        };
        let person = self.person(record).await?;
        let mut linked = match person {
            Some(person) => self.records_of(person).await?,
            None => Vec::new(),
        };
        linked.retain(|other| *other != record);
        Ok(HistoryView {
            history: shikaku_domain::history::history(&events, &question),
            person,
            linked,
        })
    }

    /// Where the ledger ends now.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn head(&self) -> Result<Position, QueryError> {
        Ok(self.ledger.head().await?.position)
    }

    /// What the desk shows of a human for a day, had it checked by `method`: by all their records of its chart
    /// numbering that were linked at the moment asked about, because the ticket of one who came without a number stands
    /// on another one.
    ///
    /// # Errors
    /// As [`Queries::record`].
    pub async fn display(
        &self,
        facility: &FacilityCode,
        who: &Who,
        method: Method,
        valid_on: Date,
        known_at: Option<KnownAt>,
    ) -> Result<DisplayView, QueryError> {
        let (record, mut events) = self.events(facility, who).await?;
        let place = self.group.facility(facility);
        let place = place.ok_or(QueryError::FacilityUnknown)?;
        events.extend(
            self.linked_events(place, record, known_at)
                .await?
                .into_iter()
                .flatten(),
        );
        events.sort_by_key(|(head, _)| head.position);
        let ask = |valid_on| {
            let question = HistoryQuestion {
                valid_on,
                known_at,
                facility: Some(facility.clone()),
            };
            shikaku_domain::history::history(&events, &question)
        };
        Ok(display::view(
            &ask(Some(valid_on)),
            &ask(None),
            method,
            valid_on,
        ))
    }

    /// Every observation that the hub set aside, in order of arrival.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn parked(&self) -> Result<Vec<ParkedView>, QueryError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .ledger
                .inbox_by_outcome(CommitOutcome::Parked, after, PAGE)
                .await?;
            let Some(last) = page.last() else {
                return Ok(all);
            };
            after = Some(last.observation_id);
            all.extend(page.into_iter().map(|row| {
                let reason = row.reason.unwrap_or_else(|| "unknown".to_owned());
                ParkedView {
                    id: row.observation_id,
                    facility: row.facility,
                    message: crate::parked::message(&reason),
                    reason,
                }
            }));
        }
    }

    async fn events(
        &self,
        facility: &FacilityCode,
        who: &Who,
    ) -> Result<(RecordId, Vec<Opened>), QueryError> {
        let configured = self
            .group
            .facility(facility)
            .ok_or(QueryError::FacilityUnknown)?;
        let record = match who {
            Who::Record(record) => *record,
            Who::Patient(number) => {
                let key = self.digests.chart(&FacilityFacts::from(configured), number);
                let found = self.ledger.resolve(std::slice::from_ref(&key)).await?;
                *found.get(&key).ok_or(QueryError::RecordUnknown)?
            }
        };
        let events = self.stream(&StreamId::patient(record)).await?;
        match self.is_of_numbering(configured, &events) {
            true => Ok((record, events)),
            false => Err(QueryError::RecordUnknown),
        }
    }

    async fn stream(&self, stream: &StreamId) -> Result<Vec<Opened>, LedgerError> {
        let mut found = self
            .ledger
            .load_streams(std::slice::from_ref(stream))
            .await?;
        let events = found.remove(stream).unwrap_or_default();
        let opened = self.ledger.open_events(&events).await?;
        Ok(opened
            .into_iter()
            .map(|opened| (opened.head, opened.event))
            .collect())
    }
}
