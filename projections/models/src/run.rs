//! The projections role from its first connection to the last drained task.

use std::collections::HashMap;
use std::sync::Arc;

use shikaku_broker::Broker;
use shikaku_schemas::feed::{Audience, FeedVariant};
use shikaku_schemas::group::Group;
use shikaku_schemas::value::FacilityCode;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ModelsOptions;
use crate::access::AccessLog;
use crate::apply::Applier;
use crate::keys::KeyRing;
use crate::projection::Projection;
use crate::publish::Publisher;
use crate::respond::Responder;
use crate::store::Store;

/// The cause of a failure, kept as a source.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the projections role ended, or could not start.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The broker could not be reached.
    #[error("the broker could not be reached")]
    Broker(#[source] Cause),
    /// The access log could not be opened: nothing may be shown.
    #[error("the access log could not be opened")]
    Access(#[source] Cause),
    /// A database could not be opened or prepared.
    #[error("the database of projection {name} could not be opened")]
    Database {
        /// The projection.
        name: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A projection stopped for good; the others went on until the end.
    #[error("projection {name} stopped: {reason}")]
    Stopped {
        /// Its name.
        name: String,
        /// Why, without personal data.
        reason: String,
    },
    /// A task ended although nothing asked it to, or panicked.
    #[error("task {task} ended unasked")]
    Ended {
        /// Its name.
        task: String,
    },
}

/// Runs every projection, its publisher and the responder until `cancel`, then drains.
///
/// A projection that meets an event type it does not know stops for good and says so on the status board;
/// the others go on. A broker or hub that is away is waited for.
///
/// # Errors
/// What could not be opened at start; afterwards, at the end, the first task that failed.
pub async fn run(options: ModelsOptions, cancel: CancellationToken) -> Result<(), ModelsError> {
    let mut tasks = start(&options, &cancel).await?;
    let mut first = None;
    while let Some(ended) = tasks.join_next().await {
        let error = match ended {
            Ok((_, Ok(()))) if cancel.is_cancelled() => continue,
            Ok((task, Ok(()))) => ModelsError::Ended { task },
            // The others go on without it.
            Ok((_, Err(stopped @ ModelsError::Stopped { .. }))) => {
                first.get_or_insert(stopped);
                continue;
            }
            Ok((_, Err(error))) => error,
            Err(panicked) => ModelsError::Ended {
                task: panicked.to_string(),
            },
        };
        tracing::error!(%error, "the projections role ends");
        cancel.cancel();
        first.get_or_insert(error);
    }
    first.map_or(Ok(()), Err)
}

type Tasks = JoinSet<(String, Result<(), ModelsError>)>;

async fn start(options: &ModelsOptions, cancel: &CancellationToken) -> Result<Tasks, ModelsError> {
    let connected = Broker::connect(&options.nats).await;
    let broker = connected.map_err(|error| ModelsError::Broker(error.into()))?;
    let keys = KeyRing::new(broker.clone());
    let access = AccessLog::open(&options.access, options.clock.clone())
        .await
        .map_err(|error| ModelsError::Access(error.into()))?;
    let mut stores = HashMap::new();
    for variant in options.variants() {
        let store = Store::open(&options.database, variant)
            .await
            .map_err(|source| ModelsError::Database {
                name: variant.to_string(),
                source,
            })?;
        stores.insert(variant, store);
    }
    let mut tasks = Tasks::new();
    for audience in Audience::ALL {
        let grown = Arc::new(Notify::new());
        let mut outboxes = Vec::new();
        for variant in options.variants() {
            if variant.audience == *audience {
                let store = stores[&variant].clone();
                let projection =
                    projection(options, &broker, &keys, variant, &store, &grown).await?;
                let ended = projection.run(cancel.clone());
                tasks.spawn(async move { (variant.to_string(), ended.await) });
                outboxes.push((variant, store));
            }
        }
        let publisher = Publisher {
            audience: *audience,
            outboxes,
            broker: broker.clone(),
            keys: keys.clone(),
            facilities: codes(&options.group),
            feed_days: options.feed_days,
            clock: options.clock.clone(),
            status: options.status.clone(),
            grown,
        };
        let ended = publisher.run(cancel.clone());
        tasks.spawn(async move { (format!("publisher of {}", audience.as_str()), ended.await) });
    }
    let responder = Responder {
        broker,
        group: options.group.clone(),
        stores,
        keys,
        lookup_key: options.lookup_key.clone(),
        access,
    };
    let ended = responder.run(cancel.clone());
    tasks.spawn(async move { ("responder".to_owned(), ended.await) });
    Ok(tasks)
}

async fn projection(
    options: &ModelsOptions,
    broker: &Broker,
    keys: &KeyRing,
    variant: FeedVariant,
    store: &Store,
    grown: &Arc<Notify>,
) -> Result<Projection, ModelsError> {
    let checkpoint = store
        .checkpoint()
        .await
        .map_err(|source| ModelsError::Database {
            name: variant.to_string(),
            source,
        })?;
    // Known to the board before it reads, so that nobody takes an unread projection for a ready one.
    options.status.update(&variant.to_string(), |status| {
        status.position = checkpoint.position;
    });
    let applier = Applier::new(options, variant, store.clone(), keys.clone(), checkpoint);
    Ok(Projection::new(
        variant,
        broker.clone(),
        applier,
        options.status.clone(),
        grown.clone(),
    ))
}

fn codes(group: &Group) -> Vec<FacilityCode> {
    group
        .facilities
        .iter()
        .map(|facility| facility.code.clone())
        .collect()
}
