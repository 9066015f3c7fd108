//! A terminal whose interfaces are encrypted: the hub packs what it asks, and opens what comes.

use shikaku_tests::hub::Hub;
use shikaku_tests::settings::{FACILITY, Settings};
use shikaku_tests::simulated::{ONE_TICKET, Simulated};

#[test]
fn are_spoken_to_under_their_password() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "himitsu\n").unwrap();
    let hub = Hub::start(&Settings {
        desks: format!(
            "zip_password_file = {password:?}\nencrypted = [\"OQSsiquc\", \"OQSmuquc\"]\n"
        ),
        ..Settings::default()
    });
    let root = hub.terminal("t1").root;
    let _terminal = Simulated::start(&hub, &root, &["latency-ms=20", "interfaces=encrypted"]);
    let told = hub.inquire(ONE_TICKET);
    assert_eq!(told.code, 0, "{told:?}");
    let list = hub.folder().join("list.csv");
    let [payer, recipient, born] = ONE_TICKET;
    std::fs::write(
        &list,
        format!("payer,recipient,birth_date\n{payer},{recipient},{born}\n"),
    )
    .unwrap();
    let words = ["inquire", "bulk", "--facility", FACILITY, "--list"];
    let bulk = hub.ok(&[&words[..], &[list.to_str().unwrap(), "--wait", "--json"]].concat());
    assert_eq!(bulk.last_object()["job"]["units"], 1, "{bulk:?}");
    let commissioned = [
        "inquire",
        "commissioned",
        "--facility",
        FACILITY,
        "--month",
        "2026-05",
    ];
    hub.ok(&[&commissioned[..], &["--wait"]].concat());

    let log = hub.log();
    let submitted = log
        .iter()
        .filter(|event| event["type"] == "inquiry-submitted");
    let files: Vec<_> = submitted
        .map(|event| event["data"]["file"].as_str().unwrap())
        .collect();
    for (prefix, extension) in [
        ("OQSsiquc", ".zip"),
        ("OQSmuquc", ".zip"),
        ("OQSmutic", ".xml"),
    ] {
        let of_it: Vec<_> = files
            .iter()
            .filter(|file| file.starts_with(prefix))
            .collect();
        assert!(!of_it.is_empty(), "{prefix}");
        assert!(
            of_it.iter().all(|file| file.ends_with(extension)),
            "{files:?}"
        );
    }
}
