//! Golden observations: what an adapter once said is understood for ever.

use std::fs;
use std::path::Path;

use serde_json::Value;
use shikaku_schemas::observation::{Observation, ObservationBody};

#[test]
fn every_sample_is_read_and_written_as_it_stands() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/observations");
    let mut kinds = std::collections::BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stored: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let seen: Observation = serde_json::from_value(stored.clone())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        kinds.insert(seen.body.kind());
        assert_eq!(serde_json::to_value(&seen).unwrap(), stored);
    }
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        [
            "card-presented",
            "card-removed",
            "oqs-answer-manifest",
            "oqs-answer-unit",
            "ticket-entered-offline"
        ]
    );
}

/// A card that identifies its holder says so in no member but the two that a facility's own rule fills.
#[test]
fn a_my_number_card_has_no_room_for_a_number() {
    let text = fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("samples/observations/card-presented-my-number.json"),
    )
    .unwrap();
    let seen: Observation = serde_json::from_slice(&text).unwrap();
    let ObservationBody::CardPresented(card) = seen.body else {
        panic!("a presented card");
    };
    assert_eq!((card.patient, card.staff, card.unread), (None, None, None));
}
