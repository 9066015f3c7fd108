//! JSON Schemas of everything on the wire, made from the types, checked in under `json/` and compared by a test.
//!
//! `UPDATE_SCHEMAS=1 cargo test -p shikaku-schemas --test json_schemas` writes them anew.

mod feed;

use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Map, Value, json};

use crate::command::{CommandEnvelope, CommandReply};
use crate::event::{Event, EventHead, SealedEvent};
use crate::observation::{Committed, Observation};
use crate::task::Task;
use crate::value;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// File name and content of every schema document.
pub fn documents() -> Vec<(String, Value)> {
    let mut all = vec![
        ("values.v1.json".to_owned(), values()),
        ("events.v1.json".to_owned(), events()),
        (
            "sealed-event.v1.json".to_owned(),
            plain(schema_for!(SealedEvent)),
        ),
        ("observations.v1.json".to_owned(), observations()),
        (
            "committed.v1.json".to_owned(),
            plain(schema_for!(Committed)),
        ),
        (
            "commands.v1.json".to_owned(),
            plain(schema_for!(CommandEnvelope)),
        ),
        (
            "command-replies.v1.json".to_owned(),
            plain(schema_for!(CommandReply)),
        ),
        ("tasks.v1.json".to_owned(), plain(schema_for!(Task))),
    ];
    all.extend(feed::documents());
    all
}

/// One printed event line (`shikaku log --json`) of each type, envelope included; `$defs` holds a schema under
/// the name of each type.
pub fn events() -> Value {
    let mut definitions = Definitions::default();
    let mut lines = Map::new();
    for kind in Event::TYPES {
        let payload = definitions.take(Event::schema_of(kind).expect("every type has a schema"));
        let mut line = definitions.take(schema_for!(EventHead));
        let members = line.as_object_mut().expect("an envelope is an object");
        members.insert("title".to_owned(), json!(kind));
        if let Some(Value::Object(properties)) = members.get_mut("properties") {
            properties.insert("type".to_owned(), json!({ "const": kind }));
            properties.insert(
                "schema_version".to_owned(),
                json!({ "const": Event::version(kind) }),
            );
            // The data of an erased record is null.
            let data = json!({ "anyOf": [payload, { "type": "null" }] });
            properties.insert("data".to_owned(), data);
        }
        if let Some(Value::Array(required)) = members.get_mut("required") {
            required.push(json!("data"));
        }
        lines.insert((*kind).to_owned(), line);
    }
    let choices: Vec<_> = lines
        .keys()
        .map(|kind| json!({ "$ref": format!("#/$defs/{kind}") }))
        .collect();
    lines.append(&mut definitions.0);
    json!({ "$schema": DIALECT, "title": "Event", "oneOf": choices, "$defs": lines })
}

/// One observation of each kind.
pub fn observations() -> Value {
    plain(schema_for!(Observation))
}

/// Every value type under its own name.
fn values() -> Value {
    let mut definitions = Definitions::default();
    macro_rules! add {
        ($($name:ident),+ $(,)?) => { $(definitions.add::<value::$name>();)+ };
    }
    add!(
        RecordId,
        PersonId,
        QualificationId,
        EventId,
        InquiryId,
        CaseId,
        ObservationId,
        FacilityCode,
        PatientNumber,
        ReferenceNumber,
        StreamId,
        EvidenceId,
        Position,
        PayerNumber,
        RecipientNumber,
        InstitutionCode,
        SchemeCode,
        Month,
        AsOf,
        Method,
        Validity,
        Coverage,
        Sex,
        TicketKind,
        TreatmentType,
        TicketUse,
        ConsentScope,
        ConsentSource,
        InquiryKind,
    );
    json!({ "$schema": DIALECT, "title": "Values", "$defs": definitions.0 })
}

fn plain(schema: Schema) -> Value {
    schema.to_value()
}

/// Definitions shared by the schemas of one document.
#[derive(Default)]
struct Definitions(Map<String, Value>);

impl Definitions {
    /// Takes the definitions out of `schema` and gives what is left of it.
    fn take(&mut self, schema: Schema) -> Value {
        let mut schema = schema.to_value();
        if let Some(members) = schema.as_object_mut() {
            members.remove("$schema");
            if let Some(Value::Object(more)) = members.remove("$defs") {
                self.0.extend(more);
            }
        }
        schema
    }

    fn add<T: JsonSchema>(&mut self) {
        let schema = self.take(schema_for!(T));
        self.0.insert(T::schema_name().into_owned(), schema);
    }
}
