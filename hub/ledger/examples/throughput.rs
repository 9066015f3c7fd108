//! How many events a second, and what one commit costs: `cargo run --release --example throughput -- DATABASE`.
//!
//! `DATABASE` is `postgres://…` (its keys go to `<name>_keys`) or a folder for SQLite. Each round does what the
//! sequencer does with a batch of commands, one third of them about new records, two events each: look the inbox
//! and the identity keys up, load and open the streams, seal, append. Prints one line for each batch size.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shikaku_ledger::{
    Batch, Database, Draft, IdentityKey, InboxRow, KeyKind, KeyStoreAt, KeysOptions, Ledger,
    LedgerOptions, Writer,
};
use shikaku_schemas::clock::{Clock as _, Randomness as _, SystemClock, SystemRandomness};
use shikaku_schemas::event::{Event, QualificationDetails, QualificationObserved};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::value::{
    FacilityCode, Method, ObservationId, Position, QualificationId, RecordId, StreamId,
};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let place = std::env::args().nth(1).ok_or("which database?")?;
    let folder = match place.starts_with("postgres:") {
        true => std::env::temp_dir().join(format!("throughput-{}", std::process::id())),
        false => PathBuf::from(&place),
    };
    std::fs::create_dir_all(&folder)?;
    let database = match place.starts_with("postgres:") {
        true => Database::Postgres { url: place },
        false => Database::Sqlite {
            path: folder.join("ledger.db"),
        },
    };
    let options = LedgerOptions {
        keys: KeysOptions {
            group_key: SealKey::random(),
            signing_key_file: folder.join("signing.key"),
            store: KeyStoreAt::beside(&database),
        },
        database,
        proof_dir: folder.join("proof"),
    };
    let ledger = Ledger::open(&options).await?;
    let mut writer =
        Writer::acquire(&ledger, Arc::new(SystemClock), Arc::new(SystemRandomness)).await?;
    let mut town = Town::default();
    for commands in [1, 16, 64, 256] {
        let line = round(&ledger, &mut writer, &mut town, commands).await?;
        println!("{line}");
    }
    writer.close().await?;
    let report = ledger.verify(|_| {}).await?;
    println!(
        "verified {} events, first bad: {:?}",
        report.events, report.first_bad
    );
    Ok(())
}

/// The records known so far, with the version of their streams.
#[derive(Default)]
struct Town(Vec<(RecordId, u64)>);

async fn round(
    ledger: &Ledger,
    writer: &mut Writer,
    town: &mut Town,
    commands: usize,
) -> Result<String, Failure> {
    let begun = Instant::now();
    let mut times: Vec<Duration> = Vec::new();
    let mut loading = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(4) {
        let before = Instant::now();
        let chosen: Vec<(RecordId, u64)> = (0..commands).map(|n| town.choose(n)).collect();
        let batch = batch(&chosen, writer.head().position);
        let streams: Vec<StreamId> = chosen
            .iter()
            .map(|(id, _)| StreamId::patient(*id))
            .collect();
        let ids: Vec<ObservationId> = batch.inbox.iter().map(|row| row.observation_id).collect();
        let keys: Vec<IdentityKey> = batch
            .identity_keys
            .iter()
            .map(|(key, _)| key.clone())
            .collect();
        let (inbox, resolved, loaded) = tokio::join!(
            ledger.inbox(&ids),
            ledger.resolve(&keys),
            ledger.load_streams(&streams)
        );
        assert!(
            inbox?.is_empty() && resolved?.is_empty(),
            "everything is new"
        );
        let stored: Vec<_> = loaded?.into_values().flatten().collect();
        ledger.open_events(&stored).await?;
        loading += before.elapsed();
        writer.append(batch).await?;
        times.push(before.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 100];
    let done = (commands * times.len()) as f64 / begun.elapsed().as_secs_f64();
    let share = loading.as_secs_f64() / begun.elapsed().as_secs_f64();
    Ok(format!(
        "{commands:>4} commands a batch: {done:>8.0} commands/s, {:>8.0} events/s, p50 {:?}, p99 {:?}, \
         {:.0} % loading",
        done * 2.0,
        at(50),
        at(99),
        share * 100.0
    ))
}

impl Town {
    /// One third new, else somebody with 10 to 100 events or on the way there.
    fn choose(&mut self, n: usize) -> (RecordId, u64) {
        let at = self.0.len().saturating_sub(1 + n);
        match self.0.get_mut(at) {
            Some(known) if !n.is_multiple_of(3) && known.1 < 100 => {
                known.1 += 2;
                (known.0, known.1 - 2)
            }
            _ => {
                let id = RecordId(SystemRandomness.id(SystemClock.now()));
                self.0.push((id, 2));
                (id, 0)
            }
        }
    }
}

fn batch(chosen: &[(RecordId, u64)], head: Position) -> Batch {
    let mut batch = Batch::default();
    for (n, (record, version)) in chosen.iter().enumerate() {
        let id = ObservationId(SystemRandomness.id(SystemClock.now()));
        for step in 0..2 {
            let mut draft = Draft::new(qualification(), StreamId::patient(*record), version + step);
            draft.facility = Some(FacilityCode::from("1319912349"));
            draft.patient = Some(*record);
            draft.observation_id = Some(id);
            batch.events.push(draft);
        }
        let first = Position(head.0 + 2 * n as u64 + 1);
        batch.inbox.push(InboxRow {
            observation_id: id,
            facility: FacilityCode::from("1319912349"),
            outcome: CommitOutcome::Recorded,
            first: Some(first),
            last: Some(first.next()),
            case: None,
            reason: None,
            observation: None,
        });
        if *version == 0 {
            let key = IdentityKey {
                kind: KeyKind::Chart,
                scope: "main".to_owned(),
                digest: *SealKey::random().as_bytes(),
            };
            batch.identity_keys.push((key, *record));
        }
    }
    batch
}

/// A payload of 400 to 500 bytes.
fn qualification() -> Event {
    Event::QualificationGranted(QualificationObserved {
        qualification_id: QualificationId(SystemRandomness.id(SystemClock.now())),
        details: QualificationDetails {
            classification: Some("A1".to_owned()),
            welfare_office: Some("見本市福祉事務所".to_owned()),
            ..QualificationDetails::default()
        },
        person: shikaku_schemas::event::PersonDetails::default(),
        confirmed_on: jiff::civil::date(2026, 5, 11),
        method: Method::Card,
    })
}
