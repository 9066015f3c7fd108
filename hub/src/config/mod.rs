//! Configuration: one TOML file, read and validated whole before any socket opens.
//!
//! A wrong key is a [`ConfigError`] that names it by its path (`facility[0].terminal[1].root`), exit 64.

mod secret;
pub mod section;
mod validate;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use shikaku_schemas::group::{Consumer, Group};

pub use section::{Http, Identity, Medical, Nats, Retention, Schedule, Timing};

/// Every key with its default; also what `shikaku up` runs on where no file is given.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// One wrong key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Fault {
    /// Its path, as `facility[0].terminal[1].root`; `-` when the file is no TOML at all.
    pub key: String,
    /// What is wrong, Japanese with English beside. Never a secret value.
    pub reason: String,
}

impl Fault {
    /// A fault of `key`.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            reason: reason.into(),
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("設定に誤りがあります / configuration is wrong ({source_name}){}", list(.faults))]
pub struct ConfigError {
    /// The file, or `embedded default`.
    pub source_name: String,
    /// At least one.
    pub faults: Vec<Fault>,
}

fn list(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|fault| format!("\n  {fault}"))
        .collect::<String>()
}

impl ConfigError {
    /// One fault of a key that a command needs.
    pub fn needs(config: &Config, key: &str, reason: &str) -> Self {
        Self {
            source_name: config.source_name.clone(),
            faults: vec![Fault::new(key, reason)],
        }
    }
}

/// A valid configuration: paths absolute, secrets resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it comes from.
    pub source_name: String,
    /// Whether it is the embedded default, on which `up` plays a demonstration.
    pub embedded: bool,
    /// Absolute.
    pub data_dir: PathBuf,
    /// Absent: SQLite in `data_dir`. Holds a password: never shown.
    pub database_url: Option<String>,
    /// Of the key store. Holds a password: never shown.
    pub keys_url: Option<String>,
    /// `[nats]`.
    pub nats: Nats,
    /// `[http]`.
    pub http: Http,
    /// `http.listen`, read.
    pub listen: SocketAddr,
    /// Where the group key is, or is made.
    pub group_key_file: PathBuf,
    /// Where the signing key is, or is made.
    pub signing_key_file: PathBuf,
    /// `[schedule]`.
    pub schedule: Schedule,
    /// `[timing]`.
    pub timing: Timing,
    /// `[retention]`.
    pub retention: Retention,
    /// `[identity]`.
    pub identity: Identity,
    /// `[medical]`.
    pub medical: Medical,
    /// Facilities, offices, consumers, schemes.
    pub group: Group,
    /// What is lawful but looks like a slip.
    pub warnings: Vec<Fault>,
}

impl Config {
    /// Reads `given`, else `./shikaku.toml`, else the embedded default.
    ///
    /// # Errors
    /// [`ConfigError`] with every wrong key.
    pub fn load(given: Option<&Path>) -> Result<Self, ConfigError> {
        let usual = Path::new("shikaku.toml");
        let (path, text) = match given {
            Some(path) => (Some(path), std::fs::read_to_string(path)),
            None if usual.exists() => (Some(usual), std::fs::read_to_string(usual)),
            None => (None, Ok(DEFAULTS.to_owned())),
        };
        let source_name = path.map_or_else(
            || "embedded default".to_owned(),
            |path| path.display().to_string(),
        );
        let text = text.map_err(|error| ConfigError {
            source_name: source_name.clone(),
            faults: vec![Fault::new(
                "--config",
                format!("読めません / cannot be read: {error}"),
            )],
        })?;
        let mut config = Self::parse(&text, &source_name)?;
        config.embedded = path.is_none();
        Ok(config)
    }

    /// Reads TOML text.
    ///
    /// # Errors
    /// [`ConfigError`] with every wrong key.
    pub fn parse(text: &str, source_name: &str) -> Result<Self, ConfigError> {
        let wrong = |faults| ConfigError {
            source_name: source_name.to_owned(),
            faults,
        };
        let file = read(text).map_err(|fault| wrong(vec![fault]))?;
        let mut faults = Vec::new();
        let mut warnings = Vec::new();
        let listen = validate::validate(&file, &mut faults, &mut warnings);
        let database_url = secret::resolve(
            "database.url",
            &file.database.url,
            &file.database.url_file,
            "SHIKAKU_DATABASE_URL",
            &mut faults,
        );
        let keys_url = secret::resolve(
            "keys.url",
            &file.keys.url,
            &file.keys.url_file,
            "SHIKAKU_KEYS_URL",
            &mut faults,
        );
        let Some(listen) = listen.filter(|_| faults.is_empty()) else {
            return Err(wrong(faults));
        };
        Ok(Self::resolved(
            file,
            source_name,
            listen,
            database_url,
            keys_url,
            warnings,
        ))
    }

    fn resolved(
        file: section::File,
        source_name: &str,
        listen: SocketAddr,
        database_url: Option<String>,
        keys_url: Option<String>,
        warnings: Vec<Fault>,
    ) -> Self {
        let data_dir = absolute(&file.data_dir);
        let keys = data_dir.join("keys");
        let mut facilities = file.facility;
        for facility in &mut facilities {
            for terminal in &mut facility.terminals {
                terminal.root = absolute(&terminal.root);
            }
            for terminal in &mut facility.virtual_terminals {
                terminal.root = absolute(&terminal.root);
            }
            for rule in &mut facility.card_rules {
                rule.map_file = rule.map_file.as_deref().map(absolute);
            }
        }
        Self {
            source_name: source_name.to_owned(),
            embedded: false,
            database_url,
            keys_url,
            nats: file.nats,
            http: file.http,
            listen,
            group_key_file: file
                .keys
                .group_key_file
                .map_or_else(|| keys.join("group.key"), |path| absolute(&path)),
            signing_key_file: file
                .keys
                .signing_key_file
                .map_or_else(|| keys.join("signing.key"), |path| absolute(&path)),
            data_dir,
            schedule: file.schedule,
            timing: file.timing,
            retention: file.retention,
            identity: file.identity,
            medical: file.medical,
            group: Group {
                facilities,
                welfare_offices: file.welfare_office,
                consumers: file.consumer,
                schemes: file.scheme,
            },
            warnings,
        }
    }

    /// The consumer of a name.
    pub fn consumer(&self, name: &str) -> Option<&Consumer> {
        self.group
            .consumers
            .iter()
            .find(|consumer| consumer.name == name)
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// TOML to sections, with the wrong key's path.
fn read(text: &str) -> Result<section::File, Fault> {
    let no_toml = |error: toml::de::Error| Fault::new("-", error.to_string().trim().to_owned());
    let document = toml::Deserializer::parse(text).map_err(no_toml)?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        let message = cause.message().to_owned();
        Fault::new(full_path(&path, &message), message)
    })
}

/// serde names a missing key in its message only; the path then ends at its section.
fn full_path(path: &str, message: &str) -> String {
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    match named {
        Some(key) if path == "." || path.is_empty() => key.to_owned(),
        Some(key) if path.rsplit('.').next() != Some(key) => format!("{path}.{key}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests;
