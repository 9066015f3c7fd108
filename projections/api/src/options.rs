//! What the HTTP role is given.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Whether one part of the hub can serve. Tells no more than its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The part: `hub`, `projections`, `broker`.
    pub part: &'static str,
    /// Whether it can serve.
    pub ready: bool,
}

/// Certificate and key, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, leaf first.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// The counts of the signed-in page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Last position of the ledger that the read models know.
    pub position: u64,
    /// Records known.
    pub records: u64,
    /// Things set aside with a reason.
    pub parked: u64,
}

/// Everything the HTTP role needs.
#[derive(Clone)]
pub struct ApiOptions {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Serve TLS 1.3 with these; absent: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Asked at each `/readyz`.
    pub readiness: Arc<dyn Fn() -> Vec<Readiness> + Send + Sync>,
    /// Asked at each `/metrics`: Prometheus text.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Asked for the signed-in page.
    pub counts: Arc<dyn Fn() -> Counts + Send + Sync>,
    /// The one-time sign-in token that `up` prints; absent: there is no way in by link.
    pub link_token: Option<String>,
}
