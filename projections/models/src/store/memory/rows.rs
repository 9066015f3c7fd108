//! What one transaction changes.

use shikaku_schemas::value::FacilityCode;

use super::{Parked, Rows, Told};
use crate::log::StoreIdentity;
use crate::store::Change;

impl Rows {
    /// The history that they tell of.
    pub(super) fn identity(&self) -> Option<StoreIdentity> {
        self.checkpoint.as_ref()?.identity
    }

    pub(super) fn of<'a>(
        &'a self,
        facility: &'a FacilityCode,
    ) -> impl Iterator<Item = (u64, &'a Told)> {
        let rows = self
            .outbox
            .iter()
            .filter(move |((of, _), _)| of == facility);
        rows.map(|((_, sequence), told)| (*sequence, told))
    }

    pub(super) fn take(&mut self, change: Change) -> Result<(), sqlx::Error> {
        for (facility, from) in change.renumbered {
            self.outbox
                .retain(|(of, sequence), _| *of != facility || *sequence < from);
        }
        for row in change.rows {
            self.sealed.insert(row.record, row.sealed);
        }
        for place in change.places {
            self.places
                .insert((place.facility, place.record), place.lookup);
        }
        for row in change.outbox {
            let told = Told {
                ce_id: row.ce_id,
                kind: row.kind.to_owned(),
                record: row.record,
                position: row.position,
                recorded_at_us: row.recorded_at_us,
                body: row.body,
                published: false,
                stream_sequence: None,
            };
            let taken = self.outbox.insert((row.facility, row.feed_sequence), told);
            if taken.is_some() {
                return Err(sqlx::Error::Protocol("the number is taken".to_owned()));
            }
        }
        self.counters.extend(change.counters);
        for record in &change.erased {
            self.sealed.remove(record);
            self.places.retain(|(_, of), _| of != record);
        }
        for record in change.erased.iter().chain(&change.released) {
            self.parked.remove(record);
            self.queued.retain(|_, (of, _)| of != record);
        }
        for row in change.parked {
            self.parked.entry(row.record).or_insert(Parked {
                position: row.position,
                facility: row.facility,
                kind: row.kind,
                reason: row.reason.to_owned(),
                announced: false,
            });
        }
        for event in change.queued {
            let waits = self.queued.entry(event.position);
            waits.or_insert((event.record, event.event));
        }
        Ok(())
    }
}
