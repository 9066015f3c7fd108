//! A real nats-server on a free port, killed on drop.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::jetstream::{self, Context, stream};
use shikaku_schemas::topology::{self, LOG, PARKED, STORE_EPOCH, STORE_ID};
use uuid::Uuid;

pub struct TestBroker {
    folder: PathBuf,
    port: u16,
    child: Child,
    pub client: Client,
}

fn server() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin/nats-server");
    if beside.exists() {
        beside
    } else {
        PathBuf::from("nats-server")
    }
}

fn spawn(folder: &Path, port: i32) -> Child {
    let config = folder.join("nats.conf");
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\nports_file_dir: \"{0}\"\njetstream {{ store_dir: \"{0}/store\" }}\n",
        folder.display()
    );
    std::fs::write(&config, text).unwrap();
    Command::new(server())
        .arg("-c")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nats-server is set up by `make setup`")
}

impl TestBroker {
    pub async fn start(folder: &Path) -> Self {
        let folder = folder.join("nats");
        std::fs::create_dir_all(&folder).unwrap();
        let child = spawn(&folder, -1);
        let file = folder.join(format!("nats-server_{}.ports", child.id()));
        let end = Instant::now() + Duration::from_secs(10);
        let port = loop {
            let ports = std::fs::read_to_string(&file).unwrap_or_default();
            let ports: serde_json::Value = serde_json::from_str(&ports).unwrap_or_default();
            if let Some(url) = ports["nats"][0].as_str() {
                break url.rsplit_once(':').unwrap().1.parse().unwrap();
            }
            assert!(Instant::now() < end, "nats-server does not start");
            // Polling: the deadline above ends it.
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let client = async_nats::ConnectOptions::new()
            .retry_on_initial_connect()
            .reconnect_delay_callback(|_| Duration::from_millis(20))
            .connect(format!("nats://127.0.0.1:{port}"))
            .await
            .unwrap();
        Self {
            folder,
            port,
            child,
            client,
        }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn jetstream(&self) -> Context {
        jetstream::new(self.client.clone())
    }

    /// Kills the server and starts it again on the same port; with `wipe`, on an empty store.
    pub async fn restart(&mut self, wipe: bool) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        if wipe {
            std::fs::remove_dir_all(self.folder.join("store")).unwrap();
        }
        self.child = spawn(&self.folder, i32::from(self.port));
        super::eventually("the broker comes back", || async {
            self.jetstream().query_account().await.is_ok()
        })
        .await;
    }

    /// Makes the streams that the hub would make.
    pub async fn provision(&self, store: Uuid, epoch: u32) {
        for spec in topology::streams(30) {
            let metadata = if spec.name == LOG {
                [
                    (STORE_ID.to_owned(), store.to_string()),
                    (STORE_EPOCH.to_owned(), epoch.to_string()),
                ]
                .into()
            } else {
                std::collections::HashMap::default()
            };
            if [LOG, PARKED].contains(&spec.name.as_str()) || spec.name.starts_with("FEED_") {
                self.jetstream()
                    .create_stream(stream::Config {
                        name: spec.name,
                        subjects: spec.subjects,
                        metadata,
                        ..stream::Config::default()
                    })
                    .await
                    .unwrap();
            }
        }
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
