//! The HTTP role: health, metrics and the sign-in page, with the one-time link that lets the operator in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use shikaku_api::{ApiOptions, Counts, Readiness, TlsFiles};
use shikaku_ledger::Ledger;
use shikaku_models::StatusBoard;
use shikaku_schemas::seal::SealKey;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::roles::Roles;
use crate::words;

const COUNTS_EVERY: Duration = Duration::from_secs(1);

/// Where the console is.
pub struct Console {
    /// `http://127.0.0.1:8080`.
    pub url: String,
    link: Option<String>,
}

impl Console {
    /// The lines that tell a person where to go.
    pub fn welcome(&self) -> String {
        let mut text = format!("  {}: {}", words::CONSOLE, self.url);
        if let Some(token) = &self.link {
            text.push_str(&format!(
                "\n  {}: {}/sign-in?token={token}",
                words::SIGN_IN,
                self.url
            ));
        }
        text
    }
}

/// Serves beside the other roles of this process.
///
/// # Errors
/// The address can't be bound.
pub async fn serve(
    site: &Site,
    ledger: Ledger,
    status: StatusBoard,
    roles: &mut Roles,
) -> anyhow::Result<Console> {
    let readiness = move || {
        vec![
            Readiness {
                part: "hub",
                ready: true,
            },
            Readiness {
                part: "projections",
                ready: status.ready(),
            },
        ]
    };
    start(site, ledger, Arc::new(readiness), roles).await
}

/// Serves alone, over what the other roles keep.
///
/// # Errors
/// The address can't be bound.
pub async fn serve_alone(
    site: &Site,
    ledger: Ledger,
    roles: &mut Roles,
) -> anyhow::Result<Console> {
    start(site, ledger, Arc::new(Vec::new), roles).await
}

async fn start(
    site: &Site,
    ledger: Ledger,
    readiness: Arc<dyn Fn() -> Vec<Readiness> + Send + Sync>,
    roles: &mut Roles,
) -> anyhow::Result<Console> {
    let http = &site.config.http;
    let tls = match (&http.tls_cert_file, &http.tls_key_file) {
        (Some(cert), Some(key)) => Some(TlsFiles {
            cert_file: cert.clone(),
            key_file: key.clone(),
        }),
        _ => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let link = SealKey::random().password("console-link");
    let position = Arc::new(AtomicU64::new(0));
    let shown = Arc::clone(&position);
    let recorder = recorder()?;
    let options = ApiOptions {
        listen: site.config.listen,
        tls,
        readiness,
        metrics: Arc::new(move || recorder.render()),
        counts: Arc::new(move || Counts {
            position: shown.load(Ordering::Relaxed),
            ..Counts::default()
        }),
        link_token: Some(link.clone()),
    };
    let server = shikaku_api::serve(options, roles.cancel())
        .await
        .context("HTTP")?;
    let url = format!("{scheme}://{}", server.address);
    roles.spawn("api", async move { Ok(server.finished().await?) });
    roles.spawn("counts", count(ledger, position, roles.cancel()));
    Ok(Console {
        url,
        link: Some(link),
    })
}

async fn count(
    ledger: Ledger,
    position: Arc<AtomicU64>,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(COUNTS_EVERY);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        if let Ok(head) = ledger.head().await {
            position.store(head.position.0, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// One recorder a process: metrics are global.
fn recorder() -> anyhow::Result<PrometheusHandle> {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .install_recorder()
        .context("metrics")?;
    Ok(RECORDER.get_or_init(|| handle).clone())
}
