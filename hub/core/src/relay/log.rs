//! `LOG` as a stream: made, looked at, and thrown away when it tells another story than the ledger.

use shikaku_broker::{Broker, BrokerError, HeaderValue, Kept, StreamConfig, StreamInfo};
use shikaku_ledger::{Ledger, StoreIdentity};
use shikaku_schemas::event::{EventHead, SealedEvent};
use shikaku_schemas::mutant::{Mutant, planted};
use shikaku_schemas::topology;
use shikaku_schemas::value::Position;

use crate::error::{Cause, HubError};
use crate::provision;

/// Why `LOG` can't be this ledger's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mismatch {
    Store,
    AheadOfTheLedger,
    Holes,
    LastEvent,
}

/// How `LOG` stands to the ledger.
enum Standing {
    /// Not there.
    Missing,
    /// Surely its copy up to this sequence.
    Copy(u64),
    /// Not its copy, and of no worth.
    Foreign { last: u64, mismatch: Mismatch },
    /// It tells, in the ledger's own name and epoch, of events that the ledger does not hold.
    Remembers(HubError),
}

/// The last sequence of a `LOG` that surely is this ledger's copy; a foreign one is deleted and begun anew. Never by a
/// hub of an earlier epoch: two that each take the other's copy for a foreign one would go on deleting for ever.
///
/// # Errors
/// [`HubError::PutBack`] when `LOG` remembers more than the ledger: nothing is touched then.
pub(crate) async fn prepare(broker: &Broker, ledger: &Ledger) -> Result<u64, Cause> {
    if !planted(Mutant::DropTheEpochCheck) {
        ledger.still_present().await?;
    }
    match standing(broker, ledger).await? {
        Standing::Missing => create(broker, ledger).await,
        Standing::Copy(last) => Ok(last),
        Standing::Remembers(more) => Err(more.into()),
        Standing::Foreign { last, mismatch } => {
            metrics::counter!("shikaku_hub_log_rebuilds_total").increment(1);
            tracing::error!(
                ?mismatch,
                log.last = last,
                "LOG is not this ledger's copy; it is deleted and filled again"
            );
            broker.delete_stream(topology::LOG).await?;
            create(broker, ledger).await
        }
    }
}

async fn standing(broker: &Broker, ledger: &Ledger) -> Result<Standing, Cause> {
    let info = match broker.stream(topology::LOG).await {
        Ok(info) => info,
        Err(BrokerError::StreamMissing) => return Ok(Standing::Missing),
        Err(error) => return Err(error.into()),
    };
    let last = info.last_sequence;
    // Asked for after `LOG`: what is copied was committed before.
    let head = ledger.head().await?.position;
    let foreign = |mismatch| Standing::Foreign { last, mismatch };
    if !is_named_after(&info, ledger.identity()) {
        return Ok(foreign(Mismatch::Store));
    }
    if last == 0 {
        return Ok(Standing::Copy(0));
    }
    let copied = match broker.message_at(topology::LOG, last).await {
        Ok(message) => copied(&message, ledger.identity()),
        Err(BrokerError::MessageMissing) => None,
        Err(error) => return Err(error.into()),
    };
    let stored = ledger.read_page(Position(last - 1), 1).await?;
    let stored = stored.first().map(|event| &event.head);
    let named = |head: &EventHead| (head.position, head.event_id);
    let remembered = copied.as_ref().map(named);
    let is_remembered = remembered.is_some_and(|(position, _)| position == Position(last));
    Ok(match (remembered, stored) {
        _ if is_remembered && remembered != stored.map(named) => {
            Standing::Remembers(HubError::PutBack {
                told: last,
                ledger: head.0,
            })
        }
        (_, None) => foreign(Mismatch::AheadOfTheLedger),
        _ if info.messages != last => foreign(Mismatch::Holes),
        _ if copied.as_ref() != stored => foreign(Mismatch::LastEvent),
        _ => Standing::Copy(last),
    })
}

fn is_named_after(info: &StreamInfo, store: StoreIdentity) -> bool {
    let named = |key: &str| info.config.metadata.get(key).map(String::as_str);
    named(topology::STORE_ID) == Some(store.store_id.to_string().as_str())
        && named(topology::STORE_EPOCH) == Some(store.epoch.to_string().as_str())
}

/// The event that a hub of this ledger and this epoch copied. One of an earlier epoch that was stopped in the middle
/// and woke may have copied into this epoch's `LOG`.
fn copied(message: &Kept, store: StoreIdentity) -> Option<EventHead> {
    let named = |key: &str| message.headers.get(key).map(HeaderValue::as_str);
    let is_ours = named(topology::STORE_ID) == Some(store.store_id.to_string().as_str())
        && named(topology::STORE_EPOCH) == Some(store.epoch.to_string().as_str());
    let event: SealedEvent = serde_json::from_slice(&message.payload).ok()?;
    is_ours.then_some(event.head)
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
