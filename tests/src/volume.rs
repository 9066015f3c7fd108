//! A small disk of a test's own, which fills, frees and turns read-only. Needs root.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted tmpfs. Dropping it unmounts it; whatever still uses it should have ended before.
pub struct Volume {
    path: PathBuf,
}

impl Volume {
    /// Mounts one of so many MiB over a folder, which is made if need be.
    #[track_caller]
    pub fn mount(path: &Path, mebibytes: u32) -> Self {
        std::fs::create_dir_all(path).unwrap();
        mount(&[
            "-t",
            "tmpfs",
            "-o",
            &format!("size={mebibytes}m,mode=700"),
            "tmpfs",
            &path.to_string_lossy(),
        ]);
        Self {
            path: path.to_owned(),
        }
    }

    /// Writes until nothing more goes.
    #[track_caller]
    pub fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        for block in [vec![1; 1 << 16], vec![1; 1]] {
            while ballast.write_all(&block).is_ok() {}
        }
    }

    /// Makes the room again.
    pub fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    /// Read-only, or writable again. Refused by the system while a file is open for writing.
    #[track_caller]
    pub fn read_only(&self, yes: bool) {
        let option = if yes { "remount,ro" } else { "remount,rw" };
        mount(&["-o", option, &self.path.to_string_lossy()]);
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // At once for whoever looks from now on, and for good when its last file is closed.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

#[track_caller]
fn mount(words: &[&str]) {
    let output = Command::new("mount")
        .args(words)
        .output()
        .expect("mount is a part of every system");
    assert!(output.status.success(), "mount {words:?}: {output:?}");
}
