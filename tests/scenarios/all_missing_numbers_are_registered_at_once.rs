//! `inquire reference --all-missing`: whoever has a chart and no 照会番号 at the centre is registered by one job, and each
//! person's outcome is told, refused ones with the centre's words.

use serde_json::{Value, json};
use shikaku_tests::face::Face;
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{asked, user};
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::simulated::Simulated;

fn open_chart(hub: &Hub, sequence: usize, record: &Value, chart: &str) {
    let kind = "chart-opened";
    let observation = json!({
        "observation_id": format!("0197c000-0000-7000-8000-0000000000{sequence:02}"),
        "facility": FACILITY, "source": "receipt", "device": "r1", "sequence": sequence,
        "seen_at": "2026-05-11T00:20:00Z", "as_of": null, "evidence": null,
        "kind": kind, "body": { "patient": chart, "record": record },
    });
    let subject = format!("shikaku.obs.{FACILITY}.receipt.r1.{kind}");
    let stored = asked(&user(hub, "hub"), &subject, &observation.to_string());
    assert_eq!(stored["stream"], "OBSERVATIONS", "{stored}");
}

#[test]
fn known_to_the_centre_or_not() {
    let hub = Hub::start(&Settings {
        facility: "register_references = false\n".to_owned(),
        ..Settings::default()
    });
    let stranger = Face {
        reference: String::new(),
        ..Face::assistance_only(3)
    };
    for (face, n) in [(Face::of_the_town(), 1), (stranger, 2)] {
        hub.terminal("t1").drop_face(&face.utf8());
        hub.await_events("patient-first-seen", n);
    }
    let log = hub.log();
    let seen = log
        .iter()
        .filter(|event| event["type"] == "patient-first-seen");
    for (event, sequence) in seen.zip(1..) {
        open_chart(
            &hub,
            sequence,
            &event["patient"],
            &format!("7000{sequence}"),
        );
    }
    hub.await_events("patient-numbered", 2);
    let root = hub.terminal("t1").root;
    let _terminal = Simulated::start(&hub, &root, &["latency-ms=20"]);
    let words = [
        "inquire",
        "reference",
        "--facility",
        FACILITY,
        "--all-missing",
    ];
    let told = hub.ok(&[&words[..], &["--wait", "--json"]].concat());
    let told = told.last_object();
    assert_eq!(told["state"], "answered", "{told}");

    let log = hub.await_events("reference-number-registered", 1);
    let submitted = log
        .iter()
        .filter(|event| event["type"] == "inquiry-submitted");
    let files: Vec<_> = submitted
        .map(|event| event["data"]["file"].as_str().unwrap())
        .collect();
    assert!(
        !files.is_empty() && files.iter().all(|file| file.starts_with("OQSmuimm")),
        "{files:?}"
    );
    let registered = log
        .iter()
        .filter(|event| event["type"] == "reference-number-registered");
    assert_eq!(
        registered.count(),
        1,
        "the centre does not know the other one"
    );
    let id = told["inquiry"].as_str().unwrap();
    let shown = hub.ok(&["inquire", "show", id, "--json"]).last_object();
    let errors = shown["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{shown}");
    assert_eq!(errors[0]["row"], "70002", "{shown}");
    assert_eq!(errors[0]["code"], "SIM0005");
}
