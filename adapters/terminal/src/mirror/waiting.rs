//! A copy that waits for a program's folder: sealed piece by piece, so that its size does not matter.
//!
//! `pieces…`, each `length u32 | sealed`, bound to its place in the file; the first holds folder and name, the last is
//! empty.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use shikaku_disk::{Disk, How, Reader, Writer};
use shikaku_schemas::seal::SealKey;

use super::Folder;

const PIECE: u64 = 1 << 20;

/// Where a copy belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) folder: Folder,
    pub(super) name: OsString,
}

/// Keeps a copy; durable when this returns.
pub(super) fn write(
    disk: &dyn Disk,
    path: &Path,
    key: &SealKey,
    address: &Address,
    source: &mut dyn Read,
) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let made = disk.open(&temporary, How::Fresh)?;
    let mut file = BufWriter::new(Writer::new(made.clone()));
    let mut head = vec![address.folder.letter()];
    head.extend_from_slice(address.name.as_bytes());
    put(&mut file, key, path, 0, &head)?;
    for place in 1.. {
        let mut piece = Vec::new();
        Read::take(&mut *source, PIECE).read_to_end(&mut piece)?;
        put(&mut file, key, path, place, &piece)?;
        if piece.is_empty() {
            break;
        }
    }
    file.flush()?;
    made.sync()?;
    disk.rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |own| disk.sync_directory(own))
}

/// A copy read back, piece by piece.
pub(super) struct Waiting<'a> {
    file: BufReader<Reader>,
    key: &'a SealKey,
    path: &'a Path,
    place: u64,
    piece: io::Cursor<Vec<u8>>,
    ended: bool,
}

impl<'a> Waiting<'a> {
    /// Opens a copy and tells where it belongs.
    pub(super) fn open(
        disk: &dyn Disk,
        path: &'a Path,
        key: &'a SealKey,
    ) -> io::Result<(Address, Self)> {
        let mut waiting = Self {
            file: BufReader::new(Reader::new(disk.open(path, How::Read)?, 0)),
            key,
            path,
            place: 0,
            piece: io::Cursor::new(Vec::new()),
            ended: false,
        };
        let head = waiting.next()?;
        let (folder, name) = head.split_first().ok_or(io::ErrorKind::InvalidData)?;
        let address = Address {
            folder: Folder::of_letter(*folder).ok_or(io::ErrorKind::InvalidData)?,
            name: OsStr::from_bytes(name).to_owned(),
        };
        Ok((address, waiting))
    }

    fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.file.read_exact(&mut length)?;
        let mut sealed = Vec::new();
        let length = u64::from(u32::from_be_bytes(length));
        self.file.by_ref().take(length).read_to_end(&mut sealed)?;
        let binding = binding(self.path, self.place);
        self.place += 1;
        let opened = self.key.open(&binding, &sealed);
        opened.map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

impl Read for Waiting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || self.ended {
                return Ok(read);
            }
            let piece = self.next()?;
            self.ended = piece.is_empty();
            self.piece = io::Cursor::new(piece);
        }
    }
}

fn put(
    out: &mut impl Write,
    key: &SealKey,
    path: &Path,
    place: u64,
    plain: &[u8],
) -> io::Result<()> {
    let sealed = key.seal(&binding(path, place), plain);
    let length = u32::try_from(sealed.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(&sealed)
}

fn binding(path: &Path, place: u64) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("mirror|{name}|{place}").into_bytes()
}

/// The name of a copy under a temporary one beside it, which no other writer uses.
pub(super) fn hidden(name: &OsStr, writer: &str) -> OsString {
    let mut temporary = b".".to_vec();
    temporary.extend_from_slice(name.as_bytes());
    temporary.extend_from_slice(format!(".{writer}.part").as_bytes());
    OsString::from_vec(temporary)
}
