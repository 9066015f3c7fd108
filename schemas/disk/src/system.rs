//! The file system behind the port.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::{Disk, DiskFile, How, Kind, Lock, Stat};

/// The machine's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn open(&self, path: &Path, how: How) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        match how {
            How::Read => options.read(true),
            How::ReadPlain => {
                let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
                let flags = i32::try_from(flags.bits()).unwrap_or_default();
                options.read(true).custom_flags(flags)
            }
            How::Write => options.read(true).write(true),
            How::WriteOrMake => options.read(true).write(true).create(true).truncate(false),
            How::Fresh => options.write(true).create(true).truncate(true),
            How::New => options.read(true).write(true).create_new(true),
            How::Append => options.read(true).append(true).create(true),
            How::NewPrivate => options.read(true).write(true).create_new(true).mode(0o600),
        };
        match options.open(path) {
            Ok(file) => Ok(Arc::new(file)),
            // A link where a file was expected.
            Err(error)
                if how == How::ReadPlain
                    && error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) =>
            {
                Err(io::ErrorKind::NotFound.into())
            }
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // Shares without this kind of rename: look first. A race stays, but only with a writer of the very name.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match fs::symlink_metadata(to) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
                Err(error) => Err(error),
            },
            Err(error) => Err(error.into()),
        }
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(directory)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        match File::open(directory)?.sync_all() {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        fs::symlink_metadata(path).map(|metadata| stat_of(&metadata))
    }

    fn directory(&self, path: &Path) -> io::Result<u64> {
        let metadata = fs::metadata(path)?;
        match metadata.is_dir() {
            true => Ok(metadata.ino()),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let file = File::create(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn wait_for_lock(&self, path: &Path) -> io::Result<Lock> {
        let file = File::create(path)?;
        file.lock()?;
        Ok(Box::new(file))
    }

    fn pause(&self, pause: Duration) {
        std::thread::sleep(pause);
    }

    fn blocks(&self) -> bool {
        true
    }
}

fn stat_of(metadata: &fs::Metadata) -> Stat {
    let kind = metadata.file_type();
    Stat {
        kind: match () {
            () if kind.is_file() => Kind::File,
            () if kind.is_dir() => Kind::Directory,
            () => Kind::Other,
        },
        size: metadata.len(),
        modified_ns: i128::from(metadata.mtime()) * 1_000_000_000
            + i128::from(metadata.mtime_nsec()),
        inode: metadata.ino(),
    }
}

impl DiskFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file: &Self = self;
        file.write_all(bytes)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        Self::set_len(self, length)
    }

    fn stat(&self) -> io::Result<Stat> {
        self.metadata().map(|metadata| stat_of(&metadata))
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read, read_exact_at};

    #[test]
    fn a_file_is_written_renamed_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, path) = (SystemDisk, folder.path().join("a"));
        assert_eq!(read(&disk, &path).unwrap(), None);
        let file = disk.open(&path, How::New).unwrap();
        file.write_at(b"one two", 0).unwrap();
        file.set_len(5).unwrap();
        file.sync().unwrap();
        let end = disk.open(&path, How::Append).unwrap();
        end.append(b"!").unwrap();
        let mut part = [0; 3];
        read_exact_at(&end, &mut part, 3).unwrap();
        assert_eq!(&part, b" t!");
        assert!(disk.open(&path, How::New).is_err());
        let other = folder.path().join("b");
        disk.rename(&path, &other).unwrap();
        disk.sync_directory(folder.path()).unwrap();
        assert_eq!(read(&disk, &other).unwrap().unwrap(), b"one t!");
        assert_eq!(disk.list(folder.path()).unwrap(), [other]);
    }

    #[test]
    fn a_link_counts_as_no_file_and_what_is_there_is_spared() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&file, b"a").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let opened = SystemDisk.open(&file, How::ReadPlain).unwrap();
        assert_eq!(opened.stat().unwrap(), SystemDisk.stat(&file).unwrap());
        let refused = SystemDisk.open(&link, How::ReadPlain).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
        assert_eq!(SystemDisk.stat(&link).unwrap().kind, Kind::Other);
        let refused = SystemDisk.rename_new(&file, &link).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        SystemDisk
            .rename_new(&file, &folder.path().join("c"))
            .unwrap();
        assert!(SystemDisk.directory(&folder.path().join("c")).is_err());
        assert!(SystemDisk.directory(folder.path()).is_ok());
    }

    #[test]
    fn a_lock_is_held_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = SystemDisk.lock(&path).unwrap();
        assert!(held.is_some());
        assert!(SystemDisk.lock(&path).unwrap().is_none());
        drop(held);
        assert!(SystemDisk.lock(&path).unwrap().is_some());
    }
}
