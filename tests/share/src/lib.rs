//! A network share of a test's own: a FUSE file system over a folder, mounted by root without libfuse.
//!
//! *Near* is whoever uses the mount: the program under test. *Far* is whoever uses the folder below it: the terminal.
//! What far does gives near no file event, shows late in names and listings, and locks what is being written;
//! near's own calls are slow and fail now and then, sometimes after they were carried out. All by a seed.
//!
//! * `mischief`: which call fails how.
//! * `view`: what near believes, and until when.
//! * `folder`: the file system's calls, carried out on the folder.

#![expect(
    clippy::unwrap_used,
    reason = "the harness of tests: what goes wrong here ends the test"
)]

mod folder;
mod mischief;
mod view;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use fuser::{BackgroundSession, Config, MountOption};

use folder::Folder;
use mischief::Mischief;
pub use mischief::Tally;

/// Calls that are carried out at a time.
const THREADS: usize = 4;

/// A mounted share. Dropping it unmounts it; whoever uses it should have ended before.
#[derive(Debug)]
pub struct Share {
    near: PathBuf,
    mischief: Arc<Mischief>,
    _session: BackgroundSession,
}

impl Share {
    /// Mounts the folder `far` at the folder `near`; both are made if need be.
    ///
    /// # Panics
    /// Where it can't be mounted: that needs root and `/dev/fuse`.
    #[track_caller]
    pub fn mount(far: &Path, near: &Path, seed: u64) -> Self {
        for folder in [far, near] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let mischief = Arc::new(Mischief::seeded(seed));
        let mut config = Config::default();
        config.n_threads = Some(THREADS);
        config.mount_options = vec![MountOption::FSName("shikaku-share".to_owned())];
        let folder = Folder::new(far, Arc::clone(&mischief));
        let session = fuser::spawn_mount(folder, near, &config).unwrap_or_else(|error| {
            panic!(
                "a share can't be mounted ({error}): it needs root and /dev/fuse; run `make setup`"
            )
        });
        Self {
            near: near.to_owned(),
            mischief,
            _session: session,
        }
    }

    /// Far writes a file: near can't open it until the lock is dropped.
    pub fn lock(&self, far: &Path) -> Lock {
        self.mischief.lock(far);
        Lock {
            mischief: Arc::clone(&self.mischief),
            far: far.to_owned(),
        }
    }

    /// The line to the share is cut: every call fails, until it is mended.
    pub fn cut(&self, yes: bool) {
        self.mischief.cut(yes);
    }

    /// What went wrong so far, and what near gave a name.
    pub fn tally(&self) -> Tally {
        self.mischief.tally()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // At once for whoever looks from now on, and for good when its last file is closed.
        let _ = Command::new("umount").arg("-l").arg(&self.near).status();
    }
}

/// A file that far is writing.
#[derive(Debug)]
pub struct Lock {
    mischief: Arc<Mischief>,
    far: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.mischief.unlock(&self.far);
    }
}
