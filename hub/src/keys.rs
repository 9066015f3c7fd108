//! The group key and the signing key: made once, mode 0600, never shown.
//!
//! Everything else is derived from the group key or wrapped by it. Whoever loses it loses every record;
//! whoever holds it can read them.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use shikaku_schemas::seal::SealKey;

use crate::config::Config;

/// Why a key can't be had. Carries no key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read or made.
    #[error("鍵ファイルを扱えません / key file cannot be used: {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Not 64 hexadecimal digits.
    #[error("鍵ファイルの形が違います (16進64桁) / key file is not 64 hexadecimal digits: {0}")]
    Shape(PathBuf),
    /// There is none, and this command does not make one.
    #[error(
        "鍵がありません。先に shikaku up を起動してください / no group key yet, start `shikaku up` first: {0}"
    )]
    Absent(PathBuf),
}

/// The group key as found, and whether it was made just now.
pub struct GroupKey {
    /// The key.
    pub key: SealKey,
    /// Made by this call.
    pub fresh: bool,
}

/// Reads the group key, or makes it.
///
/// # Errors
/// [`KeyError`]; a named file that is absent is made, too, so that the first start needs no extra step.
pub fn open_or_make(config: &Config) -> Result<GroupKey, KeyError> {
    let path = &config.group_key_file;
    match open(config) {
        Ok(key) => Ok(GroupKey { key, fresh: false }),
        Err(KeyError::Absent(_)) => {
            let key = SealKey::random();
            make(path, &hex::encode(key.as_bytes())).map_err(|source| KeyError::File {
                path: path.clone(),
                source,
            })?;
            Ok(GroupKey { key, fresh: true })
        }
        Err(error) => Err(error),
    }
}

/// Reads the group key; makes nothing.
///
/// # Errors
/// [`KeyError::Absent`] before the first start.
pub fn open(config: &Config) -> Result<SealKey, KeyError> {
    let path = &config.group_key_file;
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KeyError::Absent(path.clone()));
        }
        Err(source) => {
            return Err(KeyError::File {
                path: path.clone(),
                source,
            });
        }
    };
    hex::decode(text.trim())
        .ok()
        .and_then(|bytes| SealKey::from_slice(&bytes))
        .ok_or_else(|| KeyError::Shape(path.clone()))
}

/// The password of a user of the broker: the same wherever the group key is.
pub fn nats_password(group: &SealKey, user: &str) -> String {
    group.derive("nats").password(user)
}

/// A folder that only its owner may enter.
///
/// # Errors
/// What the system says.
pub fn private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Whether others than the owner can get at a file: neither it nor its folder keeps them out.
pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
    let open =
        |path: &Path| Ok::<_, io::Error>(fs::metadata(path)?.permissions().mode() & 0o077 != 0);
    Ok(open(path)? && open(path.parent().unwrap_or(Path::new("/")))?)
}

/// Writes a file of mode 0600 whole or not at all; an existing one is never overwritten.
fn make(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    private_dir(folder)?;
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    linked?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("data_dir = {:?}", folder.path().join("var"));
        let config = Config::parse(&text, "test").unwrap();
        assert!(matches!(open(&config), Err(KeyError::Absent(_))));
        let first = open_or_make(&config).unwrap();
        assert!(first.fresh);
        let again = open_or_make(&config).unwrap();
        assert!(!again.fresh);
        assert!(first.key == again.key);
        assert!(!is_open_to_others(&config.group_key_file).unwrap());
        fs::write(&config.group_key_file, "short").unwrap();
        assert!(matches!(open_or_make(&config), Err(KeyError::Shape(_))));
    }
}
