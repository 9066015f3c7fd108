//! Lets granted members of a payload through, and nothing else.

use serde_json::{Map, Value};

/// Members whose `null` says something: an open end, nothing stated, a successor or scheme not known.
const TELLING_NULLS: &[&str] = &["valid_to", "self_pay_yen", "superseded_by", "scheme"];

/// The members of `data` at `paths`, in the order of `data`. A path grants one leaf: an object or a list of
/// objects passes only through paths that name its leaves.
pub(super) fn filter(data: &Map<String, Value>, paths: &[&str]) -> Map<String, Value> {
    let mut passed = Map::new();
    for (name, value) in data {
        if let Some(value) = member(name, value, paths) {
            passed.insert(name.clone(), value);
        }
    }
    passed
}

fn member(name: &str, value: &Value, paths: &[&str]) -> Option<Value> {
    let inner = || -> Vec<&str> {
        paths
            .iter()
            .filter_map(|path| path.strip_prefix(name)?.strip_prefix('.'))
            .collect()
    };
    match value {
        Value::Object(object) => object_at(object, &inner()),
        Value::Array(list) => {
            let paths = inner();
            let passed: Vec<_> = list
                .iter()
                .filter_map(|item| object_at(item.as_object()?, &paths))
                .collect();
            (!passed.is_empty()).then_some(Value::Array(passed))
        }
        Value::Null if !TELLING_NULLS.contains(&name) => None,
        leaf => paths.contains(&name).then(|| leaf.clone()),
    }
}

fn object_at(object: &Map<String, Value>, paths: &[&str]) -> Option<Value> {
    let passed = filter(object, paths);
    (!passed.is_empty()).then_some(Value::Object(passed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_grants_a_leaf_and_never_what_is_below_it() {
        let data = json!({"a": {"b": 1, "c": {"d": 2}}, "list": [{"x": 1, "y": 2}], "n": null, "valid_to": null, "words": ["w"]});
        let data = data.as_object().unwrap();
        let of = |paths: &[&str]| Value::Object(filter(data, paths));
        assert_eq!(of(&["a", "list", "words"]), json!({}));
        assert_eq!(of(&["a.b"]), json!({"a": {"b": 1}}));
        assert_eq!(of(&["a.c"]), json!({}));
        assert_eq!(of(&["list.x"]), json!({"list": [{"x": 1}]}));
        assert_eq!(of(&["n", "valid_to"]), json!({"valid_to": null}));
    }
}
