use std::sync::atomic::{AtomicI64, Ordering};

use shikaku_broker::BrokerOptions;
use shikaku_ledger::{Batch, Database, Draft, KeyStoreAt, KeysOptions, LedgerOptions, Writer};
use shikaku_schemas::clock::{SystemClock, SystemRandomness};
use shikaku_schemas::event::{Event, InquiryRejected, InquiryRequested, PatientNumbered};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::task::TaskBody;
use shikaku_schemas::value::{InquiryKind, RecordId, StreamId};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::*;
use crate::sequencer::Item;

const HOSPITAL: &str = "1319912349";

/// A clock that the test moves.
struct HandClock(AtomicI64);

impl HandClock {
    fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap();
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Inquiries of a ledger, a broker that is away, and the test in the sequencer's place.
struct Bench {
    inquiries: Inquiries,
    items: mpsc::Receiver<Item>,
    clock: Arc<HandClock>,
    open: OpenInquiries,
    _dir: TempDir,
}

impl Bench {
    async fn with(events: Vec<(InquiryId, Event)>) -> Self {
        Self::on(tempfile::tempdir().unwrap(), events).await
    }

    async fn on(dir: TempDir, events: Vec<(InquiryId, Event)>) -> Self {
        let ledger = ledger(&dir, "keys.db").await;
        let start = ledger.head().await.unwrap().recorded_at;
        let clock = Arc::new(HandClock(AtomicI64::new(start.as_microsecond())));
        let events = events.into_iter().enumerate();
        let drafts = events.map(|(version, (inquiry, event))| {
            Draft::new(event, StreamId::inquiry(inquiry), version as u64)
        });
        write(&ledger, drafts.collect()).await;
        let (queue, items) = Queue::new();
        let inquiries = inquiries(ledger, queue, clock.clone()).await;
        let mut open = OpenInquiries::default();
        inquiries.catch_up(&mut open, Position(0)).await.unwrap();
        Self {
            inquiries,
            items,
            clock,
            open,
            _dir: dir,
        }
    }

    /// One round of the follower, with this answer to all that it puts; and what it put.
    async fn round(&mut self, reply: Reply) -> (Result<(), Cause>, Vec<Work>) {
        let Self {
            inquiries,
            items,
            open,
            ..
        } = self;
        let mut put = Vec::new();
        let round = async {
            inquiries.repeat(open).await?;
            inquiries.tell(open).await?;
            inquiries.expire(open).await
        };
        tokio::pin!(round);
        loop {
            tokio::select! {
                ended = &mut round => return (ended, put),
                Some(item) = items.recv() => {
                    put.push(item.work);
                    item.reply.send(reply.clone()).unwrap();
                }
            }
        }
    }

