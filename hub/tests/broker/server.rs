//! A nats-server on what `shikaku nats config` printed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerError};
use serde_json::Value;
use tokio::sync::mpsc;

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

const CONFIG: &str = r#"
[[facility]]
code = "1319912349"
name = "見本病院"
[[consumer]]
name = "ward-3"
audience = "department"
facility = "1319912349"
[[consumer]]
name = "receipt-a"
audience = "receipt"
facility = "1319912349"
"#;

/// Dropping it ends the server.
pub struct Server {
    folder: tempfile::TempDir,
    child: Child,
    // Closing it would end the server at its next line.
    _said: BufReader<ChildStderr>,
    url: String,
    passwords: Vec<(String, String)>,
}

fn nats_server() -> PathBuf {
    let set_up = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/nats-server");
    if set_up.exists() {
        set_up
    } else {
        "nats-server".into()
    }
}

fn shikaku(folder: &Path, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_shikaku"))
        .args(words)
        .arg("--config")
        .arg(folder.join("shikaku.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl Server {
    /// Starts on a free port.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("var");
        let text = format!("data_dir = {data_dir:?}\n{CONFIG}");
        std::fs::write(folder.path().join("shikaku.toml"), text).unwrap();
        let text = shikaku(folder.path(), &["nats", "config"]);
        let file = folder.path().join("nats.conf");
        std::fs::write(&file, &text).unwrap();
        let check = Command::new(nats_server())
            .args(["-t", "-c"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(check.status.success(), "{check:?}");

        let text: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with("log"))
            .collect();
        std::fs::write(&file, text.join("\n")).unwrap();
        let mut child = Command::new(nats_server())
            .arg("-c")
            .arg(&file)
            .args(["-p", "-1"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let url = said
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, address) = line.split_once("Listening for client connections on ")?;
                Some(format!("nats://{}", address.trim()))
            })
            .expect("the server starts");
        let passwords = text
            .iter()
            .filter_map(|line| {
                let rest = line.split_once("user: \"")?.1;
                let (user, rest) = rest.split_once('"')?;
                let password = rest.split_once("password: \"")?.1.split('"').next()?;
                Some((user.to_owned(), password.to_owned()))
            })
            .collect();
        Self {
            folder,
            child,
            _said: said,
            url,
            passwords,
        }
    }

    /// What `shikaku nats credentials` prints.
    pub fn credentials(&self, consumer: &str) -> Value {
        let words = ["nats", "credentials", "--consumer", consumer];
        serde_json::from_str(&shikaku(self.folder.path(), &words)).unwrap()
    }

    /// Connects as a user of the configuration: the hub's own with their private inbox.
    pub async fn connect(&self, user: &str) -> User {
        let password = self
            .passwords
            .iter()
            .find(|(name, _)| name == user)
            .map(|(_, password)| password.clone())
            .unwrap();
        let (told, violations) = mpsc::unbounded_channel();
        let mut options = ConnectOptions::with_user_and_password(user.to_owned(), password)
            .request_timeout(Some(DEADLINE))
            .event_callback(move |event| {
                let told = told.clone();
                async move {
                    if let Event::ServerError(ServerError::Other(text)) = event {
                        let _ = told.send(text);
                    }
                }
            });
        if !user.contains('-') {
            options = options.custom_inbox_prefix(format!("_INBOX_{user}"));
        }
        User {
            client: options.connect(&self.url).await.unwrap(),
            violations,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connected user, and what the server forbade it.
pub struct User {
    /// The connection.
    pub client: Client,
    violations: mpsc::UnboundedReceiver<String>,
}

impl User {
    /// Publishes, and fails unless the server forbids it.
    pub async fn must_not_publish(&mut self, subject: &str) {
        self.client
            .publish(subject.to_owned(), "{}".into())
            .await
            .unwrap();
        self.client.flush().await.unwrap();
        self.forbidden("Publish", subject).await;
    }

    /// Subscribes, and fails unless the server forbids it.
    pub async fn must_not_subscribe(&mut self, subject: &str) {
        let subscribed = self.client.subscribe(subject.to_owned()).await.unwrap();
        self.client.flush().await.unwrap();
        self.forbidden("Subscription", subject).await;
        drop(subscribed);
    }

    async fn forbidden(&mut self, what: &str, subject: &str) {
        let heard = tokio::time::timeout(DEADLINE, self.violations.recv()).await;
        let text = heard
            .unwrap_or_else(|_| panic!("{what} of {subject} is allowed"))
            .unwrap();
        assert!(text.contains(what) && text.contains(subject), "{text}");
    }

    /// Asks, and fails unless somebody answers and nothing is forbidden.
    pub async fn asks(&mut self, subject: &str, body: &str) -> Value {
        let reply = self
            .client
            .request(subject.to_owned(), body.to_owned().into())
            .await;
        let violation = self.violations.try_recv().ok();
        let reply = reply.unwrap_or_else(|error| panic!("{subject}: {error}, {violation:?}"));
        assert_eq!(violation, None, "{subject}");
        serde_json::from_slice(&reply.payload).unwrap_or(Value::Null)
    }
}
