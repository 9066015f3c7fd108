//! `log`: one event a line, in the order of the ledger.

use std::time::Duration;

use anyhow::Context as _;
use shikaku_ledger::{Ledger, StoredEvent};

use crate::answer::{self, Exit, Outcome};
use crate::cli::Log;
use crate::config::Config;
use crate::{access, event_line, stores};

const PAGE: u32 = 500;
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// Prints events after a position; with `--follow` until Ctrl-C. In JSON the payloads are in clear, so the
/// look is logged first.
pub async fn run(config: &Config, what: Log, json: bool) -> Outcome {
    let (ledger, _key) = stores::open_read_only(config).await?;
    stores::standing(&ledger, what.at_least.at_least).await?;
    if json {
        access::note(config, "log", None, None).await?;
    }
    let mut after = what.after;
    loop {
        let page = ledger.read_page(after, PAGE).await.context("ledger")?;
        match page.last() {
            Some(last) => {
                after = last.head.position;
                print(config, &ledger, &page, json).await?;
            }
            None if what.follow => tokio::time::sleep(LOOKS_EVERY).await,
            None => return Ok(Exit::Done),
        }
    }
}

async fn print(
    config: &Config,
    ledger: &Ledger,
    page: &[StoredEvent],
    json: bool,
) -> anyhow::Result<()> {
    if json {
        for record in ledger.records(page).await.context("ledger")? {
            answer::json_line(&record)?;
        }
        return Ok(());
    }
    for opened in ledger.open_events(page).await.context("ledger")? {
        let facility = opened.head.facility.as_ref();
        let name = facility
            .and_then(|code| config.group.facility(code))
            .map_or("-", |facility| facility.name.as_str());
        answer::line(event_line::write(&opened, name, false))?;
    }
    Ok(())
}
