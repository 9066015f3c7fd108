//! The numbers by which somebody can be asked about.

use jiff::civil::Date;
use shikaku_domain::patient::{Origin, replay};
use shikaku_schemas::command::ListedPerson;
use shikaku_schemas::task::QualificationNumbers;
use shikaku_schemas::value::FacilityCode;

use super::{Queries, QueryError, Who};

impl Queries {
    /// The numbers of every half that covers `on`, and whether each is insurance. Of a month that is 未委託 at the
    /// facility no number of the assistance half is told.
    ///
    /// # Errors
    /// Nobody by that number is known there, or no answer from the database.
    pub async fn numbers(
        &self,
        facility: &FacilityCode,
        who: &Who,
        on: Date,
    ) -> Result<Vec<(bool, ListedPerson)>, QueryError> {
        let (_, events) = self.events(facility, who).await?;
        let told = events
            .iter()
            .map(|(head, event)| (Origin::from(head), event.as_ref()));
        let state = replay(told);
        let waiting = state.current(facility, on).not_commissioned;
        let halves = state
            .qualifications
            .iter()
            .filter(|known| known.covers(on) && (known.is_insurance() || !waiting));
        let rows = halves.filter_map(|known| {
            let details = &known.details;
            let insurance = known.is_insurance();
            let numbers = match insurance {
                true => QualificationNumbers {
                    insurer_number: details.insurer_number.clone()?,
                    symbol: details.symbol.clone(),
                    number: details.number.clone()?,
                    branch: details.branch.clone(),
                },
                false => QualificationNumbers {
                    insurer_number: details.payer_number.clone()?.0,
                    symbol: None,
                    number: details.recipient_number.clone()?.0,
                    branch: None,
                },
            };
            let row = ListedPerson {
                numbers,
                birth_date: known.person.birth_date.or(state.person.birth_date)?,
                patient: state.patient_number.clone(),
            };
            Some((insurance, row))
        });
        Ok(rows.collect())
    }
}
