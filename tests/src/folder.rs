//! Dropping files into a terminal's folders, well and badly.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The three folders of one terminal.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// Holds `req/`, `res/` and `face/`.
    pub root: PathBuf,
}

impl Terminal {
    /// Makes the folders.
    pub fn make(root: &Path) -> Self {
        for folder in ["req", "res", "face"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        Self {
            root: root.to_owned(),
        }
    }

    /// `face/`.
    pub fn faces(&self) -> PathBuf {
        self.root.join("face")
    }

    /// Puts a face file there as a good writer does: under another name first, then renamed. Every call
    /// uses a new name.
    pub fn drop_face(&self, bytes: &[u8]) -> PathBuf {
        let path = self.faces().join(face_name());
        let temporary = path.with_extension("tmp");
        fs::write(&temporary, bytes).unwrap();
        fs::rename(temporary, &path).unwrap();
        path
    }

    /// Writes a face file under its final name at once, as bad writers do.
    pub fn write_face(&self, bytes: &[u8]) -> PathBuf {
        let path = self.faces().join(face_name());
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn face_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(
        "OQSsiquc01res_face_1319912349{}{unique:010}_20260511091500.xml",
        std::process::id() % 1_000_000_000
    )
}

/// Every regular file below `folder`.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // A running hub may remove what was just listed.
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}
