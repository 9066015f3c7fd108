//! Old shapes of events, read as present ones.
//!
//! What is stored never changes. A new shape of a type is one [`Step`] here, from the one before it,
//! with a golden file of each in `schemas/samples/events/`. Steps are chained, each from one version to the next. What no
//! step leads from is an error: a reader stops, it never skips.

use serde_json::Value;

use super::{Event, EventError};
use crate::later;
use crate::mutant::{Mutant, planted};

/// From one version of a type to the next.
struct Step {
    kind: &'static str,
    from: u32,
    change: fn(Value) -> Option<Value>,
}

/// Every released change of shape, in order.
const STEPS: &[Step] = &[];

/// Those of the release of [`later`]: with a real step of its type, it takes another type.
const LATER: &[Step] = &[Step {
    kind: later::CHANGED,
    from: 1,
    change: later::raised,
}];

fn is_later(kind: &str) -> bool {
    later::is_played() && kind == later::CHANGED
}

fn steps(kind: &str) -> &'static [Step] {
    if is_later(kind) { LATER } else { STEPS }
}

/// The version of the present shape of `kind`, which is written: the one that its last step leads to.
pub(super) fn version(kind: &str) -> u32 {
    let steps = steps(kind).iter().filter(|step| step.kind == kind);
    steps.map(|step| step.from + 1).max().unwrap_or(1)
}

/// A payload in the shape of its version.
pub(super) fn written(kind: &str, data: Vec<u8>) -> Vec<u8> {
    match is_later(kind) {
        true => later::written(&data),
        false => data,
    }
}

/// Whether this program can read payloads of `kind` that have this version.
pub(super) fn is_known(kind: &str, of: u32) -> bool {
    let is_released = (1..=version(kind)).contains(&of);
    Event::TYPES.contains(&kind) && (is_released || planted(Mutant::IgnoreVersions))
}

/// Reads a stored payload, whatever released version it is of.
pub(super) fn read(kind: &str, of: u32, data: &[u8]) -> Result<Event, EventError> {
    if !Event::TYPES.contains(&kind) {
        return Err(EventError::UnknownType);
    }
    if of == version(kind) || planted(Mutant::IgnoreVersions) {
        return present(kind, data);
    }
    let raised = raise(steps(kind), version(kind), kind, of, data)?;
    present(kind, &raised)
}

/// Reads a payload of the present version.
fn present(kind: &str, data: &[u8]) -> Result<Event, EventError> {
    if !is_later(kind) {
        return Event::from_data(kind, data);
    }
    let broken = EventError::Step {
        kind: kind.to_owned(),
        version: version(kind),
    };
    Event::from_data(kind, &later::read(data).ok_or(broken)?)
}

fn raise(
    steps: &[Step],
    present: u32,
    kind: &str,
    version: u32,
    data: &[u8],
) -> Result<Vec<u8>, EventError> {
    let unknown = |version| EventError::UnknownVersion {
        kind: kind.to_owned(),
        version,
    };
    let broken = |version| EventError::Step {
        kind: kind.to_owned(),
        version,
    };
    if version > present {
        return Err(unknown(version));
    }
    let mut value: Value = serde_json::from_slice(data).map_err(|_| broken(version))?;
    for from in version..present {
        let step = steps
            .iter()
            .find(|step| step.kind == kind && step.from == from)
            .ok_or_else(|| unknown(from))?;
        value = (step.change)(value).ok_or_else(|| broken(from))?;
    }
    serde_json::to_vec(&value).map_err(|_| broken(version))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TWO_STEPS: &[Step] = &[
        Step {
            kind: "visit-accepted",
            from: 1,
            change: |mut value| {
                let day = value.as_object_mut()?.remove("day")?;
                value["on"] = day;
                Some(value)
            },
        },
        Step {
            kind: "visit-accepted",
            from: 2,
            change: |mut value| {
                value["department"] = Value::Null;
                Some(value)
            },
        },
    ];

    fn raised(version: u32, data: &Value) -> Result<Value, EventError> {
        let bytes = data.to_string().into_bytes();
        raise(TWO_STEPS, 3, "visit-accepted", version, &bytes)
            .map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn steps_are_chained_from_any_released_version() {
        let now = json!({"on": "2026-05-11", "department": null});
        assert_eq!(raised(1, &json!({"day": "2026-05-11"})).unwrap(), now);
        assert_eq!(raised(2, &json!({"on": "2026-05-11"})).unwrap(), now);
    }

    #[test]
    fn what_no_step_leads_from_stops() {
        let unknown = |result| matches!(result, Err(EventError::UnknownVersion { .. }));
        assert!(unknown(raised(0, &json!({}))));
        assert!(unknown(raised(4, &json!({}))));
        assert!(matches!(
            raised(1, &json!({})),
            Err(EventError::Step { version: 1, .. })
        ));
        assert!(matches!(
            read("nobody-knows", 1, b"{}"),
            Err(EventError::UnknownType)
        ));
        assert!(matches!(
            read("verified", 2, b"{}"),
            Err(EventError::UnknownVersion { version: 2, .. })
        ));
    }
}
