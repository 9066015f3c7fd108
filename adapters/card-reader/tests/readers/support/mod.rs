//! A pcscd with a virtual reader, a broker with a small hub, and the adapter between them.

pub mod alone;
pub mod commands;
pub mod story;
pub mod truth;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shikaku_card_reader::{CardReaderError, CardReaderOptions, run};
use shikaku_card_simulator::{CANARIES, Card, HOSPITAL_AID, Inserted, Pcscd, READERS};
use shikaku_kit::backoff::Backoff;
use shikaku_kit::broker::BrokerOptions;
use shikaku_kit::spool::SpoolError;
use shikaku_kit::suite::{PATIENCE, Running, TestBroker, TestHub};
use shikaku_schemas::clock::{SystemClock, SystemRandomness};
use shikaku_schemas::group::{CardReader, CardRule};
use shikaku_schemas::observation::Observation;
use shikaku_schemas::seal::SealKey;
use tokio_util::sync::CancellationToken;

use commands::Sent;

pub const FACILITY: &str = "1319912349";

pub fn key() -> SealKey {
    SealKey::from_bytes([6; 32])
}

/// The facility's own cards: a file, an identifier with a map, an NDEF text.
pub fn rules(folder: &Path) -> Vec<CardRule> {
    let map = folder.join("staff.csv");
    std::fs::write(&map, "card,number\n04A1B2C3D4E5F6,staff-07\n").expect("a map");
    serde_json::from_value(serde_json::json!([
        { "name": "診察券", "read": "apdu", "length": 8,
          "apdu": [format!("00A4040008{HOSPITAL_AID}"), "00A4020C020001", "00B0000010"] },
        { "name": "職員証", "read": "uid", "gives": "staff", "map_file": map },
        { "name": "NFC 診察券", "read": "ndef", "prefix": "H-" },
    ]))
    .expect("rules")
}

/// What the adapter is told of slot 0 or 1.
pub fn options(folder: &Path, slot: usize, url: &str) -> CardReaderOptions {
    CardReaderOptions {
        facility: FACILITY.into(),
        card_rules: rules(folder),
        desk: format!("desk-{}", slot + 1),
        reader: CardReader {
            id: format!("r{}", slot + 1),
            name: READERS[slot].to_owned(),
        },
        data_dir: folder.join("data"),
        group_key: key(),
        broker: BrokerOptions {
            url: url.to_owned(),
            user: String::new(),
            password: String::new(),
            ca_file: None,
        },
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        again: Backoff {
            first: Duration::from_millis(300),
            cap: Duration::from_secs(1),
        },
    }
}

