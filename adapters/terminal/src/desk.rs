//! One pass over a terminal's folders: scan, stable files to verdicts, verdicts to durable ends.
//!
//! Plain blocking code without tasks or locks of its own, so that each step can be tested by calling it.
//! Order of every end: bytes durable (spool or quarantine), copies for virtual terminals, the mark that it
//! was seen, and only then the file is let go.

mod again;
mod back;
mod conclude;
mod place;
#[cfg(test)]
mod tests;
mod whose;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shikaku_kit::spool::Spool;
use shikaku_schemas::group::FaceMode;
use shikaku_schemas::observation::OqsFolder;
use tokio::time::Instant;

use crate::config::TerminalOptions;
use crate::decode::{FACE_BYTES, RES_BYTES};
use crate::error::TerminalError;
use crate::folder::{Settings, Signature, Watch, remove_if_same};
use crate::forward::Forwarder;
use crate::health::Health;
use crate::mirror::Mirror;
use crate::quarantine::Quarantine;
use crate::request::Inquiries;
use crate::seen::Seen;
use crate::tally::Tally;
use place::whose_face;

const GROUP: usize = 256;
const GROUP_BYTES: usize = 8 << 20;
const RETRIES_EVERY: Duration = Duration::from_secs(1);

/// The folders of one terminal and everything kept about them.
pub(crate) struct Desk {
    options: TerminalOptions,
    spool: Arc<Spool>,
    inquiries: Arc<Inquiries>,
    quarantine: Quarantine,
    seen: Seen,
    mirror: Mirror,
    forwarder: Forwarder,
    health: Health,
    pub(crate) tally: Tally,
    face: DropFolder,
    res: DropFolder,
    /// Files that are safe but could not be removed yet.
    stuck: BTreeMap<PathBuf, Signature>,
    next_retries: Instant,
}

/// One drop folder.
struct DropFolder {
    word: &'static str,
    path: PathBuf,
    watch: Watch,
    takes: bool,
    /// Inode of the folder, while it can be read.
    inode: Option<u64>,
}

/// What the loop around the passes needs to know.
#[derive(Debug)]
pub(crate) struct Passed {
    /// When to pass again at the latest.
    pub(crate) again: Duration,
    /// Folders that are new, or came back, and give no file events yet.
    pub(crate) appeared: Vec<PathBuf>,
}

impl Desk {
    pub(crate) fn open(
        options: &TerminalOptions,
        directory: &Path,
        spool: Arc<Spool>,
        inquiries: Arc<Inquiries>,
        quarantine: Quarantine,
    ) -> Result<Self, TerminalError> {
        let root = &options.terminal.root;
        let own = TerminalError::Directory;
        let (disk, now) = (&options.disk, options.clock.now());
        let drop_folder = |word, takes, limit| {
            let path = root.join(word);
            let settings = Settings {
                disk: options.disk.clone(),
                folder: path.clone(),
                stable: options.timing.stable,
                limit,
                group: GROUP,
                group_bytes: GROUP_BYTES,
            };
            DropFolder {
                word,
                path,
                watch: Watch::new(settings, options.group_key.derive("evidence-digest")),
                takes,
                inode: None,
            }
        };
        let takes_face = options.terminal.face == FaceMode::Take;
        Ok(Self {
            seen: Seen::open(disk, directory, &options.group_key, Seen::CAPACITY, now)
                .map_err(own)?,
            mirror: Mirror::open(
                disk,
                directory,
                &options.facility.virtual_terminals,
                &options.group_key,
                "desk",
            )
            .map_err(own)?,
            tally: Tally::new(options.facility.code.as_str(), &options.terminal.id),
            forwarder: Forwarder::new(options, inquiries.clone()),
            health: Health::new(options.facility.code.as_str(), &options.terminal.id),
            face: drop_folder("face", takes_face, FACE_BYTES),
            res: drop_folder("res", true, RES_BYTES),
            stuck: BTreeMap::new(),
            next_retries: Instant::now(),
            options: options.clone(),
            spool,
            inquiries,
            quarantine,
        })
    }

    /// Settles what an earlier run left behind; to be repeated until it works.
    pub(crate) fn recover(&self) -> bool {
        self.inquiries
            .recover()
            .inspect_err(|error| tracing::warn!(error = %error, "requests can't be settled yet"))
            .is_ok()
    }

