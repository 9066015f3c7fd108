//! A terminal's folders in a temporary directory, an adapter on them, and a small hub on a real broker.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shikaku_disk::SystemDisk;
use shikaku_kit::backoff::Backoff;
use shikaku_kit::broker::BrokerOptions;
use shikaku_kit::spool::SpoolError;
use shikaku_kit::suite::{Running, TestBroker, TestHub};
use shikaku_schemas::clock::SystemClock;
use shikaku_schemas::group::{FaceMode, Facility, Terminal, VirtualTerminal};
use shikaku_schemas::observation::{Observation, ObservationBody, OqsAnswer};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::FacilityCode;
use shikaku_terminal::{TerminalError, TerminalOptions, Timing, run};
use shikaku_terminal_simulator::{
    Centre, Scenario, Simulator, SimulatorError, SimulatorOptions, StandingClock,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const FACILITY: &str = "1319912349";
pub const INCOMPLETE: Duration = Duration::from_millis(400);

pub fn key() -> SealKey {
    SealKey::from_bytes([5; 32])
}

pub fn facility() -> FacilityCode {
    FacilityCode::from(FACILITY)
}

/// A sample answer of `schemas/samples/oqs`.
pub fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/samples/oqs");
    std::fs::read(path.join(name)).expect("a sample")
}

/// A whole answer, different for each `n`.
pub fn answer(n: u32) -> Vec<u8> {
    String::from_utf8(sample("face-assistance-only-utf8.xml"))
        .expect("this sample is UTF-8")
        .replace("Zk3uQm1x", &format!("n{n}"))
        .into_bytes()
}

/// The identifier that [`answer`] put in.
pub fn identifier(observation: &Observation) -> Option<String> {
    body(observation)?.file_identifier.clone()
}

pub fn body(observation: &Observation) -> Option<&OqsAnswer> {
    match &observation.body {
        ObservationBody::OqsAnswer(answer) => Some(answer),
        _ => None,
    }
}

/// One terminal's folders and the adapter's own directory.
pub struct Place {
    pub directory: TempDir,
    pub face_mode: FaceMode,
    pub virtual_terminals: Vec<String>,
    pub incomplete: Duration,
    pub again: Duration,
    pub zip_password: Option<&'static str>,
    pub encrypted: Vec<&'static str>,
}

impl Place {
    pub fn new(face_mode: FaceMode) -> Self {
        let place = Self {
            directory: tempfile::tempdir().expect("a directory"),
            face_mode,
            virtual_terminals: Vec::new(),
            incomplete: INCOMPLETE,
            again: Duration::from_millis(300),
            zip_password: None,
            encrypted: Vec::new(),
        };
        for folder in ["req", "res", "face"] {
            std::fs::create_dir_all(place.root().join(folder)).expect("a folder");
        }
        place
    }

    pub fn root(&self) -> PathBuf {
        self.directory.path().join("oqs")
    }

