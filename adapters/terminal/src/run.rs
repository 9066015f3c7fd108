//! The tasks of one terminal, started and ended together.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use shikaku_disk::{Disk, off_thread};
use shikaku_kit::broker::{ACK_TIMEOUT, Broker};
use shikaku_kit::dead_letter::{DeadLetter, park};
use shikaku_kit::publisher::{self, PublisherOptions};
use shikaku_kit::spool::{Spool, SpoolOptions};
use shikaku_kit::task::{self, TaskOptions};
use shikaku_schemas::topology::{OBSERVATIONS, task_durable};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::TerminalOptions;
use crate::desk::Desk;
use crate::error::TerminalError;
use crate::folder::Hint;
use crate::health::Pulse;
use crate::job::Jobs;
use crate::mirror::Mirror;
use crate::quarantine::{Quarantine, QuarantinedFile};
use crate::request::{Asking, Encrypted, Folders, Inquiries, Journal};

/// After the wish to end: for acknowledgements under way.
const DRAIN: Duration = Duration::from_secs(8);
/// Segments of a full spool.
const SEGMENTS: u64 = 64;
const ANNOUNCE_AGAIN: Duration = Duration::from_secs(2);

/// Serves one terminal until `cancel`. Broker, shares and disk may come and go meanwhile.
///
/// # Errors
/// What makes serving impossible: its own directory, another process on it, a task that ended by itself.
pub async fn run(options: TerminalOptions, cancel: CancellationToken) -> Result<(), TerminalError> {
    let name = options.directory_name()?;
    let directory = options.data_dir.join("terminal").join(&name);
    let disk = options.disk.clone();
    let own = TerminalError::Directory;
    disk.create_dir_all(&directory).map_err(own)?;
    let spool = open_spool(&options, &name).await?;
    let inquiries = Arc::new(open_inquiries(&options, &directory, spool.clone())?);
    let (facility, terminal) = (options.facility.code.clone(), options.terminal.id.clone());
    let is_own =
        move |file: &QuarantinedFile| file.facility == facility && file.terminal == terminal;
    let quarantine =
        Quarantine::open(&disk, &options.data_dir, &options.group_key, is_own).map_err(own)?;
    let desk = Desk::open(
        &options,
        &directory,
        spool.clone(),
        inquiries.clone(),
        quarantine.clone(),
    )?;
    let broker = Broker::connect(&options.broker).await?;

    // Of its own: a task that ends before the wish to end was heard here has ended by itself.
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let programs = &options.facility.virtual_terminals;
    let mirror = Mirror::open(&disk, &directory, programs, &options.group_key, "jobs");
    let jobs = Jobs::new(
        &options,
        mirror.map_err(own)?,
        spool.clone(),
        inquiries.clone(),
        quarantine.clone(),
        stop.clone(),
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(named(
        "publisher",
        publish(broker.clone(), spool, options.clone(), stop.clone()),
    ));
    tasks.spawn(named(
        "tasks",
        ask(broker.clone(), inquiries, options.clone(), stop.clone()),
    ));
    tasks.spawn(named(
        "announcements",
        announce(broker, quarantine, stop.clone()),
    ));
    tasks.spawn(named("jobs", serve_jobs(disk, jobs, stop.clone())));
    tasks.spawn(named("folders", serve_folders(desk, options, stop.clone())));
    let ended = tokio::select! {
        () = cancel.cancelled() => Ok(()),
        ended = tasks.join_next() => Err(stopped(ended)),
    };
    stop.cancel();
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        // The spool and the journals are durable at every moment: the next start goes on from there.
        tracing::warn!("the terminal's tasks were ended before they were through");
        tasks.shutdown().await;
    }
    ended
}

async fn named(name: &'static str, work: impl Future<Output = ()>) -> &'static str {
    work.await;
    name
}

fn stopped(ended: Option<Result<&'static str, tokio::task::JoinError>>) -> TerminalError {
    let task = match ended {
        Some(Ok(name)) => name,
        Some(Err(_)) => "a task that panicked",
        None => "every task",
    };
    TerminalError::Stopped { task }
}

async fn open_spool(options: &TerminalOptions, name: &str) -> Result<Arc<Spool>, TerminalError> {
    let spool_options = SpoolOptions {
        max_bytes: options.spool_bytes,
        segment_bytes: options.spool_bytes / SEGMENTS,
        disk: options.disk.clone(),
        ..SpoolOptions::new(
            options.data_dir.join("spool").join(name),
            options.group_key.clone(),
        )
    };
    let opened = off_thread(&*options.disk, move || Spool::open(spool_options))
        .await
        .map_err(|_| TerminalError::Stopped { task: "spool" })?;
    Ok(Arc::new(opened?))
}

fn open_inquiries(
    options: &TerminalOptions,
    directory: &Path,
    spool: Arc<Spool>,
) -> Result<Inquiries, TerminalError> {
    let journal = Journal::open(&options.disk, directory, options.clock.now())
        .map_err(TerminalError::Directory)?;
    let patience = options.timing.incomplete + options.timing.stable * 4 + options.timing.scan * 4;
    Ok(Inquiries {
        facility: options.facility.code.clone(),
        terminal: options.terminal.id.clone(),
        folders: Folders::new(&options.disk, &options.terminal.root),
        encrypted: Encrypted::of(options),
        spool,
        clock: options.clock.clone(),
        journal: Mutex::new(journal),
        answer_patience: SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX),
        pulse: Pulse::default(),
        is_swept: AtomicBool::new(false),
    })
}

