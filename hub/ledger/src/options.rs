//! Where the ledger, its keys and its proof live.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use shikaku_disk::{Disk, SystemDisk};
use shikaku_schemas::seal::SealKey;

/// Where everything lives. The three places are apart on purpose: who holds one of them alone can neither
/// read nor forge.
#[derive(Debug, Clone)]
pub struct LedgerOptions {
    /// The events.
    pub database: Database,
    /// The keys that open them.
    pub keys: KeysOptions,
    /// The folder of signed heads (`heads.jsonl`), outside the database.
    pub proof_dir: PathBuf,
}

/// Where the events are.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// The embedded default: one file. `ledger.lock` beside it is the writer's fence.
    Sqlite {
        /// `data_dir/ledger.db`.
        path: PathBuf,
    },
    /// In memory, of a simulation.
    #[cfg(feature = "simulation")]
    Memory(crate::store::memory::MemoryLine),
    /// A Postgres database that exists.
    Postgres {
        /// `postgres://…`.
        url: String,
    },
}

impl Database {
    /// The disk that proof and signing key lie on.
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        match self {
            Self::Sqlite { .. } | Self::Postgres { .. } => Arc::new(SystemDisk),
            #[cfg(feature = "simulation")]
            Self::Memory(line) => line.disk.clone(),
        }
    }
}

/// The keys of the store.
#[derive(Debug, Clone)]
pub struct KeysOptions {
    /// The group key; everything else is derived from it or wrapped under it.
    pub group_key: SealKey,
    /// Ed25519 key that signs heads, hex. Made at the first start.
    pub signing_key_file: PathBuf,
    /// Where wrapped keys are kept.
    pub store: KeyStoreAt,
}

/// Where wrapped keys are kept: never in the ledger's own file or database, so that their backups can expire.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyStoreAt {
    /// A file of its own.
    Sqlite {
        /// `data_dir/keys/keys.db`.
        path: PathBuf,
    },
    /// In memory, of a simulation.
    #[cfg(feature = "simulation")]
    Memory(crate::store::memory::MemoryLine),
    /// A database of its own, created if it is missing.
    Postgres {
        /// `postgres://…`.
        url: String,
    },
}

impl KeyStoreAt {
    /// The default place: `keys/keys.db` beside an embedded ledger, `<name>_keys` on the same Postgres server.
    pub fn beside(database: &Database) -> Self {
        match database {
            Database::Sqlite { path } => Self::Sqlite {
                path: path.with_file_name("keys").join("keys.db"),
            },
            #[cfg(feature = "simulation")]
            Database::Memory(line) => Self::Memory(line.clone()),
            Database::Postgres { url } => Self::Postgres {
                url: with_suffix(url, "_keys"),
            },
        }
    }
}

/// Appends to the database name of a URL, which ends at `?` or at the end.
fn with_suffix(url: &str, suffix: &str) -> String {
    let end = url.find('?').unwrap_or(url.len());
    format!("{}{suffix}{}", &url[..end], &url[end..])
}

// URLs hold passwords, so `Debug` shows only which kind it is.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "Sqlite({})", path.display()),
            Self::Postgres { .. } => f.write_str("Postgres(…)"),
            #[cfg(feature = "simulation")]
            Self::Memory(_) => f.write_str("Memory(…)"),
        }
    }
}

impl fmt::Debug for KeyStoreAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "Sqlite({})", path.display()),
            Self::Postgres { .. } => f.write_str("Postgres(…)"),
            #[cfg(feature = "simulation")]
            Self::Memory(_) => f.write_str("Memory(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_a_database_of_their_own() {
        let at = |url: &str| KeyStoreAt::beside(&Database::Postgres { url: url.into() });
        assert!(
            at("postgres://u@h:1/hub?host=/run")
                == KeyStoreAt::Postgres {
                    url: "postgres://u@h:1/hub_keys?host=/run".into()
                }
        );
        assert!(!format!("{:?}", at("postgres://u:secret@h/hub")).contains("secret"));
    }
}
