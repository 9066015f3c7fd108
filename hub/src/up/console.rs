//! The HTTP role: health, metrics and the sign-in page, with the one-time link that lets the operator in.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use shikaku_api::{ApiOptions, Counts, Readiness, TlsFiles};
use shikaku_core::query::Queries;
use shikaku_models::StatusBoard;
use shikaku_schemas::seal::SealKey;
use shikaku_terminal::quarantine;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::roles::Roles;
use crate::{broker, words};

const LOOKS_EVERY: Duration = Duration::from_secs(2);

/// Where the console is.
pub struct Console {
    /// `http://127.0.0.1:8080`.
    pub url: String,
    token: String,
}

impl Console {
    /// The lines that tell a person where to go.
    pub fn welcome(&self) -> String {
        format!(
            "  {}: {}\n  {}: {}/sign-in/link/{}",
            words::CONSOLE,
            self.url,
            words::SIGN_IN,
            self.url,
            self.token
        )
    }
}

/// What health and the signed-in page tell: looked after every two seconds, so that nobody who asks waits.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    counts: Counts,
    broker: bool,
}

type Shared = Arc<Mutex<Seen>>;

/// Serves over what the other roles keep; `status` when the projections run in this process.
///
/// # Errors
/// The address can't be bound.
pub async fn serve(
    site: &Site,
    queries: Queries,
    status: Option<StatusBoard>,
    roles: &mut Roles,
) -> anyhow::Result<Console> {
    let seen = Shared::default();
    let watch = Watch {
        site: site.clone(),
        queries,
        status: status.clone(),
        seen: Arc::clone(&seen),
    };
    watch.look().await;
    let token = SealKey::random().password("console-link");
    let options = options(site, seen, status, token.clone())?;
    let scheme = if options.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let server = shikaku_api::serve(options, roles.cancel())
        .await
        .context("HTTP")?;
    let url = format!("{scheme}://{}", server.address);
    roles.spawn("api", async move { Ok(server.finished().await?) });
    roles.spawn("health", watch.run(roles.cancel()));
    Ok(Console { url, token })
}

fn options(
    site: &Site,
    seen: Shared,
    status: Option<StatusBoard>,
    token: String,
) -> anyhow::Result<ApiOptions> {
    let http = &site.config.http;
    let tls = http
        .tls_cert_file
        .clone()
        .zip(http.tls_key_file.clone())
        .map(|(cert_file, key_file)| TlsFiles {
            cert_file,
            key_file,
        });
    let recorder = recorder()?;
    let counted = Arc::clone(&seen);
    let readiness = move || {
        let part = |part, ready| Readiness { part, ready };
        let mut parts = vec![part("broker", read(&seen).broker)];
        if let Some(status) = &status {
            // A role that ends takes the process with it: whoever answers here has a hub.
            parts.push(part("hub", true));
            parts.push(part("projections", status.ready()));
        }
        parts
    };
    Ok(ApiOptions {
        listen: site.config.listen,
        tls,
        readiness: Arc::new(readiness),
        metrics: Arc::new(move || recorder.render()),
        counts: Arc::new(move || read(&counted).counts),
        link_token: Some(token),
    })
}

fn read(seen: &Mutex<Seen>) -> Seen {
    *seen.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watch {
    site: Site,
    queries: Queries,
    status: Option<StatusBoard>,
    seen: Shared,
}

impl Watch {
    async fn run(self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(LOOKS_EVERY);
        while cancel.run_until_cancelled(tick.tick()).await.is_some() {
            self.look().await;
        }
        Ok(())
    }

    /// What can't be seen stays as it was; health says so through the part that fails.
    async fn look(&self) {
        let broker = broker::is_reachable(&self.site.nats_url).await;
        let files = quarantine::list(&self.site.config.data_dir).map_or(0, |files| files.len());
        let parked = self.queries.parked().await.map_or(0, |rows| rows.len());
        let standing = self.queries.standing().await;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.broker = broker;
        seen.counts.parked = u64::try_from(files + parked).unwrap_or(u64::MAX);
        if let Ok((_, position)) = standing {
            seen.counts.position = position.0;
        }
        if let Some(status) = &self.status {
            let projections = status.projections();
            let records = projections.values().map(|status| status.records).max();
            seen.counts.records = records.unwrap_or_default();
        }
    }
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
