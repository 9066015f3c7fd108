//! Following the ledger: from where, page by page, and anew when something fails.

use std::time::Duration;

use shikaku_ledger::{Ledger, LedgerError, Opened, StoredEvent};
use shikaku_schemas::event::EventHead;
use shikaku_schemas::value::Position;
use tokio_util::sync::CancellationToken;

use crate::error::Cause;

/// Events read at once.
pub(crate) const PAGE: u32 = 500;

/// Some events of the kinds asked for.
pub(crate) struct Page {
    pub(crate) events: Vec<StoredEvent>,
    /// Up to here nothing of these kinds is left to read.
    pub(crate) upto: Position,
    /// More may be there already.
    pub(crate) is_full: bool,
}

/// The next events of `kinds` after a position. Those of other kinds are not even read.
pub(crate) async fn page(
    ledger: &Ledger,
    kinds: &'static [&'static str],
    after: Position,
) -> Result<Page, LedgerError> {
    let head = ledger.head().await?.position;
    let events = ledger.read_kinds(after, kinds, PAGE).await?;
    let is_full = events.len() == PAGE as usize;
    let last = events.last().map_or(after, |last| last.head.position);
    Ok(Page {
        events,
        upto: if is_full { last } else { last.max(head) },
        is_full,
    })
}

/// A page opened.
pub(crate) struct OpenedPage {
    /// In order.
    pub(crate) events: Vec<Opened>,
    /// What can't be read: the follower leaves alone what it is about, and nobody else waits for it.
    pub(crate) unreadable: Vec<EventHead>,
}

/// Opens events as far as they can be read.
pub(crate) async fn open(
    ledger: &Ledger,
    events: &[StoredEvent],
) -> Result<OpenedPage, LedgerError> {
    let mut page = OpenedPage {
        events: Vec::with_capacity(events.len()),
        unreadable: Vec::new(),
    };
    for (stored, opened) in events.iter().zip(ledger.open_each(events).await?) {
        match opened {
            Ok(opened) => page.events.push(opened),
            Err(error) => {
                let position = stored.head.position.0;
                tracing::error!(position, %error, "an event can't be read; what it is about is left alone");
                metrics::counter!("shikaku_hub_events_unreadable_total").increment(1);
                page.unreadable.push(stored.head.clone());
            }
        }
    }
    Ok(page)
}

/// The position so long before the last event.
pub(crate) async fn look_back(ledger: &Ledger, time: Duration) -> Result<Position, Cause> {
    let oldest = ledger.head().await?.recorded_at.checked_sub(time)?;
    Ok(ledger.position_at(oldest).await?)
}

/// Something that follows the ledger.
pub(crate) trait Follower: Send {
    /// What is said when it failed and begins anew.
    const WORDS: &'static str;
    /// Before it begins anew.
    const PAUSE: Duration = Duration::from_secs(1);

    /// Follows; never ends but by a failure.
    fn follow(&mut self) -> impl Future<Output = Result<(), Cause>> + Send;
}

/// Follows until `cancel`, anew after each failure.
pub(crate) async fn run<F: Follower>(
    mut follower: F,
    cancel: CancellationToken,
) -> Result<(), Cause> {
    while !cancel.is_cancelled() {
        let ended = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            ended = follower.follow() => ended,
        };
        if let Err(error) = ended {
            metrics::counter!("shikaku_hub_followers_restarted_total").increment(1);
            tracing::warn!(%error, "{}", F::WORDS);
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(F::PAUSE) => {}
        }
    }
    Ok(())
}
