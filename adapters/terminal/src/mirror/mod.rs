//! Virtual terminals: each gets a copy of every face file, byte for byte and once, under the same name, and the
//! answers to its own requests. What can't be delivered now waits sealed in our own directory.

mod copy;
#[cfg(test)]
mod tests;
mod waiting;

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shikaku_disk::Disk;
use shikaku_schemas::group::VirtualTerminal;
use shikaku_schemas::seal::SealKey;
use tokio::time::Instant;

use crate::request::hex;
use crate::seen::Seen;
use copy::copy;
use waiting::{Address, Waiting};

const TRY_AGAIN: Duration = Duration::from_secs(5);
/// [`Mirror::most_waiting`].
const WAITING: usize = 10_000;

/// Where in a virtual terminal a copy goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folder {
    Face,
    Res,
}

impl Folder {
    const ALL: [Self; 2] = [Self::Face, Self::Res];

    fn word(self) -> &'static str {
        match self {
            Self::Face => "face",
            Self::Res => "res",
        }
    }

    fn letter(self) -> u8 {
        self.word().as_bytes()[0]
    }

    fn of_letter(letter: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|folder| folder.letter() == letter)
    }
}

#[derive(Debug)]
struct Target {
    id: String,
    root: PathBuf,
    waiting: PathBuf,
    /// Why copies wait, as it was told last.
    told: Option<io::ErrorKind>,
}

impl Target {
    fn folder(&self, folder: Folder) -> PathBuf {
        self.root.join(folder.word())
    }
}

/// The virtual terminals of one facility, as one terminal serves them.
#[derive(Debug)]
pub(crate) struct Mirror {
    disk: Arc<dyn Disk>,
    targets: Vec<Target>,
    key: SealKey,
    next_try: Instant,
    /// Copies that may wait for one virtual terminal.
    most_waiting: usize,
}

impl Mirror {
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        directory: &Path,
        terminals: &[VirtualTerminal],
        group_key: &SealKey,
    ) -> io::Result<Self> {
        let mut targets = Vec::new();
        for terminal in terminals {
            let waiting = directory.join("mirror").join(&terminal.id);
            disk.create_dir_all(&waiting)?;
            targets.push(Target {
                id: terminal.id.clone(),
                root: terminal.root.clone(),
                waiting,
                told: None,
            });
        }
        Ok(Self {
            disk: disk.clone(),
            targets,
            key: group_key.derive("spool"),
            next_try: Instant::now(),
            most_waiting: WAITING,
        })
    }

    /// Whether there is no virtual terminal.
    pub(crate) fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Gives each virtual terminal its copy, unless it had these bytes before. An error means that a copy could
    /// neither be delivered nor kept waiting: the source must not be let go.
    pub(crate) fn deliver(
        &self,
        name: &OsStr,
        bytes: &[u8],
        digest: &[u8; 32],
        seen: &mut Seen,
        now: Timestamp,
    ) -> io::Result<()> {
        let address = Address {
            folder: Folder::Face,
            name: name.to_owned(),
        };
        let mut outcome = Ok(());
        for target in &self.targets {
            let mark = seen.mark(&[b"mirror", target.id.as_bytes(), digest]);
            if seen.contains(&mark) {
                continue;
            }
            let key = hex(&digest[..16]);
            let handed = self.hand_over(target, &address, &key, || Ok(bytes));
            // The other programs get theirs all the same.
            outcome = outcome.and(handed.and_then(|()| seen.note(&[mark], now)));
        }
        outcome
    }

    /// Gives a program the answer to its request, under the name it expects. `key` tells the answer from every
    /// other. As with [`Mirror::deliver`], an error means that the answer must stay where it is.
    pub(crate) fn give_back<R: Read>(
        &self,
        program: &str,
        name: &str,
        key: &str,
        open: impl Fn() -> io::Result<R>,
    ) -> io::Result<()> {
        // A program that is configured no more waits for nothing.
        let Some(target) = self.targets.iter().find(|target| target.id == program) else {
            return Ok(());
        };
        let address = Address {
            folder: Folder::Res,
            name: name.into(),
        };
        self.hand_over(target, &address, key, open)
    }

    fn hand_over<R: Read>(
        &self,
        target: &Target,
        address: &Address,
        key: &str,
        open: impl Fn() -> io::Result<R>,
    ) -> io::Result<()> {
        let disk = &*self.disk;
        let Err(error) = copy(disk, target, address, &mut open()?) else {
            return Ok(());
        };
        tracing::warn!(virtual_terminal.id = target.id, error = %error, "a copy waits");
        let path = target.waiting.join(key);
        waiting::write(disk, &path, &self.key, address, &mut open()?)?;
        self.make_room(target, &path)
    }

    /// Drops the oldest copies where too many wait beside `newest`: a program that is away for good must not stop the
    /// terminal.
    fn make_room(&self, target: &Target, newest: &Path) -> io::Result<()> {
        let disk = &*self.disk;
        let mut waiting = disk.list(&target.waiting)?;
        // Half a copy is none.
        waiting.retain(|path| path != newest && path.extension().is_none());
        let too_many = (waiting.len() + 1).saturating_sub(self.most_waiting);
        if too_many == 0 {
            return Ok(());
        }
        waiting
            .sort_by_cached_key(|path| disk.stat(path).map_or(i128::MAX, |stat| stat.modified_ns));
        for path in waiting.iter().take(too_many) {
            match disk.remove_file(path) {
                // It was delivered meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                removed => removed?,
            }
            tracing::error!(
                virtual_terminal.id = target.id,
                most = self.most_waiting,
                "too many copies wait for a program: the oldest is dropped"
            );
            metrics::counter!("shikaku_terminal_copies_dropped_total",
                "virtual_terminal" => target.id.clone())
            .increment(1);
        }
        Ok(())
    }

    /// Tries again what waits, every few seconds.
    pub(crate) fn catch_up(&mut self, now: Instant) {
        if now < self.next_try {
            return;
        }
        self.next_try = now + TRY_AGAIN;
        let mut targets = std::mem::take(&mut self.targets);
        for target in &mut targets {
            let failed = self.deliver_waiting(target).err();
            let kind = failed.as_ref().map(io::Error::kind);
            // Told when it begins and when the reason changes, not with every try.
            if let Some(error) = failed.filter(|_| target.told != kind) {
                tracing::warn!(virtual_terminal.id = target.id, error = %error, "copies still wait");
            }
            target.told = kind;
        }
        self.targets = targets;
    }

    /// One copy that can't be delivered keeps none behind it. The first error at the end.
    fn deliver_waiting(&self, target: &Target) -> io::Result<()> {
        let disk = &*self.disk;
        let is_there = |folder: &Folder| disk.directory(&target.folder(*folder)).is_ok();
        let mut there = Folder::ALL.to_vec();
        there.retain(is_there);
        let away = || io::Error::from(io::ErrorKind::NotFound);
        let mut outcome = Ok(());
        for path in disk.list(&target.waiting)? {
            // With a share that is away each try may take long.
            if there.is_empty() {
                return outcome.and(Err(away()));
            }
            // One that was cut short while it was written is not whole, and its source is still there.
            let Ok((address, mut waiting)) = Waiting::open(disk, &path, &self.key) else {
                continue;
            };
            let folder = address.folder;
            let delivered = match there.contains(&folder) {
                true => copy(disk, target, &address, &mut waiting)
                    .and_then(|()| disk.remove_file(&path)),
                false => Err(away()),
            };
            if delivered.is_err() {
                there.retain(|one| *one != folder || is_there(one));
            }
            outcome = outcome.and(delivered);
        }
        outcome
    }
}
