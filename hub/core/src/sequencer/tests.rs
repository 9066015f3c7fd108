//! Batches change nothing: whatever is decided together, and whatever is remembered in between, the ledger tells
//! the same story as one decision at a time with nothing remembered.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use shikaku_ledger::{Batch, Database, Draft, KeyStoreAt, KeysOptions, LedgerOptions};
use shikaku_schemas::clock::{Randomness, SystemClock};
use shikaku_schemas::command::{Command, CommandEnvelope};
use shikaku_schemas::event::{Event, RecordErased};
use shikaku_schemas::group::Group;
use shikaku_schemas::observation::Observation;
use shikaku_schemas::seal::SealKey;
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::seen::{HOSPITAL, Somebody, file, somebody};
use super::*;
use crate::{BrokerOptions, HubOptions, JobOptions, MonthOptions};

mod moved;
mod refused;

/// A sequencer on a ledger of its own.
struct Bench {
    sequencer: Sequencer,
    ledger: Ledger,
    _announced: mpsc::Receiver<Announcement>,
    _dir: TempDir,
}

impl Bench {
    async fn new(auto_link: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = SealKey::from_bytes([9; 32]);
        let ledger = Ledger::open(&LedgerOptions {
            database: Database::Sqlite {
                path: dir.path().join("ledger.db"),
            },
            keys: KeysOptions {
                group_key: key.clone(),
                signing_key_file: dir.path().join("signing.key"),
                store: KeyStoreAt::Sqlite {
                    path: dir.path().join("keys.db"),
                },
            },
            proof_dir: dir.path().join("proof"),
        })
        .await
        .unwrap();
        let options = options(key, auto_link);
        let (clock, randomness) = (options.clock.clone(), options.randomness.clone());
        let writer = Writer::acquire(&ledger, clock, randomness).await.unwrap();
        let (announce, announced) = mpsc::channel(64);
        let context = Context::new(&options);
        Self {
            sequencer: Sequencer::new(writer, ledger.clone(), context, announce),
            ledger,
            _announced: announced,
            _dir: dir,
        }
    }

    async fn settle(&mut self, works: Vec<Work>) -> Vec<Reply> {
        self.sequencer.settle(works).await.unwrap()
    }

    /// Decides every open case: it is somebody new, or the offer is declined.
    async fn decide_cases(&mut self) {
        let page = self.ledger.read_page(Position(0), 10_000).await.unwrap();
        let mut open = self.ledger.cases(true).await.unwrap();
        open.sort_by_key(|row| {
            let stream = StreamId::case(row.case);
            page.iter().position(|event| event.head.stream == stream)
        });
        for row in open {
            let decide = CommandEnvelope {
                command_id: row.case.0,
                by: "operator".to_owned(),
                command: Command::DecideCase {
                    case: row.case,
                    record: None,
                    gone: false,
                },
            };
            let replies = self.settle(vec![Work::Command(Box::new(decide))]).await;
            assert!(
                matches!(
                    &replies[..],
                    [Reply::Command(
                        shikaku_schemas::command::CommandReply::Done { .. }
                    )]
                ),
                "{replies:?}"
            );
        }
    }

    /// Everything in the ledger, with ids replaced by the order in which they first appear.
    async fn story(&self) -> Vec<String> {
        let page = self.ledger.read_page(Position(0), 10_000).await.unwrap();
        let mut names = HashMap::new();
        let records = self.ledger.records(&page).await.unwrap();
        records
            .into_iter()
            .map(|record| {
                let told = format!(
                    "{} {} v{} {:?} {}",
                    record.head.kind,
                    record.head.stream,
                    record.head.stream_version,
                    record.head.patient,
                    record.data
                );
                rename(&told, &mut names)
            })
            .collect()
    }
}

