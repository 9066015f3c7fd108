//! Every released shape of every event decodes for ever. A golden file is `TYPE.vVERSION.json`.

use std::collections::BTreeSet;
use std::path::Path;

use super::Event;

/// T33: versions meet without loss.
#[test]
fn every_golden_event_decodes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/events");
    let mut decoded = BTreeSet::new();
    for path in std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
    {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some((kind, version)) = name
            .strip_suffix(".json")
            .and_then(|stem| stem.rsplit_once(".v"))
        else {
            panic!("{name} is not TYPE.vVERSION.json");
        };
        let data = std::fs::read(&path).unwrap();
        match Event::read(kind, version.parse().unwrap(), &data) {
            Ok(event) => assert_eq!(event.kind(), kind),
            Err(error) => panic!("{name}: {error}"),
        }
        decoded.insert(kind.to_owned());
    }
    for kind in Event::TYPES {
        assert!(decoded.contains(*kind), "{kind} has no golden file");
    }
}
