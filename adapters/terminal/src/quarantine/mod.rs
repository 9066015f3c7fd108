//! Files set aside: their bytes sealed in `data_dir/quarantine/`, beside each a small JSON that says why.
//!
//! `<id>.json` holds nothing personal; `<id>.sealed` holds name and bytes. [`list`], [`show`], [`retry`] and
//! [`discard`] are for the command line and work beside a running adapter, which takes a retry up at its
//! next scan. The id follows from facility, folder and bytes, so that the same file is set aside once.

mod store;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shikaku_disk::{Disk, How, Lock, SystemDisk, is_there, read};
use shikaku_schemas::value::{FacilityCode, InquiryId};
use uuid::Uuid;

pub(crate) use store::{Quarantine, SetAside};

/// What is known of a file set aside. Holds no name and no content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedFile {
    /// What to name it by.
    pub id: Uuid,
    /// The facility.
    pub facility: FacilityCode,
    /// The terminal.
    pub terminal: String,
    /// `face` or `res`.
    pub folder: String,
    /// Stable word.
    pub reason: String,
    /// For people, Japanese with English beside.
    pub message: String,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of it that are kept: of a file beyond the limit only the start is.
    pub kept_bytes: u64,
    /// When.
    pub quarantined_at: Timestamp,
    /// Our inquiry that it would have answered.
    pub inquiry: Option<InquiryId>,
}

impl QuarantinedFile {
    /// Whether all of its bytes are kept.
    pub fn is_whole(&self) -> bool {
        self.kept_bytes == self.size
    }
}

/// Everything set aside under `data_dir`, the newest last. A damaged description is passed over.
///
/// # Errors
/// When the directory can't be read; a missing one is empty.
pub fn list(data_dir: &Path) -> io::Result<Vec<QuarantinedFile>> {
    list_on(&SystemDisk, data_dir)
}

/// The same on any disk.
///
/// # Errors
/// See [`list`].
pub fn list_on(disk: &dyn Disk, data_dir: &Path) -> io::Result<Vec<QuarantinedFile>> {
    let mut files = Vec::new();
    for id in ids_with(disk, &directory(data_dir), "json")? {
        files.extend(show_on(disk, data_dir, id)?);
    }
    files.sort_by_key(|file: &QuarantinedFile| (file.quarantined_at, file.id));
    Ok(files)
}

/// One of them; `None` when there is none of that id.
///
/// # Errors
/// When it can't be read.
pub fn show(data_dir: &Path, id: Uuid) -> io::Result<Option<QuarantinedFile>> {
    show_on(&SystemDisk, data_dir, id)
}

fn show_on(disk: &dyn Disk, data_dir: &Path, id: Uuid) -> io::Result<Option<QuarantinedFile>> {
    let json = read(disk, &file(&directory(data_dir), id, "json"))?;
    Ok(json.and_then(|json| serde_json::from_slice(&json).ok()))
}

/// Asks the adapter to read it again at its next scan; `false` when there is none of that id. What is still
/// not readable stays, with the new reason.
///
/// # Errors
/// When the wish can't be written.
pub fn retry(data_dir: &Path, id: Uuid) -> io::Result<bool> {
    let directory = directory(data_dir);
    if !is_there(&SystemDisk, &file(&directory, id, "json"))? {
        return Ok(false);
    }
    let _lock = lock(&SystemDisk, &directory)?;
    SystemDisk.open(&file(&directory, id, "retry"), How::Fresh)?;
    Ok(true)
}

/// Gives it up and deletes its bytes; `false` when there is none of that id.
///
/// # Errors
/// When it can't be deleted.
pub fn discard(data_dir: &Path, id: Uuid) -> io::Result<bool> {
    let directory = directory(data_dir);
    if !is_there(&SystemDisk, &directory)? {
        return Ok(false);
    }
    let _lock = lock(&SystemDisk, &directory)?;
    remove(&SystemDisk, &directory, id)
}

/// Keeps command line and adapters from undoing each other's work; held for a few file operations only.
fn lock(disk: &dyn Disk, directory: &Path) -> io::Result<Lock> {
    disk.wait_for_lock(&directory.join("lock"))
}

fn directory(data_dir: &Path) -> PathBuf {
    data_dir.join("quarantine")
}

fn file(directory: &Path, id: Uuid, extension: &str) -> PathBuf {
    directory.join(format!("{id}.{extension}"))
}

/// The description goes last: while it is there, the file is listed.
fn remove(disk: &dyn Disk, directory: &Path, id: Uuid) -> io::Result<bool> {
    for extension in ["retry", "announced", "sealed"] {
        remove_if_there(disk, &file(directory, id, extension))?;
    }
    remove_if_there(disk, &file(directory, id, "json"))
}

fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<bool> {
    match disk.remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn ids_with(disk: &dyn Disk, directory: &Path, extension: &str) -> io::Result<Vec<Uuid>> {
    let paths = match disk.list(directory) {
        Ok(paths) => paths,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut ids = Vec::new();
    for path in paths {
        let id = path
            .file_stem()
            .and_then(|stem| Uuid::parse_str(&stem.to_string_lossy()).ok());
        if let Some(id) = id
            && path.extension().is_some_and(|found| found == extension)
        {
            ids.push(id);
        }
    }
    Ok(ids)
}