fn rename(told: &str, names: &mut HashMap<String, usize>) -> String {
    let mut out = String::new();
    let mut rest = told;
    while !rest.is_empty() {
        let id = rest.get(..36).filter(|id| Uuid::parse_str(id).is_ok());
        let taken = if let Some(id) = id {
            let next = names.len();
            let name = *names.entry(id.to_owned()).or_insert(next);
            out.push_str(&format!("#{name}"));
            36
        } else {
            let first = rest.chars().next().unwrap();
            out.push(first);
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    out
}

/// Ids in the order in which they were asked for, so that both stories sort records alike.
#[derive(Default)]
struct InOrder(AtomicU64);

impl Randomness for InOrder {
    fn id(&self, _at: jiff::Timestamp) -> Uuid {
        let n = self.0.fetch_add(1, Ordering::SeqCst);
        Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0000 + u128::from(n))
    }
}

fn options(group_key: SealKey, auto_link: bool) -> HubOptions {
    let facility = serde_json::json!({
        "code": HOSPITAL, "name": "見本病院", "terminal": [{ "id": "t1", "root": "/nowhere" }]
    });
    HubOptions {
        group: Group {
            facilities: vec![serde_json::from_value(facility).unwrap()],
            ..Group::default()
        },
        group_key,
        nats: BrokerOptions {
            url: String::new(),
            user: String::new(),
            password: String::new(),
            ca_file: None,
        }
        .into(),
        feed_days: 1,
        answer_timeout: Duration::from_secs(180),
        jobs: JobOptions::default(),
        months: MonthOptions::OFF,
        medical: Default::default(),
        auto_link,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(InOrder::default()),
    }
}

/// One sighting of a small town in which names, numbers and birth dates collide.
fn sighting() -> impl Strategy<Value = Observation> {
    (0..4u32, 0..6u8, 0..5u32, prop::bool::ANY).prop_map(|(who, how, hour, second)| {
        let at = format!("2026-05-11T0{hour}:15:00Z");
        let one = somebody(who);
        let nameless = Somebody {
            reference: None,
            ..one.clone()
        };
        let answer = match how {
            0 | 1 => one.with_ticket(&at),
            2 => one.not_commissioned(&at),
            3 => nameless.not_commissioned(&at),
            4 => nameless.with_ticket(&at),
            _ => Somebody {
                birth: "1999-09-09".to_owned(),
                name: "見本　次郎",
                ..one
            }
            .with_ticket(&at),
        };
        let device = if second { "t2" } else { "t1" };
        file(device, &format!("{who}|{how}|{hour}"), answer)
    })
}

fn story_of(
    first: &[Observation],
    then: &[Observation],
    sizes: &[usize],
    auto_link: bool,
    forgets: bool,
) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut bench = Bench::new(auto_link).await;
        for part in [first, then] {
            let mut sizes = sizes.iter().copied().cycle();
            let mut rest = part;
            while !rest.is_empty() {
                let size = sizes.next().unwrap_or(1).min(rest.len());
                let works = rest[..size]
                    .iter()
                    .map(|seen| Work::Observation(Box::new(seen.clone())))
                    .collect();
                for reply in bench.settle(works).await {
                    assert!(matches!(reply, Reply::Committed { .. }), "{reply:?}");
                }
                rest = &rest[size..];
                if forgets {
                    bench.sequencer.kept.clear();
                }
            }
            bench.decide_cases().await;
        }
        bench.story().await
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn batches_tell_the_story_of_one_at_a_time(
        first in prop::collection::vec(sighting(), 1..24),
        then in prop::collection::vec(sighting(), 0..12),
        sizes in prop::collection::vec(1..9usize, 1..5),
        auto_link in prop::bool::ANY,
    ) {
        let together = story_of(&first, &then, &sizes, auto_link, false);
        let alone = story_of(&first, &then, &[1], auto_link, true);
        for (at, (one, other)) in together.iter().zip(&alone).enumerate() {
            prop_assert_eq!(one, other, "event {} differs", at + 1);
        }
        prop_assert_eq!(together.len(), alone.len());
    }
}

#[tokio::test]
async fn the_same_command_twice_in_one_batch_is_one_command() {
    let mut bench = Bench::new(false).await;
    let seen = file("t1", "a", somebody(1).with_ticket("2026-05-11T00:15:00Z"));
    bench
        .settle(vec![Work::Observation(Box::new(seen.clone()))])
        .await;
    let record = bench.ledger.read_page(Position(0), 1).await.unwrap()[0]
        .head
        .patient;
    let link = Work::Command(Box::new(CommandEnvelope {
        command_id: Uuid::from_u128(77),
        by: "operator".to_owned(),
        command: Command::LinkRecords {
            records: record.into_iter().collect(),
            reason: String::new(),
        },
    }));
    let twice = bench.settle(vec![link.clone(), link.clone()]).await;
    assert_eq!(twice[0], twice[1]);
    assert_eq!(bench.settle(vec![link]).await[0], twice[0]);
    let again = bench.settle(vec![Work::Observation(Box::new(seen))]).await;
    assert!(matches!(
        again[..],
        [Reply::Committed {
            outcome: shikaku_schemas::observation::CommitOutcome::Recorded,
            ..
        }]
    ));
}

#[tokio::test]
async fn an_answer_about_an_erased_record_is_parked_and_the_others_go_on() {
    let mut bench = Bench::new(false).await;
    let seen = file("t1", "a", somebody(1).with_ticket("2026-05-11T00:15:00Z"));
    bench.settle(vec![Work::Observation(Box::new(seen))]).await;
    let record = bench.ledger.read_page(Position(0), 1).await.unwrap()[0]
        .head
        .patient
        .unwrap();
    // Erased behind the sequencer's back, while it still remembers the record.
    let erased = Event::RecordErased(RecordErased {
        ordered_by: "officer".to_owned(),
        reason: String::new(),
    });
    let version = bench.ledger.head().await.unwrap().position.0;
    let draft = Draft {
        patient: Some(record),
        ..Draft::new(erased, StreamId::patient(record), version)
    };
    let batch = Batch {
        events: vec![draft],
        ..Batch::default()
    };
    bench.sequencer.writer.append(batch).await.unwrap();
    bench.ledger.erase(record).await.unwrap();
    let erased = file("t1", "b", somebody(1).with_ticket("2026-05-11T01:15:00Z"));
    let other = file("t1", "c", somebody(2).with_ticket("2026-05-11T00:15:00Z"));
    let works = [erased, other].map(|seen| Work::Observation(Box::new(seen)));
    let replies = bench.settle(works.to_vec()).await;
    let outcomes: Vec<_> = replies
        .iter()
        .map(|reply| match reply {
            Reply::Committed { outcome, reason } => (*outcome, reason.as_deref()),
            other => panic!("{other:?}"),
        })
        .collect();
    use shikaku_schemas::observation::CommitOutcome::{Parked, Recorded};
    assert_eq!(
        outcomes,
        [(Parked, Some("record-erased")), (Recorded, None)]
    );
}
