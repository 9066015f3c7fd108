use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shikaku_disk::{Disk, DiskFile, How, Lock, Stat, SystemDisk};
use shikaku_schemas::seal::SealKey;
use uuid::Uuid;

use super::{Quarantine, QuarantinedFile, SetAside};

/// The file system, but for one call that it refuses.
#[derive(Debug)]
struct SyncsNoDirectory;

impl Disk for SyncsNoDirectory {
    fn open(&self, path: &Path, how: How) -> io::Result<Arc<dyn DiskFile>> {
        SystemDisk.open(path, how)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.rename_new(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        SystemDisk.remove_file(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        SystemDisk.create_dir_all(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        SystemDisk.list(directory)
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Err(io::Error::other("input/output error"))
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

    fn pause(&self, pause: Duration) {
        SystemDisk.pause(pause);
    }

    fn blocks(&self) -> bool {
        SystemDisk.blocks()
    }
}

/// Simulation, seed 903 of its time: a refused sync of the directory was passed over, the file was removed from its
/// folder, and a power cut took the only copy.
#[test]
fn a_file_whose_name_could_not_be_synced_is_not_kept() {
    let place = tempfile::tempdir().unwrap();
    let file = QuarantinedFile {
        id: Uuid::from_u128(7),
        facility: "1319912349".into(),
        terminal: "t1".to_owned(),
        folder: "face".to_owned(),
        reason: "malformed".to_owned(),
        message: "読めない / not readable".to_owned(),
        size: 3,
        kept_bytes: 3,
        quarantined_at: Timestamp::UNIX_EPOCH,
        inquiry: None,
    };
    let content = SetAside {
        name: "a.xml".to_owned(),
        bytes: b"abc".to_vec(),
    };
    let keep = |disk: Arc<dyn Disk>| {
        let key = SealKey::from_bytes([9; 32]);
        let quarantine = Quarantine::open(&disk, place.path(), &key, |_| true)?;
        quarantine.keep(&file, &content)
    };
    assert!(keep(Arc::new(SyncsNoDirectory)).is_err());
    keep(Arc::new(SystemDisk)).unwrap();
}
