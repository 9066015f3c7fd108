//! Drugs that came are shown as text and as the file received, to whoever says why, and to nobody when the look can't
//! be written down first.

use shikaku_tests::hub::{Hub, Printed};
use shikaku_tests::program::python;
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::simulated::Simulated;

const PATIENT: &str = "T00002";
const DRUG: &str = "見本錠";

fn medical(hub: &Hub, more: &[&str]) -> Printed {
    let words = ["medical", "--facility", FACILITY, "--patient", PATIENT];
    hub.run(&[&words[..], more].concat())
}

/// Kind and purpose of every look at medical information.
fn looks(hub: &Hub) -> String {
    let script = "import sqlite3,sys\nfor row in sqlite3.connect(sys.argv[1]).execute(\
        \"SELECT kind, purpose, record IS NOT NULL FROM access WHERE kind = 'medical'\"): print(*row)";
    let read = python()
        .args(["-c", script])
        .arg(hub.data_dir().join("access.db"))
        .output()
        .unwrap();
    assert!(read.status.success(), "{read:?}");
    String::from_utf8(read.stdout).unwrap()
}

#[test]
fn and_the_look_is_logged_first() {
    let hub = Hub::start(&Settings::default());
    let visit = "[[step]]\nat = \"09:00:00\"\nperson = \"one-ticket\"\n";
    let root = hub.terminal("t1").root;
    let _terminal = Simulated::playing(&hub, &root, visit, &["latency-ms=20", "consents=all"]);
    hub.await_events("consent-recorded", 1);
    let words = ["inquire", "drug-info", "--facility", FACILITY];
    let who = ["--patient", PATIENT, "--wait", "--json"];
    hub.ok(&[&words[..], &who].concat());

    assert_eq!(medical(&hub, &[]).code, 2, "a purpose is needed");
    assert_eq!(medical(&hub, &["--purpose", " "]).code, 2);
    assert_eq!(looks(&hub), "");
    let folder = hub.folder().join("files");
    let folder = folder.to_str().unwrap();
    let shown = medical(&hub, &["--purpose", "care", "--save", folder]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.contains(DRUG), "{shown:?}");
    assert_eq!(looks(&hub), "medical care 1\n");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert!(text.starts_with("<?xml") && text.contains(DRUG));
    let told = medical(&hub, &["--purpose", "care", "--scope", "drug", "--json"]);
    let told = told.last_object();
    assert!(
        !told["medical"][0]["chart"]["drugs"][0]["on"].is_null(),
        "{told}"
    );

    let log = hub.data_dir().join("access.db");
    std::fs::rename(&log, log.with_extension("away")).unwrap();
    std::fs::create_dir(&log).unwrap();
    let hidden = medical(&hub, &["--purpose", "care"]);
    assert_eq!(hidden.code, 1, "{hidden:?}");
    assert!(!hidden.all().contains(DRUG), "{hidden:?}");
}
