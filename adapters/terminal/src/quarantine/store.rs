//! The adapter's side of the quarantine: setting aside, reading back, and which files were announced.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shikaku_disk::{Disk, How, is_there, read};
use shikaku_schemas::seal::SealKey;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{QuarantinedFile, directory, file, ids_with, lock, remove, remove_if_there, show_on};

/// A file's name and bytes, as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetAside {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The quarantine of one terminal. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Quarantine {
    disk: Arc<dyn Disk>,
    data_dir: PathBuf,
    key: SealKey,
    /// Own files, each with the broker's store that heard of it.
    announced: Arc<Mutex<BTreeMap<Uuid, Option<String>>>>,
    /// Given whenever there may be something to announce.
    pub(crate) news: Arc<Notify>,
}

impl Quarantine {
    /// Opens it and looks for this terminal's files.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        data_dir: &Path,
        group_key: &SealKey,
        is_own: impl Fn(&QuarantinedFile) -> bool,
    ) -> io::Result<Self> {
        let directory = directory(data_dir);
        disk.create_dir_all(&directory)?;
        let announced = super::list_on(&**disk, data_dir)?
            .into_iter()
            .filter(is_own)
            .map(|kept| {
                let mark = read(&**disk, &file(&directory, kept.id, "announced"));
                let mark = mark.ok().flatten();
                (kept.id, mark.and_then(|mark| String::from_utf8(mark).ok()))
            })
            .collect();
        Ok(Self {
            disk: disk.clone(),
            data_dir: data_dir.to_owned(),
            key: group_key.derive("quarantine"),
            announced: Arc::new(Mutex::new(announced)),
            news: Arc::new(Notify::new()),
        })
    }

    /// Sets a file aside; durable when this returns. Safe to repeat.
    pub(crate) fn keep(&self, what: &QuarantinedFile, content: &SetAside) -> io::Result<()> {
        let directory = directory(&self.data_dir);
        let _lock = lock(&*self.disk, &directory)?;
        self.write(&directory, what, content)
    }

    /// The same for a file that was read again and is still not good: nothing when it was given up meanwhile.
    pub(crate) fn keep_again(&self, what: &QuarantinedFile, content: &SetAside) -> io::Result<()> {
        let directory = directory(&self.data_dir);
        let _lock = lock(&*self.disk, &directory)?;
        remove_if_there(&*self.disk, &file(&directory, what.id, "retry"))?;
        if !is_there(&*self.disk, &file(&directory, what.id, "json"))? {
            return Ok(());
        }
        self.write(&directory, what, content)
    }

    /// The wish to read a file again can't be met: its bytes are gone or do not open.
    pub(crate) fn forget_wish(&self, id: Uuid) -> io::Result<()> {
        remove_if_there(&*self.disk, &file(&directory(&self.data_dir), id, "retry")).map(drop)
    }

    fn write(
        &self,
        directory: &Path,
        what: &QuarantinedFile,
        content: &SetAside,
    ) -> io::Result<()> {
        let length = u32::try_from(content.name.len()).unwrap_or(u32::MAX);
        let mut plain = length.to_be_bytes().to_vec();
        plain.extend_from_slice(content.name.as_bytes());
        plain.extend_from_slice(&content.bytes);
        let sealed = self.key.seal(&binding(what.id), &plain);
        self.write_whole(&file(directory, what.id, "sealed"), &sealed)?;
        let json = serde_json::to_vec_pretty(what)?;
        self.write_whole(&file(directory, what.id, "json"), &json)?;
        self.disk.sync_directory(directory)?;
        self.marks().insert(what.id, None);
        self.news.notify_one();
        Ok(())
    }

    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let fresh = path.with_extension("new");
        let file = self.disk.open(&fresh, How::Fresh)?;
        file.append(bytes)?;
        file.sync()?;
        self.disk.rename(&fresh, path)
    }

    /// Name and bytes of a file set aside; `None` when they are gone or do not open.
    pub(crate) fn open_content(&self, id: Uuid) -> Option<SetAside> {
        let path = file(&directory(&self.data_dir), id, "sealed");
        let sealed = read(&*self.disk, &path).ok()??;
        let plain = self.key.open(&binding(id), &sealed).ok()?;
        let (length, rest) = plain.split_at_checked(4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        let (name, bytes) = rest.split_at_checked(length)?;
        Some(SetAside {
            name: String::from_utf8_lossy(name).into_owned(),
            bytes: bytes.to_vec(),
        })
    }

    /// This terminal's files that somebody wants read again. A wish ends with [`Self::keep_again`] or
    /// [`Self::release`].
    pub(crate) fn retries(&self) -> io::Result<Vec<QuarantinedFile>> {
        let directory = directory(&self.data_dir);
        let mut wanted = Vec::new();
        for id in ids_with(&*self.disk, &directory, "retry")? {
            if self.marks().contains_key(&id) {
                wanted.extend(show_on(&*self.disk, &self.data_dir, id)?);
            }
        }
        Ok(wanted)
    }

    /// Lets go of a file that could be read after all.
    pub(crate) fn release(&self, id: Uuid) -> io::Result<()> {
        let directory = directory(&self.data_dir);
        let _lock = lock(&*self.disk, &directory)?;
        remove(&*self.disk, &directory, id)?;
        self.marks().remove(&id);
        Ok(())
    }

    /// Files that the broker whose store is `mark` has not heard of. Discarded ones are forgotten.
    pub(crate) fn unannounced(&self, mark: &str) -> Vec<QuarantinedFile> {
        let unheard: Vec<Uuid> = self
            .marks()
            .iter()
            .filter(|(_, heard)| heard.as_deref() != Some(mark))
            .map(|(id, _)| *id)
            .collect();
        let mut files = Vec::new();
        for id in unheard {
            match show_on(&*self.disk, &self.data_dir, id) {
                Ok(Some(kept)) => files.push(kept),
                Ok(None) => {
                    self.marks().remove(&id);
                }
                Err(_) => {}
            }
        }
        files
    }

    /// The broker whose store is `mark` has heard of `id`.
    pub(crate) fn announced(&self, id: Uuid, mark: &str) -> io::Result<()> {
        let directory = directory(&self.data_dir);
        let _lock = lock(&*self.disk, &directory)?;
        if !is_there(&*self.disk, &file(&directory, id, "json"))? {
            return Ok(());
        }
        let path = file(&directory, id, "announced");
        let file = self.disk.open(&path, How::Fresh)?;
        file.append(mark.as_bytes())?;
        self.marks().insert(id, Some(mark.to_owned()));
        Ok(())
    }

    fn marks(&self) -> MutexGuard<'_, BTreeMap<Uuid, Option<String>>> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn binding(id: Uuid) -> Vec<u8> {
    format!("quarantine|{id}").into_bytes()
}