async fn publish(
    broker: Broker,
    spool: Arc<Spool>,
    options: TerminalOptions,
    stop: CancellationToken,
) {
    let run = u64::try_from(options.clock.now().as_millisecond()).unwrap_or_default();
    let publisher = PublisherOptions {
        again: options.timing.again,
        ..PublisherOptions::new(
            options.facility.code,
            "terminal",
            &options.terminal.id,
            options.group_key,
            run,
        )
    };
    publisher::run(&broker, spool, &publisher, stop).await;
}

async fn ask(
    broker: Broker,
    inquiries: Arc<Inquiries>,
    options: TerminalOptions,
    stop: CancellationToken,
) {
    let tasks = TaskOptions {
        durable: task_durable(options.facility.code.as_str(), &options.terminal.id),
        role: "terminal".to_owned(),
        facility: options.facility.code,
        device: options.terminal.id,
    };
    let asking = Arc::new(Asking(inquiries));
    task::run(&broker, &tasks, asking, options.clock, stop).await;
}

async fn serve_folders(desk: Desk, options: TerminalOptions, stop: CancellationToken) {
    let root = &options.terminal.root;
    let disk = options.disk.clone();
    let mut hint = Hint::new(&*disk, &[&root.join("face"), &root.join("res")]);
    let mut desk = desk;
    let mut recovered = false;
    while !stop.is_cancelled() {
        let passed = off_thread(&*disk, move || {
            recovered = recovered || desk.recover();
            let passed = desk.pass();
            (desk, recovered, passed)
        });
        // A panic inside ends this task, and with it the adapter: never a silent half.
        let Ok((back, done, passed)) = passed.await else {
            return;
        };
        (desk, recovered) = (back, done);
        for folder in &passed.appeared {
            hint.watch(folder);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = hint.given() => {}
            () = tokio::time::sleep(passed.again) => {}
        }
    }
}

async fn serve_jobs(disk: Arc<dyn Disk>, mut jobs: Jobs, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let passed = off_thread(&*disk, move || {
            let again = jobs.pass();
            (jobs, again)
        });
        // As with the folders: a panic inside ends the adapter.
        let Ok((back, again)) = passed.await else {
            return;
        };
        jobs = back;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(again) => {}
        }
    }
}

/// Tells `PARKED` of files set aside, again when the broker has lost its store.
async fn announce(broker: Broker, quarantine: Quarantine, stop: CancellationToken) {
    let mut line = broker.line.clone();
    loop {
        // A broker that came back wiped has no stream until the hub makes it.
        let waits = match store_mark(&broker).await {
            Some(mark) => {
                announce_all(&broker, &quarantine, &mark).await;
                !quarantine.unannounced(&mark).is_empty()
            }
            None => true,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = quarantine.news.notified() => {}
            changed = line.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(ANNOUNCE_AGAIN), if waits => {}
        }
    }
}

/// Changes when the broker's store was lost: the moment its stream was made.
async fn store_mark(broker: &Broker) -> Option<String> {
    if !broker.is_up() {
        return None;
    }
    let stream = broker.stream(OBSERVATIONS);
    let info = tokio::time::timeout(ACK_TIMEOUT, stream).await.ok()?.ok()?;
    Some(info.created_ns.to_string())
}

async fn announce_all(broker: &Broker, quarantine: &Quarantine, mark: &str) {
    for file in quarantine.unannounced(mark) {
        let letter = DeadLetter {
            id: file.id.to_string(),
            kind: "quarantine".to_owned(),
            role: "terminal".to_owned(),
            facility: Some(file.facility),
            device: Some(file.terminal),
            reason: file.reason,
            message: file.message,
            at: file.quarantined_at,
        };
        let told = park(broker, &letter).await;
        if told.is_err() || quarantine.announced(file.id, mark).is_err() {
            tracing::debug!("a quarantined file is announced again later");
            return;
        }
    }
}
