//! The hub role from standby to the last drained task.

use std::sync::Arc;
use std::time::Duration;

use shikaku_broker::Broker;
use shikaku_ledger::{Ledger, Writer};
use shikaku_schemas::command::{Command, CommandEnvelope, CommandReply};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::desk::Desks;
use crate::error::Cause;
use crate::follow;
use crate::identity::Digests;
use crate::inquiry::Inquiries;
use crate::intake::{Intake, Reader, nothing_held};
use crate::jobs::Jobs;
use crate::parked::Parked;
use crate::provision::Provisioner;
use crate::query::Queries;
use crate::reference::References;
use crate::relay::{self, Relay, log};
use crate::schedule::Schedule;
use crate::sequencer::{Announcement, Context, Item, Queue, Sequencer};
use crate::settlement::Settlements;
use crate::soundness::Soundness;
use crate::tasks::Tasks;
use crate::terminals::Terminals;
use crate::{HubError, HubOptions, commands, keys};

/// How long the broker has to take its streams at the start.
const PREPARE: Duration = Duration::from_secs(30);
const PREPARE_AGAIN: Duration = Duration::from_millis(250);
const ANNOUNCEMENTS: usize = 256;

/// Gives commands to the running hub of this process. Cheap to clone; outlives the hub harmlessly.
#[derive(Debug, Clone)]
pub struct HubHandle {
    queue: Queue,
    references: References,
    desks: Desks,
    jobs: Jobs,
}

impl HubHandle {
    /// Gives one command and waits until it is durable. Repeating it with the same `command_id` has no further
    /// effect and gets the same answer; a hub that stops or stalls answers [`CommandReply::Unavailable`].
    pub async fn command(&self, envelope: CommandEnvelope) -> CommandReply {
        match &envelope.command {
            Command::RegisterReference(asked) if asked.patient.is_none() => {
                self.references.all_missing(&envelope, asked).await
            }
            _ => self.queue.command(envelope).await,
        }
    }

    /// What lies at the desks now.
    pub fn desks(&self) -> &Desks {
        &self.desks
    }

    /// How far the jobs under way have come.
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }
}

/// Runs the hub role until `cancel`, then drains within seconds.
///
/// Waits as a standby until the ledger's fence is free. `ready` fires once this hub is the one that commits,
/// streams and durables exist, and every task runs.
///
/// # Errors
/// [`HubError::Fenced`] when another hub took over while this one was paused (it may be run again, as a standby);
/// otherwise the first task that failed, by name. Every task has ended when this returns.
pub async fn run(
    ledger: Ledger,
    options: HubOptions,
    ready: oneshot::Sender<HubHandle>,
    cancel: CancellationToken,
) -> Result<(), HubError> {
    tracing::info!("standing by for the ledger");
    let (clock, randomness) = (Arc::clone(&options.clock), Arc::clone(&options.randomness));
    let writer = tokio::select! {
        () = cancel.cancelled() => return Ok(()),
        writer = Writer::acquire(&ledger, clock, randomness) => writer?,
    };
    tracing::info!(ledger.position = %writer.head().position, "this hub commits now");
    let connected = Broker::connect(&options.nats).await;
    let broker = connected.map_err(|error| HubError::Broker {
        step: "connecting",
        source: error.into(),
    })?;
    let (tasks_made, tasks_seen) = watch::channel(0u64);
    let provisioner = Provisioner {
        broker: broker.clone(),
        group: options.group.clone(),
        feed_days: options.feed_days,
        parked: Parked {
            broker: broker.clone(),
            ledger: ledger.clone(),
            clock: Arc::clone(&options.clock),
        },
        tasks_made,
    };
    tokio::select! {
        () = cancel.cancelled() => return Ok(()),
        prepared = prepare(&provisioner) => prepared?,
    }
    tokio::select! {
        () = cancel.cancelled() => return Ok(()),
        looked = look_back(&broker, &ledger) => looked?,
    }
    let hub = Hub {
        ledger,
        broker,
        options,
    };
    hub.start(writer, provisioner, tasks_seen, ready, cancel)
        .await
}

async fn prepare(provisioner: &Provisioner) -> Result<(), HubError> {
    let deadline = tokio::time::Instant::now() + PREPARE;
    provisioner.take_over().await;
    loop {
        let Err(source) = provisioner.provision().await else {
            return Ok(());
        };
        if tokio::time::Instant::now() > deadline {
            return Err(HubError::Broker {
                step: "streams and durables",
                source,
            });
        }
        tokio::time::sleep(PREPARE_AGAIN).await;
    }
}

/// Before anything is committed: whether `LOG` is this ledger's copy. A machine without signed heads has nothing else
/// that tells it of events that were lost.
async fn look_back(broker: &Broker, ledger: &Ledger) -> Result<(), HubError> {
    let deadline = tokio::time::Instant::now() + PREPARE;
    loop {
        let Err(source) = log::prepare(broker, ledger).await else {
            return Ok(());
        };
        let step = "looking at LOG";
        match relay::fatal(source) {
            Ok(source) if tokio::time::Instant::now() > deadline => {
                return Err(HubError::Broker { step, source });
            }
            Ok(_not_for_good) => tokio::time::sleep(PREPARE_AGAIN).await,
            Err(ended) => return Err(ended),
        }
    }
}

