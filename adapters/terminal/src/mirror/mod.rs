//! Virtual terminals: each gets a copy of every face file, byte for byte and once, under the same name, and the
//! answers to its own requests. What can't be delivered now waits sealed in our own directory.

mod copy;
mod half;
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

use crate::folder::{Signature, remove_if_same, signature_of};
use crate::request::hex;
use crate::seen::Seen;
use copy::copy;
use waiting::{Address, Waiting, hidden};

/// Whoever copies into a program's folder.
const WRITERS: [&str; 2] = ["desk", "jobs"];
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

/// A program's answer on its way back.
#[derive(Debug)]
pub(crate) struct ProgramsAnswer<'a> {
    /// The virtual terminal.
    pub(crate) program: &'a str,
    /// As the program expects it.
    pub(crate) name: &'a str,
    /// Tells its request from every other one.
    pub(crate) key: &'a str,
    /// It may not be whole: what follows it takes its place.
    pub(crate) is_half: bool,
}

#[derive(Debug)]
struct Target {
    id: String,
    root: PathBuf,
    waiting: PathBuf,
    /// Who copies.
    writer: &'static str,
    /// Why copies wait, as it was told last.
    told: Option<io::ErrorKind>,
    /// The first copy at which its folder was given up in the last round.
    stopped_at: Option<PathBuf>,
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
        writer: &'static str,
    ) -> io::Result<Self> {
        let mut targets = Vec::new();
        for terminal in terminals {
            let waiting = directory.join("mirror").join(&terminal.id);
            disk.create_dir_all(&waiting)?;
            targets.push(Target {
                id: terminal.id.clone(),
                root: terminal.root.clone(),
                waiting,
                writer,
                told: None,
                stopped_at: None,
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
            outcome = outcome.and(handed.and_then(|_| seen.note(&[mark], now)));
        }
        outcome
    }

    /// Gives a program the answer to its request. As with [`Mirror::deliver`], an error means that the answer must stay
    /// where it is.
    pub(crate) fn give_back<R: Read>(
        &self,
        answer: &ProgramsAnswer<'_>,
        open: impl Fn() -> io::Result<R>,
    ) -> io::Result<()> {
        // A program that is configured no more waits for nothing.
        let mut targets = self.targets.iter();
        let Some(target) = targets.find(|target| target.id == answer.program) else {
            return Ok(());
        };
        let address = Address {
            folder: Folder::Res,
            name: answer.name.into(),
        };
        let waiting = target.waiting.join(answer.key);
        self.take_half_back(target, &address, &waiting);
        if answer.is_half {
            half::note(&*self.disk, &self.key, &waiting, open()?)?;
        }
        let is_there = self.hand_over(target, &address, answer.key, open)?;
        if is_there && !answer.is_half {
            half::forget(&*self.disk, &waiting);
        }
        Ok(())
    }

    /// Whether half an answer made room for what follows it.
    fn take_half_back(&self, target: &Target, address: &Address, waiting: &Path) -> bool {
        let visible = target.folder(address.folder).join(&address.name);
        let taken = half::take_back(&*self.disk, &self.key, waiting, &visible);
        taken.unwrap_or_else(|error| {
            // It is tried again with what waits.
            tracing::debug!(virtual_terminal.id = target.id, %error, "half an answer can't be taken back yet");
            false
        })
    }

    /// Whether a copy is there now; else it waits.
    fn hand_over<R: Read>(
        &self,
        target: &Target,
        address: &Address,
        key: &str,
        open: impl Fn() -> io::Result<R>,
    ) -> io::Result<bool> {
        let disk = &*self.disk;
        let path = target.waiting.join(key);
        let Err(error) = copy(disk, target, address, &mut open()?) else {
            // What waited for the same place came before it.
            return match disk.exists(&path).then(|| disk.remove_file(&path)) {
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(true),
            };
        };
        tracing::warn!(virtual_terminal.id = target.id, error = %error, "a copy waits");
        waiting::write(disk, &path, &self.key, address, &mut open()?)?;
        self.make_room(target, &path)?;
        Ok(false)
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
        // A round that took long is followed by as long a pause as any.
        self.next_try = Instant::now() + TRY_AGAIN;
    }

    /// One copy that can't be delivered keeps none behind it, and a folder that takes nothing is tried once. The first
    /// error at the end.
    fn deliver_waiting(&self, target: &mut Target) -> io::Result<()> {
        let disk = &*self.disk;
        let mut open = Folder::ALL.to_vec();
        open.retain(|folder| disk.directory(&target.folder(*folder)).is_ok());
        let away = || io::Error::from(io::ErrorKind::NotFound);
        let mut outcome = Ok(());
        for path in self.round(target)? {
            if open.is_empty() {
                return outcome.and(Err(away()));
            }
            // Of one that was cut short while it was written, the source is still there.
            let Some((address, waiting, signature)) = self.opened(&path) else {
                continue;
            };
            let folder = address.folder;
            let delivered = match open.contains(&folder) {
                true => self.deliver_one(target, &path, &address, waiting),
                false => Err(away()),
            };
            // What took its place meanwhile is another copy.
            let delivered = delivered.and_then(|()| remove_if_same(disk, &path, signature));
            // With a share that is full or away each further try may take long.
            if delivered.as_ref().is_err_and(|error| !is_its_own(error)) && open.contains(&folder) {
                open.retain(|one| *one != folder);
                target.stopped_at.get_or_insert(path);
            }
            outcome = outcome.and(delivered.map(drop));
        }
        outcome
    }

    fn opened<'a>(&'a self, path: &'a Path) -> Option<(Address, Waiting<'a>, Signature)> {
        let signature = signature_of(&*self.disk, path).ok()??;
        let (address, waiting) = Waiting::open(&*self.disk, path, &self.key).ok()?;
        Some((address, waiting, signature))
    }

    fn deliver_one(
        &self,
        target: &Target,
        path: &Path,
        address: &Address,
        mut waiting: Waiting<'_>,
    ) -> io::Result<()> {
        let disk = &*self.disk;
        let again = || Waiting::open(disk, path, &self.key).map(|(_, waiting)| waiting);
        let is_noted = || half::is_noted(disk, &self.key, path, again()?);
        let is_half = disk.exists(&half::place(path)) && is_noted()?;
        let mut delivered = copy(disk, target, address, &mut waiting);
        if is_taken(&delivered) && self.take_half_back(target, address, path) {
            delivered = copy(disk, target, address, &mut again()?);
        }
        delivered?;
        if address.folder == Folder::Face {
            return Ok(());
        }
        if !is_half {
            half::forget(disk, path);
        }
        // Whoever left it for us may have left the start of it there.
        for writer in WRITERS {
            let folder = target.folder(address.folder);
            let _ = disk.remove_file(&folder.join(hidden(&address.name, writer)));
        }
        Ok(())
    }

    /// What waits, beginning behind the copy at which the round before stopped: so that each has its turn.
    fn round(&self, target: &mut Target) -> io::Result<Vec<PathBuf>> {
        let mut waiting = self.disk.list(&target.waiting)?;
        waiting.retain(|path| !half::is_note(path));
        waiting.sort_unstable();
        let stopped_at = target.stopped_at.take();
        let begin = waiting.partition_point(|path| Some(path) <= stopped_at.as_ref());
        waiting.rotate_left(begin);
        Ok(waiting)
    }
}

fn is_taken(delivered: &io::Result<()>) -> bool {
    let error = delivered.as_ref().err();
    error.is_some_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
}

/// Whether an error speaks of one copy alone, not of the folder that should take it.
fn is_its_own(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, InvalidData, InvalidFilename, InvalidInput, UnexpectedEof};
    matches!(
        error.kind(),
        AlreadyExists | InvalidData | InvalidFilename | InvalidInput | UnexpectedEof
    )
}
