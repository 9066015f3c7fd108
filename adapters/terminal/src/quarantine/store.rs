//! The adapter's side of the quarantine: setting aside, reading back, and which files were announced.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shikaku_schemas::seal::SealKey;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{QuarantinedFile, directory, file, ids_with, lock, remove, remove_if_there, show};
use crate::folder::sync_folder;

/// A file's name and bytes, as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetAside {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The quarantine of one terminal. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Quarantine {
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
        data_dir: &Path,
        group_key: &SealKey,
        is_own: impl Fn(&QuarantinedFile) -> bool,
    ) -> io::Result<Self> {
        let directory = directory(data_dir);
        fs::create_dir_all(&directory)?;
        let announced = super::list(data_dir)?
            .into_iter()
            .filter(is_own)
            .map(|kept| {
                let mark = fs::read_to_string(file(&directory, kept.id, "announced")).ok();
                (kept.id, mark)
            })
            .collect();
        Ok(Self {
            data_dir: data_dir.to_owned(),
            key: group_key.derive("quarantine"),
            announced: Arc::new(Mutex::new(announced)),
            news: Arc::new(Notify::new()),
        })
    }

    /// Sets a file aside; durable when this returns. Safe to repeat.
    pub(crate) fn keep(&self, what: &QuarantinedFile, content: &SetAside) -> io::Result<()> {
        let directory = directory(&self.data_dir);
        let _lock = lock(&directory)?;
        self.write(&directory, what, content)
    }

    /// The same for a file that was read again and is still not good: nothing when it was given up meanwhile.
    pub(crate) fn keep_again(&self, what: &QuarantinedFile, content: &SetAside) -> io::Result<()> {
        let directory = directory(&self.data_dir);
        let _lock = lock(&directory)?;
        remove_if_there(&file(&directory, what.id, "retry"))?;
        if !file(&directory, what.id, "json").try_exists()? {
            return Ok(());
        }
        self.write(&directory, what, content)
    }

    /// The wish to read a file again can't be met: its bytes are gone or do not open.
    pub(crate) fn forget_wish(&self, id: Uuid) -> io::Result<()> {
        remove_if_there(&file(&directory(&self.data_dir), id, "retry")).map(drop)
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
        write_whole(&file(directory, what.id, "sealed"), &sealed)?;
        let json = serde_json::to_vec_pretty(what)?;
        write_whole(&file(directory, what.id, "json"), &json)?;
        sync_folder(directory);
        self.marks().insert(what.id, None);
        self.news.notify_one();
        Ok(())
    }

    /// Name and bytes of a file set aside; `None` when they are gone or do not open.
    pub(crate) fn open_content(&self, id: Uuid) -> Option<SetAside> {
        let sealed = fs::read(file(&directory(&self.data_dir), id, "sealed")).ok()?;
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
        for id in ids_with(&directory, "retry")? {
            if self.marks().contains_key(&id) {
                wanted.extend(show(&self.data_dir, id)?);
            }
        }
        Ok(wanted)
    }

    /// Lets go of a file that could be read after all.
    pub(crate) fn release(&self, id: Uuid) -> io::Result<()> {
        let directory = directory(&self.data_dir);
        let _lock = lock(&directory)?;
        remove(&directory, id)?;
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
            match show(&self.data_dir, id) {
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
        let _lock = lock(&directory)?;
        if !file(&directory, id, "json").try_exists()? {
            return Ok(());
        }
        fs::write(file(&directory, id, "announced"), mark)?;
        self.marks().insert(id, Some(mark.to_owned()));
        Ok(())
    }

    fn marks(&self) -> MutexGuard<'_, BTreeMap<Uuid, Option<String>>> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

fn binding(id: Uuid) -> Vec<u8> {
    format!("quarantine|{id}").into_bytes()
}
