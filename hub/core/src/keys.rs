//! Record keys for projections and adapters, over request and reply.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use shikaku_broker::Broker;
use shikaku_ledger::Ledger;
use shikaku_schemas::subject;
use shikaku_schemas::value::RecordId;
use tokio_util::sync::CancellationToken;

use crate::error::Cause;

/// Keys one request may ask for.
const AT_MOST: usize = 1000;

#[derive(Deserialize)]
struct Asked {
    records: Vec<RecordId>,
}

#[derive(Serialize, Default)]
struct Opened {
    keys: BTreeMap<RecordId, String>,
    erased: Vec<RecordId>,
}

/// Answers until `cancel`.
pub(crate) async fn run(
    broker: Broker,
    ledger: Ledger,
    cancel: CancellationToken,
) -> Result<(), Cause> {
    let mut requests = broker.queue_subscribe(subject::KEYS_OPEN, "hub").await?;
    loop {
        let request = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            request = requests.next() => request.ok_or("the subscription to key requests ended")?,
        };
        let Some(reply) = request.reply else { continue };
        match open(&ledger, &request.payload).await {
            Ok(answer) => broker.publish(reply, answer).await?,
            // No answer: the caller's request times out and is repeated.
            Err(error) => tracing::warn!(%error, "key request not answered"),
        }
    }
}

async fn open(ledger: &Ledger, request: &[u8]) -> Result<Vec<u8>, Cause> {
    let asked: Asked = serde_json::from_slice(request)?;
    if asked.records.len() > AT_MOST {
        return Err("more keys asked for than one answer holds".into());
    }
    let mut opened = Opened::default();
    for (id, key) in ledger.record_keys(&asked.records).await? {
        match key {
            Some(key) => drop(opened.keys.insert(id, STANDARD.encode(key.as_bytes()))),
            None => opened.erased.push(id),
        }
    }
    Ok(serde_json::to_vec(&opened)?)
}
