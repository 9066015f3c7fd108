//! A hub with a terminal whose files are copied, one whose files are taken, and a consumer of each kind.

use std::sync::Arc;

use shikaku_tests::checker;
use shikaku_tests::face::Face;
use shikaku_tests::feed::{Message, Subscriber};
use shikaku_tests::folder::files_below;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::Settings;
use shikaku_tests::until;

pub(super) struct Scene {
    pub(super) hub: Hub,
    receipt: Option<Subscriber>,
    ward: Option<Subscriber>,
    /// By ward's consumers that went since.
    heard: Vec<Message>,
    /// How many people's files were dropped.
    pub(super) people: u32,
}

/// Two terminals, `t2` taking, and two consumers.
pub(super) fn settings() -> Settings {
    Settings {
        taking: vec!["t2".to_owned()],
        ..Settings::default()
    }
    .terminals(&["t1", "t2"])
    .consumers(&[("receipt-a", "receipt"), ("ward-3", "department")])
}

impl Scene {
    /// Not started yet.
    pub(super) fn prepare(settings: &Settings) -> Self {
        Self::within(Arc::new(tempfile::tempdir().unwrap()), settings)
    }

    /// Not started yet, beside what lies in a folder already.
    pub(super) fn within(folder: Arc<tempfile::TempDir>, settings: &Settings) -> Self {
        Self {
            hub: Hub::prepare(folder, "hub", &["up"], settings),
            receipt: None,
            ward: None,
            heard: Vec::new(),
            people: 0,
        }
    }

    pub(super) fn start() -> Self {
        let mut scene = Self::prepare(&settings());
        scene.begin();
        scene
    }

    /// Starts the hub, then the consumers.
    pub(super) fn begin(&mut self) {
        self.hub.resume();
        self.listen();
    }

    /// Starts the consumers that are not there.
    pub(super) fn listen(&mut self) {
        let Self {
            hub, receipt, ward, ..
        } = self;
        receipt.get_or_insert_with(|| Subscriber::of(hub, "receipt-a"));
        ward.get_or_insert_with(|| Subscriber::of(hub, "ward-3"));
    }

    /// The ward's consumer goes; what it heard so far still counts.
    pub(super) fn leave(&mut self) {
        if let Some(ward) = self.ward.take() {
            self.heard.extend(ward.end());
        }
    }

    /// What came to the receipt's consumers (0) and to the ward's (1).
    pub(super) fn heard(&self, feed: usize) -> Vec<Message> {
        let (subscriber, earlier) = match feed {
            0 => (&self.receipt, &[][..]),
            _ => (&self.ward, &self.heard[..]),
        };
        let mut messages = earlier.to_vec();
        messages.extend(subscriber.iter().flat_map(Subscriber::messages));
        messages
    }

    /// While the hub is dead: ends the broker that stayed behind, and removes everything that it kept.
    pub(super) fn forget_the_broker(&self) {
        if let Some(broker) = self.hub.broker() {
            broker.kill();
            until("the broker is gone", || (!broker.runs()).then_some(()));
        }
        std::fs::remove_dir_all(self.hub.store()).unwrap();
    }

    /// Drops one file for each of so many new people, in turn at both terminals.
    pub(super) fn drop_faces(&mut self, count: u32) {
        for n in self.people..self.people + count {
            let terminal = self.hub.terminal(if n % 2 == 0 { "t1" } else { "t2" });
            terminal.drop_face(&Face::assistance_only(n).utf8());
        }
        self.people += count;
    }

    /// Waits until so many of all files are recorded.
    pub(super) fn await_recorded(&self, count: usize) {
        self.hub.await_events("verified", count);
    }

    /// Everything dropped so far is recorded once and told once, and the taking terminal's folder is empty.
    pub(super) fn check(&self) {
        let people = self.people as usize;
        checker::recorded(&self.hub, people);
        if let (Some(receipt), Some(ward)) = (&self.receipt, &self.ward) {
            checker::told(receipt, ward, &self.heard, people);
        }
        until("what was taken is gone from its folder", || {
            files_below(&self.hub.terminal("t2").faces())
                .is_empty()
                .then_some(())
        });
    }
}
