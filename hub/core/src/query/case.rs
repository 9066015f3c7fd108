//! Questions of identity, with what a person needs to answer them.

use serde::Serialize;
use shikaku_domain::patient::{Origin, PatientState, evolve, evolve_erased};
use shikaku_schemas::event::{CaseReason, PersonDetails};
use shikaku_schemas::observation::{Observation, ObservationBody};
use shikaku_schemas::value::{
    CaseId, FacilityCode, ObservationId, PatientNumber, Position, RecordId, StreamId,
};

use super::{Queries, QueryError};
use crate::identity;

/// One question of identity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseView {
    /// The case.
    pub case: CaseId,
    /// Where.
    pub facility: FacilityCode,
    /// Why a person has to look.
    pub reason: CaseReason,
    /// Since when.
    pub opened: Position,
    /// Until when; null while it is open.
    pub closed: Option<Position>,
    /// How many observations wait in it.
    pub waiting: usize,
    /// Whom the first of them names.
    pub told: Option<PersonDetails>,
    /// The records in question.
    pub candidates: Vec<CandidateView>,
}

/// A record in question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CandidateView {
    /// The record.
    pub record: RecordId,
    /// Its chart number.
    pub patient: Option<PatientNumber>,
    /// Whom it is of, by the newest answer.
    #[serde(flatten)]
    pub person: PersonDetails,
}

impl Queries {
    /// Questions of identity, oldest first.
    ///
    /// # Errors
    /// No answer from the database.
    pub async fn cases(&self, open_only: bool) -> Result<Vec<CaseView>, QueryError> {
        let mut views = Vec::new();
        for row in self.ledger.cases(open_only).await? {
            let waiting = self.ledger.waiting_in(row.case).await?;
            let told = match waiting.first() {
                Some(first) => self.told(*first).await?,
                None => None,
            };
            views.push(CaseView {
                case: row.case,
                facility: row.facility,
                reason: row.reason,
                opened: row.opened,
                closed: row.closed,
                waiting: waiting.len(),
                told,
                candidates: self.candidates(&row.candidates).await?,
            });
        }
        Ok(views)
    }

    async fn told(&self, id: ObservationId) -> Result<Option<PersonDetails>, QueryError> {
        let rows = self.ledger.inbox(&[id]).await?;
        let bytes = rows.get(&id).and_then(|row| row.observation.as_deref());
        let seen = bytes.and_then(|bytes| serde_json::from_slice::<Observation>(bytes).ok());
        Ok(seen.and_then(|seen| match seen.body {
            ObservationBody::OqsAnswer(answer) | ObservationBody::OqsAnswerUnit(answer) => {
                Some(identity::told(&answer))
            }
            _ => None,
        }))
    }

    async fn candidates(&self, records: &[RecordId]) -> Result<Vec<CandidateView>, QueryError> {
        let mut views = Vec::with_capacity(records.len());
        for record in records {
            let mut state = PatientState::default();
            for (head, event) in self.stream(&StreamId::patient(*record)).await? {
                match event {
                    Some(event) => evolve(&mut state, &Origin::from(&head), &event),
                    None => evolve_erased(&mut state),
                }
            }
            views.push(CandidateView {
                record: *record,
                patient: state.patient_number,
                person: state.person,
            });
        }
        Ok(views)
    }
}
