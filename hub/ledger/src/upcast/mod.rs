//! Old shapes of events, read as present ones.
//!
//! What is stored never changes. A new shape of a type raises its `schema_version` in `schemas`, and its
//! predecessor gets one [`Step`] here with a golden file in `schemas/samples/events/`. Steps are chained, each
//! from one version to the next. What no step leads from is an error: a reader stops, it never skips.

#[cfg(test)]
mod golden;

use serde_json::Value;
use shikaku_schemas::event::{Event, EventError};

use crate::UpcastError;

/// From one version of a type to the next.
struct Step {
    kind: &'static str,
    from: u32,
    change: fn(Value) -> Option<Value>,
}

/// Every released change of shape, in order.
const STEPS: &[Step] = &[];

/// The version that `schemas` reads now.
fn present_version(_kind: &str) -> u32 {
    1
}

/// Reads a stored payload, whatever released version it is of.
///
/// # Errors
/// An unknown type or version, or a payload that has not its shape.
pub(crate) fn read(kind: &str, version: u32, data: &[u8]) -> Result<Event, UpcastError> {
    if !Event::TYPES.contains(&kind) {
        return Err(EventError::UnknownType.into());
    }
    if version == present_version(kind) {
        return Ok(Event::from_data(kind, data)?);
    }
    let raised = raise(STEPS, present_version(kind), kind, version, data)?;
    Ok(Event::from_data(kind, &raised)?)
}

fn raise(
    steps: &[Step],
    present: u32,
    kind: &str,
    version: u32,
    data: &[u8],
) -> Result<Vec<u8>, UpcastError> {
    let unknown = |version| UpcastError::UnknownVersion {
        kind: kind.to_owned(),
        version,
    };
    let broken = |version| UpcastError::Step {
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
    use super::*;
    use serde_json::json;

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

    fn raised(version: u32, data: &Value) -> Result<Value, UpcastError> {
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
        let unknown = |result| matches!(result, Err(UpcastError::UnknownVersion { .. }));
        assert!(unknown(raised(0, &json!({}))));
        assert!(unknown(raised(4, &json!({}))));
        assert!(matches!(
            raised(1, &json!({})),
            Err(UpcastError::Step { version: 1, .. })
        ));
        assert!(matches!(
            read("nobody-knows", 1, b"{}"),
            Err(UpcastError::Event(EventError::UnknownType))
        ));
        assert!(matches!(
            read("verified", 2, b"{}"),
            Err(UpcastError::UnknownVersion { version: 2, .. })
        ));
    }
}