struct Hub {
    ledger: Ledger,
    broker: Broker,
    options: HubOptions,
}

impl Hub {
    async fn start(
        self,
        writer: Writer,
        provisioner: Provisioner,
        tasks_seen: watch::Receiver<u64>,
        ready: oneshot::Sender<HubHandle>,
        cancel: CancellationToken,
    ) -> Result<(), HubError> {
        // The role may end by itself, without ending what else runs in the process.
        let cancel = cancel.child_token();
        let (queue, items) = Queue::new();
        let context = Context::new(&self.options);
        let options = &self.options;
        let references = References {
            ledger: self.ledger.clone(),
            queries: Queries::new(
                self.ledger.clone(),
                options.group.clone(),
                &options.group_key,
            ),
            queue: queue.clone(),
            group: self.options.group.clone(),
            rows: self.options.jobs.rows,
            clock: Arc::clone(&self.options.clock),
        };
        let handle = HubHandle {
            queue: queue.clone(),
            references: references.clone(),
            desks: context.desks.clone(),
            jobs: context.jobs.clone(),
        };
        let terminals = context.terminals.clone();
        let (announce, announced) = mpsc::channel(ANNOUNCEMENTS);
        let parked = provisioner.parked.clone();
        let mut tasks = Tasks::new(cancel.clone());
        tasks.spawn(
            "sequencer",
            self.sequence(context, writer, items, announce, cancel.clone()),
        );
        tasks.spawn("relay", self.relay().run(cancel.clone()));
        let soundness = Soundness {
            broker: self.broker.clone(),
            feed_days: self.options.feed_days,
        };
        tasks.spawn("soundness", soundness.run(cancel.clone()));
        tasks.spawn("provisioner", provisioner.run(cancel.clone()));
        let intake = self.intake(queue.clone(), parked, announced);
        tasks.spawn("intake", intake.run(cancel.clone()));
        let settlements = Settlements {
            ledger: self.ledger.clone(),
            queue: queue.clone(),
            digests: Digests::new(&self.options.group_key),
            months: self.options.months,
        };
        tasks.spawn("settlements", follow::run(settlements, cancel.clone()));
        if self.options.months.schedule {
            let schedule = Schedule {
                ledger: self.ledger.clone(),
                queue: queue.clone(),
                group: self.options.group.clone(),
                digests: Digests::new(&self.options.group_key),
                clock: Arc::clone(&self.options.clock),
            };
            tasks.spawn("schedule", follow::run(schedule, cancel.clone()));
        }
        let inquiries = self.inquiries(queue, terminals, tasks_seen);
        tasks.spawn("inquiries", follow::run(inquiries, cancel.clone()));
        tasks.spawn("references", follow::run(references, cancel.clone()));
        let keys = keys::run(self.broker.clone(), self.ledger.clone(), cancel.clone());
        tasks.spawn("keys", keys);
        let commands = commands::run(self.broker.clone(), handle.clone(), cancel.clone());
        tasks.spawn("commands", commands);
        drop(ready.send(handle));
        tasks.join().await
    }

    fn sequence(
        &self,
        context: Context,
        writer: Writer,
        items: mpsc::Receiver<Item>,
        announce: mpsc::Sender<Announcement>,
        cancel: CancellationToken,
    ) -> impl Future<Output = Result<(), Cause>> + Send + use<> {
        let sequencer = Sequencer::new(writer, self.ledger.clone(), context, announce);
        async move { Ok(sequencer.run(items, cancel).await?) }
    }

    fn relay(&self) -> Relay {
        Relay {
            ledger: self.ledger.clone(),
            broker: self.broker.clone(),
            clock: Arc::clone(&self.options.clock),
            randomness: Arc::clone(&self.options.randomness),
        }
    }

    fn intake(
        &self,
        queue: Queue,
        parked: Parked,
        announcements: mpsc::Receiver<Announcement>,
    ) -> Intake {
        Intake {
            broker: self.broker.clone(),
            queue,
            reader: Reader::new(&self.options.group, &self.options.group_key),
            parked,
            announcements,
            held: nothing_held(),
        }
    }

    fn inquiries(
        &self,
        queue: Queue,
        terminals: Terminals,
        tasks_made: watch::Receiver<u64>,
    ) -> Inquiries {
        Inquiries {
            ledger: self.ledger.clone(),
            broker: self.broker.clone(),
            queue,
            group: self.options.group.clone(),
            clock: Arc::clone(&self.options.clock),
            answer_timeout: self.options.answer_timeout,
            jobs: self.options.jobs,
            terminals,
            tasks_made,
        }
    }
}
