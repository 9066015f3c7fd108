//! The numbers by which somebody can be asked about.

use std::collections::HashSet;

use jiff::civil::Date;
use shikaku_domain::patient::Human;
use shikaku_schemas::command::ListedPerson;
use shikaku_schemas::task::QualificationNumbers;
use shikaku_schemas::value::{FacilityCode, Month};

use super::linked::state_of;
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
        let (record, events) = self.events(facility, who).await?;
        let place = self.group.facility(facility);
        let place = place.ok_or(QueryError::FacilityUnknown)?;
        let state = state_of(&events);
        let linked = self.linked_states(place, record).await?;
        let human = Human {
            record: &state,
            linked: linked.iter().collect(),
        };
        let waiting = human.waits_in(facility, Month::of(on));
        let halves = human
            .qualifications()
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
                patient: human.chart_number().cloned(),
            };
            Some((insurance, row))
        });
        let mut told = HashSet::new();
        let mut rows: Vec<_> = rows.collect();
        rows.retain(|(_, row)| told.insert(row.numbers.clone()));
        Ok(rows)
    }
}
