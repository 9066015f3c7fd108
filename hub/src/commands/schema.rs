//! `schema`: the wire, as others can read it.

use serde_json::{Value, json};
use shikaku_schemas::event::Event;
use shikaku_schemas::observation::Observation;

use crate::answer::{self, Exit, Outcome};
use crate::cli::Schema;

/// Prints one schema document.
pub fn run(what: Schema) -> Outcome {
    let document = match what {
        Schema::Events => events()?,
        Schema::Observations => serde_json::to_value(schemars::schema_for!(Observation))?,
        Schema::Openapi => shikaku_api::openapi_document(),
    };
    answer::line(serde_json::to_string_pretty(&document)?)?;
    Ok(Exit::Done)
}

/// Type to the schema of its `data`, and the envelope around them.
fn events() -> serde_json::Result<Value> {
    let mut types = serde_json::Map::new();
    for kind in Event::TYPES {
        types.insert(
            (*kind).to_owned(),
            serde_json::to_value(Event::schema_of(kind))?,
        );
    }
    Ok(json!({
        "envelope": schemars::schema_for!(shikaku_schemas::event::EventRecord),
        "types": types,
    }))
}