    pub fn face(&self, name: &str) -> PathBuf {
        self.root().join("face").join(name)
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn virtual_face(&self, id: &str) -> PathBuf {
        self.virtual_folder(id, "face")
    }

    pub fn virtual_folder(&self, id: &str, folder: &str) -> PathBuf {
        self.directory.path().join(id).join(folder)
    }

    /// Drops a file as a good writer does: under a temporary name, then renamed.
    pub fn drop_face(&self, name: &str, bytes: &[u8]) {
        let temporary = self.face(&format!(".{name}.part"));
        std::fs::write(&temporary, bytes).expect("a file");
        std::fs::rename(temporary, self.face(name)).expect("renamed");
    }

    pub fn options(&self, url: &str) -> TerminalOptions {
        self.options_in(self.directory.path(), url)
    }

    /// The same, for another process on `directory`.
    pub fn options_in(&self, directory: &Path, url: &str) -> TerminalOptions {
        let facility = Facility {
            code: facility(),
            name: "見本病院".to_owned(),
            kind: Default::default(),
            patient_numbers: None,
            reference_number: Default::default(),
            designated: true,
            register_references: false,
            terminals: Vec::new(),
            desks: Vec::new(),
            card_rules: Vec::new(),
            virtual_terminals: self
                .virtual_terminals
                .iter()
                .map(|id| VirtualTerminal {
                    id: id.clone(),
                    root: directory.join(id),
                    terminal: None,
                })
                .collect(),
        };
        TerminalOptions {
            facility,
            terminal: Terminal {
                id: "t1".to_owned(),
                root: directory.join("oqs"),
                face: self.face_mode,
                environment: Default::default(),
                zip_password_file: None,
                encrypted: self.encrypted.iter().map(|&name| name.to_owned()).collect(),
            },
            schemes: Vec::new(),
            timing: Timing {
                scan: Duration::from_millis(40),
                stable: Duration::from_millis(30),
                incomplete: self.incomplete,
                bulk_poll: Duration::from_millis(200),
                again: Backoff {
                    first: self.again,
                    cap: self.again * 4,
                },
            },
            data_dir: directory.join("data"),
            group_key: key(),
            broker: BrokerOptions {
                url: url.to_owned(),
                user: String::new(),
                password: String::new(),
                ca_file: None,
            }
            .into(),
            disk: Arc::new(SystemDisk),
            clock: Arc::new(SystemClock),
            spool_bytes: TerminalOptions::SPOOL_BYTES,
            zip_password: self.zip_password.map(|word| word.as_bytes().to_vec()),
        }
    }

    pub fn start(&self, url: &str) -> Running {
        let cancel = CancellationToken::new();
        let (options, stop) = (self.options(url), cancel.clone());
        let task = tokio::spawn(async move {
            let mut ended = run(options.clone(), stop.clone()).await;
            while matches!(ended, Err(TerminalError::Spool(SpoolError::InUse))) {
                // Threads of one that was just cut off may hold its spool for a moment: a lock tells nobody.
                tokio::time::sleep(Duration::from_millis(10)).await;
                ended = run(options.clone(), stop.clone()).await;
            }
            ended.expect("the adapter ends in good order");
        });
        Running { cancel, task }
    }
}

/// A terminal that answers by itself, with a centre behind it.
pub struct Played {
    cancel: CancellationToken,
    task: JoinHandle<Result<(), SimulatorError>>,
}

impl Played {
    /// Plays over `root`; terminals of a group share a centre.
    pub fn over(root: PathBuf, knobs: &[&str], centre: Option<Arc<Centre>>) -> Self {
        let clock = StandingClock::new("2026-05-21T09:15:00+09:00".parse().expect("a time"));
        let steps = "[[step]]\nat = \"09:00:00\"\nperson = \"one-ticket\"\nby = \"home-visit\"\n\
            [[step]]\nat = \"09:00:01\"\nperson = \"two-tickets\"\nby = \"online\"";
        let scenario = Scenario::parse(steps).expect("a scenario");
        let mut words = vec!["latency-ms=1"];
        words.extend(knobs);
        let simulator = Simulator::new(SimulatorOptions {
            root,
            knobs: scenario.turn(&words).expect("knobs"),
            scenario,
            centre,
            clock: clock.lend(),
            speed: Some(1e6),
            desk: None,
        });
        let cancel = CancellationToken::new();
        Self {
            task: tokio::spawn(simulator.expect("a simulator").run(cancel.clone())),
            cancel,
        }
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        self.task.await.expect("it ends").expect("in good order");
    }
}

/// Broker, hub and adapter, all running.
pub struct Scene {
    pub broker: TestBroker,
    pub hub: TestHub,
    pub place: Place,
    pub running: Running,
}

impl Scene {
    pub async fn of(place: Place) -> Self {
        let broker = TestBroker::start();
        let hub = TestHub::start(&broker.url(), &key()).await;
        hub.provision_device(&facility(), "t1").await;
        let running = place.start(&broker.url());
        Self {
            broker,
            hub,
            place,
            running,
        }
    }

    pub async fn new(face_mode: FaceMode) -> Self {
        Self::of(Place::new(face_mode)).await
    }

    /// Ends the adapter and starts it again on the same directory.
    pub async fn restart(self) -> Self {
        self.running.stop().await;
        let running = self.place.start(&self.broker.url());
        Self { running, ..self }
    }
}
