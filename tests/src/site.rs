//! A hospital's processes apart: two hubs of which one stands by, the projections, the terminals' adapter and two
//! consumers, on one Postgres and a broker that nobody of them supervises.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::broker::Broker;
use crate::checker;
use crate::count::Counts;
use crate::face::Face;
use crate::feed::{Message, Subscriber};
use crate::folder::{Terminal, files_below};
use crate::hub::Hub;
use crate::outside::user_at;
use crate::settings::Settings;
use crate::until;

/// All of them. Dropping it ends them.
pub struct Site {
    /// `run hub`, twice. Which one is active shows by itself.
    pub hubs: [Hub; 2],
    /// `run projections`.
    pub projections: Hub,
    /// `run terminal`: `t1` copying, `t2` taking.
    pub terminal: Hub,
    /// The broker.
    pub broker: Broker,
    /// The receipt's consumer and the ward's, while they listen.
    pub consumers: [Option<Subscriber>; 2],
    /// How many people's files were dropped.
    pub people: u32,
    planner: Hub,
    heard: [Vec<Message>; 2],
}

/// Names of the two consumers.
pub const CONSUMERS: [&str; 2] = ["receipt-a", "ward-3"];

impl Site {
    /// Nothing but the broker is started. It is given the configuration that a hub prints, and a folder.
    #[track_caller]
    pub fn prepare(database: &str, broker: impl FnOnce(&Hub, &Path) -> Broker) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut settings = Settings {
            keys: Some(folder.path().join("keys")),
            taking: vec!["t2".to_owned()],
            ..Settings::default()
        }
        .terminals(&["t1", "t2"])
        .consumers(&[(CONSUMERS[0], "receipt"), (CONSUMERS[1], "department")]);
        let prepare = |name: &str, command: &[&str], settings: &Settings| {
            Hub::prepare(Arc::clone(&folder), name, command, settings)
        };
        let planner = prepare("planner", &["up"], &settings);
        let broker = broker(&planner, &folder.path().join("nats"));
        settings.nats = Some(broker.url.clone());
        settings.database = Some(database.to_owned());
        let role = |name, role| prepare(name, &["run", role], &settings);
        Self {
            hubs: [role("first", "hub"), role("second", "hub")],
            projections: role("projections", "projections"),
            terminal: role("terminal", "terminal"),
            broker,
            consumers: [None, None],
            people: 0,
            planner,
            heard: Default::default(),
        }
    }

    /// [`Site::prepare`] with everything on this machine, started.
    #[track_caller]
    pub fn start(database: &str) -> Self {
        let mut site = Self::prepare(database, Broker::of);
        site.begin();
        site
    }

    /// Starts everything, the first hub as the active one.
    #[track_caller]
    pub fn begin(&mut self) {
        self.hubs[0].resume();
        self.hubs[0].await_said("ready ");
        self.hubs[1].resume();
        self.terminal.resume();
        self.projections.resume();
        self.projections.await_said("ready ");
        self.listen(0);
        self.listen(1);
    }

    /// Starts a consumer.
    #[track_caller]
    pub fn listen(&mut self, consumer: usize) {
        self.consumers[consumer] = Some(Subscriber::of(&self.terminal, CONSUMERS[consumer]));
    }

    /// A consumer ends in order; what it heard so far still counts.
    pub fn leave(&mut self, consumer: usize) {
        if let Some(subscriber) = self.consumers[consumer].take() {
            self.heard[consumer].extend(subscriber.stop());
        }
    }

    /// The terminals' folders, for whoever drops files.
    pub fn folders(&self) -> [Terminal; 2] {
        ["t1", "t2"].map(|id| self.terminal.terminal(id))
    }

    /// Drops one file for each of so many new people, in turn at both terminals.
    pub fn drop_faces(&mut self, count: u32) {
        for n in self.people..self.people + count {
            drop_face(&self.folders(), n);
        }
        self.people += count;
    }

    /// Waits until everybody's file is recorded.
    #[track_caller]
    pub fn await_recorded(&self) {
        self.terminal
            .await_events_within(checker::REST, "verified", self.people as usize);
    }

    /// Everything dropped so far is recorded once and told once, nothing waits, and the taking terminal's folder is empty.
    #[track_caller]
    pub fn check(&self) -> Counts {
        let people = self.people as usize;
        self.await_recorded();
        let log = self.terminal.log();
        checker::every_file_once(&log, people);
        for hub in &self.hubs {
            let proof = hub.run(&["audit", "verify"]);
            assert_eq!(proof.code, 0, "{proof:?}");
        }
        checker::copied_at(&self.operator(), log.len() as u64);
        let [Some(receipt), Some(ward)] = &self.consumers else {
            panic!("both consumers listen");
        };
        let counts = Counts::of(
            &self.terminal,
            receipt,
            ward,
            &self.heard,
            people,
            checker::REST,
        );
        assert_eq!(counts, Counts::default());
        until("what was taken is gone from its folder", || {
            let faces = self.terminal.terminal("t2").faces();
            files_below(&faces).is_empty().then_some(())
        });
        counts
    }

    /// The operator's user at the broker.
    pub fn operator(&self) -> Value {
        user_at(&self.planner, "operator", &self.broker.url)
    }
}

/// Drops a person's file at one of two terminals.
pub fn drop_face(folders: &[Terminal; 2], person: u32) {
    let terminal = &folders[person as usize % 2];
    terminal.drop_face(&Face::assistance_only(person).utf8());
}