    /// One pass. Nothing that goes wrong in it is lost: it is met again in the next.
    pub(crate) fn pass(&mut self) -> Passed {
        let mut appeared = Vec::new();
        for folder in [OqsFolder::Face, OqsFolder::Res] {
            appeared.extend(self.scan(folder));
            let before = self.tally.events;
            while self.conclude_group(folder) {}
            if folder == OqsFolder::Face && self.tally.events > before {
                self.inquiries.pulse.faced(self.options.clock.now());
            }
        }
        self.forwarder.pass();
        if let Err(error) = self.inquiries.follow() {
            tracing::warn!(error = %error, "what became of a request could not be kept yet");
        }
        self.mirror.catch_up(Instant::now());
        self.remove_stuck();
        self.read_retries();
        self.tally.check(self.pending(), Instant::now());
        let folders = [&self.face, &self.res];
        let reachable = folders.iter().all(|at| at.inode.is_some());
        let (open, jobs) = self.inquiries.waiting();
        let reachable = reachable
            && self
                .options
                .disk
                .directory(&self.inquiries.folders.req)
                .is_ok();
        self.health
            .check(reachable, open, jobs, &self.inquiries.pulse);
        Passed {
            again: self.next_pass(),
            appeared,
        }
    }

    /// Files that await a verdict.
    pub(crate) fn pending(&self) -> usize {
        self.face.watch.pending() + self.res.watch.pending()
    }

    fn drop_folder(&mut self, folder: OqsFolder) -> &mut DropFolder {
        match folder {
            OqsFolder::Face => &mut self.face,
            OqsFolder::Res => &mut self.res,
        }
    }

    /// Lists one folder; gives it back when it has just appeared.
    fn scan(&mut self, folder: OqsFolder) -> Option<PathBuf> {
        let inquiries = self.inquiries.clone();
        let seen = &self.seen;
        let at = match folder {
            OqsFolder::Face => &mut self.face,
            OqsFolder::Res => &mut self.res,
        };
        let (word, takes) = (at.word, at.takes);
        // What should have been removed is read again, and removed as a duplicate.
        let known = |name: &std::ffi::OsStr, signature: &Signature| {
            !takes && seen.contains(&file_mark(seen, word, name.as_bytes(), signature))
        };
        let scanned = match folder {
            OqsFolder::Face => at.watch.scan(whose_face, known),
            OqsFolder::Res => at
                .watch
                .scan(|name| place::whose_res(name, &inquiries), known),
        };
        match scanned {
            Ok(scanned) => {
                let marks: Vec<_> = scanned
                    .trusted
                    .iter()
                    .map(|(name, signature)| file_mark(seen, word, name.as_bytes(), signature))
                    .collect();
                scanned.foreign.iter().for_each(|_| self.tally.foreign());
                if folder == OqsFolder::Res {
                    self.inquiries.look_for_thieves(&scanned);
                }
                if let Err(error) = self.seen.note(&marks, self.options.clock.now()) {
                    tracing::warn!(error = %error, "what was read can't be noted");
                }
                self.reached(folder)
            }
            Err(error) => {
                self.lost(folder, &error);
                None
            }
        }
    }

    fn reached(&mut self, folder: OqsFolder) -> Option<PathBuf> {
        let disk = self.options.disk.clone();
        let at = self.drop_folder(folder);
        let inode = disk.directory(&at.path).ok();
        if inode.is_none() || inode == at.inode {
            return None;
        }
        at.inode = inode;
        let (word, path) = (at.word, at.path.clone());
        tracing::info!(
            terminal.id = self.options.terminal.id,
            folder = word,
            "folder is read"
        );
        self.tally.reachable(word, true);
        Some(path)
    }

    fn lost(&mut self, folder: OqsFolder, error: &io::Error) {
        let at = self.drop_folder(folder);
        let (word, before) = (at.word, at.inode.take());
        self.tally.reachable(word, false);
        if before.is_some() {
            tracing::warn!(terminal.id = self.options.terminal.id, folder = word, error = %error,
                "folder can't be read; it is tried again");
        }
    }

    fn remove_stuck(&mut self) {
        let disk = &*self.options.disk;
        self.stuck
            .retain(|path, signature| remove_if_same(disk, path, *signature).is_err());
    }

    fn next_pass(&self) -> Duration {
        let now = Instant::now();
        let due = [&self.face, &self.res]
            .into_iter()
            .filter_map(|at| at.watch.next_due())
            .chain(self.forwarder.next_due())
            .map(|due| due.saturating_duration_since(now));
        let deadline = self.inquiries.next_deadline().and_then(|deadline| {
            Duration::try_from(deadline.duration_since(self.options.clock.now())).ok()
        });
        due.chain(deadline)
            .chain([self.options.timing.scan])
            .min()
            .unwrap_or(self.options.timing.scan)
            .max(Duration::from_millis(1))
    }
}

fn file_mark(
    seen: &Seen,
    folder: &str,
    name: &[u8],
    signature: &Signature,
) -> crate::seen::SeenMark {
    seen.mark(&[b"file", folder.as_bytes(), name, &signature.bytes()])
}

fn content_mark(seen: &Seen, folder: &str, digest: &[u8; 32]) -> crate::seen::SeenMark {
    seen.mark(&[b"content", folder.as_bytes(), digest])
}
