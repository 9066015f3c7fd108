//! The one connection: made in the background, mended for ever, its ups and downs told.

use std::time::Duration;

use async_nats::jetstream::context::ContextBuilder;
use async_nats::{ConnectOptions, Event, ServerError};
use tokio::sync::watch;

use super::Nats;
use crate::port::Line;
use crate::{ACK_TIMEOUT, BrokerError, BrokerOptions};

const CONNECT: Duration = Duration::from_secs(5);
const PING: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(10);
/// A slow disk may have a whole window of messages to sync before it acknowledges the last.
const ACKNOWLEDGE: Duration = Duration::from_secs(30);
const RECONNECT_AT_MOST: Duration = Duration::from_secs(2);

/// Connects in the background, for ever.
pub(crate) async fn connect(options: &BrokerOptions) -> Result<Nats, BrokerError> {
    let (report, line) = watch::channel(Line::default());
    let (count, connections) = watch::channel(0u64);
    let user = options.user.clone();
    let mut connect = ConnectOptions::new()
        .name(format!("shikaku-{user}"))
        .retry_on_initial_connect()
        .max_reconnects(None)
        .connection_timeout(CONNECT)
        .ping_interval(PING)
        .request_timeout(Some(REQUEST))
        .reconnect_delay_callback(reconnect_delay)
        .event_callback(move |event| {
            observe(&event, &user, &report, &count);
            async {}
        });
    if !options.user.is_empty() {
        connect = connect
            .user_and_password(options.user.clone(), options.password.clone())
            .custom_inbox_prefix(format!("_INBOX_{}", options.user));
    }
    if let Some(file) = &options.ca_file {
        connect = connect.add_root_certificates(file.clone());
    }
    let servers: Vec<&str> = options.url.split(',').map(str::trim).collect();
    let connecting = connect.connect(servers).await;
    let client = connecting.map_err(|error| BrokerError::Address(error.into()))?;
    let jetstream = ContextBuilder::new()
        .timeout(ACK_TIMEOUT)
        .ack_timeout(ACKNOWLEDGE)
        .build(client.clone());
    Ok(Nats {
        client,
        jetstream,
        line,
        connections,
    })
}

fn reconnect_delay(attempts: usize) -> Duration {
    let millis = 50u64.saturating_mul(u64::try_from(attempts).unwrap_or(u64::MAX));
    Duration::from_millis(millis).min(RECONNECT_AT_MOST)
}

fn observe(event: &Event, user: &str, report: &watch::Sender<Line>, count: &watch::Sender<u64>) {
    match event {
        Event::Connected => {
            report.send_modify(|line| {
                line.up = true;
                line.generation += 1;
            });
            count.send_modify(|count| *count += 1);
            tracing::info!(broker.user = user, "connected to the broker");
        }
        Event::Disconnected | Event::Closed => {
            report.send_modify(|line| line.up = false);
            tracing::warn!(broker.user = user, "the line to the broker is down");
        }
        // A denied publish is never answered; this event is the only sign of it. Subjects hold nothing personal.
        Event::ServerError(ServerError::Other(text)) if text.contains("ermissions") => {
            metrics::counter!("shikaku_broker_denied_total", "user" => user.to_owned())
                .increment(1);
            tracing::error!(broker.user = user, denied = %text, "the broker's permissions forbid this");
        }
        Event::ServerError(_) | Event::ClientError(_) => {
            metrics::counter!("shikaku_broker_errors_total", "user" => user.to_owned())
                .increment(1);
            tracing::error!(broker.user = user, broker.event = %event, "the broker complains");
        }
        Event::SlowConsumer(_) => {
            metrics::counter!("shikaku_broker_slow_consumer_total", "user" => user.to_owned())
                .increment(1);
            tracing::warn!(
                broker.user = user,
                "messages were dropped: reading too slowly"
            );
        }
        Event::LameDuckMode | Event::Draining => {
            tracing::warn!(broker.user = user, broker.event = %event, "the broker is going away");
        }
    }
}
