//! The sequencer alone, without a broker: what is measured by `make bench`, and what a simulation drives.

use std::sync::Arc;

use shikaku_ledger::{Ledger, Writer};
use shikaku_schemas::observation::{CommitOutcome, Observation};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::sequencer::{Context, Queue, Reply, Sequencer, Work};
use crate::{HubError, HubOptions};

const ANNOUNCEMENTS: usize = 256;

/// A running sequencer. Drop the token's hold and join [`SequencerAlone::task`] to stop it.
pub struct SequencerAlone {
    queue: Queue,
    /// Ends after `cancel`, with what was queued committed.
    pub task: JoinHandle<Result<(), HubError>>,
}

/// Gives observations to a [`SequencerAlone`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Teller {
    queue: Queue,
}

impl SequencerAlone {
    /// Takes the writer's fence and starts.
    ///
    /// # Errors
    /// When the ledger does not give the fence.
    pub async fn start(
        ledger: Ledger,
        options: &HubOptions,
        cancel: CancellationToken,
    ) -> Result<Self, HubError> {
        let (clock, randomness) = (Arc::clone(&options.clock), Arc::clone(&options.randomness));
        let writer = Writer::acquire(&ledger, clock, randomness).await?;
        let (queue, items) = Queue::new();
        let (announce, mut announced) = mpsc::channel(ANNOUNCEMENTS);
        let sequencer = Sequencer::new(writer, ledger, Context::new(options), announce);
        let task = tokio::spawn(async move {
            let (ended, ()) = tokio::join!(sequencer.run(items, cancel), async {
                while announced.recv().await.is_some() {}
            });
            ended
        });
        Ok(Self { queue, task })
    }

    /// A way in.
    pub fn teller(&self) -> Teller {
        Teller {
            queue: self.queue.clone(),
        }
    }
}

impl Teller {
    /// Gives one observation and waits until it is durable; `None` when nothing was committed.
    pub async fn tell(&self, observation: Observation) -> Option<CommitOutcome> {
        let answer = self
            .queue
            .put(Work::Observation(Box::new(observation)))
            .await?
            .await
            .ok()?;
        match answer {
            Reply::Committed { outcome, .. } => Some(outcome),
            _ => None,
        }
    }
}
