//! Virtual terminals: each gets a copy of every face file, byte for byte and once, under the same name.
//! What can't be delivered now waits sealed in our own directory.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use shikaku_schemas::group::VirtualTerminal;
use shikaku_schemas::seal::SealKey;

use crate::folder::rename_without_overwriting;
use crate::seen::Seen;

const TRY_AGAIN: Duration = Duration::from_secs(5);
/// Copies that may wait for one virtual terminal.
const WAITING: usize = 10_000;

#[derive(Debug)]
struct Target {
    id: String,
    face: PathBuf,
    waiting: PathBuf,
}

/// The virtual terminals of one facility, as one terminal serves them.
#[derive(Debug)]
pub(crate) struct Mirror {
    targets: Vec<Target>,
    key: SealKey,
    next_try: Instant,
}

impl Mirror {
    pub(crate) fn open(
        directory: &Path,
        terminals: &[VirtualTerminal],
        group_key: &SealKey,
    ) -> io::Result<Self> {
        let mut targets = Vec::new();
        for terminal in terminals {
            let waiting = directory.join("mirror").join(&terminal.id);
            fs::create_dir_all(&waiting)?;
            targets.push(Target {
                id: terminal.id.clone(),
                face: terminal.root.join("face"),
                waiting,
            });
        }
        Ok(Self {
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
        for target in &self.targets {
            let mark = seen.mark(&[b"mirror", target.id.as_bytes(), digest]);
            if seen.contains(&mark) {
                continue;
            }
            if let Err(error) = copy(&target.face, name, bytes) {
                tracing::warn!(virtual_terminal.id = target.id, error = %error, "a copy waits");
                self.put_off(target, name, bytes, digest)?;
            }
            seen.note(&[mark], now)?;
        }
        Ok(())
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
        for entry in fs::read_dir(&target.waiting)? {
            let path = entry?.path();
            let binding = binding(target, &path);
            let Ok(plain) = self.key.open(&binding, &fs::read(&path)?) else {
                continue;
            };
            let Some((name, bytes)) = split(&plain) else {
                continue;
            };
            copy(&target.face, name, bytes)?;
            fs::remove_file(path)?;
        }
        Ok(())
    }

    fn put_off(
        &self,
        target: &Target,
        name: &OsStr,
        bytes: &[u8],
        digest: &[u8; 32],
    ) -> io::Result<()> {
        if fs::read_dir(&target.waiting)?.count() >= WAITING {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let short: String = digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path = target.waiting.join(short);
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        let mut plain = length.to_be_bytes().to_vec();
        plain.extend_from_slice(name.as_bytes());
        plain.extend_from_slice(bytes);
        let sealed = self.key.seal(&binding(target, &path), &plain);
        let mut file = File::create(&path)?;
        file.write_all(&sealed)?;
        file.sync_all()
    }
}

fn binding(target: &Target, path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("mirror|{}|{name}", target.id).into_bytes()
}

fn split(plain: &[u8]) -> Option<(&OsStr, &[u8])> {
    let (length, rest) = plain.split_at_checked(4)?;
    let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
    let (name, bytes) = rest.split_at_checked(length)?;
    Some((OsStr::from_bytes(name), bytes))
}

/// Under a temporary name first, never over another file; the very same file already there is fine.
fn copy(folder: &Path, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = b".".to_vec();
    temporary.extend_from_slice(name.as_bytes());
    temporary.extend_from_slice(b".part");
    let temporary = folder.join(std::ffi::OsString::from_vec(temporary));
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let target = folder.join(name);
    match rename_without_overwriting(&temporary, &target) {
        Ok(()) => Ok(()),
        Err(error) => {
            fs::remove_file(&temporary)?;
            if error.kind() == io::ErrorKind::AlreadyExists && fs::read(&target)? == bytes {
                return Ok(());
            }
            Err(error)
        }
    }
}
