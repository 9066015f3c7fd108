//! A simulated disk: what is written is not yet synced, what is named not yet named for good.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shikaku_disk::{Disk, DiskFile, How, Kind, Lock, Stat, Turn};

use crate::dice::Dice;
use crate::node::{Death, Node};

/// The machine's disk. Outlives its processes.
#[derive(Debug, Clone, Default)]
pub struct Platter(Arc<Mutex<Stored>>);

#[derive(Debug, Default)]
struct Stored {
    names: BTreeMap<PathBuf, Arc<Mutex<Content>>>,
    /// Names as last synced, by the whole directory.
    synced: BTreeMap<PathBuf, Arc<Mutex<Content>>>,
    directories: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    /// Files made so far.
    inodes: u64,
    /// A disk that says that it has synced and has not.
    lies: bool,
    /// Bytes that are left.
    full: bool,
    /// A share that nobody reaches.
    away: bool,
}

#[derive(Debug, Default, Clone)]
struct Content {
    inode: u64,
    /// When it was written last.
    at_ms: u64,
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

impl Content {
    fn stat(&self) -> Stat {
        Stat {
            kind: Kind::File,
            size: self.bytes.len() as u64,
            modified_ns: i128::from(self.at_ms) * 1_000_000,
            inode: self.inode,
        }
    }
}

impl Platter {
    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lies(&self, lies: bool) {
        self.stored().lies = lies;
    }

    pub fn is_full(&self, full: bool) {
        self.stored().full = full;
    }

    /// Whether a share can't be reached.
    pub fn is_away(&self, away: bool) {
        self.stored().away = away;
    }

    /// Makes a directory, durable at once; what follows is how others write into a share.
    pub fn make_directory(&self, path: &Path) {
        self.stored().directories.insert(path.to_owned());
    }

    /// Writes a file anew, or what it holds.
    pub fn put(&self, path: &Path, bytes: &[u8], at_ms: u64) {
        let mut stored = self.stored();
        let content = stored.make(path, at_ms);
        let mut content = lock(&content);
        content.at_ms = at_ms;
        content.bytes = bytes.to_vec();
        content.synced = bytes.to_vec();
    }

    /// Gives a file another name.
    pub fn name_anew(&self, from: &Path, to: &Path) {
        let mut stored = self.stored();
        if let Some(content) = stored.names.remove(from) {
            stored.names.insert(to.to_owned(), content);
        }
    }

