//! Streams and durables: made when missing, brought to their shape when not, again after every reconnect
//! and from time to time, so that a wiped broker fills itself up again. `LOG` is the relay's own.

use std::time::Duration;

use shikaku_broker::{
    AckPolicy, Broker, BrokerError, ConsumerConfig, DiscardPolicy, PullConfig, RetentionPolicy,
    StorageType, StreamConfig,
};
use shikaku_schemas::feed::FeedVariant;
use shikaku_schemas::group::{Consumer, Group};
use shikaku_schemas::topology::{self, Retention, StreamSpec};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::Cause;
use crate::parked::Parked;

const EVERY: Duration = Duration::from_secs(5);
/// Bytes of observations and evidence that may wait; beyond, publishers are refused and keep them.
const OBSERVATIONS_AT_MOST: i64 = 256 * 1024 * 1024;
/// The inbox knows every observation for ever. A longer window would swallow what a spool publishes again
/// because it missed the answer.
const OBSERVATIONS_WINDOW: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(120);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes what the hub needs at the broker.
pub(crate) struct Provisioner {
    pub(crate) broker: Broker,
    pub(crate) group: Group,
    pub(crate) feed_days: u32,
    pub(crate) parked: Parked,
    /// Counts how often `TASKS` had to be made.
    pub(crate) tasks_made: watch::Sender<u64>,
}

impl Provisioner {
    /// Keeps everything in place until `cancel`.
    pub(crate) async fn run(self, cancel: CancellationToken) -> Result<(), Cause> {
        let mut connections = self.broker.connections.clone();
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = connections.changed() => changed?,
                _ = tick.tick() => {}
            }
            if let Err(error) = self.provision().await {
                metrics::counter!("shikaku_hub_provision_failures_total").increment(1);
                tracing::warn!(%error, "broker is not prepared; tried again");
            }
        }
    }

    /// Lets go of what an earlier hub had taken and not answered, so that it comes at once.
    pub(crate) async fn take_over(&self) {
        let forgotten = self
            .broker
            .delete_consumer(topology::OBSERVATIONS, topology::INTAKE)
            .await;
        if let Err(error) = forgotten {
            tracing::debug!(%error, "no earlier intake to take over from");
        }
    }

    /// Makes what is missing. Safe to repeat.
    pub(crate) async fn provision(&self) -> Result<(), Cause> {
        for spec in topology::streams(self.feed_days) {
            if spec.name == topology::LOG || !self.stream(&spec).await? {
                continue;
            }
            match spec.name.as_str() {
                topology::PARKED => self.parked.refill().await?,
                topology::TASKS => self.tasks_made.send_modify(|made| *made += 1),
                _ => {}
            }
        }
        self.durable(topology::OBSERVATIONS, intake()).await?;
        for facility in &self.group.facilities {
            for terminal in &facility.terminals {
                let code = facility.code.as_str();
                let name = topology::task_durable(code, &terminal.id);
                let filter = format!("shikaku.task.{code}.terminal.{}.>", terminal.id);
                self.durable(topology::TASKS, durable(name, filter)).await?;
            }
        }
        for consumer in &self.group.consumers {
            self.durable(topology::feed_stream(consumer.audience), feed(consumer))
                .await?;
        }
        Ok(())
    }

    /// True when the stream had to be made.
    async fn stream(&self, spec: &StreamSpec) -> Result<bool, Cause> {
        match self.broker.stream(&spec.name).await {
            Ok(info) => {
                let have = &info.config;
                let want = config(spec);
                if have.subjects != want.subjects || have.max_age != want.max_age {
                    let want = StreamConfig {
                        num_replicas: have.num_replicas,
                        ..want
                    };
                    self.broker.update_stream(want).await?;
                }
                Ok(false)
            }
            Err(BrokerError::StreamMissing) => {
                self.broker.create_stream(config(spec)).await?;
                tracing::info!(stream = %spec.name, "stream made");
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn durable(&self, stream: &str, want: PullConfig) -> Result<(), Cause> {
        let name = want.durable_name.clone().unwrap_or_default();
        let found = self.broker.consumer(stream, &name).await;
        if found.is_ok_and(|found| same(&found, &want)) {
            return Ok(());
        }
        self.broker.create_consumer(stream, want).await?;
        tracing::info!(stream, durable = %name, "durable made");
        Ok(())
    }
}

/// A stream as the one table wants it.
pub(crate) fn config(spec: &StreamSpec) -> StreamConfig {
    let observations = spec.name == topology::OBSERVATIONS;
    StreamConfig {
        name: spec.name.clone(),
        subjects: spec.subjects.clone(),
        retention: match spec.retention {
            Retention::Limits => RetentionPolicy::Limits,
            Retention::WorkQueue => RetentionPolicy::WorkQueue,
        },
        storage: StorageType::File,
        num_replicas: 1,
        max_age: DAY * spec.days,
        max_bytes: if observations {
            OBSERVATIONS_AT_MOST
        } else {
            -1
        },
        discard: match spec.retention {
            Retention::Limits => DiscardPolicy::Old,
            Retention::WorkQueue => DiscardPolicy::New,
        },
        duplicate_window: if observations {
            OBSERVATIONS_WINDOW
        } else {
            WINDOW
        },
        allow_atomic_publish: spec.atomic,
        allow_direct: true,
        ..StreamConfig::default()
    }
}

fn durable(name: String, filter_subject: String) -> PullConfig {
    PullConfig {
        durable_name: Some(name),
        filter_subject,
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(60),
        max_ack_pending: 1000,
        max_deliver: -1,
        ..PullConfig::default()
    }
}

fn intake() -> PullConfig {
    PullConfig {
        // The hub answers within seconds or not at all, and a repeat is harmless.
        ack_wait: Duration::from_secs(10),
        max_ack_pending: 4096,
        ..durable(topology::INTAKE.to_owned(), String::new())
    }
}

fn feed(consumer: &Consumer) -> PullConfig {
    let variant = FeedVariant::of(consumer.audience, consumer.insurance_fields);
    let filter = format!("shikaku.feed.{variant}.{}.>", consumer.facility);
    PullConfig {
        // Every acknowledgement is sampled: deliveries are logged from these.
        sample_frequency: 100,
        ..durable(consumer.name.clone(), filter)
    }
}

fn same(have: &ConsumerConfig, want: &PullConfig) -> bool {
    have.filter_subject == want.filter_subject
        && have.ack_wait == want.ack_wait
        && have.max_ack_pending == want.max_ack_pending
        && have.max_deliver == want.max_deliver
        && have.sample_frequency == want.sample_frequency
}
