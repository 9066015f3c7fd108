//! A running hub: `shikaku up` in a folder of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::folder::Terminal;
use crate::process::{Process, below, output, prefixed};
use crate::program::shikaku;
use crate::settings::{FACILITY, Settings};
use crate::{until, until_within};

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Printed {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Printed {
    /// Everything it said.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The JSON object on the last line of standard output.
    #[track_caller]
    pub fn last_object(&self) -> Value {
        let line = self.stdout.trim_end().lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Every JSON value of standard output: one document, or one a line.
    #[track_caller]
    pub fn json(&self) -> Value {
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&self.stdout)
            .into_iter()
            .collect();
        let mut values = values.unwrap_or_else(|error| panic!("{error}: {self:?}"));
        if values.len() == 1 {
            values.remove(0)
        } else {
            Value::Array(values)
        }
    }
}

impl From<Output> for Printed {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// One hub with its folders. Dropping it ends it and everything it started.
pub struct Hub {
    folder: Arc<tempfile::TempDir>,
    data_dir: PathBuf,
    config: PathBuf,
    terminals: PathBuf,
    command: Vec<String>,
    running: Option<Running>,
    said: Arc<Mutex<String>>,
    pcscd: Option<PathBuf>,
    environment: Vec<(String, String)>,
    inside: Vec<String>,
}

struct Running {
    child: Child,
    readers: Vec<JoinHandle<()>>,
    http: String,
    nats: String,
}

impl Hub {
    /// Starts `shikaku up` and waits until it is ready.
    #[track_caller]
    pub fn start(settings: &Settings) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut hub = Self::prepare(folder, "hub", &["up"], settings);
        hub.resume();
        hub
    }

    /// A process that is not started yet. Those that share `folder` share the terminals' folders.
    pub fn prepare(
        folder: Arc<tempfile::TempDir>,
        name: &str,
        command: &[&str],
        settings: &Settings,
    ) -> Self {
        let terminals = folder.path().join("terminals");
        for id in &settings.terminals {
            Terminal::make(&terminals.join(id));
        }
        let hub = Self {
            data_dir: folder.path().join(format!("{name}.data")),
            config: folder.path().join(format!("{name}.toml")),
            terminals,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            running: None,
            said: Arc::default(),
            pcscd: settings.pcscd.clone(),
            environment: Vec::new(),
            inside: Vec::new(),
            folder,
        };
        std::fs::write(&hub.config, settings.toml(&hub.data_dir, &hub.terminals)).unwrap();
        hub
    }

    /// Starts the process, and waits for the ready line where the command prints one (`up`).
    #[track_caller]
    pub fn resume(&mut self) {
        self.spawn();
        if self.command[0] != "up" {
            return;
        }
        let said = Arc::clone(&self.said);
        let running = self.running.as_mut().unwrap();
        let (http, nats) = until("the ready line", || {
            let ended = running.child.try_wait().unwrap();
            let said = said.lock().unwrap();
            let found = ready_line(latest(&said));
            assert!(
                ended.is_none() || found.is_some(),
                "the hub ended ({ended:?}) before it was ready:\n{said}"
            );
            found
        });
        running.http = http;
        running.nats = nats;
    }

    fn spawn(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        if let Ok(mut said) = self.said.lock() {
            said.push_str(STARTED);
        }
        let mut child = self
            .program(&self.command.iter().map(String::as_str).collect::<Vec<_>>())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let readers = vec![
            collect(child.stdout.take().unwrap(), &self.said),
            collect(child.stderr.take().unwrap(), &self.said),
        ];
        self.running = Some(Running {
            child,
            readers,
            http: String::new(),
            nats: String::new(),
        });
    }

    /// Sets a variable of the environment for later starts.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Lets everything of it run on a machine of its own: `words` go before each command line.
    pub fn place(&mut self, words: &[String]) {
        self.inside = words.to_vec();
    }

    /// The program with this hub's configuration, not yet started.
    pub fn program(&self, words: &[&str]) -> Command {
        let mut command = prefixed(&self.inside, shikaku());
        command
            .args(words)
            .arg("--config")
            .arg(&self.config)
            .env_remove("RUST_LOG")
            .current_dir(self.folder.path());
        if let Some(pcscd) = &self.pcscd {
            command.env("PCSCLITE_CSOCK_NAME", pcscd);
        }
        command
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Printed {
        output(&mut self.program(words)).into()
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub fn ok(&self, words: &[&str]) -> Printed {
        let printed = self.run(words);
        assert_eq!(printed.code, 0, "{words:?}: {printed:?}");
        printed
    }

    /// Asks a terminal about one person's ticket and waits for how it ends: payer, recipient and birth date.
    #[track_caller]
    pub fn inquire(&self, [payer, recipient, born]: [&str; 3]) -> Printed {
        self.run(&[
            "inquire",
            "ticket",
            "--facility",
            FACILITY,
            "--payer",
            payer,
            "--recipient",
            recipient,
            "--birth-date",
            born,
            "--wait",
            "--json",
        ])
    }

    /// Every event of the ledger, as `shikaku log --json` prints it.
    #[track_caller]
    pub fn log(&self) -> Vec<Value> {
        self.log_after(0)
    }

    /// Events after a position.
    #[track_caller]
    pub fn log_after(&self, position: u64) -> Vec<Value> {
        let printed = self.ok(&["log", "--json", "--after", &position.to_string()]);
        printed
            .stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// Waits until the ledger holds at least `count` events of a type.
    #[track_caller]
    pub fn await_events(&self, kind: &str, count: usize) -> Vec<Value> {
        self.await_events_within(crate::DEADLINE, kind, count)
    }

    /// [`Hub::await_events`] with a deadline of its own.
    #[track_caller]
    pub fn await_events_within(&self, deadline: Duration, kind: &str, count: usize) -> Vec<Value> {
        // Asked for piece by piece: a log only grows.
        let mut log = Vec::new();
        let what = format!("{count} × {kind} are in the ledger");
        until_within(deadline, &what, || {
            let last = log.last().map_or(0, |event: &Value| {
                event["position"].as_u64().expect("a position")
            });
            log.extend(self.log_after(last));
            let found = log.iter().filter(|event| event["type"] == kind).count();
            (found >= count).then_some(())
        });
        log
    }

    /// A GET of the hub's HTTP address; the body.
    #[track_caller]
    pub fn get(&self, path: &str) -> String {
        let url = &self.running.as_ref().expect("it runs").http;
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(crate::DEADLINE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert!(head.starts_with("HTTP/1.1 200"), "GET {path}: {head}");
        body.to_owned()
    }

    /// Sum of a metric over its labels; 0 when it is not there. A label is given as it is printed: `outcome="seen"`.
    #[track_caller]
    pub fn metric(&self, name: &str, label: &str) -> f64 {
        self.get("/metrics")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| series.split('{').next() == Some(name) && series.contains(label))
            .map(|(_, value)| value.parse::<f64>().unwrap())
            .sum()
    }

    /// How many files of all terminals ended so since the hub started: `seen`, `event`, `duplicate`, `quarantined`.
    #[track_caller]
    pub fn files(&self, outcome: &str) -> f64 {
        self.metric(
            "shikaku_terminal_files_total",
            &format!("outcome=\"{outcome}\""),
        )
    }

    /// Where the broker listens.
    pub fn nats(&self) -> &str {
        &self.running.as_ref().expect("it runs").nats
    }

    /// A terminal's folders.
    pub fn terminal(&self, id: &str) -> Terminal {
        Terminal::make(&self.terminals.join(id))
    }

    /// Everything printed so far, over all starts.
    pub fn said(&self) -> String {
        // A failed assertion may have held it; the text is whole all the same.
        let said = self.said.lock();
        said.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `data_dir`.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The folder of the whole scenario.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The hub's own process.
    pub fn process(&self) -> Process {
        Process::of(&self.running.as_ref().expect("it runs").child)
    }

    /// Starts the process and waits until it ended by itself; the exit code.
    #[track_caller]
    pub fn fails(&mut self) -> i32 {
        self.spawn();
        self.ended()
    }

    /// Starts it again if it ended by itself, as the unit of `deploy/` does; whether it had.
    #[track_caller]
    pub fn resume_if_ended(&mut self) -> bool {
        if self.runs() {
            return false;
        }
        self.ended();
        self.resume();
        true
    }

    /// The supervised broker's store, wherever below `data_dir` the hub put it.
    #[track_caller]
    pub fn store(&self) -> PathBuf {
        let mut folders = vec![self.data_dir.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap().flatten() {
                if entry.file_name() == "jetstream" {
                    return entry.path();
                }
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(entry.path());
                }
            }
        }
        panic!("the broker has no store below data_dir");
    }

    /// The supervised nats-server, when it runs.
    pub fn broker(&self) -> Option<Process> {
        below(&self.data_dir)
            .into_iter()
            .find(|(_, line)| line.contains("nats-server"))
            .map(|(process, _)| process)
    }

    /// Waits until it ended by itself; the exit code.
    #[track_caller]
    pub fn ended(&mut self) -> i32 {
        let mut running = self.running.take().expect("it runs");
        let status = until("the process ended", || running.child.try_wait().unwrap());
        for reader in running.readers {
            reader.join().unwrap();
        }
        status.code().unwrap_or(-1)
    }

    /// Ends it in order; it must succeed.
    #[track_caller]
    pub fn stop(&mut self) {
        self.process().terminate();
        assert_eq!(self.ended(), 0);
    }

    /// Waits until it has said something since its latest start.
    #[track_caller]
    pub fn await_said(&mut self, words: &str) {
        until_within(crate::DEADLINE, &format!("it says {words:?}"), || {
            let found = latest(&self.said()).contains(words);
            assert!(found || self.runs(), "it ended:\n{}", self.said());
            found.then_some(())
        });
    }

    /// How often it has said something, over all starts.
    pub fn said_times(&self, words: &str) -> usize {
        self.said().matches(words).count()
    }

    /// Kills the hub's process alone; its broker stays behind.
    pub fn kill(&mut self) {
        let mut running = self.running.take().expect("it runs");
        running.child.kill().unwrap();
        running.child.wait().unwrap();
    }

    /// Whether the process still runs.
    pub fn runs(&mut self) -> bool {
        self.running
            .as_mut()
            .is_some_and(|running| running.child.try_wait().unwrap().is_none())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
        for (process, _) in below(&self.data_dir) {
            process.kill();
        }
        if std::thread::panicking() {
            let said = self.said();
            let tail: Vec<&str> = said.lines().rev().take(60).collect();
            eprintln!("the hub's last words:");
            for line in tail.into_iter().rev() {
                eprintln!("  {line}");
            }
        }
    }
}

const STARTED: &str = "--- started\n";

/// What was said since the latest start.
fn latest(said: &str) -> &str {
    said.rsplit(STARTED).next().unwrap_or_default()
}

/// `ready http=URL nats=URL`.
fn ready_line(said: &str) -> Option<(String, String)> {
    said.lines().find_map(|line| {
        let mut words = line.strip_prefix("ready ")?.split_whitespace();
        let http = words.next()?.strip_prefix("http=")?.to_owned();
        let nats = words.next()?.strip_prefix("nats=")?.to_owned();
        Some((http, nats))
    })
}

fn collect(from: impl std::io::Read + Send + 'static, into: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|bytes| bytes > 0)
        {
            into.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}
