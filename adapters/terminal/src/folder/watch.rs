//! Which files of one folder have become stable. Two equal reads, `stable` apart, make a file ready; the wait
//! is shared by all files of a scan, and bytes are in memory only for the group handed out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shikaku_disk::Disk;
use shikaku_schemas::seal::SealKey;
use tokio::time::Instant;

use super::read::{Look, Signature, look, signature_of};

/// A file that changes inside the clock tick of its time stamp looks unchanged: so it is read once more,
/// this long after its verdict, before its signature is trusted.
const TRUST_AFTER: Duration = Duration::from_secs(3);
/// Files under observation at a time; more wait in the folder.
const CANDIDATES: usize = 8192;
/// Foreign names remembered, so that each is counted once.
const FOREIGN: usize = 10_000;

/// Whose a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Ours to read.
    Ours,
    /// Somebody else's.
    Foreign,
    /// A temporary name: nobody's yet.
    Temporary,
}

/// How one folder is read.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) folder: PathBuf,
    /// Two equal reads this far apart.
    pub(crate) stable: Duration,
    /// Bytes of a file at most.
    pub(crate) limit: usize,
    /// Files handed out at a time.
    pub(crate) group: usize,
    /// Bytes handed out at a time.
    pub(crate) group_bytes: usize,
}

/// A stable file.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) name: OsString,
    pub(crate) path: PathBuf,
    pub(crate) signature: Signature,
    /// At most one byte more than the limit.
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: [u8; 32],
    /// How long it has stood so.
    pub(crate) unchanged: Duration,
    /// Whether it was handed out before without a verdict that could be kept.
    pub(crate) counted: bool,
}

#[derive(Debug)]
struct Candidate {
    signature: Option<Signature>,
    digest: Option<[u8; 32]>,
    /// When the present digest was read first.
    since: Instant,
    due: Instant,
    counted: bool,
}

#[derive(Debug)]
struct Settled {
    signature: Signature,
    digest: [u8; 32],
    trust_at: Option<Instant>,
}

/// One folder under watch.
#[derive(Debug)]
pub(crate) struct Watch {
    settings: Settings,
    key: SealKey,
    candidates: BTreeMap<OsString, Candidate>,
    settled: HashMap<OsString, Settled>,
    foreign: HashSet<OsString>,
    /// Gone before anybody had a verdict; told at the next scan.
    vanished: Vec<OsString>,
}

/// What a scan learnt.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// Foreign files not seen before.
    pub(crate) foreign: Vec<OsString>,
    /// Files that went away between their first look and their verdict.
    pub(crate) vanished: Vec<OsString>,
    /// Files whose signature may be trusted from now on.
    pub(crate) trusted: Vec<(OsString, Signature)>,
    /// Files of ours that stand there.
    pub(crate) present: HashSet<OsString>,
}

impl Watch {
    pub(crate) fn new(settings: Settings, evidence_key: SealKey) -> Self {
        Self {
            settings,
            key: evidence_key,
            candidates: BTreeMap::new(),
            settled: HashMap::new(),
            foreign: HashSet::new(),
            vanished: Vec::new(),
        }
    }

    /// Files that await a verdict.
    pub(crate) fn pending(&self) -> usize {
        self.candidates.len()
    }

