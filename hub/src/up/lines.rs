//! A live line per event and per card. No personal data, unless `--show-names` asks for names.

use std::time::Duration;

use shikaku_core::desk::{DeskNews, Desks};
use shikaku_ledger::{Ledger, LedgerError, Opened, StoredEvent};
use shikaku_schemas::event::Event;
use shikaku_schemas::group::Group;
use shikaku_schemas::value::{FacilityCode, Position};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::roles::Roles;
use crate::{answer, event_line};

const PAGE: u32 = 256;
/// Before a ledger that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Prints what is committed after `after`, as a task of `roles`.
pub fn follow(
    site: &Site,
    ledger: Ledger,
    desks: Desks,
    after: Position,
    show_names: bool,
    roles: &mut Roles,
) {
    let lines = Lines {
        group: site.config.group.clone(),
        news: desks.follow(),
        desks,
        show_names,
    };
    roles.spawn("live lines", lines.run(ledger, after, roles.cancel()));
}

struct Lines {
    group: Group,
    desks: Desks,
    news: Receiver<DeskNews>,
    show_names: bool,
}

async fn next(ledger: &Ledger, after: Position) -> Result<Vec<Opened>, LedgerError> {
    let page = ledger.read_page(after, PAGE).await?;
    let opened = ledger.open_each(&page).await?;
    let shown = |(stored, opened): (&StoredEvent, Result<Opened, LedgerError>)| {
        opened.unwrap_or_else(|error| {
            let position = stored.head.position.0;
            tracing::warn!(position, %error, "an event can't be read");
            Opened {
                head: stored.head.clone(),
                event: None,
            }
        })
    };
    Ok(page.iter().zip(opened).map(shown).collect())
}

impl Lines {
    async fn run(
        mut self,
        ledger: Ledger,
        mut after: Position,
        cancel: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut committed = ledger.committed();
        loop {
            match next(&ledger, after).await {
                Ok(page) if page.is_empty() => {}
                Ok(page) => {
                    for opened in page {
                        after = opened.head.position;
                        self.print(&self.event(&opened));
                    }
                    continue;
                }
                // What is only shown never ends the hub.
                Err(error) => {
                    tracing::warn!(%error, "live lines wait for the ledger");
                    tokio::select! {
                        () = cancel.cancelled() => return Ok(()),
                        () = tokio::time::sleep(PAUSE) => continue,
                    }
                }
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = committed.changed() => if changed.is_err() {
                    cancel.cancelled().await;
                    return Ok(());
                },
                news = self.news.recv() => match news {
                    Ok(news) => self.print(&self.card(&news)),
                    Err(RecvError::Lagged(lines)) => {
                        tracing::warn!(lines, "live lines of cards were left out");
                    }
                    // The hub role has ended; whoever watches the roles says so.
                    Err(RecvError::Closed) => {
                        cancel.cancelled().await;
                        return Ok(());
                    }
                },
            }
        }
    }

    /// Whoever reads our stdout may go; the hub stays.
    fn print(&self, text: &str) {
        let _ = answer::line(text);
    }

    fn event(&self, opened: &Opened) -> String {
        let facility = opened.head.facility.as_ref();
        let name = facility.map_or("-", |code| self.name(code));
        let mut text = event_line::write(opened, name, self.show_names);
        if let (Some(Event::Verified(_)), Some(seen)) = (&opened.event, &opened.head.observation_id)
        {
            let cards = self.desks.beside(seen);
            text.push_str(&event_line::beside(&cards, self.show_names));
        }
        text
    }

    fn card(&self, news: &DeskNews) -> String {
        let name = self.name(&news.shown.facility);
        event_line::write_card(news, name, self.show_names)
    }

    fn name(&self, code: &FacilityCode) -> &str {
        let facility = self.group.facility(code);
        facility.map_or("-", |facility| facility.name.as_str())
    }
}
