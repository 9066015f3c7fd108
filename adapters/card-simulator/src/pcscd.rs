//! A pcscd of one's own, with a virtual reader of two slots: its socket lies in a folder of the test, so that many run
//! beside each other and beside the machine's own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::card::Card;
use crate::plug::Inserted;
use crate::until;

/// The names of its two slots, as PC/SC lists them.
pub const READERS: [&str; 2] = ["Hub Test Reader 00 00", "Hub Test Reader 00 01"];

const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

/// A folder with a pcscd in it. Dropping it ends the pcscd.
#[derive(Debug)]
pub struct Pcscd {
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Pcscd {
    /// The variable by which a program that is started finds a pcscd elsewhere than in `/run`.
    pub const VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

    /// A pcscd that does not run yet, in a folder of the caller's.
    ///
    /// # Panics
    /// Without two free ports.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            port: free_ports(),
            child: None,
        }
    }

    /// The value of [`Pcscd::VARIABLE`].
    pub fn socket(&self) -> PathBuf {
        Self::socket_in(&self.folder)
    }

    /// The same, of a pcscd that another process starts in `folder`.
    pub fn socket_in(folder: &Path) -> PathBuf {
        folder.join("run/pcscd.comm")
    }

    /// Where the cards of the first slot connect; the second slot has the next port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lays a card into a slot, 0 or 1.
    pub fn insert(&self, slot: u16, card: Card) -> Inserted {
        Inserted::new(self.port + slot, card)
    }

    /// Starts it with its reader and waits until it serves.
    ///
    /// # Panics
    /// When pcscd or the virtual reader's driver is missing.
    pub fn start(&mut self) {
        self.start_with(true);
    }

    /// Starts it, with or without a reader.
    ///
    /// # Panics
    /// As [`Pcscd::start`].
    pub fn start_with(&mut self, reader: bool) {
        assert!(self.child.is_none(), "it runs already");
        assert!(
            Path::new(DRIVER).exists(),
            "{DRIVER} is missing: run `make setup`"
        );
        let (run, config) = (self.folder.join("run"), self.folder.join("conf"));
        for folder in [&run, &config] {
            let _ = std::fs::remove_dir_all(folder);
            std::fs::create_dir_all(folder).expect("a folder for pcscd");
        }
        if reader {
            let text = format!(
                "FRIENDLYNAME \"Hub Test Reader\"\nDEVICENAME /dev/null:{0}\nLIBPATH {DRIVER}\nCHANNELID {0}\n",
                self.port
            );
            std::fs::write(config.join("reader"), text).expect("pcscd's config");
        }
        self.child = Some(spawn(&run, &config));
        let socket = self.socket();
        until("pcscd serves; is it installed? run `make setup`", || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok()?);
            assert!(ended.is_none(), "pcscd ended: {ended:?}");
            std::os::unix::net::UnixStream::connect(&socket).ok()
        });
    }

    /// Kills it at once.
    ///
    /// # Panics
    /// When it can't be killed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("pcscd can be killed");
            child.wait().expect("pcscd ends");
        }
    }
}

impl Drop for Pcscd {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// `/run/pcscd` is built into pcscd: in a namespace of its own, that is a folder of ours.
fn spawn(run: &Path, config: &Path) -> Child {
    let script = "mount --bind \"$1\" /mnt && mount -t tmpfs tmpfs /run && mkdir /run/pcscd \
                  && mount --bind /mnt /run/pcscd && exec pcscd -f -e -c \"$2\"";
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command
        .args(["--mount", "sh", "-c", script, "sh"])
        .args([run, config])
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("unshare is part of every Linux")
}

/// Two ports in a row. Somebody may take them before pcscd does, so they are chosen away from the usual ones.
fn free_ports() -> u16 {
    until("two free ports in a row", || {
        let first = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = first.local_addr().ok()?.port();
        let second = TcpListener::bind(("127.0.0.1", port.checked_add(1)?)).ok()?;
        drop(second);
        Some(port)
    })
}
