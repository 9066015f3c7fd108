//! Cards at a desk: told while they lie there, shown beside the face file that follows, and part of nobody's history.

use serde_json::Value;
use shikaku_card_simulator::{CANARIES, Card, HOSPITAL_AID, Pcscd, READERS};
use shikaku_tests::folder::files_below;
use shikaku_tests::hub::Hub;
use shikaku_tests::program::sample;
use shikaku_tests::settings::Settings;
use shikaku_tests::until;

/// The chart number on the hospital card.
const NUMBER: &str = "00077123";

fn settings(pcscd: &Pcscd) -> Settings {
    Settings {
        desks: format!(
            "[[facility.desk]]\nid = \"desk-1\"\nterminal = \"t1\"\n\
             [[facility.desk.reader]]\nid = \"r1\"\nname = {:?}\n\
             [[facility.card_rule]]\nname = \"診察券\"\nread = \"apdu\"\nlength = 8\n\
             apdu = [\"00A4040008{HOSPITAL_AID}\", \"00A4020C020001\", \"00B0000008\"]\n",
            READERS[0]
        ),
        pcscd: Some(pcscd.socket()),
        ..Settings::default().terminals(&["t1", "t2"])
    }
}

/// Waits for a live line that has all of these words.
#[track_caller]
fn told(hub: &Hub, words: &[&str]) -> String {
    until(&format!("a live line with {words:?}"), || {
        hub.said()
            .lines()
            .find(|line| words.iter().all(|word| line.contains(word)))
            .map(str::to_owned)
    })
}

#[test]
fn are_told_and_shown_beside_the_face_file_that_follows() {
    let folder = tempfile::tempdir().unwrap();
    let mut pcscd = Pcscd::new(folder.path());
    pcscd.start();
    let hub = Hub::start(&settings(&pcscd));

    let my_number = pcscd.insert(0, Card::my_number());
    told(&hub, &["card-presented", "desk-1", "my-number"]);
    drop(my_number);
    told(&hub, &["card-removed", "my-number", "taken"]);

    let hospital = pcscd.insert(0, Card::hospital(NUMBER));
    told(&hub, &["card-presented", "desk-1", "hospital"]);
    hub.terminal("t1")
        .drop_face(&sample("face-assistance-only-utf8.xml"));
    told(&hub, &["verified", "hospital", "assigned to nobody"]);
    hub.terminal("t2")
        .drop_face(&sample("face-assistance-only-cp932.xml"));
    let log = hub.await_events("verified", 2);
    let beside = hub.said().matches("assigned to nobody").count();
    assert_eq!(beside, 1, "the other terminal belongs to no desk");
    drop(hospital);
    told(&hub, &["card-removed", "hospital", "taken"]);

    let of_a_card = |event: &Value| event["type"].as_str().unwrap().contains("card");
    assert!(!hub.log().iter().any(of_a_card), "a card is no event");
    let assigned = log.iter().any(|event| event.to_string().contains(NUMBER));
    assert!(
        !assigned,
        "a face file is assigned to nobody because of a card"
    );
    let parked = hub.ok(&["parked", "list", "--json"]).stdout;
    assert!(!parked.contains("kind-not-supported"), "{parked}");
    doctor(&hub, &mut pcscd);
    nothing_leaks(&hub);
}

/// With a service and without, it says what is there and how to mend what is not.
#[track_caller]
fn doctor(hub: &Hub, pcscd: &mut Pcscd) {
    let good = hub.ok(&["doctor"]).stdout;
    assert!(
        good.contains(READERS[0]) && good.contains("card reader 1319912349 r1"),
        "{good}"
    );
    pcscd.kill();
    let bad = hub.run(&["doctor"]);
    assert_eq!(bad.code, 1, "{bad:?}");
    for word in [
        "PC/SC サービスが応答しません",
        "systemctl enable --now pcscd.socket",
    ] {
        assert!(bad.stdout.contains(word), "{bad:?}");
    }
}

#[track_caller]
fn nothing_leaks(hub: &Hub) {
    let said = hub.said();
    let log = hub.ok(&["log", "--json"]).stdout;
    let words = || CANARIES.into_iter().chain([NUMBER]);
    for word in words() {
        assert!(
            !said.contains(word),
            "the live lines or the log hold {word}"
        );
        assert!(!log.contains(word), "the ledger holds {word}");
    }
    for file in files_below(hub.data_dir()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for word in words() {
            let found = bytes
                .windows(word.len())
                .any(|part| part == word.as_bytes());
            assert!(!found, "{} holds {word}", file.display());
        }
    }
}

#[test]
fn the_role_alone_needs_a_reader() {
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let settings = Settings {
        nats: Some("nats://127.0.0.1:1".to_owned()),
        ..Settings::default()
    };
    let command = ["run", "card-reader"];
    let printed = Hub::prepare(folder, "reader", &command, &settings).run(&command);
    assert_eq!(printed.code, 64, "{printed:?}");
    assert!(
        printed.stderr.contains("facility.desk.reader"),
        "{printed:?}"
    );
}
