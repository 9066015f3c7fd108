//! One file of the log, named by the sequence it starts with.

use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shikaku_disk::{Disk, DiskFile, How, Reader, read_exact_at};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::ObservationId;

use super::frame::{self, HEADER, Header};
use super::{Entry, SpoolError};

/// An open segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn DiskFile>,
    /// Good bytes: appends go here.
    pub(super) bytes: u64,
    /// Ids of all its entries.
    pub(super) ids: Vec<ObservationId>,
    /// Entries not yet done.
    pub(super) open: usize,
}

/// Where one entry stands, readable without the spool's lock.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) key: SealKey,
    pub(super) id: ObservationId,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Located {
    pub(super) fn read(&self) -> Result<Entry, SpoolError> {
        let length = usize::try_from(self.bytes).map_err(|_| SpoolError::TooLarge)?;
        let mut raw = vec![0; length];
        read_exact_at(&self.file, &mut raw, self.offset)?;
        let body = raw.get(HEADER..).ok_or(SpoolError::Damaged)?;
        frame::open(&self.key, self.id, body)
    }
}

impl Segment {
    /// Makes a new file; it and its name are durable when this returns.
    pub(super) fn create(disk: &dyn Disk, directory: &Path, first: u64) -> io::Result<Self> {
        let path = directory.join(format!("{first:020}.log"));
        // One of this name is what an earlier try left when its directory could not be synced: nothing is in it.
        let file = disk.open(&path, How::WriteOrMake)?;
        file.set_len(0)?;
        disk.sync_directory(directory)?;
        Ok(Self {
            path,
            file,
            bytes: 0,
            ids: Vec::new(),
            open: 0,
        })
    }

    /// Reads a file from the start, reporting each whole frame with its offset; what follows the last whole
    /// frame was never acknowledged and is cut off.
    pub(super) fn open(
        disk: &dyn Disk,
        path: PathBuf,
        mut found: impl FnMut(&Header, u64),
    ) -> io::Result<Self> {
        let file = disk.open(&path, How::Write)?;
        let mut bytes = 0;
        let mut ids = Vec::new();
        let mut body = Vec::new();
        let mut reader = BufReader::with_capacity(256 << 10, Reader::new(file.clone(), 0));
        while let Some(header) = frame::next(&mut reader, &mut body)? {
            found(&header, bytes);
            bytes += header.frame_bytes();
            ids.push(header.id);
        }
        let length = file.length()?;
        if length > bytes {
            tracing::warn!(spool.cut_bytes = length - bytes, "a torn tail was cut");
            file.set_len(bytes)?;
        }
        // A process that was killed between its write and its sync left frames that no power cut would spare.
        file.sync()?;
        Ok(Self {
            path,
            file,
            bytes,
            open: ids.len(),
            ids,
        })
    }

    /// Writes at the end and syncs. On an error the file must not be written again.
    pub(super) fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        let written = self.file.write_at(frames, self.bytes).and_then(|()| {
            match planted(Mutant::SkipSpoolSync) {
                true => Ok(()),
                false => self.file.sync(),
            }
        });
        if let Err(error) = written {
            // Best effort: what is left behind was never acknowledged and does no harm.
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes += frames.len() as u64;
        Ok(())
    }
}
