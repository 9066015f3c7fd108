//! Schemas of feed bodies: the audience table laid over the events' own schemas.

use serde_json::{Map, Value, json};

use super::{DIALECT, Definitions};
use crate::event::Event;
use crate::feed::{ASSISTANCE_CHANGED, Audience, FeedVariant, Given, TABLE};

/// One document for each feed.
pub(super) fn documents() -> Vec<(String, Value)> {
    let mut variants: Vec<FeedVariant> = Audience::ALL
        .iter()
        .flat_map(|audience| [false, true].map(|with| FeedVariant::of(*audience, with)))
        .collect();
    variants.dedup();
    variants
        .into_iter()
        .map(|variant| (format!("feed-{variant}.v1.json"), document(variant)))
        .collect()
}

fn document(variant: FeedVariant) -> Value {
    let mut definitions = Definitions::default();
    let mut bodies = Map::new();
    for kind in Event::TYPES.iter().copied().chain([ASSISTANCE_CHANGED]) {
        let rows = || {
            TABLE
                .iter()
                .filter(|row| row.audience == variant.audience && row.kinds.contains(&kind))
        };
        if rows().next().is_none() {
            continue;
        }
        let paths: Vec<&str> = rows()
            .flat_map(|row| row.members)
            .filter(|(given, _)| *given != Given::WithInsuranceFields || variant.insurance_fields)
            .flat_map(|(_, members)| members.iter().copied())
            .collect();
        bodies.insert(kind.to_owned(), body(kind, &paths, &mut definitions));
    }
    let choices: Vec<_> = bodies
        .keys()
        .map(|kind| json!({ "$ref": format!("#/$defs/{kind}") }))
        .collect();
    bodies.append(&mut definitions.0);
    json!({ "$schema": DIALECT, "title": format!("feed {variant}"), "anyOf": choices, "$defs": bodies })
}

fn body(kind: &str, paths: &[&str], definitions: &mut Definitions) -> Value {
    let department = kind == ASSISTANCE_CHANGED;
    // A department's insurance block is that of the qualification it stands for.
    let source = if department {
        "qualification-granted"
    } else {
        kind
    };
    let mut all = Definitions::default();
    let payload = all.take(Event::schema_of(source).expect("every type has a schema"));
    let mut properties = Map::new();
    properties.insert("patient".to_owned(), json!({ "type": ["string", "null"] }));
    if department {
        properties.insert(
            "assistance".to_owned(),
            json!({ "enum": ["yes", "no", "pending"] }),
        );
    } else {
        properties.insert(
            "record".to_owned(),
            json!({ "type": "string", "format": "uuid" }),
        );
        let month = json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$" });
        properties.insert("month".to_owned(), month);
    }
    properties.extend(granted(&payload, paths, &all));
    let required = if department {
        json!(["patient", "assistance"])
    } else {
        json!(["patient", "record"])
    };
    let body = json!({
        "title": kind,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    keep_used(&body, &all, definitions);
    body
}

/// The properties of `schema` that `paths` grant, nested ones rebuilt with their granted leaves only.
fn granted(schema: &Value, paths: &[&str], all: &Definitions) -> Map<String, Value> {
    let mut passed = Map::new();
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return passed;
    };
    for (name, property) in properties {
        if paths.contains(&name.as_str()) {
            passed.insert(name.clone(), property.clone());
            continue;
        }
        let inner: Vec<&str> = paths
            .iter()
            .filter_map(|path| path.strip_prefix(name.as_str())?.strip_prefix('.'))
            .collect();
        if inner.is_empty() {
            continue;
        }
        let list = property.get("items");
        let Some(target) = resolve(list.unwrap_or(property), all) else {
            continue;
        };
        let object = json!({
            "type": "object",
            "properties": granted(target, &inner, all),
            "additionalProperties": false,
        });
        let nested = match list {
            Some(_) => json!({ "type": "array", "items": object }),
            None => object,
        };
        passed.insert(name.clone(), nested);
    }
    passed
}

/// Follows a reference, also one that may be null.
fn resolve<'d>(schema: &'d Value, all: &'d Definitions) -> Option<&'d Value> {
    if let Some(Value::Array(choices)) = schema.get("anyOf") {
        return choices.iter().find_map(|choice| resolve(choice, all));
    }
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => all.0.get(reference.strip_prefix("#/$defs/")?),
        None => schema.get("properties").is_some().then_some(schema),
    }
}

/// Keeps only the definitions that `schema` refers to: the others are not this audience's business.
fn keep_used(schema: &Value, all: &Definitions, kept: &mut Definitions) {
    match schema {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
            if let Some((name, definition)) = name.and_then(|name| all.0.get_key_value(name))
                && !kept.0.contains_key(name)
            {
                kept.0.insert(name.clone(), definition.clone());
                keep_used(definition, all, kept);
            }
            members
                .values()
                .for_each(|member| keep_used(member, all, kept));
        }
        Value::Array(items) => items.iter().for_each(|item| keep_used(item, all, kept)),
        _ => {}
    }
}
