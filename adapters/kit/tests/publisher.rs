//! The publisher on a real broker: answers, silence, a wiped store, parked observations, and tasks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shikaku_kit::backoff::Backoff;
use shikaku_kit::broker::{Broker, BrokerOptions};
use shikaku_kit::outcome::{Adapter, Outcome};
use shikaku_kit::publisher::{self, PublisherOptions, evidence_ref};
use shikaku_kit::spool::{Entry, Mark, Spool, SpoolOptions};
use shikaku_kit::suite::{Answering, TestBroker, TestHub, eventually};
use shikaku_kit::task::{self, TaskOptions};
use shikaku_schemas::clock::SystemClock;
use shikaku_schemas::observation::{InquiryProgress, Observation, ObservationBody, Progress};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::task::{Task, TaskBody, TicketQuestion};
use shikaku_schemas::topology::task_durable;
use shikaku_schemas::value::{FacilityCode, InquiryId, ObservationId};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

fn key() -> SealKey {
    SealKey::from_bytes([3; 32])
}

fn facility() -> FacilityCode {
    FacilityCode::from("1319912349")
}

fn entry(n: u32, bytes: usize) -> Entry {
    let evidence = vec![7; bytes];
    Entry {
        observation: Observation {
            observation_id: ObservationId::of_fact(&facility(), "t1", &n.to_string()),
            facility: facility(),
            source: "terminal".to_owned(),
            device: "t1".to_owned(),
            sequence: 0,
            seen_at: jiff::Timestamp::UNIX_EPOCH,
            as_of: None,
            evidence: Some(evidence_ref(&key(), &evidence, "application/xml")),
            body: ObservationBody::InquiryProgress(InquiryProgress {
                inquiry: InquiryId(uuid::Uuid::from_u128(n.into())),
                progress: Progress::Submitted,
                file: None,
                reception_number: None,
                count: None,
                refusal: None,
            }),
        },
        evidence: Some(evidence),
    }
}

fn spool(directory: &Path) -> Arc<Spool> {
    Arc::new(Spool::open(SpoolOptions::new(directory.to_owned(), key())).expect("works in a test"))
}

async fn connect(broker: &TestBroker) -> Broker {
    let options = BrokerOptions {
        url: broker.url(),
        user: String::new(),
        password: String::new(),
        ca_file: None,
    };
    Broker::connect(&options).await.expect("works in a test")
}

fn publish(broker: Broker, spool: Arc<Spool>) -> (CancellationToken, JoinHandle<()>) {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let task = tokio::spawn(async move {
        let mut options = PublisherOptions::new(facility(), "terminal", "t1", key(), 1);
        options.again = Backoff {
            first: Duration::from_millis(200),
            cap: Duration::from_millis(500),
        };
        publisher::run(&broker, spool, &options, stop).await;
    });
    (cancel, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_many_chunks_arrives_whole_and_the_spool_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &key()).await;
    let spool = spool(folder.path());
    let (cancel, task) = publish(connect(&broker).await, spool.clone());
    spool
        .append((1..=300).map(|n| entry(n, 100)).collect())
        .unwrap();
    spool.append(vec![entry(1000, 200_000)]).unwrap();
    eventually("an empty spool", async || {
        (spool.status().pending == 0).then_some(())
    })
    .await;
    assert_eq!(hub.observed(), 301);
    let large = evidence_ref(&key(), &vec![7; 200_000], "application/xml");
    assert_eq!(large.chunks, 4);
    assert_eq!(hub.evidence(&large.id).unwrap().len(), 200_000);
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_inside_the_brokers_duplicate_window_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &key()).await;
    hub.answer(Answering::Silently);
    let spool = spool(folder.path());
    spool.append(vec![entry(1, 10)]).unwrap();
    let (cancel, task) = publish(connect(&broker).await, spool.clone());
    let id = entry(1, 10).observation.observation_id;
    eventually("three deliveries", async || {
        (hub.deliveries(&id) >= 3).then_some(())
    })
    .await;
    hub.answer(Answering::Commits);
    eventually("an empty spool", async || {
        (spool.status().pending == 0).then_some(())
    })
    .await;
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_yet_or_loses_its_store_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = TestBroker::start();
    broker.kill();
    let spool = spool(folder.path());
    let (cancel, task) = publish(connect(&broker).await, spool.clone());
    spool
        .append((1..=50).map(|n| entry(n, 10)).collect())
        .unwrap();
    broker.restart();
    let hub = TestHub::start(&broker.url(), &key()).await;
    eventually("an empty spool", async || {
        (spool.status().pending == 0).then_some(())
    })
    .await;
    hub.stop().await;
    // Nobody takes these from the stream before it is lost.
    spool
        .append((51..=100).map(|n| entry(n, 10)).collect())
        .unwrap();
    broker.wipe();
    broker.restart();
    let hub = TestHub::start(&broker.url(), &key()).await;
    eventually("an empty spool", async || {
        (spool.status().pending == 0).then_some(())
    })
    .await;
    assert_eq!(hub.observed(), 50);
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_sets_aside_is_kept_and_said_again_only_when_freed() {
    let folder = tempfile::tempdir().unwrap();
    let broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &key()).await;
    hub.answer(Answering::Parks);
    let spool = spool(folder.path());
    let (cancel, task) = publish(connect(&broker).await, spool.clone());
    spool.append(vec![entry(1, 10)]).unwrap();
    let id = entry(1, 10).observation.observation_id;
    eventually("a parked entry", async || {
        (spool.parked() == [id]).then_some(())
    })
    .await;
    assert_eq!(spool.status().pending, 0);
    let before = hub.deliveries(&id);
    spool.mark(&id, Mark::Pending).unwrap();
    eventually("a delivery after it was freed", async || {
        (hub.deliveries(&id) > before).then_some(())
    })
    .await;
    cancel.cancel();
    task.await.unwrap();
}

