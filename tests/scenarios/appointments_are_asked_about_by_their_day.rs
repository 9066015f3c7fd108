//! Appointments are asked about as of their own days, each patient of a day once.

use shikaku_tests::face::Face;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::simulated::Simulated;

#[test]
fn one_list_a_day_and_whoever_has_no_numbers_is_counted() {
    let hub = Hub::start(&Settings::default());
    let root = hub.terminal("t1").root;
    let _terminal = Simulated::start(&hub, &root, &["latency-ms=20"]);
    let known = Face {
        reference: "70001".to_owned(),
        ..Face::of_the_town()
    };
    hub.terminal("t1").drop_face(&known.utf8());
    hub.await_events("verified", 1);
    let booked = hub.folder().join("booked.csv");
    let appointments =
        "patient,date\n70001,2026-05-12\n70001,2026-05-13\n70001,2026-05-12\n79999,2026-05-12\n";
    std::fs::write(&booked, appointments).unwrap();

    let words = ["inquire", "bulk", "--facility", FACILITY];
    let from = ["--from-appointments", booked.to_str().unwrap(), "--wait"];
    let printed = hub.run(&[&words[..], &from, &["--json"]].concat());
    assert_eq!(printed.code, 0, "{printed:?}");
    let left_out = printed.stderr.lines().any(|line| line.ends_with(": 1"));
    assert!(left_out, "{printed:?}");

    let log = hub.log();
    let requested = log.iter().filter(|it| it["type"] == "inquiry-requested");
    let bulk = requested
        .map(|it| &it["data"])
        .filter(|it| it["kind"] == "bulk");
    let asked: Vec<_> = bulk
        .map(|data| {
            let rows = data["question"]["body"]["rows"].as_array().unwrap().len();
            (data["on"].as_str().unwrap(), rows)
        })
        .collect();
    assert_eq!(asked, [("2026-05-12", 1), ("2026-05-13", 1)]);
}
