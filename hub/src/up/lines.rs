//! A live line per event. No personal data, unless `--show-names` asks for names.

use anyhow::Context as _;
use shikaku_ledger::{Ledger, Opened};
use shikaku_schemas::value::Position;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::roles::Roles;
use crate::{answer, event_line};

const PAGE: u32 = 256;

/// Prints what is committed after `after`, as a task of `roles`.
pub fn follow(site: &Site, ledger: Ledger, after: Position, show_names: bool, roles: &mut Roles) {
    let facilities = site.config.group.facilities.clone();
    let name_of = move |opened: &Opened| {
        let code = opened.head.facility.as_ref()?;
        facilities
            .iter()
            .find(|facility| &facility.code == code)
            .map(|facility| facility.name.clone())
    };
    let cancel = roles.cancel();
    roles.spawn("live lines", async move {
        let print = |opened: &Opened| {
            let facility = name_of(opened).unwrap_or_else(|| "-".to_owned());
            answer::line(event_line::write(opened, &facility, show_names))
        };
        run(ledger, after, print, cancel).await
    });
}

async fn run(
    ledger: Ledger,
    mut after: Position,
    print: impl Fn(&Opened) -> std::io::Result<()>,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let mut committed = ledger.committed();
    loop {
        let page = ledger.read_page(after, PAGE).await.context("ledger")?;
        for opened in ledger.open_events(&page).await.context("ledger")? {
            after = opened.head.position;
            // Whoever reads our stdout may go; the hub stays.
            let _ = print(&opened);
        }
        if !page.is_empty() {
            continue;
        }
        match cancel.run_until_cancelled(committed.changed()).await {
            None => return Ok(()),
            Some(Ok(())) => {}
            Some(Err(_)) => {
                cancel.cancelled().await;
                return Ok(());
            }
        }
    }
}
