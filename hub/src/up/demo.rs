//! The demonstration: a simulated terminal plays a day into each terminal's folders, and its tickets are
//! asked for as a desk would ask.

use std::sync::Arc;

use anyhow::Context as _;
use shikaku_core::HubHandle;
use shikaku_schemas::clock::{Clock as _, Randomness as _, SystemClock, SystemRandomness};
use shikaku_schemas::command::{Command, CommandEnvelope, InquireTicket};
use shikaku_schemas::value::{FacilityCode, PayerNumber, RecipientNumber};
use shikaku_terminal_simulator::{
    Centre, Knobs, Scenario, Simulator, SimulatorOptions, TicketShown,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::roles::Roles;

/// Makes the folders of every configured terminal, as a real one has them before a hub looks at it.
///
/// # Errors
/// Folders that can't be made.
pub fn make_folders(site: &Site) -> anyhow::Result<()> {
    for facility in &site.config.group.facilities {
        for terminal in &facility.terminals {
            for folder in ["req", "res", "face"] {
                let folder = terminal.root.join(folder);
                std::fs::create_dir_all(&folder)
                    .with_context(|| format!("{}", folder.display()))?;
            }
        }
    }
    Ok(())
}

/// Starts a simulator for every configured terminal. Only the first plays the day; the others answer.
///
/// # Errors
/// Folders that can't be made.
pub fn play(site: &Site, hub: HubHandle, roles: &mut Roles) -> anyhow::Result<()> {
    let mut scenario = Scenario::default_day();
    let centre = Arc::new(Centre::new(&scenario, &Knobs::default()));
    for facility in &site.config.group.facilities {
        for terminal in &facility.terminals {
            facility.code.as_str().clone_into(&mut scenario.institution);
            let (desk, tickets) = mpsc::channel(16);
            let simulator = Simulator::new(SimulatorOptions {
                root: terminal.root.clone(),
                scenario: scenario.clone(),
                knobs: Knobs::default(),
                centre: Some(Arc::clone(&centre)),
                clock: Arc::new(|| SystemClock.now()),
                speed: None,
                desk: Some(desk),
            })?;
            let cancel = roles.cancel();
            roles.spawn(format!("simulator {}", terminal.id), async move {
                Ok(simulator.run(cancel).await?)
            });
            let asks = ask(facility.code.clone(), hub.clone(), tickets, roles.cancel());
            roles.spawn(format!("desk {}", terminal.id), asks);
            scenario = Scenario::quiet();
        }
    }
    Ok(())
}

async fn ask(
    facility: FacilityCode,
    hub: HubHandle,
    mut tickets: mpsc::Receiver<TicketShown>,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    while let Some(Some(shown)) = cancel.run_until_cancelled(tickets.recv()).await {
        let envelope = CommandEnvelope {
            command_id: SystemRandomness.id(SystemClock.now()),
            by: "demo".to_owned(),
            command: Command::InquireTicket(InquireTicket {
                facility: facility.clone(),
                payer_number: Some(PayerNumber(shown.payer_number)),
                recipient_number: Some(RecipientNumber(shown.recipient_number)),
                birth_date: Some(shown.birth_date),
                patient: None,
                on: None,
                purpose: "受付 / desk".to_owned(),
            }),
        };
        let reply = hub.command(envelope).await;
        tracing::debug!(?reply, "ticket asked for");
    }
    cancel.cancelled().await;
    Ok(())
}
