//! Outside clients: plain nats-py programs that know nothing of the hub but what `nats credentials` prints.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::hub::Hub;
use crate::process::Process;
use crate::program::{outside, python};
use crate::until;

/// What `shikaku nats credentials --consumer NAME` prints.
#[track_caller]
pub fn credentials(hub: &Hub, consumer: &str) -> Value {
    hub.ok(&["nats", "credentials", "--consumer", consumer, "--json"])
        .json()
}

/// The operator's user, as `shikaku nats config` writes it for the broker.
#[track_caller]
pub fn operator(hub: &Hub) -> Value {
    user(hub, "operator")
}

/// A role's user, as `shikaku nats config` writes it for the broker.
#[track_caller]
pub fn user(hub: &Hub, name: &str) -> Value {
    let url = hub.nats().split(',').next().unwrap_or_default();
    user_at(hub, name, url)
}

/// [`user`] at a broker of one's own.
#[track_caller]
pub fn user_at(hub: &Hub, name: &str, url: &str) -> Value {
    let config = hub.ok(&["nats", "config"]).stdout;
    let password = config
        .split_once(&format!("user: \"{name}\", password: \""))
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or_else(|| panic!("the broker knows no {name}"));
    serde_json::json!({
        "url": url, "user": name, "password": password, "inbox_prefix": format!("_INBOX_{name}"),
    })
}

/// One request of a role's user; its answer.
#[track_caller]
pub fn asked(credentials: &Value, subject: &str, payload: &str) -> Value {
    Client::start("request.py", credentials, &[subject, payload])
        .finish()
        .remove(0)
}

/// A stream as the broker describes it.
#[track_caller]
pub fn stream(hub: &Hub, name: &str) -> Value {
    asked(&operator(hub), &format!("$JS.API.STREAM.INFO.{name}"), "")
}

/// A running script of `tests/outside`, which prints one JSON value a line. Dropping it ends it.
pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    printed: Arc<Mutex<Vec<Value>>>,
    reader: Option<JoinHandle<()>>,
}

impl Client {
    /// Starts a script with credentials and waits until it says that it is ready.
    #[track_caller]
    pub fn start(script: &str, credentials: &Value, words: &[&str]) -> Self {
        let mut child = python()
            .arg(outside(script))
            .arg(credentials.to_string())
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let printed = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let into = Arc::clone(&printed);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                into.lock().unwrap().push(value);
            }
        });
        let mut client = Self {
            stdin: child.stdin.take(),
            child,
            printed,
            reader: Some(reader),
        };
        until(&format!("{script} is ready"), || {
            let ended = client.child.try_wait().unwrap();
            let ready = client.all().first().is_some_and(|line| line == "ready");
            assert!(ready || ended.is_none(), "{script} ended: {ended:?}");
            ready.then_some(())
        });
        client
    }

    fn all(&self) -> Vec<Value> {
        self.printed.lock().unwrap().clone()
    }

    /// What it printed since it was ready.
    pub fn printed(&self) -> Vec<Value> {
        self.all().split_off(1)
    }

    /// Waits until it printed `count` values.
    #[track_caller]
    pub fn await_printed(&self, count: usize) -> Vec<Value> {
        until(
            &format!("the outside client heard {count} messages"),
            || {
                let printed = self.printed();
                (printed.len() >= count).then_some(printed)
            },
        )
    }

    /// Ends it at once; everything it printed whole until then.
    pub fn end(mut self) -> Vec<Value> {
        let _ = self.child.kill();
        self.ended()
    }

    /// Asks it to end in order; everything it printed.
    #[track_caller]
    pub fn stop(mut self) -> Vec<Value> {
        Process::of(&self.child).terminate();
        let status = until("the outside client ended", || {
            self.child.try_wait().unwrap()
        });
        assert!(status.success(), "the outside client failed: {status}");
        self.ended()
    }

    fn ended(&mut self) -> Vec<Value> {
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let mut printed = self.printed();
        printed.retain(Value::is_object);
        printed
    }

    /// Tells it to finish, and everything it printed to its end.
    #[track_caller]
    pub fn finish(mut self) -> Vec<Value> {
        if let Some(mut stdin) = self.stdin.take() {
            let _ = stdin.write_all(b"stop\n");
        }
        let status = until("the outside client ended", || {
            self.child.try_wait().unwrap()
        });
        assert!(status.success(), "the outside client failed: {status}");
        // Its last line is there once the reading thread saw the end of the pipe.
        until("its last line was read", || {
            self.all().last().filter(|line| *line == "end").map(|_| ())
        });
        let mut printed = self.printed();
        printed.pop();
        printed
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
