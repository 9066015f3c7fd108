//! The way into the sequencer: one bounded queue, an answer for each item.

use std::time::Duration;

use shikaku_ledger::EvidenceChunk;
use shikaku_schemas::command::{CommandEnvelope, CommandReply};
use shikaku_schemas::observation::{CommitOutcome, Observation};
use shikaku_schemas::value::{FacilityCode, InquiryId, ObservationId};
use tokio::sync::{mpsc, oneshot};

use super::Registration;
use crate::settlement::Settle;

const LENGTH: usize = 1024;
/// A command that is not durable by then is answered as unavailable; its repeat finds it in the inbox.
const COMMAND: Duration = Duration::from_secs(30);

/// What the sequencer takes.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// Something seen, read and of a known facility.
    Observation(Box<Observation>),
    /// Something that can't be judged: kept whole, with the reason.
    Unjudged(Box<Unjudged>),
    /// A piece of evidence.
    Chunk(EvidenceChunk),
    /// An order.
    Command(Box<CommandEnvelope>),
    /// An inquiry of which nothing was heard long past its deadline.
    Overdue(InquiryId),
    /// A run whose answer is here.
    Settle(Box<Settle>),
    /// A job whose 受付番号 is dead, and how often its question had been repeated.
    Again {
        /// The job.
        inquiry: InquiryId,
        /// How often.
        times: u32,
    },
    /// An inquiry that may not be handed out any more, and the rule that forbids it.
    Withdraw {
        inquiry: InquiryId,
        rule: &'static str,
    },
    /// 照会番号 to register.
    Register(Box<Registration>),
}

/// A message that can't be judged.
#[derive(Debug, Clone)]
pub(crate) struct Unjudged {
    /// Its own id, or one derived from its bytes.
    pub(crate) observation_id: ObservationId,
    /// The facility its subject names.
    pub(crate) facility: FacilityCode,
    /// Stable word.
    pub(crate) reason: &'static str,
    /// The message as it came.
    pub(crate) bytes: Vec<u8>,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// Durable. With the reason when it was parked.
    Committed {
        outcome: CommitOutcome,
        reason: Option<String>,
    },
    /// Not all of its evidence is here yet; nothing was committed.
    EvidenceMissing,
    /// To a command.
    Command(CommandReply),
    /// The ledger could not be reached; nothing was committed, or the inbox will tell.
    Unavailable,
    /// What it is about can't be read: a later release wrote of it, or it was damaged. Or the ledger refuses it each
    /// time, and nobody can be told. Nothing was committed, and trying again soon is of no use.
    Unreadable,
}

/// An item and where its answer goes.
pub(crate) struct Item {
    pub(crate) work: Work,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// The sending side. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Queue(mpsc::Sender<Item>);

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Item(…)")
    }
}

impl Queue {
    /// A new queue and its end.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Item>) {
        let (sender, receiver) = mpsc::channel(LENGTH);
        (Self(sender), receiver)
    }

    /// Puts one item in, in order; waits while the queue is full. `None` once the sequencer has stopped.
    pub(crate) async fn put(&self, work: Work) -> Option<oneshot::Receiver<Reply>> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Item { work, reply }).await.ok()?;
        Some(answer)
    }

    /// Gives one command and waits for its answer.
    pub(crate) async fn command(&self, envelope: CommandEnvelope) -> CommandReply {
        let answered = async {
            self.put(Work::Command(Box::new(envelope)))
                .await?
                .await
                .ok()
        };
        match tokio::time::timeout(COMMAND, answered).await {
            Ok(Some(Reply::Command(reply))) => reply,
            _ => unavailable(),
        }
    }
}

/// The hub can't act now.
pub(crate) fn unavailable() -> CommandReply {
    CommandReply::Unavailable {
        message: "台帳に記録できません。後でもう一度お試しください / the ledger does not answer; try again later"
            .to_owned(),
    }
}
