//! A running terminal under a standing clock, asked through its folders as a hospital's program would.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use shikaku_terminal_simulator::{
    Centre, Folders, Scenario, Simulator, SimulatorError, SimulatorOptions, StandingClock,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// One terminal.
pub struct Terminal {
    root: tempfile::TempDir,
    pub folders: Folders,
    pub clock: StandingClock,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), SimulatorError>>,
}

/// A clock at a time of Japan.
pub fn clock(at: &str) -> StandingClock {
    StandingClock::new(format!("{at}+09:00").parse().unwrap())
}

impl Terminal {
    /// Starts one of its own.
    pub fn start(at: &str, scenario: &str, knobs: &[&str]) -> Self {
        Self::join(clock(at), scenario, knobs, None)
    }

    /// Starts one before a centre that others use too.
    pub fn join(
        clock: StandingClock,
        scenario: &str,
        knobs: &[&str],
        centre: Option<Arc<Centre>>,
    ) -> Self {
        let root = tempfile::tempdir().unwrap();
        let scenario = Scenario::parse(scenario).unwrap();
        let mut words = vec!["latency-ms=1"];
        words.extend(knobs);
        let simulator = Simulator::new(SimulatorOptions {
            root: root.path().to_owned(),
            knobs: scenario.turn(&words).unwrap(),
            scenario,
            centre,
            clock: clock.lend(),
            speed: Some(1e6),
            desk: None,
        })
        .unwrap();
        let cancel = CancellationToken::new();
        Self {
            folders: Folders::make(root.path()).unwrap(),
            task: tokio::spawn(simulator.run(cancel.clone())),
            root,
            clock,
            cancel,
        }
    }

    /// Puts its clock forward.
    pub fn put(&self, at: &str) {
        self.clock.put(format!("{at}+09:00").parse().unwrap());
    }

    /// Sends a request of that prefix and waits for its answer.
    pub async fn ask(&self, prefix: &str, unique: &str, request: &str) -> PathBuf {
        let name = format!("{prefix}req_{unique}");
        let hidden = self.root.path().join(&name);
        std::fs::write(&hidden, request).unwrap();
        std::fs::rename(&hidden, self.folders.requests().join(name + ".xml")).unwrap();
        let answer = |extension| {
            let name = format!("{prefix}res_{unique}.{extension}");
            let path = self.folders.answers().join(name);
            path.exists().then_some(path)
        };
        let mut found = None;
        until("it is answered", || {
            found = ["xml", "zip", "pdf"].into_iter().find_map(answer);
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// The same, valid, and seen by the second reader.
    pub async fn read(&self, prefix: &str, unique: &str, request: &str) -> Value {
        let path = self.ask(prefix, unique, request).await;
        valid(&path);
        second_reader(&[path]).remove(0)
    }

    /// Ends it.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until `condition` holds; the deadline only ends a failing test.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while !condition() {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// What `tests/outside/message.py` sees in each file.
pub fn second_reader(paths: &[PathBuf]) -> Vec<Value> {
    let python = std::env::var_os("SHIKAKU_PYTHON")
        .map_or_else(|| in_repository(".tools/venv/bin/python"), PathBuf::from);
    let output = Command::new(python)
        .arg(in_repository("tests/outside/message.py"))
        .args(paths)
        .output()
        .unwrap_or_else(|error| panic!("python is missing ({error}); run `make setup`"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let printed = String::from_utf8(output.stdout).unwrap();
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The schema of an answer of that name.
fn schema_of(name: &str) -> &'static str {
    match (&name[..8], &name[8..10]) {
        ("OQSsiquc", _) => "eligibility-answer",
        ("OQSsiimm", _) => "registration-answer",
        ("YZKsiquc", _) => "drugs-answer",
        ("TKKsiquc", _) => "checkups-answer",
        ("OQSmuimm", "02") => "bulk-registration-answer",
        (_, "02") => "bulk-answer",
        (_, "01") => "accepted",
        _ => panic!("{name} is no answer"),
    }
}

/// Panics unless an XML file is valid by the schema that its name asks for.
pub fn valid(path: &Path) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let schema = schema_of(name);
    let output = Command::new("xmllint")
        .args(["--noout", "--nonet", "--huge", "--schema"])
        .arg(in_repository(&format!("schemas/xsd/{schema}.xsd")))
        .arg(path)
        .output()
        .expect("xmllint is installed (make setup)");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
}

/// Names and texts.
type Texts<'a> = &'a [(&'a str, &'a str)];

fn leaves(texts: Texts<'_>) -> String {
    texts
        .iter()
        .map(|(name, text)| format!("<{name}>{text}</{name}>"))
        .collect()
}

/// A request by hand.
pub fn request(header: Texts<'_>, body: Texts<'_>, groups: &[(&str, Texts<'_>)]) -> String {
    let groups: String = groups
        .iter()
        .map(|(name, texts)| format!("<{name}>{}</{name}>", leaves(texts)))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<XmlMsg><MessageHeader>{}</MessageHeader><MessageBody>{}{groups}</MessageBody></XmlMsg>",
        leaves(header),
        leaves(body),
    )
}
