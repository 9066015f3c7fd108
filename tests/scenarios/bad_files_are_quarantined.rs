//! Files that nobody can read are set aside with a reason for people, and the hub goes on.

use serde_json::Value;
use shikaku_tests::face::Face;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::Settings;
use shikaku_tests::until;
use shikaku_tests::words::objects;

fn bad_files() -> Vec<(&'static str, Vec<u8>)> {
    let good = Face::assistance_only(1).utf8();
    let text = String::from_utf8(good.clone()).unwrap();
    let nested = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><XmlMsg>{}{}</XmlMsg>",
        "<a>".repeat(100_000),
        "</a>".repeat(100_000)
    );
    let with_dtd = text.replacen(
        "<XmlMsg>",
        "<!DOCTYPE XmlMsg [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]><XmlMsg>",
        1,
    );
    let wrong_encoding = [
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><XmlMsg><MessageHeader>".as_slice(),
        b"\xff\xfe\xfd\xff\xa0\xff</MessageHeader></XmlMsg>",
    ]
    .concat();
    let mut huge = good.clone();
    huge.resize(100_000_000, b' ');
    vec![
        ("truncated", good[..good.len() * 2 / 3].to_vec()),
        ("empty", Vec::new()),
        ("100 MB", huge),
        ("deeply nested", nested.into_bytes()),
        ("wrong encoding", wrong_encoding),
        (
            "UTF-16",
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        ("DTD", with_dtd.into_bytes()),
        ("no XML", b"%PDF-1.7 this is something else\n".to_vec()),
        (
            "other XML",
            b"<?xml version=\"1.0\"?><html><body/></html>".to_vec(),
        ),
        ("nothing but zeros", vec![0; 4096]),
    ]
}

/// Whatever `parked list --json` calls its rows: each has a reason.
fn parked(hub: &Hub) -> Vec<String> {
    let listed = hub.ok(&["parked", "list", "--json"]).json();
    objects(&listed, &|object: &Value| object["reason"].is_string())
        .into_iter()
        .map(|row| row["reason"].as_str().unwrap().to_owned())
        .collect()
}

/// T17: half-written, replaced, empty, huge, wrongly encoded, locked files are all accounted for.
#[test]
fn with_a_reason_and_the_hub_goes_on() {
    for take in [false, true] {
        let hub = Hub::start(&Settings {
            taking: if take {
                vec!["t1".to_owned()]
            } else {
                Vec::new()
            },
            ..Settings::default()
        });
        let terminal = hub.terminal("t1");
        let bad = bad_files();
        for (_, bytes) in &bad {
            terminal.write_face(bytes);
        }
        terminal.drop_face(&Face::assistance_only(2).utf8());
        terminal.drop_face(&Face::assistance_only(2).utf8());
        hub.await_events("verified", 1);

        let reasons = until("every bad file is listed", || {
            let reasons = parked(&hub);
            (reasons.len() >= bad.len()).then_some(reasons)
        });
        assert_eq!(reasons.len(), bad.len(), "{reasons:#?}");
        for reason in &reasons {
            let readable = reason
                .chars()
                .filter(|character| character.is_alphabetic())
                .count();
            assert!(readable >= 8, "`{reason}` is no reason for people");
        }

        the_equation_holds(&hub, bad.len());
        terminal.drop_face(&Face::assistance_only(3).utf8());
        hub.await_events("verified", 2);
        the_equation_holds(&hub, bad.len());
        if take {
            until("every taken file is gone", || {
                std::fs::read_dir(terminal.faces())
                    .unwrap()
                    .next()
                    .is_none()
                    .then_some(())
            });
        }
    }
}

/// Every file ends as exactly one of event, duplicate, quarantined.
fn the_equation_holds(hub: &Hub, quarantined: usize) {
    until("seen = events + duplicates + quarantined", || {
        let [seen, events, duplicates, set_aside] =
            ["seen", "event", "duplicate", "quarantined"].map(|outcome| hub.files(outcome));
        let ended = events + duplicates + set_aside;
        (seen > 0.0 && (seen - ended).abs() < 0.5 && (set_aside - quarantined as f64).abs() < 0.5)
            .then_some(())
    });
}
