//! An open file as a stream.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use crate::DiskFile;

/// Reads a file from a place on.
#[derive(Debug, Clone)]
pub struct Reader {
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl Reader {
    /// From `offset`.
    pub fn new(file: Arc<dyn DiskFile>, offset: u64) -> Self {
        Self { file, offset }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.file.length()?.checked_add_signed(by),
            SeekFrom::Current(by) => self.offset.checked_add_signed(by),
        };
        self.offset = offset.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.offset)
    }
}

/// Writes a file to its end.
#[derive(Debug)]
pub struct Writer(Arc<dyn DiskFile>);

impl Writer {
    /// Behind what stands there. Nothing is durable before the file was synced.
    pub fn new(file: Arc<dyn DiskFile>) -> Self {
        Self(file)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
