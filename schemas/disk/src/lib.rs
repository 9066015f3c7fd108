//! The disk as the program uses it, where a crash matters.
//!
//! [`Disk`] and [`DiskFile`] are all that spool, proof and drop folders ask of a file system: what is written, what is
//! synced, what is named. [`SystemDisk`] is the file system; a simulation has one that tears, forgets and fills.
//!
//! This crate knows no file of the project.

mod system;

mod stream;

use std::any::Any;
use std::fmt::Debug;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use stream::{Reader, Writer};

pub use system::SystemDisk;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// To read; it must be there.
    Read,
    /// To read what others wrote: a link counts as no file, and a pipe is not waited for. What was opened may be no
    /// file at all; its [`Stat`] says so.
    ReadPlain,
    /// To read and write; it must be there.
    Write,
    /// To read and write; made when missing, kept when there.
    WriteOrMake,
    /// To write; whatever was there is emptied.
    Fresh,
    /// To read and write; it must not be there.
    New,
    /// To write at the end; made when missing.
    Append,
    /// As `New`, and for its owner alone.
    NewPrivate,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A link, a pipe, a device.
    Other,
}

/// What tells a changed file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub size: u64,
    /// When it was written last, by the disk's own clock.
    pub modified_ns: i128,
    /// Another file of the same name has another one.
    pub inode: u64,
}

/// A lock that ends with the process, or when it is dropped.
pub type Lock = Box<dyn Any + Send + Sync>;

/// A file system.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Opens a file.
    ///
    /// # Errors
    /// What the disk said; so with every call.
    fn open(&self, path: &Path, how: How) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name, over one that may be there. Durable once the directory is synced.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file another name, unless that is taken.
    ///
    /// # Errors
    /// `AlreadyExists`; else see [`Disk::open`].
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a file away.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory and those above it.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Paths of what is in a directory, in any order; all of them, or an error.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;
    /// Makes a directory's names durable. Shares that refuse to sync a directory are passed over: what they
    /// promise ends there anyway.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
    /// What stands under a name itself, also when that is a link.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// What tells a directory from another one in its place, links followed.
    ///
    /// # Errors
    /// See [`Disk::open`]; also when it is no directory.
    fn directory(&self, path: &Path) -> io::Result<u64>;
    /// Whether there is such a file.
    fn exists(&self, path: &Path) -> bool;
    /// Takes an exclusive lock; `None` when another process has it.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>>;
    /// The same, waiting for it. A disk that never blocks gives an error instead.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn wait_for_lock(&self, path: &Path) -> io::Result<Lock>;
    /// Lets some time go by before a call is tried again; none where calls never block.
    fn pause(&self, pause: Duration);
    /// Whether calls may block a thread for long. Where they do not, no file event tells of a change either.
    fn blocks(&self) -> bool;
    /// Comes back when blocking work may begin; asked only where calls never block.
    fn turn(&self) -> Turn {
        Box::pin(std::future::ready(()))
    }
}

/// A wait for the moment when work may begin.
pub type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An open file.
pub trait DiskFile: Debug + Send + Sync {
    /// Reads from `offset` into `buffer`; fewer bytes at the end.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// See [`Disk::open`]; any part may have been written then.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at the end.
    ///
    /// # Errors
    /// See [`DiskFile::write_at`].
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts or extends it.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// What it is now.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn stat(&self) -> io::Result<Stat>;
    /// Its length.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn length(&self) -> io::Result<u64>;
    /// Makes what was written durable.
    ///
    /// # Errors
    /// See [`Disk::open`]; what was written may be lost then, for good.
    fn sync(&self) -> io::Result<()>;
}

/// Reads a whole file; `None` when there is none.
///
/// # Errors
/// What the disk said.
pub fn read(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(path, How::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    Reader::new(file, 0).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Whether something stands under a name.
///
/// # Errors
/// When the disk does not say: it may well be there.
pub fn is_there(disk: &dyn Disk, path: &Path) -> io::Result<bool> {
    match disk.stat(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Fills `buffer` from `offset`.
///
/// # Errors
/// What the disk said; `UnexpectedEof` when the file ends before.
pub fn read_exact_at(file: &Arc<dyn DiskFile>, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    Reader::new(file.clone(), offset).read_exact(buffer)
}

/// Runs `work` on a thread for blocking work, or here when the disk never blocks.
///
/// # Errors
/// When it panicked on its thread.
pub async fn off_thread<T: Send + 'static>(
    disk: &dyn Disk,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    match disk.blocks() {
        true => tokio::task::spawn_blocking(work).await,
        false => {
            disk.turn().await;
            Ok(work())
        }
    }
}
