//! The three folders, and the good and bad ways in which files come to lie there.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::function::recognise;
use crate::knobs::Writing;

/// How long a slow writer pauses between chunks.
const CHUNK_PAUSE: Duration = Duration::from_millis(60);
/// How long a file stays locked and empty.
const LOCKED: Duration = Duration::from_millis(900);
/// How long a file lies before another program takes it.
const TAKEN_AFTER: Duration = Duration::from_millis(250);

/// `req/`, `res/` and `face/` of one terminal.
#[derive(Debug, Clone)]
pub struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Makes the folders where they are missing.
    ///
    /// # Errors
    /// A root that can't be written.
    pub fn make(root: &Path) -> io::Result<Self> {
        let folders = Self {
            root: root.to_owned(),
        };
        for folder in [folders.requests(), folders.answers(), folders.faces()] {
            std::fs::create_dir_all(folder)?;
        }
        Ok(folders)
    }

    /// Where requests come in.
    pub fn requests(&self) -> PathBuf {
        self.root.join("req")
    }

    /// Where answers go.
    pub fn answers(&self) -> PathBuf {
        self.root.join("res")
    }

    /// Where card receptions go.
    pub fn faces(&self) -> PathBuf {
        self.root.join("face")
    }
}

/// Requests that lie in `folder`, oldest name first.
pub(crate) async fn requests(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries = tokio::fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        if recognise(&entry.file_name().to_string_lossy()).is_some() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Removes a file that somebody else may have taken already.
pub(crate) async fn remove(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Lets a file come to lie at `path`.
pub(crate) async fn write(path: &Path, bytes: &[u8], writing: Writing) -> io::Result<()> {
    match writing {
        Writing::Atomic => atomic(path, bytes).await,
        Writing::Chunks => chunks(path, bytes).await,
        Writing::Truncated => tokio::fs::write(path, &bytes[..bytes.len() * 3 / 5]).await,
        Writing::Locked => locked(path, bytes).await,
        Writing::Vanishing => {
            atomic(path, bytes).await?;
            tokio::time::sleep(TAKEN_AFTER).await;
            remove(path).await
        }
    }
}

async fn atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("writing");
    tokio::fs::write(&temporary, bytes).await?;
    tokio::fs::rename(temporary, path).await
}

async fn chunks(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tokio::fs::File::create(path).await?;
    for chunk in bytes.chunks(bytes.len().div_ceil(5).max(1)) {
        file.write_all(chunk).await?;
        file.flush().await?;
        tokio::time::sleep(CHUNK_PAUSE).await;
    }
    Ok(())
}

/// Windows refuses to open such a file; here it is empty, held by an advisory lock, and unreadable for others.
async fn locked(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = std::fs::File::create(path)?;
    file.lock()?;
    readable(path, false)?;
    tokio::time::sleep(LOCKED).await;
    std::io::Write::write_all(&mut &file, bytes)?;
    readable(path, true)?;
    file.unlock()
}

fn readable(path: &Path, readable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if readable { 0o644 } else { 0o000 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}
