//! `LOG` as a stream: made, looked at, and thrown away when it tells another story than the ledger.

use shikaku_broker::{Broker, BrokerError, Kept, StreamConfig, StreamInfo};
use shikaku_ledger::Ledger;
use shikaku_schemas::event::SealedEvent;
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::topology;
use shikaku_schemas::value::Position;

use crate::error::Cause;
use crate::provision;

/// Why `LOG` can't be this ledger's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mismatch {
    Store,
    AheadOfTheLedger,
    Holes,
    LastEvent,
}

/// The last sequence of a `LOG` that surely is this ledger's copy; a foreign one is deleted and begun anew. Never by a
/// hub of an earlier epoch: two that each take the other's copy for a foreign one would go on deleting for ever.
pub(crate) async fn prepare(broker: &Broker, ledger: &Ledger) -> Result<u64, Cause> {
    if !planted(Mutant::DropTheEpochCheck) {
        ledger.still_present().await?;
    }
    let info = match broker.stream(topology::LOG).await {
        Ok(info) => info,
        Err(BrokerError::StreamMissing) => return create(broker, ledger).await,
        Err(error) => return Err(error.into()),
    };
    let last = info.last_sequence;
    let mismatch = match mismatch(&info, ledger).await? {
        None if last > 0 => {
            let message = broker.message_at(topology::LOG, last).await?;
            let copied: Option<SealedEvent> = serde_json::from_slice(&message.payload).ok();
            let stored = ledger.read_page(Position(last - 1), 1).await?;
            let same = copied
                .zip(stored.first())
                .is_some_and(|(copied, stored)| copied.head == stored.head);
            (!same || !is_of_epoch(&message, ledger)).then_some(Mismatch::LastEvent)
        }
        other => other,
    };
    let Some(mismatch) = mismatch else {
        return Ok(last);
    };
    metrics::counter!("shikaku_hub_log_rebuilds_total").increment(1);
    tracing::error!(
        ?mismatch,
        log.last = last,
        "LOG is not this ledger's copy; it is deleted and filled again"
    );
    broker.delete_stream(topology::LOG).await?;
    create(broker, ledger).await
}

async fn mismatch(info: &StreamInfo, ledger: &Ledger) -> Result<Option<Mismatch>, Cause> {
    let store = ledger.identity();
    let named = |key: &str| info.config.metadata.get(key).map(String::as_str);
    Ok(
        if named(topology::STORE_ID) != Some(store.store_id.to_string().as_str())
            || named(topology::STORE_EPOCH) != Some(store.epoch.to_string().as_str())
        {
            Some(Mismatch::Store)
        } else if info.last_sequence > ledger.head().await?.position.0 {
            Some(Mismatch::AheadOfTheLedger)
        } else if info.messages != info.last_sequence {
            Some(Mismatch::Holes)
        } else {
            None
        },
    )
}

/// A hub of an earlier epoch that was stopped in the middle and woke may have copied into this epoch's `LOG`.
fn is_of_epoch(message: &Kept, ledger: &Ledger) -> bool {
    let epoch = message.headers.get(topology::STORE_EPOCH);
    epoch.is_some_and(|epoch| epoch.as_str() == ledger.identity().epoch.to_string())
}

async fn create(broker: &Broker, ledger: &Ledger) -> Result<u64, Cause> {
    let store = ledger.identity();
    let Position(head) = ledger.head().await?.position;
    let spec = topology::streams(0)
        .into_iter()
        .find(|spec| spec.name == topology::LOG)
        .ok_or("the table of streams names LOG")?;
    broker
        .create_stream(StreamConfig {
            first_sequence: Some(1),
            metadata: [
                (topology::STORE_ID.to_owned(), store.store_id.to_string()),
                (topology::STORE_EPOCH.to_owned(), store.epoch.to_string()),
                (topology::STORE_HEAD.to_owned(), head.to_string()),
            ]
            .into(),
            ..provision::config(&spec)
        })
        .await?;
    tracing::info!("LOG made");
    Ok(0)
}
