//! What the hub said of an entry: fixed records of 25 bytes in one file, written lazily. A record names the
//! entry's sequence too, so that what was said of an earlier copy of the same observation is not said of a later one.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shikaku_disk::{Disk, DiskFile, How, read};
use shikaku_schemas::value::ObservationId;
use uuid::Uuid;

const RECORD: usize = 25;
const ID_END: usize = 17;
const COMPACT_AT: u64 = 4 << 20;

/// What the hub said of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// To be published until it is answered.
    Pending,
    /// Committed: the spool may let go.
    Done,
    /// Set aside by the hub: not published, kept until retry or discard.
    Parked,
}

impl Mark {
    fn byte(self) -> u8 {
        match self {
            Self::Pending => 1,
            Self::Done => 2,
            Self::Parked => 3,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Pending),
            2 => Some(Self::Done),
            3 => Some(Self::Parked),
            // A power cut may leave zeros: the entry is only published again.
            _ => None,
        }
    }
}

/// The last mark of each id, with the sequence of the entry it was said of.
pub(super) type Said = HashMap<ObservationId, (u64, Mark)>;

/// The marks file.
#[derive(Debug)]
pub(super) struct Marks {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    file: Arc<dyn DiskFile>,
    bytes: u64,
}

impl Marks {
    /// Opens the file and reads the last mark of each id.
    pub(super) fn open(disk: &Arc<dyn Disk>, directory: &Path) -> io::Result<(Self, Said)> {
        let path = directory.join("marks");
        let stored = read(&**disk, &path)?.unwrap_or_default();
        let mut marks = HashMap::new();
        for record in stored.chunks_exact(RECORD) {
            let sequence = record[ID_END..].try_into().map(u64::from_le_bytes);
            if let (Some(mark), Ok(id), Ok(sequence)) = (
                Mark::from_byte(record[0]),
                Uuid::from_slice(&record[1..ID_END]),
                sequence,
            ) {
                marks.insert(ObservationId(id), (sequence, mark));
            }
        }
        let whole = (stored.len() - stored.len() % RECORD) as u64;
        let file = disk.open(&path, How::Append)?;
        file.set_len(whole)?;
        let marks_file = Self {
            path,
            disk: disk.clone(),
            file,
            bytes: whole,
        };
        Ok((marks_file, marks))
    }

    /// Notes one mark; no `fsync`.
    pub(super) fn note(&mut self, id: &ObservationId, sequence: u64, mark: Mark) -> io::Result<()> {
        self.file.append(&record(id, sequence, mark))?;
        self.bytes += RECORD as u64;
        Ok(())
    }

    /// Whether the file has grown enough to be written anew.
    pub(super) fn is_long(&self) -> bool {
        self.bytes > COMPACT_AT
    }

    /// Writes the file anew with only `live` marks.
    pub(super) fn rewrite<'a>(
        &mut self,
        live: impl Iterator<Item = (&'a ObservationId, u64, Mark)>,
    ) -> io::Result<()> {
        let mut records = Vec::new();
        for (id, sequence, mark) in live {
            records.extend_from_slice(&record(id, sequence, mark));
        }
        let fresh = self.path.with_extension("new");
        let file = self.disk.open(&fresh, How::Fresh)?;
        file.write_at(&records, 0)?;
        file.sync()?;
        self.disk.rename(&fresh, &self.path)?;
        self.file = self.disk.open(&self.path, How::Append)?;
        self.bytes = records.len() as u64;
        Ok(())
    }
}

fn record(id: &ObservationId, sequence: u64, mark: Mark) -> [u8; RECORD] {
    let mut record = [0u8; RECORD];
    record[0] = mark.byte();
    record[1..ID_END].copy_from_slice(id.0.as_bytes());
    record[ID_END..].copy_from_slice(&sequence.to_le_bytes());
    record
}
