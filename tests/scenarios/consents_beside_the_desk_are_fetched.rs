//! Consents of home visits and of online care never come by the reader: whoever gave one in a period is fetched, and
//! recorded as a check of that kind. Neither opens medical information, which needs a card at the desk.

use serde_json::Value;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::simulated::Simulated;

const CONSENTS: &str = "[[step]]\nat = \"09:00:00\"\nperson = \"combined\"\nby = \"home-visit\"\n\
[[step]]\nat = \"09:00:00\"\nperson = \"one-ticket\"\nby = \"online\"\n";

/// Fetches one kind until somebody is in it: the simulated person may consent a moment later.
fn fetched(hub: &Hub, kind: &str) -> Value {
    let words = [
        "inquire",
        kind,
        "--facility",
        FACILITY,
        "--from",
        "2026-01-01",
        "--to",
        "2099-12-31",
    ];
    for _ in 0..20 {
        let told = hub.ok(&[&words[..], &["--wait", "--json"]].concat());
        let told = told.last_object();
        assert_eq!(told["state"], "answered", "{told}");
        if told["job"]["units"] != 0 {
            return told;
        }
    }
    panic!("nobody consented by {kind}");
}

fn of_kind<'l>(log: &'l [Value], kind: &str) -> Vec<&'l Value> {
    log.iter().filter(|event| event["type"] == kind).collect()
}

#[test]
fn each_by_its_own_message() {
    let hub = Hub::start(&Settings::default());
    let root = hub.terminal("t1").root;
    let knobs = ["latency-ms=20", "consents=all", "processing-s=2"];
    let _terminal = Simulated::playing(&hub, &root, CONSENTS, &knobs);
    for (kind, family, patient) in [
        ("home-visit", "OQSmuhvq", "T00006"),
        ("online", "OQSmuonq", "T00002"),
    ] {
        let before = hub.log().len();
        let told = fetched(&hub, kind);
        assert_eq!(told["job"]["units"], 1, "{told}");
        let log = hub.log();
        let since = &log[before..];
        let verified = of_kind(since, "verified");
        assert_eq!(verified.len(), 1, "{kind}");
        assert_eq!(verified[0]["data"]["method"], kind);
        assert_eq!(verified[0]["data"]["validity"], "valid");
        let submitted = of_kind(since, "inquiry-submitted");
        assert!(!submitted.is_empty());
        for event in submitted {
            let file = event["data"]["file"].as_str().unwrap();
            assert!(file.starts_with(family), "{file}");
        }
        let words = ["display", "--facility", FACILITY, "--patient", patient];
        let shown = hub.ok(&[&words[..], &["--method", "card"]].concat());
        assert!(shown.stdout.contains("有効"), "{shown:?}");
        let words = ["inquire", "drug-info", "--facility", FACILITY];
        let refused = hub.run(&[&words[..], &["--patient", patient, "--wait"]].concat());
        assert_eq!(refused.code, 1, "{kind}: {refused:?}");
        assert!(refused.stderr.contains("4.1.2(1)"), "{kind}: {refused:?}");
    }
}
