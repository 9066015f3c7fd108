//! Where the supervised broker lies and listens: folder and port survive restarts.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use crate::keys::private_dir;

/// Ports below the ephemeral range, so that no outgoing connection sits on ours by chance.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// Folder and port of the supervised broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
    /// The loopback port.
    pub port: u16,
}

impl Place {
    /// The place under `data_dir`; the port is chosen at the first call and stored.
    ///
    /// # Errors
    /// The folder can't be written, or no port is free.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join("broker");
        private_dir(&folder)?;
        let file = folder.join("port");
        if let Ok(text) = fs::read_to_string(&file)
            && let Ok(port) = text.trim().parse()
        {
            return Ok(Self { folder, port });
        }
        let port = free_port(data_dir)?;
        fs::write(&file, format!("{port}\n"))?;
        Ok(Self { folder, port })
    }

    /// `nats://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The server's configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("nats.conf")
    }

    /// JetStream's store.
    pub fn store_dir(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// Where a store goes on which the server does not start.
    pub fn damaged_store_dir(&self) -> PathBuf {
        self.folder.join("store.damaged")
    }

    /// The server's own log.
    pub fn log_file(&self) -> PathBuf {
        self.folder.join("nats.log")
    }

    /// Held by whoever runs a server on this store: two would lose data silently.
    pub fn lock_file(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// Makes the folder again, should somebody have removed it.
    ///
    /// # Errors
    /// What the system says.
    pub fn prepare(&self) -> io::Result<()> {
        private_dir(&self.folder)?;
        fs::write(self.folder.join("port"), format!("{}\n", self.port))
    }
}

/// A port that nobody listens on. The search starts at a place of `data_dir`'s own, so that two hubs
/// starting together rarely meet.
fn free_port(data_dir: &Path) -> io::Result<u16> {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::hash::DefaultHasher::new();
    data_dir.hash(&mut hasher);
    let start = u16::try_from(hasher.finish() % u64::from(PORTS)).unwrap_or(0);
    (0..PORTS)
        .map(|step| FIRST_PORT + (start + step) % PORTS)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| io::Error::from(io::ErrorKind::AddrInUse))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_survives() {
        let folder = tempfile::tempdir().unwrap();
        let first = Place::open(folder.path()).unwrap();
        assert_eq!(Place::open(folder.path()).unwrap(), first);
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, first.port)).unwrap();
        assert_eq!(Place::open(folder.path()).unwrap(), first);
        drop(held);
    }
}
