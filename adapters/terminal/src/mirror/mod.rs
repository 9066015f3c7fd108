//! Virtual terminals: each gets a copy of every face file, byte for byte and once, under the same name, and the
//! answers to its own requests. What can't be delivered now waits sealed in our own directory.

mod waiting;

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shikaku_disk::{Disk, How, Reader, Writer};
use shikaku_schemas::group::VirtualTerminal;
use shikaku_schemas::seal::SealKey;
use tokio::time::Instant;

use crate::request::hex;
use crate::seen::Seen;
use waiting::{Address, Waiting, hidden};

const TRY_AGAIN: Duration = Duration::from_secs(5);
/// Copies that may wait for one virtual terminal.
const WAITING: usize = 10_000;

/// Where in a virtual terminal a copy goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folder {
    Face,
    Res,
}

impl Folder {
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
        let mut all = [Self::Face, Self::Res].into_iter();
        all.find(|folder| folder.letter() == letter)
    }
}

#[derive(Debug)]
struct Target {
    id: String,
    root: PathBuf,
    waiting: PathBuf,
}

/// The virtual terminals of one facility, as one terminal serves them.
#[derive(Debug)]
pub(crate) struct Mirror {
    disk: Arc<dyn Disk>,
    targets: Vec<Target>,
    key: SealKey,
    next_try: Instant,
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
            });
        }
        Ok(Self {
            disk: disk.clone(),
            targets,
            key: group_key.derive("spool"),
            next_try: Instant::now(),
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
        for target in &self.targets {
            let mark = seen.mark(&[b"mirror", target.id.as_bytes(), digest]);
            if seen.contains(&mark) {
                continue;
            }
            self.hand_over(target, &address, &hex(&digest[..16]), || Ok(bytes))?;
            seen.note(&[mark], now)?;
        }
        Ok(())
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
        if disk.list(&target.waiting)?.len() >= WAITING {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let path = target.waiting.join(key);
        waiting::write(disk, &path, &self.key, address, &mut open()?)
    }

    /// Tries again what waits, every few seconds.
    pub(crate) fn catch_up(&mut self, now: Instant) {
        if now < self.next_try {
            return;
        }
        self.next_try = now + TRY_AGAIN;
        for target in &self.targets {
            if let Err(error) = self.deliver_waiting(target) {
                tracing::debug!(virtual_terminal.id = target.id, error = %error, "copies still wait");
            }
        }
    }

    fn deliver_waiting(&self, target: &Target) -> io::Result<()> {
        let disk = &*self.disk;
        for path in disk.list(&target.waiting)? {
            // One that was cut short while it was written is not whole, and its source is still there.
            let Ok((address, mut waiting)) = Waiting::open(disk, &path, &self.key) else {
                continue;
            };
            copy(disk, target, &address, &mut waiting)?;
            disk.remove_file(&path)?;
        }
        Ok(())
    }
}

/// Under a temporary name first, never over another file; the very same file already there is fine.
fn copy(
    disk: &dyn Disk,
    target: &Target,
    address: &Address,
    source: &mut dyn Read,
) -> io::Result<()> {
    let folder = target.root.join(address.folder.word());
    let temporary = folder.join(hidden(&address.name));
    let file = disk.open(&temporary, How::Fresh)?;
    let copied = io::copy(source, &mut Writer::new(file.clone()));
    if let Err(error) = copied.and_then(|_| file.sync()) {
        let _ = disk.remove_file(&temporary);
        return Err(error);
    }
    let visible = folder.join(&address.name);
    match disk.rename_new(&temporary, &visible) {
        Ok(()) => Ok(()),
        Err(error) => {
            let same = error.kind() == io::ErrorKind::AlreadyExists
                && is_same(read_from(disk, &temporary)?, read_from(disk, &visible)?)?;
            disk.remove_file(&temporary)?;
            if same { Ok(()) } else { Err(error) }
        }
    }
}

fn read_from(disk: &dyn Disk, path: &Path) -> io::Result<Reader> {
    Ok(Reader::new(disk.open(path, How::Read)?, 0))
}

fn is_same(mut one: Reader, mut other: Reader) -> io::Result<bool> {
    loop {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        one.by_ref().take(1 << 20).read_to_end(&mut left)?;
        other.by_ref().take(1 << 20).read_to_end(&mut right)?;
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
    }
}
