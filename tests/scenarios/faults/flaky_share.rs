//! The terminals' folders lie on a network share that gives no file events for what the terminal does, lags, locks,
//! fails, and carries out what it said had failed. Each file ends once, no request is seen twice. `SHIKAKU_SEED` chooses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use shikaku_share::Share;
use shikaku_tests::chance::number;
use shikaku_tests::checker;
use shikaku_tests::face::Face;
use shikaku_tests::folder::{Terminal, files_below};
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::Settings;
use shikaku_tests::simulated::{ONE_TICKET, Simulated};
use shikaku_tests::until;

/// What the terminal's side takes between two pieces of a file.
const PIECE: Duration = Duration::from_millis(120);

/// Fields end in this order: whoever uses the share before the share, both before the folder they lie in.
struct Scene {
    _terminals: [Simulated; 2],
    hub: Hub,
    share: Share,
    far: PathBuf,
    _folder: Arc<tempfile::TempDir>,
}

impl Scene {
    /// Face files of `t2` are copied, those of `t1` taken.
    fn start() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let settings = Settings {
            taking: vec!["t1".to_owned()],
            incomplete_s: 8,
            ..Settings::default()
        };
        let settings = settings.terminals(&["t1", "t2"]);
        let mut hub = Hub::prepare(Arc::clone(&folder), "hub", &["up"], &settings);
        let far = folder.path().join("far");
        for terminal in ["t1", "t2"] {
            Terminal::make(&far.join(terminal));
        }
        let seed = number("SHIKAKU_SEED", 7);
        let share = Share::mount(&far, &folder.path().join("terminals"), seed);
        let terminals = ["t1", "t2"]
            .map(|terminal| Simulated::start(&hub, &far.join(terminal), &["latency-ms=300"]));
        hub.resume();
        Self {
            _terminals: terminals,
            hub,
            share,
            far,
            _folder: folder,
        }
    }

    /// A face file as the terminal's side may bring it.
    fn bring(&self, n: u32) {
        let terminal = Terminal {
            root: self.far.join(if n.is_multiple_of(2) { "t1" } else { "t2" }),
        };
        let bytes = Face::assistance_only(n).utf8();
        match n / 2 % 4 {
            0 => drop(terminal.drop_face(&bytes)),
            1 => drop(terminal.write_face(&bytes)),
            locked => {
                let path = terminal.write_face(b"");
                let _lock = (locked == 2).then(|| self.share.lock(&path));
                let mut file = File::options().append(true).open(path).unwrap();
                for piece in bytes.chunks(bytes.len() / 4) {
                    file.write_all(piece).unwrap();
                    // A slow writer, not a condition.
                    std::thread::sleep(PIECE);
                }
            }
        }
    }

    fn await_faces(&self, count: u32) {
        until("every face file is recorded", || {
            let log = self.hub.log();
            (faces(&log).len() >= count as usize).then_some(())
        });
    }

    /// One question about a person of the simulator's town; the inquiry's id.
    fn inquire(&self) -> String {
        let printed = self.hub.inquire(ONE_TICKET);
        assert_eq!(printed.code, 0, "{printed:?}");
        let answer = printed.last_object();
        assert_eq!(answer["state"], "answered", "{answer}");
        answer["inquiry"].as_str().unwrap().to_owned()
    }

    /// Whatever near gave its final name in `req/`.
    fn visible(&self) -> Vec<PathBuf> {
        let mut renamed = self.share.tally().renamed;
        renamed.retain(|path| path.extension().is_some_and(|extension| extension == "xml"));
        renamed
    }
}

/// Checks made from face files.
fn faces(log: &[Value]) -> Vec<&Value> {
    let checks = log.iter().filter(|event| event["type"] == "verified");
    checks
        .filter(|event| event["data"]["method"] != "ticket")
        .collect()
}

/// T17: half-written, replaced, empty, huge, wrongly encoded, locked files are all accounted for.
#[test]
fn loses_nothing_and_asks_nothing_twice() {
    let mut scene = Scene::start();
    let asked = std::thread::scope(|both| {
        let asking = both.spawn(|| (0..8).map(|_| scene.inquire()).collect::<BTreeSet<_>>());
        (0..24).for_each(|n| scene.bring(n));
        asking.join().unwrap()
    });
    scene.await_faces(24);

    scene.share.cut(true);
    until("the hub noticed that the share is away", || {
        let reachable = scene.hub.metric("shikaku_terminal_folder_reachable", "");
        (reachable < 0.5).then_some(())
    });
    (24..32).for_each(|n| scene.bring(n));
    scene.share.cut(false);
    scene.await_faces(32);

    scene.hub.kill();
    (32..40).for_each(|n| scene.bring(n));
    scene.hub.resume();
    scene.await_faces(40);

    until("what was taken is gone from its folder", || {
        let left = ["t1", "t2/req", "t2/res"].map(|folder| scene.far.join(folder));
        let left = left.iter().flat_map(|folder| files_below(folder));
        (left.count() == 0).then_some(())
    });
    assert_eq!(files_below(&scene.far.join("t2/face")).len(), 20);
    checker::folder_equation(&scene.hub);

    let log = scene.hub.log();
    let patients: BTreeSet<_> = faces(&log)
        .iter()
        .map(|event| event["patient"].as_str())
        .collect();
    assert_eq!((faces(&log).len(), patients.len()), (40, 40));
    let mut steps: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for event in &log {
        if let Some(inquiry) = event["data"]["inquiry"].as_str() {
            let step = (inquiry, event["type"].as_str().unwrap());
            *steps.entry(step).or_default() += 1;
        }
    }
    for inquiry in &asked {
        for step in ["inquiry-requested", "inquiry-submitted", "inquiry-answered"] {
            assert_eq!(steps.get(&(inquiry, step)), Some(&1), "{step} of {steps:?}");
        }
    }
    let visible = scene.visible();
    assert_eq!(visible.len(), asked.len(), "{visible:?}");
    let parked = scene.hub.ok(&["parked", "list", "--json"]);
    assert_eq!(parked.stdout.matches("\"reason\"").count(), 0, "{parked:?}");

    let failed = scene.share.tally().failed;
    println!("the share failed so: {failed:?}");
    for call in [
        "lookup",
        "getattr",
        "open",
        "open-locked",
        "read",
        "opendir",
        "cut",
    ] {
        assert!(failed.contains_key(call), "{call} never failed: {failed:?}");
    }
}