struct Counting {
    calls: AtomicU32,
}

impl Adapter for Counting {
    async fn handle(&self, _: Task) -> Outcome {
        match self.calls.fetch_add(1, Ordering::SeqCst) {
            0 => Outcome::Retry {
                reason: "folder-away",
                after: Duration::from_millis(50),
            },
            1 => Outcome::Done,
            2 => Outcome::Unknown { reason: "line-cut" },
            _ => Outcome::Reject {
                reason: "never-works",
            },
        }
    }
}

fn ticket(n: u128) -> Task {
    Task {
        inquiry: InquiryId(uuid::Uuid::from_u128(n)),
        facility: facility(),
        device: "t1".to_owned(),
        requested_at: jiff::Timestamp::UNIX_EPOCH,
        deadline: jiff::Timestamp::MAX,
        resume: None,
        body: TaskBody::Ticket(TicketQuestion {
            payer_number: "12137014".into(),
            recipient_number: "4820155".into(),
            birth_date: jiff::civil::date(1971, 9, 15),
            confirmed_on: jiff::civil::date(2026, 5, 11),
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_become_acknowledgements_redeliveries_and_dead_letters() {
    let broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &key()).await;
    let connection = connect(&broker).await;
    let adapter = Arc::new(Counting {
        calls: AtomicU32::new(0),
    });
    let options = TaskOptions {
        durable: task_durable(facility().as_str(), "t1"),
        role: "terminal".to_owned(),
        facility: facility(),
        device: "t1".to_owned(),
    };
    let cancel = CancellationToken::new();
    let running = tokio::spawn({
        let (adapter, cancel) = (adapter.clone(), cancel.clone());
        async move {
            task::run(
                &connection,
                &options,
                adapter,
                Arc::new(SystemClock),
                cancel,
            )
            .await;
        }
    });
    // The durable comes only after the adapter: it waits for it.
    hub.provision_device(&facility(), "t1").await;
    for n in 1..=3 {
        hub.give(&ticket(n)).await;
    }
    hub.give_raw("shikaku.task.1319912349.terminal.t1.ticket", b"{".to_vec())
        .await;
    eventually("no open task", async || {
        (hub.open_tasks().await == 0).then_some(())
    })
    .await;
    eventually("dead letters", async || {
        (hub.dead_letters().len() == 3).then_some(())
    })
    .await;
    let mut reasons: Vec<String> = hub
        .dead_letters()
        .into_iter()
        .map(|letter| letter.reason)
        .collect();
    reasons.sort();
    assert_eq!(reasons, ["line-cut", "malformed-task", "never-works"]);
    assert_eq!(adapter.calls.load(Ordering::SeqCst), 4);
    cancel.cancel();
    running.await.unwrap();
}
