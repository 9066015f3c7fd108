//! The connection to the broker.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};

use crate::options::NatsAccess;
use crate::run::ModelsError;

const REQUEST: Duration = Duration::from_secs(10);
const RECONNECT_AT_MOST: Duration = Duration::from_secs(2);

/// A connection that mends itself. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Broker {
    /// Core NATS.
    pub(crate) client: Client,
    /// JetStream.
    pub(crate) jetstream: Context,
}

impl Broker {
    /// Connects, and goes on trying in the background while the broker is away.
    pub(crate) async fn connect(access: &NatsAccess) -> Result<Self, ModelsError> {
        let mut options = ConnectOptions::new()
            .request_timeout(Some(REQUEST))
            .retry_on_initial_connect()
            .reconnect_delay_callback(|attempts| {
                let millis = 50u64.saturating_mul(u64::try_from(attempts).unwrap_or(u64::MAX));
                Duration::from_millis(millis).min(RECONNECT_AT_MOST)
            })
            .event_callback(|event| {
                note(&event);
                std::future::ready(())
            });
        if !access.user.is_empty() {
            options = options
                .user_and_password(access.user.clone(), access.password.clone())
                .name(format!("shikaku-{}", access.user))
                .custom_inbox_prefix(format!("_INBOX_{}", access.user));
        }
        if let Some(file) = &access.tls_ca_file {
            options = options.add_root_certificates(file.clone());
        }
        let client = options
            .connect(access.url.as_str())
            .await
            .map_err(|error| ModelsError::Broker(error.into()))?;
        Ok(Self {
            jetstream: jetstream::new(client.clone()),
            client,
        })
    }
}

/// A denied publish is not answered, so what the broker says by itself is the only sign of it.
fn note(event: &Event) {
    match event {
        Event::Connected => tracing::info!("projections are connected to the broker"),
        Event::ServerError(_) | Event::ClientError(_) | Event::SlowConsumer(_) => {
            metrics::counter!("shikaku_projection_broker_errors_total").increment(1);
            tracing::error!(broker.event = %event, "broker complains");
        }
        Event::Disconnected | Event::LameDuckMode | Event::Draining | Event::Closed => {
            tracing::warn!(broker.event = %event, "broker connection changed");
        }
    }
}
