//! The task that signs heads: within a second of each commit, and at the end.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics::counter;
use shikaku_disk::off_thread;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{CompactRange, Hash, HeadsFile, SignedHead, Signer};
use crate::LedgerError;
use crate::model::StoreIdentity;

/// Between two synced lines: under load a commit waits at most this long for its line.
const EVERY: Duration = Duration::from_millis(900);
/// Between two pending heads.
const PENDING_EVERY: Duration = Duration::from_millis(20);

/// The proof's state after a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProofState {
    pub(crate) recorded_at: Timestamp,
    pub(crate) chain: Hash,
    pub(crate) tree: CompactRange,
}

/// Owns the task. Dropping it lets the task write the last head and end; [`Keeper::close`] waits for that.
#[derive(Debug)]
pub(crate) struct Keeper {
    states: watch::Sender<ProofState>,
    task: JoinHandle<Result<(), LedgerError>>,
}

impl Keeper {
    /// Starts the task. `is_signed`: a head of just this state exists already.
    pub(crate) fn start(
        identity: StoreIdentity,
        signer: Signer,
        heads: Arc<HeadsFile>,
        state: ProofState,
        is_signed: bool,
    ) -> Self {
        let (states, mut changes) = watch::channel(state);
        if !is_signed {
            changes.mark_changed();
        }
        let task = Task {
            identity,
            signer,
            heads,
        };
        Self {
            states,
            task: tokio::spawn(task.run(changes)),
        }
    }

    /// Tells that a commit happened.
    pub(crate) fn committed(&self, state: ProofState) {
        self.states.send_replace(state);
    }

    /// Waits until the last head is signed and synced.
    pub(crate) async fn close(self) -> Result<(), LedgerError> {
        drop(self.states);
        self.task.await?
    }
}

struct Task {
    identity: StoreIdentity,
    signer: Signer,
    heads: Arc<HeadsFile>,
}

impl Task {
    async fn run(self, mut changes: watch::Receiver<ProofState>) -> Result<(), LedgerError> {
        let mut due = Instant::now();
        let mut unwritten: Option<SignedHead> = None;
        loop {
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let head = self.sign(&changes.borrow_and_update().clone());
                    self.note(&head).await;
                    unwritten = Some(head);
                    tokio::time::sleep(PENDING_EVERY).await;
                }
                () = tokio::time::sleep_until(due), if unwritten.is_some() => {
                    let head = unwritten.take().expect("this arm runs only with a head");
                    if let Err(error) = self.append(&head).await {
                        counter!("shikaku_ledger_proof_failures_total").increment(1);
                        tracing::error!(%error, "signed head not written; trying again");
                        unwritten = Some(head);
                    }
                    due = Instant::now() + EVERY;
                }
            }
        }
        let last = self.sign(&changes.borrow().clone());
        match self.heads.last(|head| head.epoch == last.epoch)? {
            Some(head) if unwritten.is_none() && head.position >= last.position => Ok(()),
            _ => self.append(&last).await,
        }
    }

    fn sign(&self, state: &ProofState) -> SignedHead {
        let ProofState {
            recorded_at,
            chain,
            tree,
        } = state;
        let head = SignedHead::unsigned(self.identity, *recorded_at, chain, tree);
        self.signer.sign(head)
    }

    async fn note(&self, head: &SignedHead) {
        let (heads, head) = (Arc::clone(&self.heads), head.clone());
        let disk = Arc::clone(&heads);
        let noted = off_thread(disk.disk(), move || heads.note(&head)).await;
        if let Ok(Err(error)) = noted {
            counter!("shikaku_ledger_proof_failures_total").increment(1);
            tracing::error!(%error, "pending head not written");
        }
    }

    async fn append(&self, head: &SignedHead) -> Result<(), LedgerError> {
        let (heads, head) = (Arc::clone(&self.heads), head.clone());
        counter!("shikaku_ledger_fsyncs_total", "of" => "proof").increment(1);
        let disk = Arc::clone(&heads);
        off_thread(disk.disk(), move || heads.append(&head)).await?
    }
}
