//! The guide's operation test against a running hub and a simulated terminal: nothing that can be done without a
//! person fails, and nothing that a person must do is pretended. Production terminals are refused.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::{FACILITY, Settings};

/// Cards of one day, one after the other; the card of `unregistered` counts from its registration on. The same person's
/// stand far apart: of one second they would be the same file.
const CARDS: [(&str, &str); 11] = [
    ("one-ticket", "card"),
    ("unregistered", "card"),
    ("unregistered", "registration"),
    ("unregistered", "card"),
    ("not-commissioned-known", "card"),
    ("one-ticket", "card"),
    ("lost", "card"),
    ("combined", "card"),
    ("combined-not-commissioned", "card"),
    ("combined-lost", "card"),
    ("one-ticket", "card"),
];
/// Face files of that day.
const FACES: usize = 9;
/// Steps that need nobody, once the cards were checked.
const BY_ITSELF: usize = 28;
/// Steps that people attest.
const BY_PEOPLE: usize = 14;

fn day() -> String {
    let mut day = "speed = 1000.0\nknobs = [\"consents=all\"]\n".to_owned();
    for (minute, (person, by)) in (0..).step_by(5).zip(CARDS) {
        day += &format!(
            "[[step]]\nat = \"09:{minute:02}:00\"\nperson = \"{person}\"\nby = \"{by}\"\n"
        );
    }
    day
}

/// Ends with the test.
struct Simulator(Child);

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn simulator(hub: &Hub) -> Simulator {
    let file = hub.folder().join("day.toml");
    fs::write(&file, day()).unwrap();
    let root = hub.terminal("t1").root;
    let mut program = hub.program(&["sim", "terminal"]);
    program.arg("--root").arg(root).arg("--scenario").arg(file);
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

fn ended(report: &Value, state: &str) -> usize {
    states(report).iter().filter(|it| it.1 == state).count()
}

/// At a terminal of its own (`script` of util-linux), with somebody who answers each question with `answer`.
fn attested(hub: &Hub, answer: &str) -> (i32, Value) {
    let folder = hub.folder().join("report-attested");
    let program = hub.program(&["operation-test", "--facility", FACILITY]);
    let mut line = vec![program.get_program().to_string_lossy().into_owned()];
    line.extend(
        program
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned()),
    );
    line.extend(["--attest-by", "tester", "--report"].map(str::to_owned));
    line.push(folder.display().to_string());
    let quoted: Vec<String> = line.iter().map(|word| format!("'{word}'")).collect();
    let mut script = Command::new("script");
    script.args(["-q", "-e", "-c", &quoted.join(" "), "/dev/null"]);
    let set = program
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let child = script
        .envs(set)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let mut child = child.expect("script of util-linux");
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(format!("{answer}\n").repeat(BY_PEOPLE).as_bytes())
        .unwrap();
    let code = child.wait().unwrap().code().unwrap();
    drop(stdin);
    let written = fs::read(folder.join("operation-test.json")).unwrap();
    (code, serde_json::from_slice(&written).unwrap())
}

#[test]
fn what_people_attest_is_told_with_their_name_and_time() {
    let hub = Hub::start(&Settings::default());
    let _simulator = simulator(&hub);
    hub.await_events("verified", FACES);
    let (code, report) = attested(&hub, "はい");
    assert_eq!(code, 0, "{:?}", states(&report));
    assert_eq!(ended(&report, "attested"), BY_PEOPLE);
    assert_eq!(ended(&report, "passed"), BY_ITSELF);
    for scenario in report["scenarios"].as_array().unwrap() {
        for step in scenario["steps"].as_array().unwrap() {
            let by = step["state"] == "attested";
            assert_eq!(step["attested"]["by"] == "tester", by, "{step}");
            assert_eq!(
                step["evidence"].as_array().unwrap().is_empty(),
                by,
                "{step}"
            );
        }
    }
}

#[test]
fn every_scenario_is_run_and_people_are_not_pretended() {
    let hub = Hub::start(&Settings::default());
    let _simulator = simulator(&hub);
    hub.await_events("verified", FACES);
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
    assert_eq!(ended(&report, "passed"), BY_ITSELF, "{:?}", states(&report));
    assert_eq!(ended(&report, "not-done"), BY_PEOPLE);
    for (id, seen) in [
        ("ticket-new", "新しい患者"),
        ("ticket-returning", "有効"),
        ("dispensing-ticket", "調剤券"),
        ("bulk", "3"),
        ("first-registration", "医療扶助単独"),
        ("not-commissioned", "未委託"),
        ("combined-not-commissioned", "併用"),
        ("combined-lost-with-newer", "新しい資格あり"),
    ] {
        let mut of_it = states(&report).into_iter().filter(|it| it.0 == id);
        assert!(
            of_it.any(|it| it.2.contains(seen)),
            "{id}: {:?}",
            states(&report)
        );
    }
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
