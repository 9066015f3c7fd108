//! The connection to the broker, and what happens to it.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::watch;

use crate::error::HubError;
use crate::options::NatsAccess;

const REQUEST: Duration = Duration::from_secs(10);
const RECONNECT_AT_MOST: Duration = Duration::from_secs(2);

/// A connection that mends itself. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Broker {
    /// Core NATS.
    pub(crate) client: Client,
    /// JetStream.
    pub(crate) jetstream: Context,
    /// Counts connections: a change means that the broker may have lost what it held.
    pub(crate) connections: watch::Receiver<u64>,
}

impl Broker {
    /// Connects, and goes on trying in the background while the broker is away.
    pub(crate) async fn connect(access: &NatsAccess) -> Result<Self, HubError> {
        let (count, connections) = watch::channel(0u64);
        let mut options =
            ConnectOptions::with_user_and_password(access.user.clone(), access.password.clone())
                .name(format!("shikaku-{}", access.user))
                .custom_inbox_prefix(format!("_INBOX_{}", access.user))
                .request_timeout(Some(REQUEST))
                .retry_on_initial_connect()
                .reconnect_delay_callback(|attempts| {
                    let millis = 50u64.saturating_mul(u64::try_from(attempts).unwrap_or(u64::MAX));
                    Duration::from_millis(millis).min(RECONNECT_AT_MOST)
                })
                .event_callback(move |event| {
                    note(&event, &count);
                    std::future::ready(())
                });
        if let Some(file) = &access.tls_ca_file {
            options = options.add_root_certificates(file.clone());
        }
        let client = options
            .connect(access.url.as_str())
            .await
            .map_err(|source| HubError::Broker {
                step: "connecting",
                source: source.into(),
            })?;
        Ok(Self {
            jetstream: jetstream::new(client.clone()),
            client,
            connections,
        })
    }
}

/// A denied publish is not answered, so what the broker says by itself is the only sign of it.
fn note(event: &Event, count: &watch::Sender<u64>) {
    match event {
        Event::Connected => {
            count.send_modify(|count| *count += 1);
            tracing::info!("broker connected");
        }
        Event::ServerError(_) | Event::ClientError(_) | Event::SlowConsumer(_) => {
            metrics::counter!("shikaku_hub_broker_errors_total").increment(1);
            tracing::error!(broker.event = %event, "broker complains");
        }
        Event::Disconnected | Event::LameDuckMode | Event::Draining | Event::Closed => {
            tracing::warn!(broker.event = %event, "broker connection changed");
        }
    }
}
