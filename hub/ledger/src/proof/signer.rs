//! The Ed25519 key that signs heads, and what exactly is signed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, Signer as _, SigningKey};
use shikaku_disk::{Disk, How};
use shikaku_schemas::seal::SealKey;

use super::SignedHead;
use crate::LedgerError;

/// Signs heads and checks their signatures.
#[derive(Clone)]
pub(crate) struct Signer {
    key: SigningKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Signer {
    /// Reads the key; makes one when there is none and `may_create`.
    pub(crate) fn load(
        disk: &dyn Disk,
        path: &Path,
        may_create: bool,
    ) -> Result<Self, LedgerError> {
        let Some(text) = shikaku_disk::read(disk, path).map_err(file(path))? else {
            if !may_create {
                return Err(LedgerError::SigningKeyMissing(path.to_owned()));
            }
            return match Self::create(disk, path) {
                // Another hub that starts now was quicker: its key is the one.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    Self::load(disk, path, false)
                }
                made => made.map_err(file(path)),
            };
        };
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(text.trim_ascii(), &mut bytes)
            .map_err(|_| LedgerError::SigningKeyMalformed(path.to_owned()))?;
        Ok(Self {
            key: SigningKey::from_bytes(&bytes),
        })
    }

    /// Makes a key, whole or not at all; `AlreadyExists` when there is one.
    fn create(disk: &dyn Disk, path: &Path) -> std::io::Result<Self> {
        let bytes = *SealKey::random().as_bytes();
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            disk.create_dir_all(folder)?;
        }
        let own = hex::encode(&SealKey::random().as_bytes()[..8]);
        let temporary = path.with_added_extension(own);
        let file = disk.open(&temporary, How::NewPrivate)?;
        file.write_at(format!("{}\n", hex::encode(bytes)).as_bytes(), 0)?;
        file.sync()?;
        if let Err(error) = disk.rename_new(&temporary, path) {
            // Left behind, it is a key that nothing was signed with.
            let _ = disk.remove_file(&temporary);
            return Err(error);
        }
        disk.sync_directory(folder.unwrap_or(Path::new(".")))?;
        Ok(Self {
            key: SigningKey::from_bytes(&bytes),
        })
    }

    /// Fills in the key and the signature.
    pub(crate) fn sign(&self, mut head: SignedHead) -> SignedHead {
        head.key = hex::encode(self.key.verifying_key().as_bytes());
        head.signature = hex::encode(self.key.sign(head.signed_text().as_bytes()).to_bytes());
        head
    }

    /// Whether our key signed exactly this.
    pub(crate) fn vouches_for(&self, head: &SignedHead) -> bool {
        let mut bytes = [0u8; 64];
        if hex::decode_to_slice(&head.signature, &mut bytes).is_err() {
            return false;
        }
        let signature = Signature::from_bytes(&bytes);
        let key = self.key.verifying_key();
        key.verify_strict(head.signed_text().as_bytes(), &signature)
            .is_ok()
    }
}

/// Names the file in an error.
pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> LedgerError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| LedgerError::File { path, source }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use shikaku_disk::SystemDisk;

    use super::*;

    #[test]
    fn hubs_that_start_at_once_sign_with_one_key() {
        for _ in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keys/signing");
            let together = Barrier::new(4);
            let load = || {
                together.wait();
                Signer::load(&SystemDisk, &path, true).unwrap()
            };
            let keys: Vec<_> = std::thread::scope(|scope| {
                let started = [(); 4].map(|()| scope.spawn(load));
                started.map(|one| one.join().unwrap().key).into()
            });
            assert!(keys.iter().all(|key| *key == keys[0]), "two keys");
            let files = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
            assert_eq!(files, 1, "something was left behind");
        }
    }
}
