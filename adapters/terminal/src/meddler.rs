//! The file system of tests, with somebody who meddles before a call.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shikaku_disk::{Disk, DiskFile, How, Lock, Stat, SystemDisk};

/// What is about to happen under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    RenameNew,
    Remove,
    SyncDirectory,
}

type Meddle = dyn Fn(Call, &Path) -> io::Result<()> + Send + Sync;

pub(crate) struct Meddler(Box<Meddle>);

impl Meddler {
    pub(crate) fn new(
        meddle: impl Fn(Call, &Path) -> io::Result<()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self(Box::new(meddle)))
    }
}

impl fmt::Debug for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meddler").finish_non_exhaustive()
    }
}

impl Disk for Meddler {
    fn open(&self, path: &Path, how: How) -> io::Result<Arc<dyn DiskFile>> {
        SystemDisk.open(path, how)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0(Call::RenameNew, to)?;
        SystemDisk.rename_new(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.0(Call::Remove, path)?;
        SystemDisk.remove_file(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        SystemDisk.create_dir_all(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        SystemDisk.list(directory)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.0(Call::SyncDirectory, directory)?;
        SystemDisk.sync_directory(directory)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        SystemDisk.stat(path)
    }

    fn directory(&self, path: &Path) -> io::Result<u64> {
        SystemDisk.directory(path)
    }

    fn exists(&self, path: &Path) -> bool {
        SystemDisk.exists(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        SystemDisk.lock(path)
    }

    fn wait_for_lock(&self, path: &Path) -> io::Result<Lock> {
        SystemDisk.wait_for_lock(path)
    }

    fn pause(&self, _: Duration) {}

    fn blocks(&self) -> bool {
        true
    }
}
