//! `schema`: the wire, as others can read it.

use shikaku_schemas::{asyncapi, schema};

use crate::answer::{self, Exit, Outcome};
use crate::cli::Schema;

/// Days that feeds keep messages where nothing else is configured.
const FEED_DAYS: u32 = 30;

/// Prints one schema document.
pub fn run(what: Schema) -> Outcome {
    let document = match what {
        Schema::Events => schema::events(),
        Schema::Observations => schema::observations(),
        Schema::Openapi => shikaku_api::openapi_document(),
        Schema::Asyncapi => asyncapi::document(FEED_DAYS),
    };
    answer::line(serde_json::to_string_pretty(&document)?)?;
    Ok(Exit::Done)
}
