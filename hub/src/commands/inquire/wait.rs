//! Waiting for an inquiry to end.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use shikaku_core::query::{InquiryView, Queries};
use shikaku_schemas::value::InquiryId;

use crate::answer::Refused;
use crate::config::Config;
use crate::{client, words};

const LOOKS_EVERY: Duration = Duration::from_millis(100);
/// Longer than a 受付番号 lives.
const A_JOB: Duration = Duration::from_secs(8 * 24 * 60 * 60);
/// Beyond the terminal's own patience: for a hub that comes back.
const GRACE: Duration = Duration::from_secs(60);

fn is_settled(state: &str) -> bool {
    matches!(
        state,
        "answered" | "rejected" | "timed-out" | "uncertain" | "resolved"
    )
}

/// Looks until it is settled.
///
/// # Errors
/// It was not in time, or the ledger can't be read.
pub async fn wait_for(
    config: &Config,
    queries: &Queries,
    inquiry: InquiryId,
) -> anyhow::Result<InquiryView> {
    let progress = ProgressBar::new_spinner();
    progress.set_style(
        ProgressStyle::with_template("{spinner} {elapsed} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let settled = async {
        loop {
            if let Some(view) = queries.inquiry(inquiry).await? {
                let state = words::inquiry_state(view.state);
                progress.set_message(format!("{}: {state} {}", words::WAITING, view.state));
                progress.tick();
                if is_settled(view.state) {
                    return anyhow::Ok(view);
                }
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    };
    let patience = Duration::from_secs(config.timing.answer_timeout_s) * 2 + GRACE;
    let view = tokio::time::timeout(patience, settled).await;
    progress.finish_and_clear();
    view.map_err(|_| Refused::from(words::NO_ANSWER))?
}

/// The same of a job: for days if need be, because the centre may work until the morning. A bar once the
/// terminal has the result: counts, rate, estimate.
///
/// # Errors
/// The ledger can't be read.
pub async fn wait_for_job(
    config: &Config,
    queries: &Queries,
    inquiry: InquiryId,
) -> anyhow::Result<InquiryView> {
    let progress = ProgressBar::new_spinner();
    let mut has_result = false;
    let deadline = tokio::time::Instant::now() + A_JOB;
    while tokio::time::Instant::now() < deadline {
        let Some(view) = queries.inquiry(inquiry).await? else {
            tokio::time::sleep(LOOKS_EVERY).await;
            continue;
        };
        if is_settled(view.state) {
            progress.finish_and_clear();
            return Ok(view);
        }
        // A hub that is away for a moment does not end the waiting.
        let known = client::progress(config, inquiry).await.unwrap_or_default();
        if let Some(received) = known.received {
            if !has_result {
                progress.set_style(bar("{wide_bar} {pos}/{len} {per_sec} {eta} {msg}"));
                has_result = true;
            }
            progress.set_length(u64::from(received));
            progress.set_position(u64::from(known.committed));
        }
        let state = words::inquiry_state(view.state);
        progress.set_message(format!("{}: {state} {}", words::WAITING, view.state));
        progress.tick();
        tokio::time::sleep(LOOKS_EVERY).await;
    }
    progress.finish_and_clear();
    Err(Refused::from(words::NO_ANSWER).into())
}

fn bar(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
