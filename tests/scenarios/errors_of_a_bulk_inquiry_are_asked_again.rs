//! People of a bulk inquiry of whom the centre told an error are asked about again, in one job however often the
//! command is given.

use shikaku_tests::hub::{Hub, Printed};
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::simulated::Simulated;

fn bulk(hub: &Hub, whom: [&str; 2]) -> Printed {
    let words = ["inquire", "bulk", "--facility", FACILITY];
    hub.run(&[&words[..], &whom, &["--wait", "--json"]].concat())
}

#[test]
fn in_one_job_without_those_who_were_answered() {
    let hub = Hub::start(&Settings::default());
    let _terminal = Simulated::start(&hub, &hub.terminal("t1").root, &["latency-ms=20"]);
    let list = hub.folder().join("people.csv");
    // The second is somebody about whom the simulated centre always tells an error.
    let people =
        "payer,recipient,birth_date\n12997011,4001012,1962-07-19\n12997151,4001129,1966-06-06\n";
    std::fs::write(&list, people).unwrap();

    let first = bulk(&hub, ["--list", list.to_str().unwrap()]);
    assert_eq!(first.code, 0, "{first:?}");
    let first = first.last_object();
    assert_eq!(first["errors"][0]["row"], "2", "{first}");
    let job = first["inquiry"].as_str().unwrap();

    let retry = bulk(&hub, ["--retry", job]);
    assert_eq!(retry.code, 0, "{retry:?}");
    let retried = retry.last_object();
    assert_ne!(retried["inquiry"], job);
    assert_eq!(retried["errors"].as_array().map(Vec::len), Some(1));
    let again = bulk(&hub, ["--retry", job]);
    assert_eq!(again.last_object()["inquiry"], retried["inquiry"]);

    let requested: Vec<_> = hub
        .log()
        .into_iter()
        .filter(|event| event["type"] == "inquiry-requested")
        .collect();
    assert_eq!(requested.len(), 2, "{requested:?}");
    let rows = &requested[1]["data"]["question"]["body"]["rows"];
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!(requested[1]["data"]["repeats"], job);

    let unknown = bulk(&hub, ["--retry", "0197c000-0000-7000-8000-000000000000"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
}
