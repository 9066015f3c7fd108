//! AsyncAPI 3 of everything on NATS, made from [`topology`] and the types.
//!
//! Streams, durables and headers have no words of their own in AsyncAPI; they stand in `x-` members.

use serde_json::{Map, Value, json};

use crate::event::Event;
use crate::feed::Audience;
use crate::topology;

/// One channel: its id, its address, what travels on it, and in which stream.
struct Channel {
    id: String,
    address: String,
    stream: Option<String>,
    payload: Value,
}

/// The whole document.
pub fn document(feed_days: u32) -> Value {
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for channel in all() {
        let parameters: Map<String, Value> = channel
            .address
            .split('.')
            .filter_map(|token| token.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| (name.to_owned(), json!({})))
            .collect();
        let reference = format!("#/channels/{}", channel.id);
        operations.insert(
            format!("on-{}", channel.id),
            json!({ "action": "receive", "channel": { "$ref": reference } }),
        );
        channels.insert(
            channel.id,
            json!({ "address": channel.address, "parameters": parameters, "x-stream": channel.stream,
                    "messages": { "message": { "contentType": "application/json", "payload": channel.payload } } }),
        );
    }
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": "Shikaku Hub", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0" } },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "x-streams": streams(feed_days),
    })
}

fn all() -> Vec<Channel> {
    let channel = |id: &str, address: &str, stream: Option<&str>, payload| Channel {
        id: id.to_owned(),
        address: address.to_owned(),
        stream: stream.map(str::to_owned),
        payload,
    };
    let typed = |file: &str| json!({ "$ref": format!("schemas/json/{file}") });
    let kinds = json!({ "type": "string", "enum": Event::TYPES });
    let mut all = vec![
        channel(
            "observations",
            "shikaku.obs.{facility}.{source}.{device}.{kind}",
            Some(topology::OBSERVATIONS),
            typed("observations.v1.json"),
        ),
        channel(
            "committed",
            "shikaku.committed.{facility}.{source}.{device}",
            None,
            typed("committed.v1.json"),
        ),
        channel(
            "tasks",
            "shikaku.task.{facility}.{adapter}.{device}.{kind}",
            Some(topology::TASKS),
            typed("tasks.v1.json"),
        ),
        channel(
            "commands",
            "shikaku.cmd.{facility}.{kind}",
            None,
            typed("commands.v1.json"),
        ),
        channel(
            "log",
            "shikaku.log.{type}",
            Some(topology::LOG),
            json!({ "allOf": [typed("sealed-event.v1.json")], "properties": { "type": kinds } }),
        ),
        channel(
            "parked",
            "shikaku.parked.{role}",
            Some(topology::PARKED),
            json!({ "type": "object" }),
        ),
    ];
    for audience in Audience::ALL {
        let name = audience.as_str();
        all.push(Channel {
            id: format!("feed-{name}"),
            address: format!("shikaku.feed.{name}.{{facility}}.{{type}}"),
            stream: Some(topology::feed_stream(*audience).to_owned()),
            payload: typed(&format!("feed-{name}.v1.json")),
        });
        for what in ["state", "replay"] {
            all.push(Channel {
                id: format!("{what}-{name}"),
                address: format!("shikaku.svc.{name}.{{facility}}.{what}"),
                stream: None,
                payload: json!({ "type": "object" }),
            });
        }
    }
    all
}

fn streams(feed_days: u32) -> Vec<Value> {
    topology::streams(feed_days)
        .into_iter()
        .map(|stream| {
            json!({ "name": stream.name, "subjects": stream.subjects, "retention": format!("{:?}", stream.retention),
                    "days": stream.days, "atomic": stream.atomic })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn every_stream_and_every_schema_named_exists() {
        let document = document(30);
        let streams: Vec<_> = topology::streams(30)
            .into_iter()
            .map(|stream| stream.name)
            .collect();
        let files: Vec<_> = schema::documents()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        for (id, channel) in document["channels"].as_object().unwrap() {
            if let Some(stream) = channel["x-stream"].as_str() {
                assert!(streams.iter().any(|name| name == stream), "{id}: {stream}");
            }
            let text = channel.to_string();
            for part in text.split("schemas/json/").skip(1) {
                let file = part.split('"').next().unwrap();
                assert!(files.iter().any(|name| name == file), "{id}: {file}");
            }
        }
    }
}
