//! A real nats-server with the users and permissions of the role table, killed on drop.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions};
use shikaku_schemas::topology::ROLES;
use tempfile::TempDir;

/// A server of one test.
pub struct Server {
    child: Child,
    dir: TempDir,
    port: u16,
}

impl Server {
    /// On a free port, with an empty store.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (child, port) = spawn(dir.path(), -1);
        Self { child, dir, port }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again where it listened before; with an empty store when `wiped`.
    pub fn restart(&mut self, wiped: bool) {
        if wiped {
            std::fs::remove_dir_all(self.dir.path().join("store")).unwrap();
        }
        self.child = spawn(self.dir.path(), i32::from(self.port)).0;
    }

    /// A connection as one of the roles, or as `tester`, who may do anything.
    pub async fn client(&self, user: &str) -> Client {
        ConnectOptions::with_user_and_password(user.to_owned(), password(user))
            .custom_inbox_prefix(format!("_INBOX_{user}"))
            .retry_on_initial_connect()
            .reconnect_delay_callback(|_| Duration::from_millis(50))
            .connect(self.url())
            .await
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The password of a user.
pub fn password(user: &str) -> String {
    format!("password-of-{user}")
}

fn spawn(dir: &Path, port: i32) -> (Child, u16) {
    let ports = dir.join("ports");
    std::fs::remove_dir_all(&ports).ok();
    std::fs::create_dir_all(&ports).unwrap();
    let config = dir.join("nats.conf");
    let at = dir.display();
    let users = users();
    std::fs::write(
        &config,
        format!(
            r#"listen: "127.0.0.1:{port}"
ports_file_dir: "{at}/ports"
jetstream {{ store_dir: "{at}/store" }}
authorization {{ users: [ {users} ] }}
"#
        ),
    )
    .unwrap();
    let child = Command::new(binary())
        .arg("-c")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(dir.join("nats.log")).unwrap())
        .spawn()
        .expect("nats-server is on PATH or in .tools/bin (make setup)");
    (child, wait_for_port(&ports))
}

fn users() -> String {
    let list = |subjects: &[&str]| serde_json::to_string(subjects).unwrap();
    let mut users = vec![format!(
        r#"{{ user: tester, password: "{}" }}"#,
        password("tester")
    )];
    for role in ROLES {
        let inbox = format!("_INBOX_{}.>", role.user);
        let mut subscribe = role.subscribe.to_vec();
        subscribe.push(&inbox);
        users.push(format!(
            r#"{{ user: {}, password: "{}", permissions: {{ publish: {}, subscribe: {} }} }}"#,
            role.user,
            password(role.user),
            list(role.publish),
            list(&subscribe),
        ));
    }
    users.join(", ")
}

fn wait_for_port(ports: &Path) -> u16 {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Some(port) = read_port(ports) {
            return port;
        }
        std::thread::yield_now();
    }
    panic!("nats-server did not come up");
}

fn read_port(ports: &Path) -> Option<u16> {
    let file = std::fs::read_dir(ports).ok()?.next()?.ok()?.path();
    let told: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let url = told["nats"][0].as_str()?;
    url.rsplit(':').next()?.parse().ok()
}

fn binary() -> PathBuf {
    let local = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin/nats-server");
    std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .map(|dir| dir.join("nats-server"))
        .find(|file| file.exists())
        .unwrap_or(local)
}