/// Starts the adapter of one slot. One that was ended in the middle, in this same process, may still have a call at
/// the disk under way, and the spool with it.
pub fn start(folder: &Path, slot: usize, url: &str) -> Running {
    let cancel = CancellationToken::new();
    let (options, stop) = (options(folder, slot, url), cancel.clone());
    let task = tokio::spawn(async move {
        let begin = Instant::now();
        loop {
            match run(options.clone(), stop.clone()).await {
                Err(CardReaderError::Spool(SpoolError::InUse)) if begin.elapsed() < PATIENCE => {
                    // Polling.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                ended => return ended.expect("it ends in good order"),
            }
        }
    });
    Running { cancel, task }
}

/// Everything together; every command that a card was sent is looked at in the end.
pub struct Scene {
    pub folder: PathBuf,
    pub pcscd: Pcscd,
    pub broker: TestBroker,
    pub hub: TestHub,
    running: Vec<Running>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Scene {
    /// pcscd, broker and hub; no adapter yet.
    pub async fn new(folder: &Path) -> Self {
        let mut pcscd = Pcscd::new(folder);
        pcscd.start();
        let broker = TestBroker::start();
        let hub = TestHub::start(&broker.url(), &key()).await;
        Self {
            folder: folder.to_owned(),
            pcscd,
            broker,
            hub,
            running: Vec::new(),
            sent: Arc::default(),
        }
    }

    /// With the adapter of the first slot.
    pub async fn one(folder: &Path) -> Self {
        let mut scene = Self::new(folder).await;
        scene.watch(0);
        scene
    }

    /// Starts the adapter of a slot.
    pub fn watch(&mut self, slot: usize) {
        let running = start(&self.folder, slot, &self.broker.url());
        self.running.push(running);
    }

    /// Ends every adapter in good order.
    pub async fn stop(&mut self) {
        for running in self.running.drain(..) {
            running.stop().await;
        }
    }

    /// Ends every adapter in the middle.
    pub async fn crash(&mut self) {
        for running in self.running.drain(..) {
            running.crash().await;
        }
    }

    /// Lays a card into a slot; what it is sent is looked at in the end.
    pub fn insert(&self, slot: u16, card: Card) -> Laid {
        Laid {
            jpki: card.has_jpki(),
            card: Some(self.pcscd.insert(slot, card)),
            into: Arc::clone(&self.sent),
        }
    }

    /// What one reader saw, in order.
    pub fn story(&self, slot: usize) -> Vec<String> {
        story::of(&self.of_reader(slot))
    }

    pub fn of_reader(&self, slot: usize) -> Vec<Observation> {
        let reader = format!("r{}", slot + 1);
        let mut seen = self.hub.observations();
        seen.retain(|seen| seen.device == reader);
        seen
    }

    /// Waits until a reader has told this much, and that it is exactly this.
    #[track_caller]
    pub fn tells<'a>(&'a self, slot: usize, told: &'a [&'a str]) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let begin = Instant::now();
            loop {
                let story = self.story(slot);
                if story == told {
                    return;
                }
                assert!(
                    begin.elapsed() < PATIENCE && story.len() <= told.len(),
                    "{caller}: {story:?} instead of {told:?}"
                );
                // Polling.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Ends it all and looks at everything that was said, kept and sent.
    pub async fn finish(mut self) {
        self.stop().await;
        for slot in 0..2 {
            story::alternates(&self.of_reader(slot));
        }
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().for_each(commands::are_allowed);
        let mut said = serde_json::to_vec(&self.hub.observations()).expect("JSON");
        said.extend(serde_json::to_vec(&self.hub.dead_letters()).expect("JSON"));
        holds_no_canary("what was said", &said);
        holds_no_canary("logs and traces", &alone::logged());
        for file in files(&self.folder.join("data")) {
            let bytes = std::fs::read(&file).expect("a file");
            holds_no_canary(&file.display().to_string(), &bytes);
            // Numbers of the facility's own cards are personal: sealed wherever they are kept.
            for number in ["00012345", "staff-07"] {
                assert!(!holds(&bytes, number), "{} holds a number", file.display());
            }
        }
        for number in ["00012345", "staff-07"] {
            let logged = String::from_utf8_lossy(&alone::logged()).into_owned();
            let told = logged.lines().find(|line| line.contains(number));
            assert_eq!(told, None, "a log line holds a number");
        }
    }
}

/// A card in a slot. Dropping it takes it out.
pub struct Laid {
    jpki: bool,
    card: Option<Inserted>,
    into: Arc<Mutex<Vec<Sent>>>,
}

impl Laid {
    pub fn inside(&self) -> &Inserted {
        self.card.as_ref().expect("it lies there")
    }

    pub fn take_out(self) {
        drop(self);
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        if let Some(card) = self.card.take() {
            let sent = Sent {
                jpki: self.jpki,
                commands: card.take_out(),
            };
            let mut into = self.into.lock().unwrap_or_else(PoisonError::into_inner);
            into.push(sent);
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found
}

/// Plain or in hexadecimal, of either case.
pub fn holds(bytes: &[u8], word: &str) -> bool {
    let upper: String = word.bytes().map(|byte| format!("{byte:02X}")).collect();
    [word, &upper, &upper.to_lowercase()].iter().any(|word| {
        bytes
            .windows(word.len())
            .any(|part| part == word.as_bytes())
    })
}

#[track_caller]
pub fn holds_no_canary(what: &str, bytes: &[u8]) {
    for canary in CANARIES {
        assert!(!holds(bytes, canary), "{what} holds {canary}");
    }
    // The number that a hospital wrote on a My Number card.
    assert!(
        !holds(bytes, "99999999"),
        "{what} holds a number of a My Number card"
    );
}
