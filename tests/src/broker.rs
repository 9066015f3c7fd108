//! A nats-server that the hub does not supervise.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::program::workspace;
use crate::until;

/// A running server. Dropping it ends it.
pub struct Broker {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Broker {
    /// Starts it with a configuration file, in a folder for its own files.
    #[track_caller]
    pub fn start(config: &Path, folder: &Path) -> Self {
        let ports = folder.join("ports");
        std::fs::create_dir_all(&ports).unwrap();
        let mut child = Command::new(nats_server())
            .arg("-c")
            .arg(config)
            .args(["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir"])
            .arg(&ports)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("nats-server is installed; run `make setup`");
        let file = ports.join(format!("nats-server_{}.ports", child.id()));
        let url = until("nats-server listens", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "nats-server ended: {ended:?}");
            let text = std::fs::read_to_string(&file).ok()?;
            let ports: serde_json::Value = serde_json::from_str(&text).ok()?;
            Some(ports["nats"][0].as_str()?.to_owned())
        });
        Self { child, url }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn nats_server() -> std::path::PathBuf {
    let ours = workspace().join(".tools/bin/nats-server");
    if ours.exists() {
        ours
    } else {
        "nats-server".into()
    }
}
