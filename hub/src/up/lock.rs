//! One `up` on one `data_dir`.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::Context as _;

use crate::answer::Refused;
use crate::words;

/// Held until dropped, or until the process ends however it ends.
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the lock without waiting.
    ///
    /// # Errors
    /// Another hub has it.
    pub fn take(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join("up.lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(Refused(format!("{}: {}", words::HUB_RUNNING, data_dir.display())).into())
            }
            Err(TryLockError::Error(error)) => Err(error).context("up.lock"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = DataLock::take(folder.path()).unwrap();
        assert!(DataLock::take(folder.path()).is_err());
        drop(held);
        DataLock::take(folder.path()).unwrap();
    }
}
