//! A program that speaks to the terminal itself, through folders of its own, keeps its request names and gets its
//! answers. The hub shows each request as an inquiry of that program, and asks nothing a second time.

use std::fs;

use serde_json::Value;
use shikaku_tests::folder::Terminal;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::Settings;
use shikaku_tests::simulated::{ONE_TICKET, Simulated};
use shikaku_tests::{program, until};

const PROGRAM: &str = "receipt-a";

struct Scene {
    hub: Hub,
    theirs: Terminal,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(PROGRAM);
    let theirs = Terminal::make(&root);
    let settings = Settings {
        answer_timeout_s: 1,
        desks: format!("[[facility.virtual_terminal]]\nid = \"{PROGRAM}\"\nroot = {root:?}\n"),
        ..Settings::default()
    };
    let hub = Hub::prepare(folder.into(), "hub", &["up"], &settings);
    let mut scene = Scene { hub, theirs };
    scene.hub.resume();
    scene
}

impl Scene {
    fn ask(&self, name: &str, bytes: &[u8]) {
        let folder = self.theirs.root.join("req");
        let temporary = folder.join(format!("{name}.tmp"));
        fs::write(&temporary, bytes).unwrap();
        fs::rename(temporary, folder.join(name)).unwrap();
    }

    fn answer(&self, name: &str) -> Vec<u8> {
        let path = self.theirs.root.join("res").join(name);
        until("the program has its answer", || fs::read(&path).ok())
    }

    /// The one inquiry of the program, as it is listed, once it stands so.
    fn listed(&self, state: &str) -> Value {
        until("its inquiry is listed", || {
            let listed = self.hub.ok(&["inquire", "list", "--json"]).json();
            let views = listed["inquiries"].as_array().expect("a list").clone();
            let mut theirs = views
                .into_iter()
                .filter(|view| view["requested"]["requested_by"] == PROGRAM);
            let view = theirs.next()?;
            assert!(theirs.next().is_none(), "{listed}");
            (view["state"] == state).then_some(view)
        })
    }

    fn count(&self, kind: &str) -> usize {
        let log = self.hub.log();
        log.iter().filter(|event| event["type"] == kind).count()
    }
}

/// Asks about one person of the simulator's town.
fn request() -> Vec<u8> {
    let sample = program::sample("requests/OQSsiquc01req_utf8.xml");
    let mut request = String::from_utf8(sample).unwrap();
    for (before, after) in [
        ("12997151", "12997011"),
        ("3200003", "4001012"),
        ("19600101", "19620719"),
    ] {
        assert!(request.contains(before));
        request = request.replace(before, after);
    }
    request.into_bytes()
}

#[test]
fn are_answered_and_shown_as_inquiries_of_theirs() {
    let scene = scene();
    let root = scene.hub.terminal("t1").root;
    let _terminal = Simulated::start(&scene.hub, &root, &["latency-ms=20"]);
    scene.ask("OQSsiquc01req_P0001.xml", &request());
    let answer = scene.answer("OQSsiquc01res_P0001.xml");
    assert!(!answer.is_empty());
    let view = scene.listed("answered");
    assert_eq!(view["requested"]["kind"], "ticket");
    assert_eq!(view["terminal"], "t1");
    assert_eq!(view["validity"], "valid");
    let id = view["inquiry"].as_str().unwrap();
    let shown = scene.hub.ok(&["inquire", "show", id]).stdout;
    assert!(shown.contains(PROGRAM), "{shown}");
    for kind in [
        "inquiry-requested",
        "inquiry-submitted",
        "inquiry-answered",
        "verified",
    ] {
        assert_eq!(scene.count(kind), 1, "{kind}");
    }
}

#[test]
fn are_never_repeated_or_given_up_by_the_hub() {
    let mut scene = scene();
    let real = scene.hub.terminal("t1").root;
    scene.ask("OQSsiquc01req_P0002.xml", &request());
    scene.listed("submitted");
    // A restart tells open inquiries again; one of the hub's own would long be withdrawn or asked.
    scene.hub.kill();
    scene.hub.resume();
    let own = scene.hub.inquire(ONE_TICKET);
    assert_eq!(own.last_object()["state"], "timed-out", "{own:?}");
    scene.listed("submitted");
    assert_eq!(scene.count("inquiry-submitted"), 2);
    let left = fs::read_dir(real.join("req")).unwrap().count();
    assert_eq!(
        left, 1,
        "the program's request still waits for the terminal"
    );
    // The answer comes late.
    let _terminal = Simulated::start(&scene.hub, &real, &["latency-ms=20"]);
    scene.answer("OQSsiquc01res_P0002.xml");
    scene.listed("answered");
}