    /// When the next file can be ready.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.candidates
            .values()
            .map(|candidate| candidate.due)
            .min()
    }

    /// Lists the folder and reads what is new for the first time. `known` tells files of an earlier run.
    ///
    /// # Errors
    /// When the folder can't be listed; what is known of it stays.
    pub(crate) fn scan(
        &mut self,
        whose: impl Fn(&str) -> Whose,
        known: impl Fn(&OsStr, &Signature) -> bool,
    ) -> io::Result<Scanned> {
        let mut scanned = Scanned::default();
        let mut present = HashSet::new();
        for path in self.settings.disk.list(&self.settings.folder)? {
            let name = path.file_name().unwrap_or_default().to_owned();
            match whose(&name.to_string_lossy()) {
                Whose::Temporary => continue,
                Whose::Foreign => {
                    if self.is_new_foreign(&name) {
                        scanned.foreign.push(name);
                    }
                    continue;
                }
                Whose::Ours => {}
            }
            match signature_of(&*self.settings.disk, &path) {
                Ok(None) => continue,
                Ok(Some(signature)) => self.meet(&name, signature, &known, &mut scanned),
                // It is listed, and the share does not say more now.
                Err(_) => {}
            }
            present.insert(name);
        }
        let gone = self
            .candidates
            .extract_if(.., |name, _| !present.contains(name));
        scanned.vanished = std::mem::take(&mut self.vanished);
        scanned.vanished.extend(gone.map(|(name, _)| name));
        self.settled.retain(|name, _| present.contains(name));
        scanned.present = present;
        Ok(scanned)
    }

    fn meet(
        &mut self,
        name: &OsStr,
        signature: Signature,
        known: impl Fn(&OsStr, &Signature) -> bool,
        scanned: &mut Scanned,
    ) {
        if let Some(candidate) = self.candidates.get_mut(name) {
            if candidate.signature != Some(signature) {
                // It moved on: look again soon, whatever the pause was.
                candidate.due = candidate.due.min(Instant::now() + self.settings.stable);
            }
            return;
        }
        match self.settled.get(name) {
            Some(settled) if settled.signature == signature => {
                if settled.trust_at.is_none_or(|at| Instant::now() < at) {
                    return;
                }
                match self.is_unchanged(name) {
                    Some(true) => {
                        if let Some(settled) = self.settled.get_mut(name) {
                            settled.trust_at = None;
                        }
                        scanned.trusted.push((name.to_owned(), signature));
                        return;
                    }
                    // Looked at again with the next scan: a read that failed says nothing.
                    None => return,
                    Some(false) => {}
                }
            }
            None if known(name, &signature) => return,
            _ => {}
        }
        if self.candidates.len() < CANDIDATES {
            self.settled.remove(name);
            self.first_look(name);
        }
    }

    fn look(&self, name: &OsStr) -> Look {
        let Settings {
            disk,
            folder,
            limit,
            ..
        } = &self.settings;
        look(&**disk, &folder.join(name), *limit)
    }

    /// `None` when the file can't be read now.
    fn is_unchanged(&self, name: &OsStr) -> Option<bool> {
        let Look::Bytes(signature, bytes) = self.look(name) else {
            return None;
        };
        let digest = self.digest(&signature, &bytes);
        Some(self.settled.get(name)?.digest == digest)
    }

    fn first_look(&mut self, name: &OsStr) {
        let seen = self.look(name);
        let now = Instant::now();
        let (signature, digest) = match seen {
            Look::Gone => return,
            Look::Busy(_) => (None, None),
            Look::Bytes(signature, bytes) => {
                let digest = self.digest(&signature, &bytes);
                (Some(signature), Some(digest))
            }
        };
        let candidate = Candidate {
            signature,
            digest,
            since: now,
            due: now + self.settings.stable,
            counted: false,
        };
        self.candidates.insert(name.to_owned(), candidate);
    }

    /// The next group of files that two reads agree on. Empty when none is due. Each file of it must be
    /// [settled](Self::settle) or [kept](Self::keep).
    pub(crate) fn ready(&mut self) -> Vec<Ready> {
        let start = Instant::now();
        let mut due: Vec<(Instant, OsString)> = self
            .candidates
            .iter()
            .filter(|(_, candidate)| candidate.due <= start)
            .map(|(name, candidate)| (candidate.due, name.clone()))
            .collect();
        due.sort_unstable();
        let mut group = Vec::new();
        let mut bytes = 0;
        for (_, name) in due {
            if group.len() >= self.settings.group || bytes >= self.settings.group_bytes {
                break;
            }
            if let Some(ready) = self.second_look(name) {
                bytes += ready.bytes.len();
                group.push(ready);
            }
        }
        group
    }

    fn second_look(&mut self, name: OsString) -> Option<Ready> {
        let seen = self.look(&name);
        let now = Instant::now();
        let (signature, bytes) = match seen {
            Look::Gone => {
                self.candidates.remove(&name);
                self.vanished.push(name);
                return None;
            }
            Look::Busy(kind) => {
                tracing::debug!(error = %kind, "a file can't be read now; it is tried again");
                self.candidates.get_mut(&name)?.due = now + self.settings.stable;
                return None;
            }
            Look::Bytes(signature, bytes) => (signature, bytes),
        };
        let digest = self.digest(&signature, &bytes);
        let candidate = self.candidates.get_mut(&name)?;
        candidate.signature = Some(signature);
        candidate.due = now + self.settings.stable;
        if candidate.digest != Some(digest) {
            candidate.digest = Some(digest);
            candidate.since = now;
            return None;
        }
        Some(Ready {
            path: self.settings.folder.join(&name),
            signature,
            bytes,
            digest,
            unchanged: now.duration_since(candidate.since),
            counted: candidate.counted,
            name,
        })
    }

    /// The verdict on a file is durable.
    pub(crate) fn settle(&mut self, name: &OsStr, signature: Signature, digest: [u8; 32]) {
        self.candidates.remove(name);
        let settled = Settled {
            signature,
            digest,
            trust_at: Some(Instant::now() + TRUST_AFTER),
        };
        self.settled.insert(name.to_owned(), settled);
    }

    /// There is no verdict yet: look again after `pause`, or earlier when the file changes.
    pub(crate) fn keep(&mut self, name: &OsStr, counted: bool, pause: Duration) {
        if let Some(candidate) = self.candidates.get_mut(name) {
            candidate.counted |= counted;
            candidate.due = Instant::now() + pause;
        }
    }

    /// The keyed digest of a file's bytes; of one that is too large, of its start and its size.
    fn digest(&self, signature: &Signature, bytes: &[u8]) -> [u8; 32] {
        if bytes.len() <= self.settings.limit {
            return self.key.digest(bytes);
        }
        let mut start = self.key.digest(bytes).to_vec();
        start.extend_from_slice(&signature.size.to_be_bytes());
        self.key.digest(&start)
    }

    fn is_new_foreign(&mut self, name: &OsStr) -> bool {
        if self.foreign.contains(name) {
            return false;
        }
        if self.foreign.len() >= FOREIGN {
            self.foreign.clear();
        }
        self.foreign.insert(name.to_owned())
    }
}
