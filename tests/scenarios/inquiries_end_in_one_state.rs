//! A ticket inquiry ends answered, rejected, timed out or uncertain, and the exit code says which.

use serde_json::Value;
use shikaku_tests::hub::{Hub, Printed};
use shikaku_tests::settings::Settings;
use shikaku_tests::simulated::{ONE_TICKET, Simulated};
use shikaku_tests::until;

fn hub(answer_timeout_s: u32) -> Hub {
    Hub::start(&Settings {
        answer_timeout_s,
        ..Settings::default()
    })
}

/// Payer, recipient and birth date of people of the simulator's town.
const NOT_COMMISSIONED: [&str; 3] = ["12997151", "4001061", "1990-02-14"];
const REJECTED: [&str; 3] = ["12997151", "4001129", "1966-06-06"];

#[track_caller]
fn ends(printed: &Printed, code: i32, state: &str) -> Value {
    assert_eq!(printed.code, code, "{printed:?}");
    let answer = printed.last_object();
    assert_eq!(answer["state"], state, "{answer}");
    assert!(answer["inquiry"].is_string(), "{answer}");
    answer
}

#[test]
fn answered_or_rejected_when_the_centre_speaks() {
    let hub = hub(30);
    let _terminal = Simulated::start(&hub, &hub.terminal("t1").root, &["latency-ms=20"]);

    let valid = ends(&hub.inquire(ONE_TICKET), 0, "answered");
    assert_eq!(valid["validity"], "valid");
    assert!(!valid["display"].is_null(), "{valid}");

    let nobody = ends(
        &hub.inquire(["12997011", "4001012", "1900-01-01"]),
        0,
        "answered",
    );
    assert_eq!(nobody["validity"], "not-found");

    let pending = ends(&hub.inquire(NOT_COMMISSIONED), 0, "answered");
    assert_eq!(pending["validity"], "not-commissioned");

    ends(&hub.inquire(REJECTED), 1, "rejected");

    let log = hub.log();
    let count = |kind: &str| log.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(count("inquiry-requested"), 4);
    assert_eq!(count("inquiry-submitted"), 4);
    assert_eq!(count("inquiry-answered"), 3);
    assert_eq!(count("inquiry-rejected"), 1);
    assert_eq!(count("verified"), 2, "not found and rejected name nobody");
    let verified = log
        .iter()
        .find(|event| event["type"] == "verified")
        .unwrap();
    assert_eq!(verified["data"]["method"], "ticket");
    let told = hub.ok(&["terminals", "--json"]).json();
    let terminal = &told["terminals"][0];
    assert_eq!(terminal["health"], "healthy", "{told}");
    assert_eq!(terminal["answers"], 4, "{told}");
    assert!(terminal["median_answer_ms"].is_u64(), "{told}");
    for folder in ["req", "res"] {
        let left = std::fs::read_dir(hub.terminal("t1").root.join(folder))
            .unwrap()
            .count();
        assert_eq!(left, 0, "files are left in {folder}/");
    }
    let unanswered: Vec<&Value> = log
        .iter()
        .filter(|event| event["type"] == "inquiry-answered" && event["patient"].is_string())
        .collect();
    assert!(
        unanswered.is_empty(),
        "`patient` is null for events of inquiries"
    );
}

#[test]
fn timed_out_when_nobody_takes_the_request() {
    let hub = hub(1);
    let request = hub.terminal("t1").root.join("req");
    ends(&hub.inquire(ONE_TICKET), 1, "timed-out");
    assert_eq!(
        std::fs::read_dir(request).unwrap().count(),
        0,
        "the request is withdrawn"
    );
}

#[test]
fn uncertain_when_it_was_taken_and_nothing_came() {
    let hub = hub(1);
    let _terminal = Simulated::start(&hub, &hub.terminal("t1").root, &["silence=no-answer"]);
    let answer = ends(&hub.inquire(ONE_TICKET), 3, "uncertain");
    let id = answer["inquiry"].as_str().unwrap();
    let told = hub.ok(&["terminals", "--json"]).json();
    assert_eq!(told["terminals"][0]["health"], "uncertain", "{told}");
    let log = hub.log();
    let submitted = log
        .iter()
        .filter(|event| event["type"] == "inquiry-submitted")
        .count();
    assert_eq!(submitted, 1, "a single inquiry is never repeated by itself");
    until("the inquiry is listed", || {
        hub.ok(&["inquire", "list", "--json"])
            .stdout
            .contains(id)
            .then_some(())
    });
}
