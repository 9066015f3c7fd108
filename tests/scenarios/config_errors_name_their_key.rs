//! A bad configuration ends with 64 and names the key; nothing is opened before.

use std::sync::Arc;

use shikaku_tests::hub::{Hub, Printed};
use shikaku_tests::settings::Settings;

fn with(command: &[&str], change: impl FnOnce(&str) -> String) -> Printed {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let hub = Hub::prepare(Arc::clone(&folder), "hub", command, &Settings::default());
    let config = folder.path().join("hub.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, change(&text)).unwrap();
    let printed = hub.run(command);
    assert!(
        !hub.data_dir().exists(),
        "{command:?} made data_dir before it read the configuration"
    );
    printed
}

#[test]
fn and_open_nothing() {
    type Change = fn(&str) -> String;
    let cases: [(&str, Change); 12] = [
        ("colour", |text| format!("colour = 1\n{text}")),
        ("scan_ms", |text| {
            text.replace("scan_ms = 50", "scan_ms = \"often\"")
        }),
        ("blink_ms", |text| {
            text.replace("scan_ms = 50", "blink_ms = 50")
        }),
        ("rows_per_job", |text| {
            text.replace("[schedule]\n", "[schedule]\nrows_per_job = 501\n")
        }),
        ("code", |text| {
            text.replace("code = \"1319912349\"", "code = \"13199\"")
        }),
        ("face", |text| {
            text.replace("face = \"copy\"", "face = \"borrow\"")
        }),
        ("encrypted", |text| {
            text.replace(
                "face = \"copy\"",
                "face = \"copy\"\nencrypted = [\"OQSsiquc\"]",
            )
        }),
        ("encrypted", |text| {
            let there = "zip_password_file = \"/etc/hostname\"\nencrypted = [\"OQSmutic\"]";
            text.replace("face = \"copy\"", &format!("face = \"copy\"\n{there}"))
        }),
        ("encrypted", |text| {
            let blank = "zip_password_file = \"/dev/null\"\nencrypted = [\"OQSsiquc\"]";
            text.replace("face = \"copy\"", &format!("face = \"copy\"\n{blank}"))
        }),
        ("listen", |text| {
            text.replace("listen = \"127.0.0.1:0\"", "listen = \"0.0.0.0:0\"")
        }),
        ("facility", |text| {
            format!(
                "{text}[[consumer]]\nname = \"x\"\naudience = \"ehr\"\nfacility = \"1345077885\"\n"
            )
        }),
        ("audience", |text| {
            format!(
                "{text}[[consumer]]\nname = \"x\"\naudience = \"everyone\"\nfacility = \"1319912349\"\n"
            )
        }),
    ];
    for (key, change) in cases {
        let printed = with(&["up"], change);
        assert_eq!(printed.code, 64, "{key}: {printed:?}");
        assert!(
            printed.stderr.contains(key),
            "`{key}` is not named: {printed:?}"
        );
    }
}

#[test]
fn a_role_without_broker_or_database_is_told_so() {
    for role in ["hub", "projections", "api", "terminal"] {
        let printed = with(&["run", role], str::to_owned);
        assert_eq!(printed.code, 64, "{role}: {printed:?}");
        assert!(printed.stderr.contains("nats"), "{role}: {printed:?}");
    }
    for role in ["hub", "projections", "api"] {
        let printed = with(&["run", role], |text| {
            text.replace("[http]", "[nats]\nurl = \"nats://127.0.0.1:1\"\n[http]")
        });
        assert_eq!(printed.code, 64, "{role}: {printed:?}");
        assert!(printed.stderr.contains("database"), "{role}: {printed:?}");
    }
}

#[test]
fn unknown_words_are_usage_errors() {
    for words in [&["fly"][..], &["log", "--sideways"], &["run", "kitchen"]] {
        let printed = with(words, str::to_owned);
        assert_eq!(printed.code, 2, "{words:?}: {printed:?}");
    }
}

#[test]
fn an_unknown_knob_is_told_with_the_whole_list() {
    let printed = with(
        &["sim", "terminal", "--root", "sim", "--knob", "colour=red"],
        str::to_owned,
    );
    assert_ne!(printed.code, 0);
    for knob in [
        "colour",
        "not-commissioned",
        "combined-order",
        "writing",
        "silence",
    ] {
        assert!(printed.stderr.contains(knob), "{knob}: {printed:?}");
    }
}
