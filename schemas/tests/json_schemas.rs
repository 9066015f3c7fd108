//! The checked-in schemas are those of the types. `UPDATE_SCHEMAS=1` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use shikaku_schemas::schema;

#[test]
fn checked_in_schemas_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("json");
    let documents: Vec<_> = schema::documents()
        .into_iter()
        .map(|(name, document)| {
            (
                name,
                serde_json::to_string_pretty(&document).unwrap() + "\n",
            )
        })
        .collect();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        for entry in fs::read_dir(&folder).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (name, text) in &documents {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &documents {
        let stored = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            &stored == text,
            "json/{name} differs: run with UPDATE_SCHEMAS=1"
        );
    }
    let stored: BTreeSet<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let named: BTreeSet<_> = documents.into_iter().map(|(name, _)| name).collect();
    assert_eq!(stored, named);
}

/// A reference that leads nowhere makes a schema useless to its reader.
#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(members) => {
                let reference = members.get("$ref").and_then(serde_json::Value::as_str);
                found.extend(reference.map(str::to_owned));
                members
                    .values()
                    .for_each(|member| references(member, found));
            }
            serde_json::Value::Array(items) => {
                items.iter().for_each(|item| references(item, found))
            }
            _ => {}
        }
    }
    for (name, document) in schema::documents() {
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in found {
            let target = document.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some(), "{name}: {reference}");
        }
    }
}
