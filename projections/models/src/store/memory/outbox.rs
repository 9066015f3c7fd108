//! The outbox on its way, and the letters about records set aside.

use shikaku_schemas::value::{FacilityCode, RecordId};

use super::{Memory, Rows, Told};
use crate::log::StoreIdentity;
use crate::store::Pending;
use crate::store::outbox::{Letter, Stored};

impl Memory {
    pub(in crate::store) async fn pending(
        &self,
        limit: u32,
    ) -> Result<Option<(StoreIdentity, Vec<Pending>)>, sqlx::Error> {
        self.read(|rows| {
            let of = rows.identity()?;
            let mut waiting: Vec<_> = rows
                .outbox
                .iter()
                .filter(|(_, told)| !told.published)
                .collect();
            waiting.sort_by_key(|((facility, sequence), told)| {
                (told.position, facility.clone(), *sequence)
            });
            waiting.truncate(limit as usize);
            let pending = |((facility, sequence), told): (&(FacilityCode, u64), &Told)| Pending {
                facility: facility.clone(),
                feed_sequence: *sequence,
                ce_id: told.ce_id,
                kind: told.kind.clone(),
                record: told.record,
                recorded_at_us: told.recorded_at_us,
                body: told.body.clone(),
            };
            let pending: Vec<_> = waiting.into_iter().map(pending).collect();
            (!pending.is_empty()).then_some((of, pending))
        })
        .await
    }

    pub(in crate::store) async fn pending_count(&self) -> Result<u64, sqlx::Error> {
        let count = |rows: &Rows| rows.outbox.values().filter(|told| !told.published).count();
        Ok(self.read(count).await? as u64)
    }

    pub(in crate::store) async fn mark(
        &self,
        of: StoreIdentity,
        stored: &[Stored],
    ) -> Result<(), sqlx::Error> {
        self.write(|rows| {
            if rows.identity() != Some(of) {
                return Ok(());
            }
            for (facility, feed, stream) in stored {
                if let Some(told) = rows.outbox.get_mut(&(facility.clone(), *feed)) {
                    told.published = true;
                    told.stream_sequence = Some(*stream);
                }
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn mark_through(
        &self,
        of: StoreIdentity,
        (facility, feed_sequence, stream_sequence): &Stored,
    ) -> Result<(), sqlx::Error> {
        self.write(|rows| {
            if rows.identity() != Some(of) {
                return Ok(());
            }
            for ((at, sequence), told) in &mut rows.outbox {
                if at == facility && sequence <= feed_sequence {
                    told.published = true;
                }
                if at == facility && sequence == feed_sequence {
                    told.stream_sequence = Some(*stream_sequence);
                }
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn unmark_after(
        &self,
        of: StoreIdentity,
        facility: &FacilityCode,
        feed_sequence: u64,
    ) -> Result<u64, sqlx::Error> {
        self.write(|rows| {
            let mut changed = 0;
            if rows.identity() != Some(of) {
                return Ok(changed);
            }
            for ((at, sequence), told) in &mut rows.outbox {
                if at == facility && *sequence > feed_sequence && told.published {
                    told.published = false;
                    told.stream_sequence = None;
                    changed += 1;
                }
            }
            Ok(changed)
        })
        .await
    }

    pub(in crate::store) async fn expire(
        &self,
        facility: &FacilityCode,
        before_us: i64,
    ) -> Result<(), sqlx::Error> {
        self.write(|rows| {
            rows.outbox.retain(|(of, _), told| {
                of != facility || told.published || told.recorded_at_us >= before_us
            });
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn trim(&self, before_us: i64) -> Result<(), sqlx::Error> {
        self.write(|rows| {
            rows.outbox
                .retain(|_, told| !told.published || told.recorded_at_us >= before_us);
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn feed_stream(&self) -> Result<(Option<String>, u64), sqlx::Error> {
        self.read(|rows| {
            let stored = rows.outbox.values().filter_map(|told| told.stream_sequence);
            (rows.feed_created.clone(), stored.max().unwrap_or_default())
        })
        .await
    }

    pub(in crate::store) async fn set_feed_stream(&self, created: &str) -> Result<(), sqlx::Error> {
        self.write(|rows| {
            rows.feed_created = Some(created.to_owned());
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn parked(&self) -> Result<Vec<RecordId>, sqlx::Error> {
        self.read(|rows| rows.parked.keys().copied().collect())
            .await
    }

    pub(in crate::store) async fn queued(
        &self,
        record: RecordId,
    ) -> Result<Vec<Vec<u8>>, sqlx::Error> {
        self.read(|rows| {
            let of_record = rows.queued.values().filter(|(of, _)| *of == record);
            of_record.map(|(_, event)| event.clone()).collect()
        })
        .await
    }

    pub(in crate::store) async fn letters(&self) -> Result<Vec<Letter>, sqlx::Error> {
        self.read(|rows| {
            let due = rows.parked.iter().filter(|(_, parked)| !parked.announced);
            let mut letters: Vec<Letter> = due
                .map(|(record, parked)| Letter {
                    record: *record,
                    position: parked.position,
                    facility: parked.facility.clone(),
                    kind: parked.kind.clone(),
                    reason: parked.reason.clone(),
                })
                .collect();
            letters.sort_by_key(|letter| letter.position);
            letters
        })
        .await
    }

    pub(in crate::store) async fn mark_letter(&self, record: RecordId) -> Result<(), sqlx::Error> {
        self.write(|rows| {
            if let Some(parked) = rows.parked.get_mut(&record) {
                parked.announced = true;
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn unmark_letters(&self) -> Result<(), sqlx::Error> {
        self.write(|rows| {
            for parked in rows.parked.values_mut() {
                parked.announced = false;
            }
            Ok(())
        })
        .await
    }
}
