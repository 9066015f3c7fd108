//! The thread and the tasks of one reader, started and ended together.

use std::sync::Arc;
use std::time::Duration;

use shikaku_kit::backoff::Backoff;
use shikaku_kit::broker::Broker;
use shikaku_kit::dead_letter::{DeadLetter, park};
use shikaku_kit::publisher::{self, PublisherOptions};
use shikaku_kit::spool::{Spool, SpoolOptions};
use shikaku_schemas::clock::Clock;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::CardReaderOptions;
use crate::error::CardReaderError;
use crate::health::Health;
use crate::journal::Journal;
use crate::keeper::{Keeper, SOURCE};
use crate::name::ReaderName;
use crate::reader::Watch;
use crate::rule::Rules;
use crate::stop::{AskOnDrop, Stop};

/// After the wish to end: for acknowledgements under way.
const DRAIN: Duration = Duration::from_secs(8);
/// Sightings that wait for the disk; then the thread waits too.
const SIGHTINGS: usize = 64;
const LETTERS: usize = 64;
/// Cards are few and small.
const SPOOL_BYTES: u64 = 64 << 20;
const SEGMENT_BYTES: u64 = 1 << 20;
const LOOKS_EVERY: Duration = Duration::from_secs(5);
const LETTER_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(500),
    cap: Duration::from_secs(30),
};

/// Serves one reader until `cancel`. Card, reader, PC/SC service, broker and disk may come and go meanwhile.
///
/// # Errors
/// What makes serving impossible: a rule that may not run, its own directory, another process on it, a task that
/// ended by itself.
pub async fn run(
    options: CardReaderOptions,
    cancel: CancellationToken,
) -> Result<(), CardReaderError> {
    let name = options.directory_name()?;
    let rules = Rules::compile(&options.card_rules)?;
    let directory = options.data_dir.join("card-reader").join(&name);
    std::fs::create_dir_all(&directory).map_err(CardReaderError::Directory)?;
    let spool = open_spool(&options, &name).await?;
    let broker = Broker::connect(&options.broker).await?;
    let health = Arc::new(Health::new(
        options.facility.as_str(),
        &options.reader.id,
        options.clock.now(),
    ));
    let stop = Arc::new(Stop::default());
    let asked = AskOnDrop(Arc::clone(&stop));
    let (out, sightings) = mpsc::channel(SIGHTINGS);
    let (letters, posted) = mpsc::channel(LETTERS);
    let keeper = Keeper {
        facility: options.facility.clone(),
        desk: options.desk.clone(),
        reader: options.reader.id.clone(),
        journal: Arc::new(Journal::new(&directory, &options.group_key)),
        spool: spool.clone(),
        letters,
    };
    let watch = Watch {
        name: ReaderName::new(&options.reader.name),
        rules,
        clock: Arc::clone(&options.clock),
        randomness: Arc::clone(&options.randomness),
        stop,
        health: Arc::clone(&health),
        out,
    };
    std::thread::Builder::new()
        .name(format!("card {}", options.reader.id))
        .spawn(move || watch.run())
        .map_err(CardReaderError::Directory)?;

    // Of its own: a task that ends before the wish to end was heard here has ended by itself.
    let ending = CancellationToken::new();
    let _guard = ending.clone().drop_guard();
    let mut tasks = JoinSet::new();
    let now = options.clock.now();
    // Ends when the thread has ended, and with it the last sighting is kept.
    tasks.spawn(named("reader", keeper.run(sightings, now)));
    let sent = send_letters(broker.clone(), posted, ending.clone());
    tasks.spawn(named("letters", sent));
    let clock = Arc::clone(&options.clock);
    tasks.spawn(named("health", look_after(health, clock, ending.clone())));
    let published = publish(broker, spool, options, ending.clone());
    tasks.spawn(named("publisher", published));
    let ended = tokio::select! {
        () = cancel.cancelled() => Ok(()),
        ended = tasks.join_next() => Err(stopped(ended)),
    };
    drop(asked);
    ending.cancel();
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        // Spool and journal are durable at every moment: the next start goes on from there.
        tracing::warn!("the card reader's tasks were ended before they were through");
        tasks.shutdown().await;
    }
    ended
}

async fn named(name: &'static str, work: impl Future<Output = ()>) -> &'static str {
    work.await;
    name
}

fn stopped(ended: Option<Result<&'static str, tokio::task::JoinError>>) -> CardReaderError {
    let task = match ended {
        Some(Ok(name)) => name,
        Some(Err(_)) => "a task that panicked",
        None => "every task",
    };
    CardReaderError::Stopped { task }
}

async fn open_spool(
    options: &CardReaderOptions,
    name: &str,
) -> Result<Arc<Spool>, CardReaderError> {
    let directory = options.data_dir.join("spool").join(format!("card-{name}"));
    let spool_options = SpoolOptions {
        max_bytes: SPOOL_BYTES,
        segment_bytes: SEGMENT_BYTES,
        ..SpoolOptions::new(directory, options.group_key.clone())
    };
    let opened = tokio::task::spawn_blocking(move || Spool::open(spool_options))
        .await
        .map_err(|_| CardReaderError::Stopped { task: "spool" })?;
    Ok(Arc::new(opened?))
}

async fn publish(
    broker: Broker,
    spool: Arc<Spool>,
    options: CardReaderOptions,
    ending: CancellationToken,
) {
    let run = u64::try_from(options.clock.now().as_millisecond()).unwrap_or_default();
    let publisher = PublisherOptions {
        again: options.again,
        ..PublisherOptions::new(
            options.facility,
            SOURCE,
            &options.reader.id,
            options.group_key,
            run,
        )
    };
    publisher::run(&broker, spool, &publisher, ending).await;
}

/// Puts each letter on `PARKED`, however long the broker is away.
async fn send_letters(
    broker: Broker,
    mut posted: mpsc::Receiver<DeadLetter>,
    ending: CancellationToken,
) {
    while let Some(Some(letter)) = ending.run_until_cancelled(posted.recv()).await {
        let mut failures = 0;
        while park(&broker, &letter).await.is_err() {
            failures += 1;
            let pause = tokio::time::sleep(LETTER_AGAIN.pause(failures));
            if ending.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }
    ending.cancelled().await;
}

async fn look_after(health: Arc<Health>, clock: Arc<dyn Clock>, ending: CancellationToken) {
    let mut tick = tokio::time::interval(LOOKS_EVERY);
    while ending.run_until_cancelled(tick.tick()).await.is_some() {
        health.check(clock.now());
    }
}
