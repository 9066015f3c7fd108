//! Looking through JSON for what must, or must never, stand there.

use serde_json::Value;

/// Whether `word` stands in any key or text below `value`.
pub fn holds(value: &Value, word: &str) -> bool {
    value.to_string().contains(word)
}

/// Every object below `value` (itself included) for which `wanted` holds, the innermost too.
pub fn objects<'a>(value: &'a Value, wanted: &dyn Fn(&Value) -> bool) -> Vec<&'a Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(members) => {
            if wanted(value) {
                found.push(value);
            }
            for member in members.values() {
                found.extend(objects(member, wanted));
            }
        }
        Value::Array(items) => {
            for item in items {
                found.extend(objects(item, wanted));
            }
        }
        _ => {}
    }
    found
}

/// Whether an object says of itself that it is of `month` (`YYYY-MM`).
pub fn speaks_of(object: &Value, month: &str) -> bool {
    [
        "month",
        "treatment_month",
        "confirmed_on",
        "valid_on",
        "as_of",
    ]
    .iter()
    .any(|member| {
        object[*member]
            .as_str()
            .is_some_and(|text| text.starts_with(month))
    })
}
