//! One look at one file, and the few file operations that need care.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

/// What tells a changed file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Signature {
    pub(crate) size: u64,
    pub(crate) modified_ns: i128,
    pub(crate) inode: u64,
}

impl Signature {
    pub(crate) fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            inode: metadata.ino(),
        }
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

pub(super) fn look(path: &Path, limit: usize) -> Look {
    match bytes(path, limit) {
        Ok(Some((signature, bytes))) => Look::Bytes(signature, bytes),
        Ok(None) => Look::Gone,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Look::Gone,
        // A link where a file was: somebody plays tricks, and links are nobody's answers.
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Look::Gone,
        Err(error) => Look::Busy(error.kind()),
    }
}

fn bytes(path: &Path, limit: usize) -> io::Result<Option<(Signature, Vec<u8>)>> {
    let Some((file, signature)) = open_regular(path)? else {
        return Ok(None);
    };
    let expected = usize::try_from(signature.size).unwrap_or(limit).min(limit);
    let mut bytes = Vec::with_capacity(expected + 1);
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some((signature, bytes)))
}

/// Opens a regular file, never through a link; `None` when it is something else. The signature was taken before
/// reading: a change while somebody reads gives another one next time.
pub(crate) fn open_regular(path: &Path) -> io::Result<Option<(File, Signature)>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)?;
    let metadata = file.metadata()?;
    let signature = Signature::of(&metadata);
    Ok(metadata.is_file().then_some((file, signature)))
}

/// The size of a file, and its first bytes.
pub(crate) fn start_of(path: &Path, most: usize) -> io::Result<(u64, Vec<u8>)> {
    let (file, signature) = open_regular(path)?.ok_or(io::ErrorKind::NotFound)?;
    let mut start = Vec::new();
    file.take(most as u64).read_to_end(&mut start)?;
    Ok((signature.size.max(start.len() as u64), start))
}

/// The present signature of a regular file; `None` when it is gone.
///
/// # Errors
/// When the share does not say: the file may well be there.
pub(crate) fn signature_of(path: &Path) -> io::Result<Option<Signature>> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then(|| Signature::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file as long as it is the one of that signature.
///
/// # Errors
/// While it may still be there.
pub(crate) fn remove_if_same(path: &Path, signature: Signature) -> io::Result<()> {
    if signature_of(path)? != Some(signature) {
        // What was replaced since it was read is another file, and is met in the next scan.
        return Ok(());
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Renames unless `to` exists.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or what the disk said.
pub(crate) fn rename_without_overwriting(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Shares without this kind of rename: look first. A race stays, but only with a writer of our very name.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            match std::fs::symlink_metadata(to) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::rename(from, to),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a folder's names durable, as far as the share can.
pub(crate) fn sync_folder(folder: &Path) {
    // A share that can't sync a folder promises nothing more anyway.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_share_does_not_say_is_not_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.xml");
        std::fs::write(&file, b"a").unwrap();
        let signature = signature_of(&file).unwrap().unwrap();
        // No folder lies on this way: an error that is not the file's absence.
        let unsaid = file.join("b.xml");
        assert!(signature_of(&unsaid).is_err());
        assert!(remove_if_same(&unsaid, signature).is_err());
        std::fs::write(&file, b"another").unwrap();
        remove_if_same(&file, signature).unwrap();
        let replaced = signature_of(&file).unwrap().unwrap();
        assert_ne!(replaced, signature, "another file stays");
        remove_if_same(&file, replaced).unwrap();
        assert_eq!(signature_of(&file).unwrap(), None);
        remove_if_same(&file, replaced).unwrap();
    }
}
