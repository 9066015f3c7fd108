//! What was read before: keyed digests of contents and of files, so that a restart neither reads nor counts
//! anything twice. Names and contents never stand in it. Bounded by number and age; forgetting is
//! harmless, since the hub's inbox knows for ever.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use shikaku_disk::{Disk, DiskFile, How, read};
use shikaku_schemas::seal::SealKey;

/// A keyed digest, short enough to keep many, long enough never to collide.
pub(crate) type SeenMark = [u8; 16];

const RECORD: usize = 20;
const AGE_HOURS: u32 = 400 * 24;

/// The journal of one terminal.
#[derive(Debug)]
pub(crate) struct Seen {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    key: SealKey,
    hour_of: HashMap<SeenMark, u32>,
    order: VecDeque<SeenMark>,
    stored: usize,
    /// Whether the file lacks marks, or holds part of one, that memory has whole.
    is_torn: bool,
    capacity: usize,
}

impl Seen {
    /// Marks kept at most.
    pub(crate) const CAPACITY: usize = 500_000;

    /// Opens the journal; a torn last record is passed over.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        directory: &Path,
        group_key: &SealKey,
        capacity: usize,
        now: Timestamp,
    ) -> io::Result<Self> {
        let path = directory.join("seen");
        let stored = read(&**disk, &path)?.unwrap_or_default();
        let mut seen = Self {
            file: disk.open(&path, How::Append)?,
            disk: disk.clone(),
            path,
            key: group_key.derive("spool"),
            hour_of: HashMap::new(),
            order: VecDeque::new(),
            stored: 0,
            is_torn: false,
            capacity,
        };
        let oldest = hour(now).saturating_sub(AGE_HOURS);
        for record in stored.chunks_exact(RECORD) {
            let (mark, at) = record.split_at(16);
            if let (Ok(mark), Ok(at)) = (mark.try_into(), at.try_into().map(u32::from_be_bytes))
                && at >= oldest
                && at > 0
            {
                seen.remember(mark, at);
            }
        }
        seen.rewrite()?;
        Ok(seen)
    }

    /// The mark of anything named by `parts`.
    pub(crate) fn mark(&self, parts: &[&[u8]]) -> SeenMark {
        let mut text = b"seen".to_vec();
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        let digest = self.key.digest(&text);
        let mut mark = [0; 16];
        mark.copy_from_slice(&digest[..16]);
        mark
    }

    pub(crate) fn contains(&self, mark: &SeenMark) -> bool {
        self.hour_of.contains_key(mark)
    }

    /// Notes marks with one write and no `fsync`: a mark lost in a power cut only costs a second reading.
    pub(crate) fn note(&mut self, marks: &[SeenMark], now: Timestamp) -> io::Result<()> {
        let hour = hour(now);
        let mut records = Vec::with_capacity(marks.len() * RECORD);
        for mark in marks {
            if self.remember(*mark, hour) {
                records.extend_from_slice(mark);
                records.extend_from_slice(&hour.to_be_bytes());
            }
        }
        if self.is_torn {
            // From memory, with what an append before left half-written or unwritten.
            self.rewrite()?;
            self.is_torn = false;
            return Ok(());
        }
        if let Err(error) = self.file.append(&records) {
            self.is_torn = true;
            return Err(error);
        }
        self.stored += records.len() / RECORD;
        if self.stored > self.capacity * 2 {
            self.rewrite()?;
        }
        Ok(())
    }

    fn remember(&mut self, mark: SeenMark, hour: u32) -> bool {
        if self.hour_of.insert(mark, hour).is_some() {
            return false;
        }
        self.order.push_back(mark);
        while self.order.len() > self.capacity {
            if let Some(oldest) = self.order.pop_front() {
                self.hour_of.remove(&oldest);
            }
        }
        true
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let mut records = Vec::with_capacity(self.order.len() * RECORD);
        for mark in &self.order {
            records.extend_from_slice(mark);
            let hour = self.hour_of.get(mark).copied().unwrap_or_default();
            records.extend_from_slice(&hour.to_be_bytes());
        }
        let fresh = self.path.with_extension("new");
        let file = self.disk.open(&fresh, How::Fresh)?;
        file.append(&records)?;
        file.sync()?;
        self.disk.rename(&fresh, &self.path)?;
        self.file = self.disk.open(&self.path, How::Append)?;
        self.stored = self.order.len();
        Ok(())
    }
}

fn hour(now: Timestamp) -> u32 {
    u32::try_from(now.as_second() / 3600).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use shikaku_disk::SystemDisk;

    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3600).unwrap()
    }

    #[test]
    fn remembers_over_restarts_within_number_and_age() {
        let folder = tempfile::tempdir().unwrap();
        let key = SealKey::from_bytes([1; 32]);
        let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
        let mut seen = Seen::open(&disk, folder.path(), &key, 3, at(500_000)).unwrap();
        let marks: Vec<SeenMark> = (0..4u8).map(|n| seen.mark(&[b"content", &[n]])).collect();
        assert_ne!(seen.mark(&[b"ab", b"c"]), seen.mark(&[b"a", b"bc"]));
        seen.note(&marks, at(500_000)).unwrap();
        assert!(!seen.contains(&marks[0]), "the oldest gave way");
        drop(seen);
        let file = disk.open(&folder.path().join("seen"), How::Append).unwrap();
        file.append(b"torn").unwrap();
        let seen = Seen::open(&disk, folder.path(), &key, 3, at(500_001)).unwrap();
        assert!(marks[1..].iter().all(|mark| seen.contains(mark)));
        drop(seen);
        let seen = Seen::open(&disk, folder.path(), &key, 3, at(510_000)).unwrap();
        assert!(marks.iter().all(|mark| !seen.contains(mark)), "too old");
    }
}
