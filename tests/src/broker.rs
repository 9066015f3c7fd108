//! A nats-server that the hub does not supervise.

use std::path::Path;
use std::process::{Child, Stdio};

use crate::hub::Hub;
use crate::process::prefixed;
use crate::program::workspace;
use crate::until;

const LOOPBACK: &str = "127.0.0.1";

/// A running server. Dropping it ends it.
pub struct Broker {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Broker {
    /// Starts one with the configuration that a hub prints, in a folder for its own files.
    #[track_caller]
    pub fn of(planner: &Hub, folder: &Path) -> Self {
        Self::at(planner, folder, &[], LOOPBACK)
    }

    /// [`Broker::of`] on a machine of its own: the words that stand before each command line there, and its address.
    #[track_caller]
    pub fn at(planner: &Hub, folder: &Path, inside: &[String], address: &str) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let config = folder.join("nats.conf");
        std::fs::write(&config, configuration(planner, folder)).unwrap();
        Self::listen(&config, folder, inside, address, -1)
    }

    /// Starts one on a port of this machine.
    #[track_caller]
    pub(crate) fn start(config: &Path, folder: &Path, port: i32) -> Self {
        Self::listen(config, folder, &[], LOOPBACK, port)
    }

    /// Any port is -1.
    #[track_caller]
    fn listen(config: &Path, folder: &Path, inside: &[String], address: &str, port: i32) -> Self {
        let ports = folder.join("ports");
        std::fs::create_dir_all(&ports).unwrap();
        let mut child = prefixed(inside, &nats_server())
            .arg("-c")
            .arg(config)
            .args(["-a", address, "-p", &port.to_string()])
            .arg("--ports_file_dir")
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

/// The configuration that a hub prints for an own broker, with its store below `folder` and its words in a file there.
#[track_caller]
pub(crate) fn configuration(planner: &Hub, folder: &Path) -> String {
    let mut text: String = planner
        .ok(&["nats", "config"])
        .stdout
        .lines()
        .filter(|line| !line.trim_start().starts_with("log"))
        .map(|line| {
            if line.trim_start().starts_with("store_dir") {
                format!("  store_dir: {:?}\n", folder.join("js"))
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    text.push_str(&format!("log_file: {:?}\n", folder.join("log")));
    text
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