    /// What is left after the process ended.
    pub fn after(&self, death: Death, dice: &Dice) {
        let mut stored = self.stored();
        stored.locks.clear();
        if death == Death::Killed {
            return;
        }
        let mut left = stored.synced.clone();
        let named: Vec<_> = stored
            .names
            .iter()
            .map(|(p, c)| (p.clone(), c.clone()))
            .collect();
        for (path, content) in named {
            let is_new = !left.contains_key(&path);
            let is_other = left
                .get(&path)
                .is_some_and(|old| !Arc::ptr_eq(old, &content));
            if (is_new || is_other) && dice.per_mille(500) {
                left.insert(path, content);
            }
        }
        for content in left.values() {
            tear(&mut lock(content), dice);
        }
        stored.names.clone_from(&left);
        stored.synced = left;
    }
}

impl Stored {
    fn make(&mut self, path: &Path, at_ms: u64) -> Arc<Mutex<Content>> {
        self.inodes += 1;
        let fresh = Content {
            inode: self.inodes,
            at_ms,
            ..Content::default()
        };
        let named = self.names.entry(path.to_owned());
        named.or_insert_with(|| Arc::new(Mutex::new(fresh))).clone()
    }
}

fn lock(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of what was not synced any part may be there: none, a beginning, or a beginning and zeros.
fn tear(content: &mut Content, dice: &Dice) {
    let same = content
        .bytes
        .iter()
        .zip(&content.synced)
        .take_while(|(now, synced)| now == synced)
        .count();
    let unsynced = content.bytes.len().saturating_sub(same);
    let mut left = match dice.below(3) {
        0 => content.synced.clone(),
        kind => {
            let keep = dice.below(unsynced as u64 + 1);
            let keep = same + usize::try_from(keep).unwrap_or_default();
            let mut left = content.bytes[..keep].to_vec();
            if kind == 2 {
                left.resize(content.bytes.len(), 0);
            }
            left
        }
    };
    // What was synced and not overwritten is never lost.
    if left.len() < content.synced.len() && content.bytes.len() >= content.synced.len() {
        left.extend_from_slice(&content.synced[left.len()..]);
    }
    content.bytes.clone_from(&left);
    content.synced = left;
}

/// The disk as one process reaches it.
#[derive(Debug, Clone)]
pub struct SimulatedDisk {
    pub node: Arc<Node>,
    pub platter: Platter,
    /// What lies below `/oqs`, on another machine: durable by itself.
    pub share: Option<Platter>,
}

impl SimulatedDisk {
    /// Where a path leads.
    fn at(&self, path: &Path) -> &Platter {
        let share = self.share.as_ref();
        share
            .filter(|_| path.starts_with("/oqs"))
            .unwrap_or(&self.platter)
    }

    /// Each call: nothing works in a dead process, and little on a bad disk.
    fn call(&self, platter: &Platter, writes: bool) -> io::Result<()> {
        if !self.node.call() {
            return Err(io::Error::other("the process is dead"));
        }
        let sky = &self.node.sky;
        let stored = platter.stored();
        if stored.away {
            return Err(io::ErrorKind::HostUnreachable.into());
        }
        if writes && stored.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        drop(stored);
        if sky.dice.per_mille(sky.weather().disk_fails) {
            return Err(io::Error::other("input/output error"));
        }
        Ok(())
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &Path, how: How) -> io::Result<Arc<dyn DiskFile>> {
        let platter = self.at(path);
        let reads = matches!(how, How::Read | How::ReadPlain | How::Write);
        self.call(platter, !reads)?;
        let mut stored = platter.stored();
        let known = stored.names.get(path).cloned();
        let content = match (known, how) {
            (Some(_), How::New | How::NewPrivate) => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            (None, How::Read | How::ReadPlain | How::Write) => {
                return Err(io::ErrorKind::NotFound.into());
            }
            (Some(content), How::Fresh) => {
                lock(&content).bytes.clear();
                content
            }
            (Some(content), _) => content,
            (None, _) => stored.make(path, self.node.sky.millis()),
        };
        Ok(Arc::new(OpenFile {
            disk: self.clone(),
            platter: platter.clone(),
            content,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(self.at(from), false)?;
        let mut stored = self.at(from).stored();
        let content = stored.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        stored.names.insert(to.to_owned(), content);
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(self.at(from), false)?;
        if self.at(from).stored().names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.call(self.at(path), false)?;
        let removed = self.at(path).stored().names.remove(path);
        removed
            .map(drop)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.call(self.at(path), false)?;
        self.at(path).stored().directories.insert(path.to_owned());
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.call(self.at(directory), false)?;
        let stored = self.at(directory).stored();
        let inside = stored
            .names
            .keys()
            .filter(|path| path.parent() == Some(directory));
        Ok(inside.cloned().collect())
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.call(self.at(directory), false)?;
        let mut stored = self.at(directory).stored();
        if stored.lies {
            return Ok(());
        }
        stored
            .synced
            .retain(|path, _| path.parent() != Some(directory));
        let inside: Vec<_> = stored
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(directory))
            .map(|(path, content)| (path.clone(), content.clone()))
            .collect();
        stored.synced.extend(inside);
        Ok(())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.call(self.at(path), false)?;
        let stored = self.at(path).stored();
        let content = stored.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(lock(content).stat())
    }

    fn directory(&self, path: &Path) -> io::Result<u64> {
        self.call(self.at(path), false)?;
        match self.at(path).stored().directories.contains(path) {
            true => Ok(1),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        self.at(path).stored().names.contains_key(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        self.call(self.at(path), false)?;
        let taken = self.at(path).stored().locks.insert(path.to_owned());
        let held = Held(self.at(path).clone(), path.to_owned());
        Ok(taken.then(|| Box::new(held) as Lock))
    }

    fn wait_for_lock(&self, path: &Path) -> io::Result<Lock> {
        self.lock(path)?
            .ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn pause(&self, _: Duration) {}

    fn blocks(&self) -> bool {
        false
    }

    fn turn(&self) -> Turn {
        let node = self.node.clone();
        Box::pin(async move { node.pass().await })
    }
}

struct Held(Platter, PathBuf);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.stored().locks.remove(&self.1);
    }
}

#[derive(Debug)]
struct OpenFile {
    disk: SimulatedDisk,
    platter: Platter,
    content: Arc<Mutex<Content>>,
}

impl OpenFile {
    /// Writes; on a full or failing disk a part only.
    fn put(&self, bytes: &[u8], offset: Option<u64>) -> io::Result<()> {
        let fate = self.disk.call(&self.platter, true);
        if !self.disk.node.is_alive() {
            // It died in this very write: any beginning of it may be there.
            return fate.and_then(|()| Err(io::Error::other("the process is dead")));
        }
        let dice = &self.disk.node.sky.dice;
        let end = match &fate {
            Ok(()) => bytes.len(),
            Err(_) => usize::try_from(dice.below(bytes.len() as u64 + 1)).unwrap_or_default(),
        };
        let mut content = lock(&self.content);
        let at = offset.map_or(content.bytes.len(), |offset| {
            usize::try_from(offset).unwrap_or(usize::MAX)
        });
        if content.bytes.len() < at + end {
            content.bytes.resize(at + end, 0);
        }
        content.bytes[at..at + end].copy_from_slice(&bytes[..end]);
        content.at_ms = self.disk.node.sky.millis();
        fate
    }
}

impl DiskFile for OpenFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if !self.disk.node.is_alive() {
            return Err(io::Error::other("the process is dead"));
        }
        let content = lock(&self.content);
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(content.bytes.len());
        let read = buffer.len().min(content.bytes.len() - from);
        buffer[..read].copy_from_slice(&content.bytes[from..from + read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.put(bytes, Some(offset))
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes, None)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.call(&self.platter, false)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        lock(&self.content).bytes.resize(length, 0);
        Ok(())
    }

    fn stat(&self) -> io::Result<Stat> {
        self.disk.call(&self.platter, false)?;
        Ok(lock(&self.content).stat())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(lock(&self.content).bytes.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.call(&self.platter, false)?;
        let lies = self.platter.stored().lies;
        let mut content = lock(&self.content);
        if !lies {
            content.synced = content.bytes.clone();
        }
        Ok(())
    }
}
