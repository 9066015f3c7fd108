//! The presence that was said and not yet ended, kept over a crash: so that a card is never presented twice, nor
//! left lying for ever. Sealed, since a hospital's own card has a number.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use shikaku_schemas::observation::Observation;
use shikaku_schemas::seal::SealKey;

const BINDING: &[u8] = b"presence";

/// One reader's file.
pub(crate) struct Journal {
    file: PathBuf,
    key: SealKey,
}

impl Journal {
    /// In the reader's own directory.
    pub(crate) fn new(directory: &Path, group_key: &SealKey) -> Self {
        Self {
            file: directory.join("presence"),
            key: group_key.derive("card-presence"),
        }
    }

    /// What was presented and never ended. A file that does not open tells nothing.
    pub(crate) fn read(&self) -> io::Result<Option<Observation>> {
        let sealed = match std::fs::read(&self.file) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let plain = self.key.open(BINDING, &sealed).ok();
        Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
    }

    /// Durable when it returns.
    pub(crate) fn write(&self, presented: &Observation) -> io::Result<()> {
        let plain = serde_json::to_vec(presented)?;
        let temporary = self.file.with_extension("part");
        let mut file = File::create(&temporary)?;
        file.write_all(&self.key.seal(BINDING, &plain))?;
        file.sync_all()?;
        std::fs::rename(temporary, &self.file)?;
        self.sync_directory()
    }

    /// The presence has ended. Not synced: read again, it is only ended again, under the same id.
    pub(crate) fn clear(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_directory(&self) -> io::Result<()> {
        let directory = self.file.parent().unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_presented_outlives_a_crash_and_lies_there_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(folder.path(), &SealKey::from_bytes([4; 32]));
        assert_eq!(journal.read().unwrap(), None);
        let seen: Observation = serde_json::from_value(serde_json::json!({
            "observation_id": "7f0b66c1-8f6e-5c39-9f1e-5a1ca2b044d1", "facility": "1319912349",
            "source": "card-reader", "device": "r1", "sequence": 0,
            "seen_at": "2026-05-11T00:15:00Z", "as_of": null, "evidence": null, "kind": "card-presented",
            "body": { "desk": "desk-1", "card": "hospital", "patient": "CANARY-77" }
        }))
        .unwrap();
        journal.write(&seen).unwrap();
        assert_eq!(journal.read().unwrap(), Some(seen));
        let bytes = std::fs::read(folder.path().join("presence")).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"CANARY"));
        let stranger = Journal::new(folder.path(), &SealKey::from_bytes([5; 32]));
        assert_eq!(stranger.read().unwrap(), None);
        journal.clear().unwrap();
        journal.clear().unwrap();
        assert_eq!(journal.read().unwrap(), None);
    }
}
