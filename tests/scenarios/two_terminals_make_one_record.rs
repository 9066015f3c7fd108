//! Two terminals see the same new patient at the same instant: one record, each time.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::Duration;

use shikaku_tests::face::Face;
use shikaku_tests::hub::Hub;
use shikaku_tests::settings::Settings;

const PAIRS: u32 = 200;

/// T6: of many at once about one patient none is dropped.
#[test]
fn two_hundred_times() {
    let hub = Hub::start(&Settings::default().terminals(&["t1", "t2"]));
    let together = Barrier::new(2);
    std::thread::scope(|scope| {
        for id in ["t1", "t2"] {
            let (terminal, together) = (hub.terminal(id), &together);
            scope.spawn(move || {
                for n in 0..PAIRS {
                    let face = Face {
                        identifier: format!("{id}-{n}"),
                        ..Face::assistance_only(n)
                    };
                    let bytes = face.utf8();
                    together.wait();
                    terminal.drop_face(&bytes);
                }
            });
        }
    });
    let log = hub.await_events_within(Duration::from_secs(120), "verified", 2 * PAIRS as usize);
    let mut records: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for event in &log {
        if let Some(patient) = event["patient"].as_str() {
            let kind = event["type"].as_str().unwrap();
            *records.entry(patient).or_default().entry(kind).or_default() += 1;
        }
    }
    assert_eq!(records.len(), PAIRS as usize, "one record for each patient");
    for (record, events) in records {
        for (kind, times) in [
            ("patient-first-seen", 1),
            ("qualification-granted", 1),
            ("commissioned-ticket-arrived", 1),
            ("verified", 2),
        ] {
            assert_eq!(
                events.get(kind),
                Some(&times),
                "{kind} of {record}: {events:?}"
            );
        }
        assert_eq!(events.get("identity-case-opened"), None);
    }
}
