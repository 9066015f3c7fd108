//! What a simulated disk holds: what is written is not yet synced, what is named not yet named for good.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shikaku_disk::{Kind, Stat};

use crate::dice::Dice;
use crate::node::Death;

/// The machine's disk. Outlives its processes.
#[derive(Debug, Clone, Default)]
pub struct Platter(Arc<Mutex<Stored>>);

#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) names: BTreeMap<PathBuf, Arc<Mutex<Content>>>,
    /// Names as last synced, by the whole directory.
    pub(crate) synced: BTreeMap<PathBuf, Arc<Mutex<Content>>>,
    pub(crate) directories: BTreeSet<PathBuf>,
    pub(crate) locks: BTreeSet<PathBuf>,
    /// Files made so far.
    pub(crate) inodes: u64,
    /// A disk that says that it has synced and has not.
    pub(crate) lies: bool,
    /// Bytes that are left.
    pub(crate) full: bool,
    /// A share that nobody reaches.
    pub(crate) away: bool,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Content {
    pub(crate) inode: u64,
    /// When it was written last.
    pub(crate) at_ms: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) synced: Vec<u8>,
}

impl Content {
    pub(crate) fn stat(&self) -> Stat {
        Stat {
            kind: Kind::File,
            size: self.bytes.len() as u64,
            modified_ns: i128::from(self.at_ms) * 1_000_000,
            inode: self.inode,
        }
    }
}

impl Platter {
    pub(crate) fn stored(&self) -> MutexGuard<'_, Stored> {
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

    /// What a directory holds.
    pub fn names(&self, directory: &Path) -> Vec<PathBuf> {
        let stored = self.stored();
        let names = stored.names.keys();
        let inside = names.filter(|path| path.parent() == Some(directory));
        inside.cloned().collect()
    }

    /// What a file holds.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let content = self.stored().names.get(path)?.clone();
        let bytes = lock(&content).bytes.clone();
        Some(bytes)
    }

    /// Takes a file away, with what it held.
    pub fn take(&self, path: &Path) -> Option<Vec<u8>> {
        let content = self.stored().names.remove(path)?;
        let bytes = lock(&content).bytes.clone();
        Some(bytes)
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
    pub(crate) fn make(&mut self, path: &Path, at_ms: u64) -> Arc<Mutex<Content>> {
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

pub(crate) fn lock(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
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
