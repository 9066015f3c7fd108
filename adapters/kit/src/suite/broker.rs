//! A real nats-server on a free port, ended with the value.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// One nats-server with JetStream. It can be killed, started again on its port, and robbed of its store.
#[derive(Debug)]
pub struct TestBroker {
    directory: TempDir,
    child: Option<Child>,
    port: u16,
}

impl TestBroker {
    /// Starts one.
    ///
    /// # Panics
    /// When no nats-server is found or it does not start.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the broker");
        let mut broker = Self {
            directory,
            child: None,
            port: 0,
        };
        broker.restart();
        broker
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Starts it again on the same port and store, after a [`TestBroker::kill`].
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.kill();
        let root = self.directory.path();
        let listen = match self.port {
            0 => "-1".to_owned(),
            port => port.to_string(),
        };
        let config = root.join("nats.conf");
        let text = format!(
            "listen: \"127.0.0.1:{listen}\"\nports_file_dir: \"{0}\"\njetstream {{ store_dir: \"{0}/store\" }}\n",
            root.display()
        );
        std::fs::write(&config, text).expect("the broker's config");
        let child = Command::new(find())
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts");
        let ports = root.join(format!("nats-server_{}.ports", child.id()));
        self.child = Some(child);
        self.port = wait_for_port(&ports);
    }

    /// Ends it at once, as a power cut would.
    ///
    /// # Panics
    /// When the process can't be ended.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the broker can be killed");
            child.wait().expect("the broker ends");
        }
    }

    /// Kills it and deletes everything it kept.
    ///
    /// # Panics
    /// When the store can't be deleted.
    pub fn wipe(&mut self) {
        self.kill();
        std::fs::remove_dir_all(self.directory.path().join("store")).expect("a store to delete");
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn wait_for_port(file: &Path) -> u16 {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let port = std::fs::read(file)
            .ok()
            .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok())
            .and_then(|ports| {
                let url = ports["nats"][0].as_str()?.to_owned();
                url.rsplit(':').next()?.parse().ok()
            });
        if let Some(port) = port {
            return port;
        }
        assert!(Instant::now() < deadline, "nats-server tells no port");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// On `PATH`, in the repository's `.tools`, or where `make setup` puts it.
fn find() -> PathBuf {
    let on_path = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default();
    let near = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join(".tools/bin"))
        .collect::<Vec<_>>();
    let home =
        std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share/shikaku/bin"));
    on_path
        .into_iter()
        .chain(near)
        .chain(home)
        .map(|folder| folder.join("nats-server"))
        .find(|file| file.is_file())
        .expect("nats-server: run `make setup`")
}
