//! A site as it is: a receipt computer on a virtual terminal, and an EHR that nobody told of the hub, on the terminal's
//! own folders. It imports face files and moves them to a folder of its own, and asks the terminal itself. The hub is
//! killed in between. Neither loses a file, and no file is anybody else's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shikaku_tests::face::Face;
use shikaku_tests::folder::Terminal;
use shikaku_tests::hub::Hub;
use shikaku_tests::program;
use shikaku_tests::settings::Settings;
use shikaku_tests::simulated::Simulated;
use shikaku_tests::until;

const PROGRAM: &str = "receipt-a";
/// Face files and requests of each program, in each of two parts: before the hub is killed, and from then on.
const FACES: u32 = 15;
const REQUESTS: u32 = 5;
/// How long the EHR leaves a face file where it found it.
const IMPORT: Duration = Duration::from_secs(3);

/// Asks as OQS-speaking programs do: another name first, then renamed.
fn ask(root: &Path, names: impl Iterator<Item = String>) -> Vec<String> {
    let sample = String::from_utf8(program::sample("requests/OQSsiquc01req_utf8.xml")).unwrap();
    let request = sample
        .replace("12997151", "12997011")
        .replace("3200003", "4001012")
        .replace("19600101", "19620719");
    assert_ne!(request, sample);
    names
        .map(|name| {
            let path = root.join("req").join(format!("OQSsiquc01req_{name}.xml"));
            fs::write(path.with_extension("tmp"), &request).unwrap();
            fs::rename(path.with_extension("tmp"), path).unwrap();
            format!("OQSsiquc01res_{name}.xml")
        })
        .collect()
}

/// Takes answers, each once, as the program that asked does.
fn take_answers(root: &Path, names: &[String]) {
    for name in names {
        let path = root.join("res").join(name);
        let answer = until(&format!("the answer {name}"), || fs::read(&path).ok());
        assert!(!answer.is_empty());
        fs::remove_file(path).unwrap();
    }
}

/// The EHR's import: every face file that lay long enough goes to its own folder.
fn import(terminal: &Terminal, trash: &Path, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        for entry in fs::read_dir(terminal.faces()).unwrap().flatten() {
            let name = entry.file_name();
            let lies = entry.metadata().and_then(|found| found.modified());
            let lies = lies.map(|since| since.elapsed());
            let is_due = matches!(lies, Ok(Ok(lies)) if lies > IMPORT);
            if is_due && Path::new(&name).extension().is_some_and(|it| it == "xml") {
                fs::rename(entry.path(), trash.join(name)).unwrap();
            }
        }
        // Its own pace: what is waited for stands in the test.
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn contents(folder: &Path) -> BTreeSet<Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| fs::read(entry.path()).unwrap())
        .collect()
}

fn drop_faces(terminal: &Terminal, part: u32) -> Vec<Vec<u8>> {
    let people = part * FACES..(part + 1) * FACES;
    let faces = people.map(|n| Face::assistance_only(n).utf8());
    faces
        .inspect(|bytes| drop(terminal.drop_face(bytes)))
        .collect()
}

fn named(program: &str, part: u32) -> impl Iterator<Item = String> {
    (0..REQUESTS).map(move |n| format!("{program}{part}{n:03}"))
}

struct Site {
    hub: Hub,
    real: Terminal,
    theirs: Terminal,
    trash: PathBuf,
    dropped: BTreeSet<Vec<u8>>,
}

fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(PROGRAM);
    let trash = folder.path().join("trash");
    fs::create_dir(&trash).unwrap();
    let theirs = Terminal::make(&root);
    let settings = Settings {
        desks: format!("[[facility.virtual_terminal]]\nid = \"{PROGRAM}\"\nroot = {root:?}\n"),
        ..Settings::default()
    };
    let mut hub = Hub::prepare(folder.into(), "hub", &["up"], &settings);
    hub.resume();
    Site {
        real: hub.terminal("t1"),
        dropped: BTreeSet::new(),
        hub,
        theirs,
        trash,
    }
}

impl Site {
    /// One part of the day. `meanwhile` happens while requests of both are on their way.
    fn part(&mut self, part: u32, meanwhile: impl FnOnce(&mut Hub)) {
        let theirs = ask(&self.theirs.root, named("P", part));
        let foreign = ask(&self.real.root, named("F", part));
        meanwhile(&mut self.hub);
        self.dropped.extend(drop_faces(&self.real, part));
        take_answers(&self.real.root, &foreign);
        take_answers(&self.theirs.root, &theirs);
        let count = (part + 1) * FACES;
        until("the EHR has imported everything", || {
            (contents(&self.trash).len() == count as usize).then_some(())
        });
    }
}

#[test]
fn lose_no_file_and_take_none_of_the_other() {
    let mut site = site();
    let _terminal = Simulated::start(&site.hub, &site.real.root, &["latency-ms=200"]);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (real, trash) = (site.real.clone(), site.trash.clone());
        let importing = scope.spawn({
            let is_over = &is_over;
            move || import(&real, &trash, is_over)
        });
        site.part(0, |_| {});
        site.part(1, |hub| {
            hub.kill();
            hub.resume();
        });
        is_over.store(true, Ordering::Relaxed);
        importing.join().unwrap();
    });

    let faces = 2 * FACES as usize;
    let asked = 2 * REQUESTS as usize;
    let log = site.hub.await_events("inquiry-answered", asked);
    let count = |kind: &str| log.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(
        count("verified"),
        faces + asked,
        "each face file and answer once"
    );
    assert_eq!(
        count("inquiry-answered"),
        asked,
        "those of the program alone"
    );
    assert_eq!(contents(&site.trash), site.dropped, "what the EHR imported");
    let copies = site.theirs.faces();
    until("the receipt computer has every face file", || {
        (contents(&copies) == site.dropped).then_some(())
    });
    let copied = fs::read_dir(copies).unwrap().count();
    assert_eq!(copied, faces, "and each once");
    for root in [&site.real.root, &site.theirs.root] {
        for folder in ["req", "res"] {
            assert_eq!(
                fs::read_dir(root.join(folder)).unwrap().count(),
                0,
                "{root:?}/{folder}"
            );
        }
    }
}
