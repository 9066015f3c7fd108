//! The ledger's database is lost, and put back from an older backup under a new epoch.

use std::sync::atomic::Ordering;
use std::time::Duration;

use shikaku_ledger::{Ledger, LedgerError, LedgerOptions, StoreIdentity};
use tokio::time::{sleep, timeout};

use super::{Role, World};
use crate::node::{Death, Node, Weather, Wits};

/// How long the operator waits for hubs that hold the fence, before ending them.
const PATIENCE: Duration = Duration::from_secs(5);

impl World {
    /// What an operator does: stop the hubs, put the backup back, and say so to the ledger before one starts again. A hub
    /// that hangs lives through it.
    pub(super) async fn put_back(&mut self) {
        let Some(backup) = self.backup.clone() else {
            return;
        };
        let (to, of) = (backup.events().len(), self.database.position());
        self.fault(format!("the database is put back to {to} of {of} events"));
        let hung = match self.sky.dice.per_mille(500) {
            true => Vec::new(),
            false => self.hang_hubs(),
        };
        if hung.is_empty() {
            self.end_hubs().await;
        }
        self.sky.restoring.store(true, Ordering::SeqCst);
        let lost = self.database.put_back(backup);
        self.checker.forget(&lost);
        let wits = Wits(Node::new("operator", &self.sky, 0));
        let begin = async |options: &LedgerOptions| Ledger::begin_epoch(options, 0, &wits).await;
        self.says_so(0, "begun", begin).await;
        let accept = async |options: &LedgerOptions| Ledger::accept_epoch(options).await;
        self.says_so(1, "accepted", accept).await;
        self.sky.restoring.store(false, Ordering::SeqCst);
        for at in hung {
            self.machines[at].node.pause(false);
        }
    }

    /// Makes every hub that runs hang; those that did not before.
    fn hang_hubs(&mut self) -> Vec<usize> {
        let mut hung = Vec::new();
        for (at, machine) in self.machines.iter().enumerate() {
            if machine.role == Role::Hub && machine.task.is_some() {
                machine.node.pause(true);
                hung.extend(machine.wakes_at.is_none().then_some(at));
            }
        }
        // The server hears nothing of them and ends their session.
        self.database.end_session();
        hung
    }

    /// On one hub's machine, until it is done; ends hubs that stand in the way.
    async fn says_so(
        &mut self,
        hub: usize,
        done: &str,
        say: impl AsyncFn(&LedgerOptions) -> Result<StoreIdentity, LedgerError>,
    ) {
        // Who puts a ledger back looks at the disks first: on one that lies, the word would be lost again.
        self.machines[hub].platter.lies(false);
        loop {
            let options = self.options_on(hub);
            match timeout(PATIENCE, say(&options)).await {
                Ok(Ok(StoreIdentity { epoch, .. })) => {
                    return self.sky.tell(format!("epoch {epoch} is {done}"));
                }
                Ok(Err(error @ LedgerError::Proof { .. })) => {
                    let millis = self.sky.millis();
                    let what = format!("a whole backup was refused: {error}");
                    return self.sky.story.broken(millis, what);
                }
                Ok(Err(error)) => {
                    // Who reads that the disk is full or fails makes it good.
                    self.machines[hub].platter.is_full(false);
                    self.sky.set_weather(Weather::default());
                    self.sky.tell(format!("no epoch yet: {error}"));
                }
                Err(_) => self.end_hubs().await,
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn end_hubs(&mut self) {
        for at in 0..self.machines.len() {
            if self.machines[at].role == Role::Hub && self.machines[at].task.is_some() {
                self.machines[at].node.die(Death::Killed);
                self.bury(at).await;
            }
        }
    }
}
