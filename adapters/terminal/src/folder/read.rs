//! One look at one file, and the few file operations that need care.

use std::io::{self, Read};
use std::path::Path;

use shikaku_disk::{Disk, How, Kind, Reader, Stat};
use shikaku_schemas::seal::SealKey;

const CHUNK: usize = 1 << 20;

/// What tells a changed file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Signature {
    pub(crate) size: u64,
    pub(crate) modified_ns: i128,
    pub(crate) inode: u64,
}

impl Signature {
    /// `None` of anything but a regular file.
    fn of(stat: &Stat) -> Option<Self> {
        (stat.kind == Kind::File).then_some(Self {
            size: stat.size,
            modified_ns: stat.modified_ns,
            inode: stat.inode,
        })
    }

    /// For a keyed mark.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.modified_ns.to_be_bytes());
        bytes.extend_from_slice(&self.inode.to_be_bytes());
        bytes
    }
}

/// One look at one file.
pub(super) enum Look {
    /// It vanished, or is no regular file any more: no error.
    Gone,
    /// Locked, or the share had a hiccup: look again later.
    Busy(io::ErrorKind),
    /// What stood in it, at most one byte more than the limit.
    Bytes(Signature, Vec<u8>),
}

pub(super) fn look(disk: &dyn Disk, path: &Path, limit: usize) -> Look {
    match bytes(disk, path, limit) {
        Ok(Some((signature, bytes))) => Look::Bytes(signature, bytes),
        Ok(None) => Look::Gone,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Look::Gone,
        Err(error) => Look::Busy(error.kind()),
    }
}

fn bytes(disk: &dyn Disk, path: &Path, limit: usize) -> io::Result<Option<(Signature, Vec<u8>)>> {
    let Some((file, signature)) = open_regular(disk, path)? else {
        return Ok(None);
    };
    let expected = usize::try_from(signature.size).unwrap_or(limit).min(limit);
    let mut bytes = Vec::with_capacity(expected + 1);
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some((signature, bytes)))
}

/// Opens a regular file, never through a link (which is nobody's answer); `None` when it is something else. The signature was taken before
/// reading: a change while somebody reads gives another one next time.
pub(crate) fn open_regular(
    disk: &dyn Disk,
    path: &Path,
) -> io::Result<Option<(Reader, Signature)>> {
    let file = disk.open(path, How::ReadPlain)?;
    let signature = Signature::of(&file.stat()?);
    Ok(signature.map(|signature| (Reader::new(file, 0), signature)))
}

/// The size of a file, and its first bytes.
pub(crate) fn start_of(disk: &dyn Disk, path: &Path, most: usize) -> io::Result<(u64, Vec<u8>)> {
    let (file, signature) = open_regular(disk, path)?.ok_or(io::ErrorKind::NotFound)?;
    let mut start = Vec::new();
    file.take(most as u64).read_to_end(&mut start)?;
    Ok((signature.size.max(start.len() as u64), start))
}

/// A keyed digest over chunks of fixed size, each bound to all before it.
pub(crate) fn digest_of(key: &SealKey, source: &mut impl Read) -> io::Result<[u8; 32]> {
    let mut so_far = [0; 32];
    let mut chunk = Vec::with_capacity(CHUNK + so_far.len());
    loop {
        chunk.clear();
        chunk.extend_from_slice(&so_far);
        let read = source.take(CHUNK as u64).read_to_end(&mut chunk)?;
        if read == 0 {
            return Ok(so_far);
        }
        so_far = key.digest(&chunk);
    }
}

/// The present signature of a regular file; `None` when it is gone.
///
/// # Errors
/// When the share does not say: the file may well be there.
pub(crate) fn signature_of(disk: &dyn Disk, path: &Path) -> io::Result<Option<Signature>> {
    match disk.stat(path) {
        Ok(stat) => Ok(Signature::of(&stat)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// How the removal of a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is there no more.
    Gone,
    /// What stands there now is another file, or this one touched since: it is met in the next scan.
    Replaced,
}

/// Removes a file as long as it is the one of that signature.
///
/// # Errors
/// While it may still be there.
pub(crate) fn remove_if_same(
    disk: &dyn Disk,
    path: &Path,
    signature: Signature,
) -> io::Result<Removal> {
    let removed = match disk.stat(path) {
        Ok(stat) if Signature::of(&stat) != Some(signature) => return Ok(Removal::Replaced),
        Ok(_) => disk.remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        // A share that is away shows nothing where its folder was.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk.directory(path.parent().ok_or(error)?)?;
        }
        removed => removed?,
    }
    Ok(Removal::Gone)
}

/// Makes a folder's names durable, as far as the share can.
pub(crate) fn sync_folder(disk: &dyn Disk, folder: &Path) {
    // A share that can't sync a folder promises nothing more anyway.
    let _ = disk.sync_directory(folder);
}

#[cfg(test)]
mod tests {
    use shikaku_disk::SystemDisk;

    use super::*;

    #[test]
    fn what_a_share_does_not_say_is_not_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.xml");
        std::fs::write(&file, b"a").unwrap();
        let signature = signature_of(&SystemDisk, &file).unwrap().unwrap();
        // No folder lies on this way: an error that is not the file's absence.
        let unsaid = file.join("b.xml");
        assert!(signature_of(&SystemDisk, &unsaid).is_err());
        assert!(remove_if_same(&SystemDisk, &unsaid, signature).is_err());
        std::fs::write(&file, b"another").unwrap();
        let removed = |signature| remove_if_same(&SystemDisk, &file, signature);
        assert_eq!(removed(signature).unwrap(), Removal::Replaced);
        let replaced = signature_of(&SystemDisk, &file).unwrap().unwrap();
        assert_ne!(replaced, signature, "another file stays");
        // Where its folder was there is nothing: the file comes back with it.
        let away = folder.path().with_extension("away");
        std::fs::rename(folder.path(), &away).unwrap();
        assert!(removed(replaced).is_err());
        std::fs::rename(&away, folder.path()).unwrap();
        assert_eq!(removed(replaced).unwrap(), Removal::Gone);
        assert_eq!(signature_of(&SystemDisk, &file).unwrap(), None);
        assert_eq!(removed(replaced).unwrap(), Removal::Gone);
    }
}
