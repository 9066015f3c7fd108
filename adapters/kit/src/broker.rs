//! The connection to the broker: kept for ever, watched, with a private inbox.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::{self, context::ContextBuilder};
use async_nats::{Client, ConnectOptions, Event, ServerError};
use tokio::sync::watch;

/// How long one JetStream request or acknowledgement may take.
pub const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// How to reach the broker.
#[derive(Clone)]
pub struct BrokerOptions {
    /// `nats://…` or `tls://…`; several separated by commas.
    pub url: String,
    /// User of the role; also names its inbox prefix. Empty: no user, for a broker without accounts.
    pub user: String,
    /// Its password.
    pub password: String,
    /// Certificate authority of a TLS broker, if it is not a public one.
    pub ca_file: Option<PathBuf>,
}

impl fmt::Debug for BrokerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerOptions")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Whether the line is up, and how often it came up so far: a changed generation means that the broker
/// may have forgotten what it acknowledged before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Line {
    /// Whether it is up.
    pub up: bool,
    /// How often it came up.
    pub generation: u64,
}

/// A connection that mends itself.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Core NATS.
    pub client: Client,
    /// JetStream, every wait limited.
    pub jetstream: jetstream::Context,
    /// The state of the line.
    pub line: watch::Receiver<Line>,
}

/// The options make no sense; an unreachable broker is no error.
#[derive(Debug, thiserror::Error)]
#[error("the broker's address or certificate can't be used")]
pub struct BrokerError(#[from] async_nats::ConnectError);

impl Broker {
    /// Prepares the connection and returns at once, also while the broker is away; it is tried for ever.
    ///
    /// # Errors
    /// Only for options that can never work.
    pub async fn connect(options: &BrokerOptions) -> Result<Self, BrokerError> {
        let (report, line) = watch::channel(Line::default());
        let user = options.user.clone();
        let mut connect = ConnectOptions::new()
            .name(format!("shikaku-{user}"))
            .retry_on_initial_connect()
            .max_reconnects(None)
            .connection_timeout(Duration::from_secs(5))
            .ping_interval(Duration::from_secs(5))
            .reconnect_delay_callback(reconnect_delay)
            .event_callback(move |event| {
                observe(&event, &user, &report);
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
        let client = connect.connect(servers).await?;
        let jetstream = ContextBuilder::new()
            .timeout(ACK_TIMEOUT)
            .ack_timeout(ACK_TIMEOUT)
            .build(client.clone());
        Ok(Self {
            client,
            jetstream,
            line,
        })
    }

    /// Whether the line is up at this moment.
    pub fn is_up(&self) -> bool {
        self.line.borrow().up
    }
}

fn reconnect_delay(attempts: usize) -> Duration {
    let attempts = u64::try_from(attempts).unwrap_or(u64::MAX).min(20);
    Duration::from_millis(100 * attempts)
}

fn observe(event: &Event, user: &str, report: &watch::Sender<Line>) {
    match event {
        Event::Connected => {
            report.send_modify(|line| {
                line.up = true;
                line.generation += 1;
            });
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
        Event::SlowConsumer(_) => {
            metrics::counter!("shikaku_broker_slow_consumer_total", "user" => user.to_owned())
                .increment(1);
            tracing::warn!(
                broker.user = user,
                "messages were dropped: reading too slowly"
            );
        }
        other => {
            metrics::counter!("shikaku_broker_events_total", "user" => user.to_owned())
                .increment(1);
            tracing::debug!(broker.user = user, event = %other, "broker event");
        }
    }
}
