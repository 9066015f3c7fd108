//! Signed heads, kept outside the database.
//!
//! `heads.jsonl` gets one line at most a second, synced. `heads.pending` holds the very last head, written
//! without a sync right after its commit: it survives the death of the process, which a line of the coming
//! second would not. Together they make a missing last event visible after a crash.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shikaku_disk::{Disk, How, Reader, read_exact_at};
use shikaku_schemas::value::Position;
use uuid::Uuid;

use super::signer::file;
use super::{CompactRange, Hash};
use crate::LedgerError;
use crate::model::StoreIdentity;

/// Bytes of `heads.pending`; constant, so that one write replaces all of it.
const PENDING_BYTES: usize = 1024;
/// Its last bytes: a digest of the others, because a new head half-written over an old one may read like a head.
const CHECK_BYTES: usize = 64;
/// How far from the end of `heads.jsonl` the last head is looked for.
const TAIL_BYTES: u64 = 16 * 1024;

/// A statement that the ledger had exactly these events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedHead {
    pub(crate) store: Uuid,
    pub(crate) epoch: u32,
    pub(crate) position: Position,
    /// Root of the RFC 6962 tree, hex.
    pub(crate) root: String,
    /// The chain, hex.
    pub(crate) chain: String,
    pub(crate) recorded_at: Timestamp,
    /// Public key, hex.
    pub(crate) key: String,
    /// Ed25519 over [`SignedHead::signed_text`], hex.
    pub(crate) signature: String,
}

impl SignedHead {
    /// That the ledger ends so, not yet signed.
    pub(crate) fn unsigned(
        identity: StoreIdentity,
        recorded_at: Timestamp,
        chain: &Hash,
        tree: &CompactRange,
    ) -> Self {
        Self {
            store: identity.store_id,
            epoch: identity.epoch,
            position: Position(tree.size()),
            root: hex::encode(tree.root()),
            chain: hex::encode(chain),
            recorded_at,
            key: String::new(),
            signature: String::new(),
        }
    }

    /// What is signed. Changing it needs a new version word.
    pub(crate) fn signed_text(&self) -> String {
        format!(
            "shikaku-head-1|{}|{}|{}|{}|{}|{}",
            self.store,
            self.epoch,
            self.position,
            self.root,
            self.chain,
            self.recorded_at.as_microsecond()
        )
    }
}

fn check(text: &[u8]) -> String {
    hex::encode(Sha256::digest(text))
}

/// The two files.
#[derive(Debug)]
pub(crate) struct HeadsFile {
    disk: Arc<dyn Disk>,
    lines: PathBuf,
    pending: PathBuf,
}

impl HeadsFile {
    pub(crate) fn in_folder(disk: Arc<dyn Disk>, folder: &Path) -> Self {
        Self {
            disk,
            lines: folder.join("heads.jsonl"),
            pending: folder.join("heads.pending"),
        }
    }

    /// Whether anything was ever signed here.
    pub(crate) fn is_begun(&self) -> bool {
        self.disk.exists(&self.lines) || self.disk.exists(&self.pending)
    }

    /// The disk they lie on.
    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Adds a head for good.
    pub(crate) fn append(&self, head: &SignedHead) -> Result<(), LedgerError> {
        self.append_line(head).map_err(file(&self.lines))
    }

    fn append_line(&self, head: &SignedHead) -> std::io::Result<()> {
        let is_new = !self.disk.exists(&self.lines);
        let lines = self.disk.open(&self.lines, How::Append)?;
        let mut text = String::new();
        // A line cut by a power failure must not swallow the next one.
        let length = lines.length()?;
        if length > 0 {
            let mut last = [0u8];
            read_exact_at(&lines, &mut last, length - 1)?;
            if last != *b"\n" {
                text.push('\n');
            }
        }
        text.push_str(&serde_json::to_string(head)?);
        text.push('\n');
        lines.append(text.as_bytes())?;
        lines.sync()?;
        if is_new && let Some(folder) = self.lines.parent() {
            self.disk.sync_directory(folder)?;
        }
        Ok(())
    }

    /// Replaces the pending head. Not synced: it guards against the death of the process alone.
    pub(crate) fn note(&self, head: &SignedHead) -> Result<(), LedgerError> {
        let write = || {
            let mut text = serde_json::to_string(head)?.into_bytes();
            text.resize(PENDING_BYTES - CHECK_BYTES, b' ');
            let check = check(&text);
            text.extend_from_slice(check.as_bytes());
            let file = self.disk.open(&self.pending, How::WriteOrMake)?;
            file.write_at(&text, 0)
        };
        write().map_err(file(&self.pending))
    }

