//! Two writers: a standby, a stopped one, a killed one.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use shikaku_ledger::{AppendError, Database, KeyStoreAt, Ledger, LedgerOptions, Writer};
use shikaku_schemas::clock::{SystemClock, SystemRandomness};
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::Position;

use crate::place::{Place, events, numbered, record};

crate::on_both_databases!(
    a_standby_waits_until_the_writer_ends,
    a_fenced_writer_commits_nothing,
    every_told_event_survives_a_kill,
);

crate::in_memory_too!(a_standby_waits_until_the_writer_ends,);

async fn a_standby_waits_until_the_writer_ends(place: &Place) {
    let (ledger, mut first) = place.begin().await;
    let other = place.open().await;
    let mut standby = Box::pin(place.write(&other));
    let early = tokio::time::timeout(Duration::from_millis(700), standby.as_mut()).await;
    assert!(early.is_err(), "two writers at once");
    first
        .append(events(vec![numbered(record(), 0, "A")]))
        .await
        .unwrap();
    first.close().await.unwrap();
    let mut second = tokio::time::timeout(Duration::from_secs(5), standby)
        .await
        .unwrap();
    assert_eq!(second.head().position, Position(1));
    assert_eq!(second.head().term, 2);
    second
        .append(events(vec![numbered(record(), 0, "B")]))
        .await
        .unwrap();
    second.close().await.unwrap();
    assert_eq!(ledger.head().await.unwrap().position, Position(2));
}

/// Even with its lock intact a writer whose term is over commits nothing.
async fn a_fenced_writer_commits_nothing(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    writer
        .append(events(vec![numbered(one, 0, "A")]))
        .await
        .unwrap();
    place.intrude("UPDATE head SET term = term + 1").await;
    for _ in 0..2 {
        let refused = writer.append(events(vec![numbered(one, 1, "B")])).await;
        assert!(matches!(refused, Err(AppendError::Fenced)), "{refused:?}");
    }
    assert!(matches!(writer.recover().await, Err(AppendError::Fenced)));
    assert_eq!(ledger.head().await.unwrap().position, Position(1));
    writer.close().await.unwrap();
    // Same term, but the head moved: nobody of us did that.
    let mut writer = place.write(&ledger).await;
    place.intrude("UPDATE head SET commits = commits + 1").await;
    let refused = writer.append(events(vec![numbered(one, 1, "B")])).await;
    assert!(matches!(refused, Err(AppendError::Fenced)), "{refused:?}");
    assert_eq!(ledger.read_page(Position(0), 9).await.unwrap().len(), 1);
}

/// T1: no acknowledged event is lost.
async fn every_told_event_survives_a_kill(place: &Place) {
    let ledger = place.open().await;
    let mut told = 0;
    for round in 0..5u64 {
        let mut child = ChildWriter::start(place);
        let last = child.read_past(told + 10 + round * 7);
        child.signal(Signal::KILL);
        child.wait();
        let rest = child.read_all();
        told = rest.last().copied().unwrap_or(last).max(last);
        let mut writer = place.write(&ledger).await;
        let head = writer.head().position.0;
        assert!(head >= told, "position {told} was told and is lost");
        writer
            .append(events(vec![numbered(record(), 0, "A")]))
            .await
            .unwrap();
        told = head + 1;
        writer.close().await.unwrap();
    }
    let report = ledger.verify(|_| {}).await.unwrap();
    assert_eq!((report.events, report.first_bad), (told, None));
}

