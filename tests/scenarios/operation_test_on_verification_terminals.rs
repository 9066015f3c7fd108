//! The guide's operation test against a running hub and a simulated terminal: nothing that can be done without a
//! person fails, and nothing that a person must do is pretended. Production terminals are refused.

use std::fs;
use std::process::{Child, Stdio};

use serde_json::Value;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::{FACILITY, Settings};

const DAY: &str = "speed = 1000.0\nknobs = [\"consents=all\"]\n\
[[step]]\nat = \"09:00:00\"\nperson = \"one-ticket\"\n\
[[step]]\nat = \"09:05:00\"\nperson = \"combined\"\n";

/// Ends with the test.
struct Simulator(Child);

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn simulator(hub: &Hub) -> Simulator {
    let day = hub.folder().join("day.toml");
    fs::write(&day, DAY).unwrap();
    let root = hub.terminal("t1").root;
    let mut program = hub.program(&["sim", "terminal"]);
    program.arg("--root").arg(root).arg("--scenario").arg(day);
    let child = program.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
    Simulator(child.unwrap())
}

fn states(report: &Value) -> Vec<(&str, &str, &str)> {
    let mut states = Vec::new();
    for scenario in report["scenarios"].as_array().unwrap() {
        for step in scenario["steps"].as_array().unwrap() {
            states.push((
                scenario["id"].as_str().unwrap(),
                step["state"].as_str().unwrap(),
                step["seen"].as_str().unwrap(),
            ));
        }
    }
    states
}

#[test]
fn every_scenario_is_run_and_people_are_not_pretended() {
    let hub = Hub::start(&Settings::default());
    let _simulator = simulator(&hub);
    hub.await_events("verified", 2);
    let folder = hub.folder().join("report");
    let printed = hub.run(&[
        "operation-test",
        "--facility",
        FACILITY,
        "--report",
        folder.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(printed.code, 3, "a person has to do the rest: {printed:?}");
    let report = printed.last_object();
    for (id, state, seen) in states(&report) {
        assert_ne!(state, "failed", "{id}: {seen}");
        assert_ne!(state, "attested", "{id}: nobody was here");
    }
    let passed = states(&report).iter().filter(|it| it.1 == "passed").count();
    assert_eq!(passed, 13, "{:?}", states(&report));
    let page = fs::read_to_string(folder.join("operation-test.html")).unwrap();
    assert!(page.contains("運用テスト") && !page.contains("<script"));
    let written: Value =
        serde_json::from_slice(&fs::read(folder.join("operation-test.json")).unwrap()).unwrap();
    assert_eq!(written["scenarios"], report["scenarios"]);

    let by_chart = [
        "--facility",
        FACILITY,
        "--patient",
        "T00002",
        "--wait",
        "--json",
    ];
    let drugs = [
        &["inquire", "drug-info", "--from", "2022-01"][..],
        &by_chart,
    ]
    .concat();
    let drugs = hub.ok(&drugs).last_object();
    assert_eq!(drugs["months"][0], "2024-02");
    assert_eq!(drugs["clipped"], true);
    let registered = hub.ok(&[&["inquire", "reference"][..], &by_chart].concat());
    assert_eq!(registered.last_object()["state"], "answered");
    let refused = hub.run(&[
        "inquire",
        "checkup-info",
        "--facility",
        FACILITY,
        "--patient",
        "T00008",
        "--wait",
    ]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("4.1.2(1)"), "{refused:?}");
    for (what, section) in [
        ("limit-certificate", "4.1.1(5)"),
        ("claim-transfer", "2.2.3"),
    ] {
        let of = |patient| {
            hub.run(&[
                "inquire",
                what,
                "--facility",
                FACILITY,
                "--patient",
                patient,
            ])
        };
        let assistance = of("T00002");
        assert_eq!(assistance.code, 1);
        assert!(assistance.stderr.contains(section), "{assistance:?}");
        assert_eq!(of("T00006").code, 0, "the insurance half of 併用 keeps it");
    }
}

#[test]
fn production_terminals_are_refused() {
    let hub = Hub::start(&Settings::default());
    let config = hub.folder().join("hub.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\"verification\"", "\"production\"")).unwrap();
    let printed = hub.run(&["operation-test", "--facility", FACILITY]);
    assert_eq!(printed.code, 1);
    assert!(printed.stderr.contains("(t1)"), "{printed:?}");
    let log = hub.log();
    assert!(log.iter().all(|event| event["type"] != "inquiry-requested"));
}