    /// The head furthest on that counts, from both files. Lines that are cut short are left out.
    pub(crate) fn last(
        &self,
        counts: impl Fn(&SignedHead) -> bool,
    ) -> Result<Option<SignedHead>, LedgerError> {
        let mut tail = Vec::new();
        match self.disk.open(&self.lines, How::Read) {
            Ok(lines) => {
                let from = |length: u64| length.saturating_sub(TAIL_BYTES);
                lines
                    .length()
                    .and_then(|length| {
                        Reader::new(lines.clone(), from(length)).read_to_end(&mut tail)
                    })
                    .map_err(file(&self.lines))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(file(&self.lines)(error)),
        }
        let mut heads: Vec<SignedHead> = tail
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        heads.extend(self.pending()?);
        Ok(heads
            .into_iter()
            .filter(counts)
            .max_by_key(|head| (head.epoch, head.position)))
    }

    /// The pending head; `None` when there is none, or a power cut tore it.
    pub(crate) fn pending(&self) -> Result<Option<SignedHead>, LedgerError> {
        let bytes = shikaku_disk::read(&*self.disk, &self.pending);
        let bytes = bytes.map_err(file(&self.pending))?.unwrap_or_default();
        let whole = bytes
            .split_at_checked(PENDING_BYTES - CHECK_BYTES)
            .filter(|(text, found)| check(text).as_bytes() == *found);
        Ok(whole.and_then(|(text, _)| serde_json::from_slice(text).ok()))
    }

    /// Reads all lines from the first.
    pub(crate) fn read(&self) -> Result<HeadLines, LedgerError> {
        let lines = match self.disk.open(&self.lines, How::Read) {
            Ok(file) => Some(BufReader::new(Reader::new(file, 0))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(file(&self.lines)(error)),
        };
        Ok(HeadLines {
            path: self.lines.clone(),
            lines,
        })
    }
}

/// The lines of `heads.jsonl`, one at a time.
pub(crate) struct HeadLines {
    path: PathBuf,
    lines: Option<BufReader<Reader>>,
}

impl HeadLines {
    /// The next head. `Some(None)` is a whole line that is no head.
    pub(crate) fn next(&mut self) -> Result<Option<Option<SignedHead>>, LedgerError> {
        let Some(lines) = self.lines.as_mut() else {
            return Ok(None);
        };
        let mut line = Vec::new();
        loop {
            line.clear();
            let limit = 64 * 1024;
            let read = lines.by_ref().take(limit).read_until(b'\n', &mut line);
            if read.map_err(file(&self.path))? == 0 {
                return Ok(None);
            }
            // Without its end a line was cut by a crash; `append_line` closes such a line before the next.
            let head = serde_json::from_slice::<SignedHead>(&line).ok();
            let is_cut = line.last() != Some(&b'\n') || !line.ends_with(b"}\n");
            if head.is_none() && is_cut {
                continue;
            }
            return Ok(Some(head));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(position: u64) -> SignedHead {
        SignedHead {
            store: Uuid::from_u128(1),
            epoch: 1,
            position: Position(position),
            root: "00".repeat(32),
            chain: "11".repeat(32),
            recorded_at: Timestamp::UNIX_EPOCH,
            key: "22".repeat(32),
            signature: "33".repeat(64),
        }
    }

    #[test]
    fn a_line_cut_by_a_power_failure_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let heads = HeadsFile::in_folder(Arc::new(shikaku_disk::SystemDisk), folder.path());
        assert_eq!(heads.last(|_| true).unwrap(), None);
        heads.append(&head(1)).unwrap();
        let mut whole = std::fs::read(folder.path().join("heads.jsonl")).unwrap();
        whole.extend_from_slice(&whole.clone()[..40]);
        std::fs::write(folder.path().join("heads.jsonl"), whole).unwrap();
        assert_eq!(heads.last(|_| true).unwrap(), Some(head(1)));
        heads.append(&head(3)).unwrap();
        let mut lines = heads.read().unwrap();
        assert_eq!(lines.next().unwrap(), Some(Some(head(1))));
        assert_eq!(lines.next().unwrap(), Some(Some(head(3))));
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn the_pending_head_counts_when_it_is_further_on() {
        let folder = tempfile::tempdir().unwrap();
        let heads = HeadsFile::in_folder(Arc::new(shikaku_disk::SystemDisk), folder.path());
        heads.append(&head(5)).unwrap();
        heads.note(&head(4)).unwrap();
        assert_eq!(heads.last(|_| true).unwrap(), Some(head(5)));
        heads.note(&head(70_000)).unwrap();
        heads.note(&head(9)).unwrap();
        assert_eq!(heads.last(|_| true).unwrap(), Some(head(9)));
        std::fs::write(folder.path().join("heads.pending"), b"{\"store\":").unwrap();
        assert_eq!(heads.last(|_| true).unwrap(), Some(head(5)));
    }

    /// Simulation, seed 177: a disk that failed in the middle left the new position with the old signature, and
    /// the hub took its own sound ledger for a forged one.
    #[test]
    fn a_pending_head_half_written_over_another_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heads.pending");
        let heads = HeadsFile::in_folder(Arc::new(shikaku_disk::SystemDisk), folder.path());
        heads.note(&head(7)).unwrap();
        let mut torn = std::fs::read(&path).unwrap();
        heads.note(&head(8)).unwrap();
        let half = torn.len() / 4;
        torn[..half].copy_from_slice(&std::fs::read(&path).unwrap()[..half]);
        std::fs::write(&path, &torn).unwrap();
        assert_eq!(heads.pending().unwrap(), None);
        assert_eq!(heads.last(|_| true).unwrap(), None);
    }
}
