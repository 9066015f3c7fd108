//! Waiting for an inquiry to end.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use shikaku_core::query::{InquiryView, Queries};
use shikaku_schemas::value::InquiryId;

use crate::answer::Refused;
use crate::config::Config;
use crate::words;

const LOOKS_EVERY: Duration = Duration::from_millis(100);
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