/// T4: a paused writer that wakes commits nothing.
#[tokio::test]
async fn a_stopped_writer_is_replaced_and_commits_nothing_more() {
    let place = Place::on_postgres().await;
    let ledger = place.open().await;
    let mut child = ChildWriter::start(&place);
    let before = child.read_past(20);
    child.signal(Signal::STOP);
    let stopped = Instant::now();
    let mut standby = tokio::time::timeout(Duration::from_secs(15), place.write(&ledger))
        .await
        .expect("the server ends the stopped writer's session");
    assert!(
        stopped.elapsed() < Duration::from_secs(10),
        "{:?}",
        stopped.elapsed()
    );
    let taken = standby.head().position.0;
    assert!(taken >= before);
    for _ in 0..5 {
        standby
            .append(events(vec![numbered(record(), 0, "B")]))
            .await
            .unwrap();
    }
    child.signal(Signal::CONT);
    assert!(child.wait(), "the stopped writer ends by itself, fenced");
    let told = child.read_all();
    assert!(
        told.iter().all(|position| *position <= taken),
        "{told:?} after {taken}"
    );
    assert_eq!(ledger.head().await.unwrap().position.0, taken + 5);
    standby
        .append(events(vec![numbered(record(), 0, "C")]))
        .await
        .unwrap();
    standby.close().await.unwrap();
    let report = ledger.verify(|_| {}).await.unwrap();
    assert_eq!((report.events, report.first_bad), (taken + 6, None));
}

/// This very test program, run again as a writer that appends until it is fenced and tells each position.
struct ChildWriter {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl ChildWriter {
    fn start(place: &Place) -> Self {
        let (database, keys) = match (&place.options.database, &place.options.keys.store) {
            (Database::Sqlite { path }, KeyStoreAt::Sqlite { path: keys }) => {
                (path.display().to_string(), keys.display().to_string())
            }
            (Database::Postgres { url }, KeyStoreAt::Postgres { url: keys }) => {
                (url.clone(), keys.clone())
            }
            _ => unreachable!("both of one kind"),
        };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fence::appends_until_fenced", "--nocapture"])
            .env("LEDGER_DATABASE", database)
            .env("LEDGER_KEYS", keys)
            .env("LEDGER_FOLDER", place.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until a position greater than `position` was told.
    fn read_past(&mut self, position: u64) -> u64 {
        loop {
            let line = self.lines.next().expect("the child goes on").unwrap();
            match told(&line) {
                Some(at) if at > position => return at,
                _ => {}
            }
        }
    }

    fn read_all(&mut self) -> Vec<u64> {
        self.lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| told(&line))
            .collect()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn wait(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(Instant::now() < deadline, "the child does not end");
            // Polling: the deadline above ends it.
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for ChildWriter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn told(line: &str) -> Option<u64> {
    line.strip_prefix("committed ")?.parse().ok()
}

/// The child's side; does nothing in an ordinary run.
#[tokio::test]
async fn appends_until_fenced() {
    let Ok(database) = std::env::var("LEDGER_DATABASE") else {
        return;
    };
    let keys = std::env::var("LEDGER_KEYS").unwrap();
    let folder = std::path::PathBuf::from(std::env::var("LEDGER_FOLDER").unwrap());
    let is_postgres = database.starts_with("postgres:");
    let options = LedgerOptions {
        database: match is_postgres {
            true => Database::Postgres { url: database },
            false => Database::Sqlite {
                path: database.into(),
            },
        },
        keys: shikaku_ledger::KeysOptions {
            group_key: SealKey::from_bytes([7; 32]),
            signing_key_file: folder.join("keys/signing.key"),
            store: match is_postgres {
                true => KeyStoreAt::Postgres { url: keys },
                false => KeyStoreAt::Sqlite { path: keys.into() },
            },
        },
        proof_dir: folder.join("proof"),
    };
    let ledger = Ledger::open(&options).await.unwrap();
    let mut writer = Writer::acquire(&ledger, Arc::new(SystemClock), Arc::new(SystemRandomness))
        .await
        .unwrap();
    loop {
        match writer
            .append(events(vec![numbered(record(), 0, "child")]))
            .await
        {
            Ok(done) => println!("\ncommitted {}", done.last),
            Err(AppendError::Fenced) => return,
            Err(other) => panic!("{other}"),
        }
    }
}
