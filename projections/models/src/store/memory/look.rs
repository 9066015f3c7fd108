//! Looking things up for those who ask.

use shikaku_schemas::value::{FacilityCode, Position, RecordId};

use super::Memory;
use crate::store::{Page, Which};

impl Memory {
    pub(in crate::store) async fn page(
        &self,
        facility: &FacilityCode,
        which: Which,
    ) -> Result<Page, sqlx::Error> {
        self.read(|rows| {
            let places = rows
                .places
                .iter()
                .filter(|((of, record), _)| of == facility && rows.sealed.contains_key(record));
            let records: Vec<RecordId> = match which {
                Which::Lookup(digest) => places
                    .filter(|(_, lookup)| lookup.as_deref() == Some(&digest[..]))
                    .map(|((_, record), _)| *record)
                    .collect(),
                Which::After(after, limit) => places
                    .map(|((_, record), _)| *record)
                    .filter(|record| after.is_none_or(|after| *record > after))
                    .take(limit as usize)
                    .collect(),
            };
            let row = |record: RecordId| Some((record, rows.sealed.get(&record)?.clone()));
            let checkpoint = rows.checkpoint.as_ref();
            Page {
                identity: checkpoint.and_then(|at| at.identity),
                position: checkpoint.map_or(Position(0), |at| at.position),
                is_whole: checkpoint
                    .is_some_and(|at| rows.target.is_some_and(|target| at.position >= target)),
                feed_sequence: rows.counters.get(facility).copied().unwrap_or_default(),
                rows: records.into_iter().filter_map(row).collect(),
            }
        })
        .await
    }

    pub(in crate::store) async fn stream_place(
        &self,
        facility: &FacilityCode,
        feed_sequence: u64,
    ) -> Result<Option<u64>, sqlx::Error> {
        self.read(|rows| {
            rows.of(facility)
                .filter(|(sequence, _)| *sequence <= feed_sequence)
                .filter_map(|(_, told)| told.stream_sequence)
                .max()
        })
        .await
    }

    pub(in crate::store) async fn sequence_since(
        &self,
        facility: &FacilityCode,
        since_us: i64,
    ) -> Result<u64, sqlx::Error> {
        self.read(|rows| {
            let first = rows
                .of(facility)
                .find(|(_, told)| told.recorded_at_us >= since_us)
                .map(|(sequence, _)| sequence);
            let last = rows.counters.get(facility).copied().unwrap_or_default();
            first.unwrap_or(last + 1)
        })
        .await
    }

    pub(in crate::store) async fn record_count(&self) -> Result<u64, sqlx::Error> {
        self.read(|rows| rows.sealed.len() as u64).await
    }
}
