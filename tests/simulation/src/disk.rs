//! A simulated disk, as a process reaches it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shikaku_disk::{Disk, DiskFile, How, Lock, Stat, Turn};

use crate::node::Node;
use crate::platter::{Content, Platter, lock};

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
        if !self.disk.node.is_alive() {
            return Err(io::Error::other("the process is dead"));
        }
        // Who dies in this very write leaves any beginning of it, too.
        let fate = self.disk.call(&self.platter, true);
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
        self.disk.call(&self.platter, false)?;
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
        self.disk.call(&self.platter, false)?;
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
