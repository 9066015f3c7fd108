//! How to reach the broker.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::port::Port;

/// How to reach a NATS server.
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

/// Which broker.
#[derive(Clone)]
pub enum BrokerAt {
    /// A NATS server.
    Nats(BrokerOptions),
    /// Whatever stands behind this port: a simulation.
    Port(Arc<dyn Port>),
}

impl fmt::Debug for BrokerAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nats(options) => options.fmt(f),
            Self::Port(_) => f.write_str("Port(…)"),
        }
    }
}

impl From<BrokerOptions> for BrokerAt {
    fn from(options: BrokerOptions) -> Self {
        Self::Nats(options)
    }
}

impl From<&BrokerOptions> for BrokerAt {
    fn from(options: &BrokerOptions) -> Self {
        Self::Nats(options.clone())
    }
}

impl From<&Self> for BrokerAt {
    fn from(at: &Self) -> Self {
        at.clone()
    }
}
