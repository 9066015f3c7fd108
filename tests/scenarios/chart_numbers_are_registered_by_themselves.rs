//! A check that came back with a blank 照会番号 is followed by its registration as soon as the chart number is known:
//! nobody asks for it, and a half that is 未委託 waits for its ticket.

use serde_json::{Value, json};
use shikaku_tests::face::{Face, with_check};
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{asked, user};
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::simulated::Simulated;

const CHART: &str = "70001";

/// A chart is opened for a record, as the receipt computer tells it.
fn open_chart(hub: &Hub, record: &Value) {
    let kind = "chart-opened";
    let observation = json!({
        "observation_id": "0197c000-0000-7000-8000-00000000c4a7",
        "facility": FACILITY, "source": "receipt", "device": "r1", "sequence": 1,
        "seen_at": "2026-05-11T00:20:00Z", "as_of": null, "evidence": null,
        "kind": kind, "body": { "patient": CHART, "record": record },
    });
    let subject = format!("shikaku.obs.{FACILITY}.receipt.r1.{kind}");
    let stored = asked(&user(hub, "hub"), &subject, &observation.to_string());
    assert_eq!(stored["stream"], "OBSERVATIONS", "{stored}");
}

fn registrations(log: &[Value]) -> Vec<&Value> {
    log.iter()
        .filter(|event| event["type"] == "inquiry-requested")
        .map(|event| &event["data"])
        .filter(|data| data["kind"] == "reference")
        .collect()
}

#[test]
fn and_the_centre_tells_them_from_then_on() {
    let hub = Hub::start(&Settings::default());
    let root = hub.terminal("t1").root;
    let _terminal = Simulated::start(&hub, &root, &["latency-ms=20"]);
    let checked = Face::of_the_town();
    hub.terminal("t1").drop_face(&checked.utf8());
    let log = hub.await_events("verified", 1);
    assert!(registrations(&log).is_empty(), "no chart number is known");
    open_chart(&hub, &log.last().unwrap()["patient"]);
    let log = hub.await_events("reference-number-registered", 1);
    let registered = registrations(&log);
    assert_eq!(registered.len(), 1);
    let question = &registered[0]["question"]["body"];
    assert_eq!(question["reference_number"], CHART);
    assert_eq!(question["number"], checked.recipient);
    for kind in ["inquiry-submitted", "inquiry-answered"] {
        assert!(log.iter().any(|event| event["type"] == kind), "{kind}");
    }

    let words = ["inquire", "ticket", "--facility", FACILITY];
    let who = ["--patient", CHART, "--wait", "--json"];
    hub.ok(&[&words[..], &who].concat());
    let log = hub.await_events("verified", 2);
    let verified = log.iter().rfind(|event| event["type"] == "verified");
    assert_eq!(verified.unwrap()["data"]["reference_number"], CHART);
    assert_eq!(registrations(&log).len(), 1, "it is registered once");
}

#[test]
fn while_not_commissioned_only_the_insurance() {
    let hub = Hub::start(&Settings::default());
    let root = hub.terminal("t1").root;
    let _terminal = Simulated::start(&hub, &root, &["latency-ms=20"]);
    let known = Face {
        name: "見本　併".to_owned(),
        kana: "ﾐﾎﾝ ｱﾜｾ".to_owned(),
        birth: "19681212".to_owned(),
        payer: "12997011".to_owned(),
        recipient: with_check("400105"),
        reference: String::new(),
        insured: true,
        ..Face::assistance_only(2)
    };
    // The insurance number that the simulated centre has of this person.
    let drop = |face: &Face| {
        let text = String::from_utf8(face.utf8()).unwrap();
        let text = text.replace(&format!(">{}<", &known.recipient[2..]), ">413<");
        hub.terminal("t1").drop_face(text.as_bytes());
    };
    drop(&Face {
        at: "20260415091500".to_owned(),
        ..known.clone()
    });
    drop(&Face {
        validity: '6',
        numbers: Some(String::new()),
        ticket: false,
        identifier: "waits".to_owned(),
        ..known.clone()
    });
    let log = hub.await_events("not-commissioned-observed", 1);
    let records: Vec<_> = log
        .iter()
        .filter(|event| event["type"] == "verified")
        .map(|event| &event["patient"])
        .collect();
    assert_eq!(records.first(), records.last(), "{records:?}");
    open_chart(&hub, records[0]);
    let log = hub.await_events("reference-number-registered", 1);
    let sent = registrations(&log);
    assert_eq!(sent.len(), 1, "the assistance half waits");
    assert_eq!(sent[0]["question"]["body"]["insurer_number"], "06139992");

    drop(&Face {
        at: "20260516091500".to_owned(),
        identifier: "arrives".to_owned(),
        ..known.clone()
    });
    let log = hub.await_events("reference-number-registered", 2);
    let sent = registrations(&log);
    assert_eq!(sent.len(), 2);
    let question = &sent[1]["question"]["body"];
    assert_eq!(question["insurer_number"], known.payer);
    assert_eq!(question["number"], known.recipient);
    assert_eq!(question["reference_number"], CHART);
}
