//! The broker: its configuration from the one table, outside credentials, and the supervised child.

pub mod locate;
pub mod place;
pub mod server_config;
pub mod supervisor;

use std::time::Duration;

use serde::Serialize;
use shikaku_schemas::group::Consumer;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::topology;
use tokio::net::TcpStream;

use crate::keys;

const CONNECTS_WITHIN: Duration = Duration::from_secs(3);

/// How an outside consumer connects, as `shikaku nats credentials` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// Where.
    pub url: String,
    /// The stream to bind to.
    pub stream: String,
    /// The durable to bind to.
    pub durable: String,
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// The credentials of `consumer` at the broker at `url`.
pub fn credentials(url: &str, consumer: &Consumer, group: &SealKey) -> Credentials {
    Credentials {
        url: bare(url),
        stream: topology::feed_stream(consumer.audience).to_owned(),
        durable: consumer.name.clone(),
        user: consumer.name.clone(),
        password: keys::nats_password(group, &consumer.name),
    }
}

/// Whether something listens at the broker's address.
pub async fn is_reachable(url: &str) -> bool {
    let url = bare(url);
    let address = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let address = address.trim_end_matches('/');
    let address = if address.contains(':') {
        address.to_owned()
    } else {
        format!("{address}:4222")
    };
    let connecting = tokio::time::timeout(CONNECTS_WITHIN, TcpStream::connect(&address));
    matches!(connecting.await, Ok(Ok(_)))
}

/// A URL without user and password.
pub fn bare(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or(authority);
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_printed_url_holds_no_password() {
        assert_eq!(super::bare("nats://a:b@host:1"), "nats://host:1");
        assert_eq!(super::bare("tls://host:1"), "tls://host:1");
    }
}