    /// What is put with `reply`, again at once, and again after the pause.
    async fn put_thrice(&mut self, reply: &Reply) -> [Vec<Work>; 3] {
        let mut put = [const { Vec::new() }; 3];
        for (put, pause) in put.iter_mut().zip([Duration::ZERO, POLL, REST]) {
            self.clock.advance(pause);
            let (ended, works) = self.round(reply.clone()).await;
            ended.unwrap();
            *put = works;
        }
        put
    }
}

async fn write(ledger: &Ledger, drafts: Vec<Draft>) {
    let (clock, randomness) = (Arc::new(SystemClock), Arc::new(SystemRandomness));
    let mut writer = Writer::acquire(ledger, clock, randomness).await.unwrap();
    let facility = Some(HOSPITAL.into());
    let drafts = drafts.into_iter().map(|draft| Draft {
        facility: facility.clone(),
        ..draft
    });
    let batch = Batch {
        events: drafts.collect(),
        ..Batch::default()
    };
    writer.append(batch).await.unwrap();
    writer.close().await.unwrap();
}

async fn ledger(dir: &TempDir, keys: &str) -> Ledger {
    let options = LedgerOptions {
        database: Database::Sqlite {
            path: dir.path().join("ledger.db"),
        },
        keys: KeysOptions {
            group_key: SealKey::from_bytes([9; 32]),
            signing_key_file: dir.path().join("signing.key"),
            store: KeyStoreAt::Sqlite {
                path: dir.path().join(keys),
            },
        },
        proof_dir: dir.path().join("proof"),
    };
    Ledger::open(&options).await.unwrap()
}

async fn inquiries(ledger: Ledger, queue: Queue, clock: Arc<dyn Clock>) -> Inquiries {
    let facility = serde_json::json!({
        "code": HOSPITAL, "name": "見本病院", "terminal": [{ "id": "t1", "root": "/nowhere" }]
    });
    let away = BrokerOptions {
        url: "nats://127.0.0.1:1".to_owned(),
        user: String::new(),
        password: String::new(),
        ca_file: None,
    };
    Inquiries {
        ledger,
        broker: Broker::connect(&away).await.unwrap(),
        queue,
        group: Group {
            facilities: vec![serde_json::from_value(facility).unwrap()],
            ..Group::default()
        },
        clock,
        answer_timeout: Duration::from_secs(180),
        jobs: JobOptions::default(),
        terminals: Terminals::default(),
        tasks_made: watch::channel(0).1,
    }
}

fn asked() -> InquiryId {
    InquiryId(Uuid::from_u128(7))
}

fn whom() -> RecordId {
    RecordId(Uuid::from_u128(8))
}

fn requested(kind: InquiryKind, question: serde_json::Value) -> (InquiryId, Event) {
    let question: TaskBody = serde_json::from_value(question).unwrap();
    let event = Event::InquiryRequested(InquiryRequested {
        inquiry: asked(),
        kind,
        requested_by: "operator".to_owned(),
        purpose: "test".to_owned(),
        payer_number: None,
        recipient_number: None,
        birth_date: None,
        on: "2026-05-11".parse().unwrap(),
        month: None,
        record: Some(whom()),
        question: Some(Box::new(question)),
        repeats: None,
        terminal: Some("t1".to_owned()),
        program: None,
    });
    (asked(), event)
}

fn ticket() -> (InquiryId, Event) {
    let body = serde_json::json!({ "payer_number": "12137014", "recipient_number": "0001001",
        "birth_date": "1931-05-01", "confirmed_on": "2026-05-11" });
    let question = serde_json::json!({ "kind": "ticket", "body": body });
    requested(InquiryKind::Ticket, question)
}

/// Of somebody who never agreed to it.
fn drugs() -> (InquiryId, Event) {
    let body = serde_json::json!({ "insurer_number": "12137014", "number": "0001001",
        "from": "2026-03", "to": "2026-05", "with_treatments": false });
    let question = serde_json::json!({ "kind": "drug-info", "body": body });
    requested(InquiryKind::DrugInfo, question)
}

fn lapsed_job() -> Vec<(InquiryId, Event)> {
    let body = serde_json::json!({ "confirmed_on": "2026-05-11", "insurance": false, "rows": [] });
    let question = serde_json::json!({ "kind": "bulk", "body": body });
    let rejected = Event::InquiryRejected(InquiryRejected {
        inquiry: Some(asked()),
        code: None,
        message: None,
        lapsed: true,
        part_of: None,
    });
    vec![requested(InquiryKind::Bulk, question), (asked(), rejected)]
}

#[tokio::test]
async fn silence_that_cannot_be_recorded_is_not_told_again_and_again() {
    let mut bench = Bench::with(vec![ticket()]).await;
    bench.clock.advance(Duration::from_secs(300));
    let put = bench.put_thrice(&Reply::Unreadable).await;
    let is_overdue = |put: &[Work]| matches!(put, [Work::Overdue(id)] if *id == asked());
    assert!(
        is_overdue(&put[0]) && put[1].is_empty() && is_overdue(&put[2]),
        "{put:?}"
    );
}

#[tokio::test]
async fn a_dead_job_that_cannot_be_asked_anew_is_tried_again_later() {
    let mut bench = Bench::with(lapsed_job()).await;
    let put = bench.put_thrice(&Reply::Unreadable).await;
    let is_again =
        |put: &[Work]| matches!(put, [Work::Again { inquiry, .. }] if *inquiry == asked());
    assert!(
        is_again(&put[0]) && put[1].is_empty() && is_again(&put[2]),
        "{put:?}"
    );
    let committed = Reply::Committed {
        outcome: CommitOutcome::Recorded,
        reason: None,
    };
    let put = bench.put_thrice(&committed).await;
    assert!(
        put[0].is_empty() && put[1].is_empty() && is_again(&put[2]),
        "{put:?}"
    );
    assert!(bench.put_thrice(&committed).await.iter().all(Vec::is_empty));
}

#[tokio::test]
async fn a_withdrawal_that_is_not_recorded_is_not_taken_for_told() {
    let mut bench = Bench::with(vec![drugs()]).await;
    let is_withdrawn =
        |put: &[Work]| matches!(put, [Work::Withdraw { inquiry, .. }] if *inquiry == asked());
    let (ended, put) = bench.round(Reply::Unavailable).await;
    assert!(ended.is_err() && is_withdrawn(&put), "{put:?}");
    let put = bench.put_thrice(&Reply::Unreadable).await;
    assert!(
        is_withdrawn(&put[0]) && put[1].is_empty() && is_withdrawn(&put[2]),
        "{put:?}"
    );
}

#[tokio::test]
async fn whoever_cannot_be_read_any_more_holds_no_other_inquiry_up() {
    let dir = tempfile::tempdir().unwrap();
    let numbered = Event::PatientNumbered(PatientNumbered {
        patient_number: "70001".into(),
    });
    let known = Draft {
        patient: Some(whom()),
        ..Draft::new(numbered, StreamId::patient(whom()), 0)
    };
    write(&ledger(&dir, "lost.db").await, vec![known]).await;
    let mut bench = Bench::on(dir, vec![drugs()]).await;
    let put = bench.put_thrice(&Reply::Unreadable).await;
    assert!(put.iter().all(Vec::is_empty), "{put:?}");
}

#[tokio::test]
async fn an_inquiry_that_cannot_be_read_is_left_alone_and_holds_no_other_up() {
    let dir = tempfile::tempdir().unwrap();
    let lost = InquiryId(Uuid::from_u128(6));
    let (_, event) = ticket();
    let draft = Draft::new(event, StreamId::inquiry(lost), 0);
    write(&ledger(&dir, "lost.db").await, vec![draft]).await;
    let mut bench = Bench::on(dir, vec![ticket()]).await;
    assert_eq!(
        bench.open.len(),
        1,
        "it may have been sent: nobody sends it again"
    );
    bench.clock.advance(Duration::from_secs(300));
    let (ended, put) = bench.round(Reply::Unreadable).await;
    ended.unwrap();
    assert!(
        matches!(&put[..], [Work::Overdue(id)] if *id == asked()),
        "{put:?}"
    );
}
