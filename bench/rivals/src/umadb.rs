//! UmaDB: read the stream, append two events on condition that nobody else did.

use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;
use umadb_client::UmaDbClient;
use umadb_dcb::{DcbAppendCondition, DcbEvent, DcbEventStoreAsync, DcbQuery, DcbQueryItem};

use crate::load;

fn event(stream: &str, n: u64) -> DcbEvent {
    DcbEvent {
        event_type: "seen".to_owned(),
        tags: vec![stream.to_owned()],
        data: load::payload(n).to_string().into_bytes(),
        ..DcbEvent::default()
    }
}

fn query(stream: &str) -> DcbQuery {
    DcbQuery { items: vec![DcbQueryItem { types: vec![], tags: vec![stream.to_owned()] }] }
}

/// Against a server at `url`.
pub async fn run(url: &str, callers: u64, seconds: u64) -> Result<Value> {
    let client = Arc::new(UmaDbClient::new(url.to_owned()).connect_async().await?);
    for n in 0..load::STREAMS {
        let stream = format!("old-{n}");
        let events = (0..load::length_of(n)).map(|k| event(&stream, k)).collect();
        client.append(events, None, None).await?;
    }
    load::drive("umadb", callers, seconds, move |n| {
        let client = Arc::clone(&client);
        async move {
            let (stream, _) = load::target(n);
            let (_, head) = client.read_with_head(Some(query(&stream)), None, false, None).await?;
            let condition = DcbAppendCondition { fail_if_events_match: query(&stream), after: head };
            Ok(client.append(vec![event(&stream, n), event(&stream, n + 1)], Some(condition), None).await.is_ok())
        }
    })
    .await
}
