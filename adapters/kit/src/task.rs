//! The task loop: takes tasks from `TASKS` for one device and turns each [`Outcome`] into an
//! acknowledgement, a delayed redelivery or a dead letter. Nobody else acknowledges anything.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use shikaku_broker::{AckKind, BrokerError, Message, Pull};
use shikaku_schemas::clock::Clock;
use shikaku_schemas::task::Task;
use shikaku_schemas::topology::TASKS;
use shikaku_schemas::value::FacilityCode;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::broker::Broker;
use crate::dead_letter::{DeadLetter, park};
use crate::outcome::{Adapter, Outcome};

const RECONNECT: Backoff = Backoff {
    first: Duration::from_millis(200),
    cap: Duration::from_secs(5),
};
const HEARTBEAT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_secs(30);
const PARK_RETRY: Duration = Duration::from_secs(5);
const DEFAULT_ACK_WAIT: Duration = Duration::from_secs(30);

/// Whose tasks, and how to name them when they are set aside.
#[derive(Debug, Clone)]
pub struct TaskOptions {
    /// Durable consumer on `TASKS`, made by the hub beforehand.
    pub durable: String,
    /// Role, for `shikaku.parked.<role>`.
    pub role: String,
    /// The facility.
    pub facility: FacilityCode,
    /// The device.
    pub device: String,
}

/// Hands tasks to `adapter` one by one until `cancel`. A missing stream, a missing durable, a broken line
/// are waited out; the end of the message stream is an event like any other, never a clean exit.
pub async fn run<A: Adapter>(
    broker: &Broker,
    options: &TaskOptions,
    adapter: Arc<A>,
    clock: Arc<dyn Clock>,
    cancel: CancellationToken,
) {
    let mut failures = 0;
    while !cancel.is_cancelled() {
        let ended = tokio::select! {
            () = cancel.cancelled() => return,
            ended = bind(broker, options) => match ended {
                Ok(ack_wait) => {
                    failures = 0;
                    consume(broker, options, &*adapter, &*clock, ack_wait, &cancel).await
                }
                Err(error) => Err(error),
            },
        };
        if let Err(error) = ended {
            failures += 1;
            tracing::debug!(task.durable = options.durable, error = %error, "tasks can't be read now");
            metrics::counter!("shikaku_task_reading_failures_total", "durable" => options.durable.clone())
                .increment(1);
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(RECONNECT.pause(failures)) => {}
        }
    }
}

/// Why reading stopped. Carries no payload.
#[derive(Debug, thiserror::Error)]
enum ReadingStopped {
    #[error("the line to the broker is down")]
    LineDown,
    #[error("the durable is not there yet")]
    NoDurable(#[source] BrokerError),
    #[error("messages can't be pulled")]
    Pull(#[source] BrokerError),
    #[error("the message stream ended")]
    Ended,
}

/// How long the durable waits for an acknowledgement, once it is there.
async fn bind(broker: &Broker, options: &TaskOptions) -> Result<Duration, ReadingStopped> {
    if !broker.is_up() {
        return Err(ReadingStopped::LineDown);
    }
    let durable = broker.consumer(TASKS, options.durable.as_str()).await;
    match durable.map_err(ReadingStopped::NoDurable)?.ack_wait {
        wait if wait.is_zero() => Ok(DEFAULT_ACK_WAIT),
        wait => Ok(wait),
    }
}

async fn consume<A: Adapter>(
    broker: &Broker,
    options: &TaskOptions,
    adapter: &A,
    clock: &dyn Clock,
    ack_wait: Duration,
    cancel: &CancellationToken,
) -> Result<(), ReadingStopped> {
    // One at a time: a task that waits in our buffer would run into its redelivery.
    let pull = Pull {
        batch: 1,
        heartbeat: HEARTBEAT,
        expires: POLL,
    };
    let mut messages = broker
        .messages(TASKS, options.durable.as_str(), pull)
        .await
        .map_err(ReadingStopped::Pull)?;
    loop {
        let next = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            next = messages.next() => next,
        };
        let message = next
            .ok_or(ReadingStopped::Ended)?
            .map_err(ReadingStopped::Pull)?;
        let outcome = carry_out(adapter, &message, ack_wait / 3).await;
        settle(broker, options, clock, &message, outcome).await;
    }
}

async fn carry_out<A: Adapter>(adapter: &A, message: &Message, every: Duration) -> Outcome {
    let Ok(task) = serde_json::from_slice::<Task>(&message.payload) else {
        return Outcome::Reject {
            reason: "malformed-task",
        };
    };
    let work = adapter.handle(task);
    tokio::pin!(work);
    let mut progress = tokio::time::interval(every.max(Duration::from_millis(100)));
    progress.tick().await;
    loop {
        tokio::select! {
            outcome = &mut work => return outcome,
            _ = progress.tick() => {
                // Lost progress only brings the task again, and a repeated task does nothing twice.
                let _ = message.ack_with(AckKind::Progress).await;
            }
        }
    }
}

async fn settle(
    broker: &Broker,
    options: &TaskOptions,
    clock: &dyn Clock,
    message: &Message,
    outcome: Outcome,
) {
    let word = match &outcome {
        Outcome::Done => "done",
        Outcome::Retry { .. } => "retry",
        Outcome::Reject { .. } => "reject",
        Outcome::Unknown { .. } => "unknown",
    };
    metrics::counter!("shikaku_tasks_total", "durable" => options.durable.clone(), "outcome" => word)
        .increment(1);
    let settled = match outcome {
        Outcome::Done => message.double_ack_with(AckKind::Ack).await,
        Outcome::Retry { reason, after } => {
            tracing::info!(reason, "a task is tried again later");
            message.ack_with(AckKind::Nak(Some(after))).await
        }
        Outcome::Reject { reason } | Outcome::Unknown { reason } => {
            match park(broker, &letter(options, clock, message, reason)).await {
                Ok(()) => message.double_ack_with(AckKind::Term).await,
                Err(error) => {
                    tracing::warn!(error = %error, "a task could not be set aside yet");
                    message.ack_with(AckKind::Nak(Some(PARK_RETRY))).await
                }
            }
        }
    };
    if let Err(error) = settled {
        tracing::warn!(error = %error, "a task's acknowledgement was lost; it comes again");
    }
}

fn letter(
    options: &TaskOptions,
    clock: &dyn Clock,
    message: &Message,
    reason: &'static str,
) -> DeadLetter {
    let inquiry = serde_json::from_slice::<Task>(&message.payload)
        .map(|task| task.inquiry.to_string())
        .unwrap_or_else(|_| match message.place {
            Some(place) => format!("{}-{}", options.durable, place.sequence),
            None => options.durable.clone(),
        });
    DeadLetter {
        id: inquiry,
        kind: "task".to_owned(),
        role: options.role.clone(),
        facility: Some(options.facility.clone()),
        device: Some(options.device.clone()),
        reason: reason.to_owned(),
        message: format!("端末への依頼を実行できません ({reason}) / a task can't be carried out"),
        at: clock.now(),
    }
}
