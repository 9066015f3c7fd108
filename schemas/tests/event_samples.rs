//! Golden payloads: every shape ever released stays readable.

#![expect(clippy::unwrap_used, reason = "a test panics on what must not happen")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use shikaku_schemas::event::Event;

/// Type, version and content of every golden file.
fn golden() -> Vec<(String, String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/events");
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let (kind, version) = name.trim_end_matches(".json").rsplit_once('.').unwrap();
            let text = fs::read(&path).unwrap();
            (
                kind.to_owned(),
                version.to_owned(),
                serde_json::from_slice(&text).unwrap(),
            )
        })
        .collect();
    all.sort_by(|left, right| (&left.0, &left.1).cmp(&(&right.0, &right.1)));
    all
}

/// Members of `less` that `more` lacks or has otherwise. Later versions may add members, never lose one.
fn missing(less: &Value, more: &Value, path: &str, found: &mut Vec<String>) {
    match (less, more) {
        (Value::Object(less), Value::Object(more)) => {
            for (name, value) in less {
                let path = format!("{path}.{name}");
                missing(value, more.get(name).unwrap_or(&Value::Null), &path, found);
            }
        }
        (Value::Array(less), Value::Array(more)) if less.len() == more.len() => {
            for (index, (less, more)) in less.iter().zip(more).enumerate() {
                missing(less, more, &format!("{path}[{index}]"), found);
            }
        }
        _ if less == more => {}
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn golden_payloads_are_read_without_loss() {
    for (kind, version, data) in golden() {
        let version: u32 = version.strip_prefix('v').unwrap().parse().unwrap();
        if version != Event::version(&kind) {
            // `every_golden_event_decodes` reads the older ones.
            continue;
        }
        let bytes = serde_json::to_vec(&data).unwrap();
        let event = Event::from_data(&kind, &bytes).unwrap_or_else(|e| panic!("{kind}: {e:?}"));
        let again: Value = serde_json::from_slice(&event.data().unwrap()).unwrap();
        let mut found = Vec::new();
        missing(&data, &again, &kind, &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}

/// T33: versions meet without loss.
/// A release reads what the next one writes, as long as that only adds members.
#[test]
fn members_of_a_later_release_are_passed_over() {
    for (kind, _, data) in golden() {
        let mut later = data.clone();
        add_members(&mut later);
        let read = |data: &Value| {
            let bytes = serde_json::to_vec(data).unwrap();
            Event::from_data(&kind, &bytes).unwrap_or_else(|e| panic!("{kind}: {e:?}"))
        };
        assert_eq!(read(&later), read(&data), "{kind}");
    }
}

/// To each object, however deep.
fn add_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            // A table of names holds texts: to that nothing of another kind is added.
            let tables = members.iter_mut().filter(|(name, _)| *name != "extra");
            tables.for_each(|(_, value)| add_members(value));
            members.insert("of_a_later_release".to_owned(), Value::Bool(true));
        }
        Value::Array(values) => values.iter_mut().for_each(add_members),
        _ => {}
    }
}

#[test]
fn every_type_has_a_golden_payload() {
    let have: BTreeSet<_> = golden().into_iter().map(|(kind, ..)| kind).collect();
    let want: BTreeSet<_> = Event::TYPES.iter().map(|kind| (*kind).to_owned()).collect();
    assert_eq!(have, want);
}

/// A golden payload that leaves members out guards nothing.
#[test]
fn golden_payloads_name_every_member() {
    for (kind, _, data) in golden() {
        let schema = Event::schema_of(&kind).unwrap().to_value();
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            panic!("{kind} has no properties");
        };
        for name in properties.keys() {
            assert!(data.get(name).is_some(), "{kind}: {name}");
        }
    }
}
