//! Who is expected on a day, by what receipt computers and EHRs told.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz;
use shikaku_schemas::event::Event;
use shikaku_schemas::value::{FacilityCode, RecordId};

use super::{PAGE, Queries, QueryError};
use crate::follow;

const KINDS: &[&str] = &["appointment-booked"];
/// Appointments are not made longer before than this.
const BEFORE: SignedDuration = SignedDuration::from_hours(24 * 400);

impl Queries {
    /// The records of those who have an appointment at a facility on a day, each once.
    ///
    /// # Errors
    /// [`QueryError::FacilityUnknown`], or no answer from the database.
    pub async fn booked(
        &self,
        facility: &FacilityCode,
        on: Date,
    ) -> Result<Vec<RecordId>, QueryError> {
        if self.group.facility(facility).is_none() {
            return Err(QueryError::FacilityUnknown);
        }
        let day = tz::offset(9).to_timestamp(on.at(0, 0, 0, 0)).ok();
        let begin = day.and_then(|day| day.checked_sub(BEFORE).ok());
        let begin = begin.unwrap_or(jiff::Timestamp::MIN);
        let mut after = self.ledger.position_at(begin).await?;
        let mut booked = BTreeSet::new();
        loop {
            let mut page = self.ledger.read_kinds(after, KINDS, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(booked.into_iter().collect());
            };
            after = last.head.position;
            page.retain(|event| event.head.facility.as_ref() == Some(facility));
            for opened in follow::open(&self.ledger, &page).await?.events {
                if let Some(Event::AppointmentBooked(told)) = opened.event
                    && told.on == on
                {
                    booked.extend(opened.head.patient);
                }
            }
        }
    }
}
