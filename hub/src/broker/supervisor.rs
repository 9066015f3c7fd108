//! The supervised nats-server: a plain child, started on one store by one hub, restarted when it dies.
//!
//! Two servers on one store lose acknowledged data silently. So the store has a lock, and a server that a
//! killed hub left behind is ended before a new one starts.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::place::Place;

const READY_WITHIN: Duration = Duration::from_secs(30);
const STOPS_WITHIN: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The lock is held by a hub that lives.
    #[error("ほかのハブがこの broker を使用中です / another hub holds this broker: {0}")]
    Held(PathBuf),
    /// The port that was chosen once is somebody else's now.
    #[error("ポート {0} は別のプログラムが使用中です / port {0} is taken by another program")]
    PortTaken(u16),
    /// The server ended before it answered; its log tells why.
    #[error("nats-server が起動しません。ログを見てください / nats-server does not start, see {0}")]
    NotReady(PathBuf),
    /// Files or processes could not be handled.
    #[error("broker を扱えません / broker cannot be handled: {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> BrokerError {
    move |source| BrokerError::System { what, source }
}

/// A running server and what is needed to start it again.
pub struct Broker {
    program: PathBuf,
    place: Place,
    config: String,
    child: Child,
    started: Instant,
    _lock: File,
}

impl Broker {
    /// Ends an orphan, writes the configuration, starts the server, and waits until it accepts clients.
    ///
    /// # Errors
    /// [`BrokerError`]; nothing is left running then.
    pub async fn start(
        program: PathBuf,
        place: Place,
        config: String,
    ) -> Result<Self, BrokerError> {
        place.prepare().map_err(system("folder"))?;
        let lock = lock(&place.lock_file())?;
        end_orphans(&place.config_file()).await?;
        let child = launch_on_a_store(&program, &place, &config).await?;
        Ok(Self {
            program,
            place,
            config,
            child,
            started: Instant::now(),
            _lock: lock,
        })
    }

    /// Keeps the server alive until `cancel`, then stops it and waits for its end.
    ///
    /// # Errors
    /// Only what the system refuses; a server that dies is started again, however often, with growing pauses.
    pub async fn keep(mut self, cancel: CancellationToken) -> Result<(), BrokerError> {
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return self.stop().await,
                ended = self.child.wait() => {
                    let status = ended.map_err(system("wait"))?;
                    tracing::warn!(%status, "nats-server ended and is started again");
                }
            }
            if self.started.elapsed() >= HEALTHY_AFTER {
                pause = FIRST_PAUSE;
            }
            while !self.restart(&cancel, &mut pause).await {
                if cancel.is_cancelled() {
                    return Ok(());
                }
            }
        }
    }

    async fn restart(&mut self, cancel: &CancellationToken, pause: &mut Duration) -> bool {
        if cancel.run_until_cancelled(sleep(*pause)).await.is_none() {
            return false;
        }
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        let started = async {
            self.place.prepare().map_err(system("folder"))?;
            launch_on_a_store(&self.program, &self.place, &self.config).await
        };
        match started.await {
            Ok(child) => {
                self.child = child;
                self.started = Instant::now();
                true
            }
            Err(error) => {
                tracing::error!(%error, "nats-server does not start again yet");
                false
            }
        }
    }

    async fn stop(mut self) -> Result<(), BrokerError> {
        if let Some(pid) = self.child.id().and_then(pid) {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        if timeout(STOPS_WITHIN, self.child.wait()).await.is_err() {
            self.child.kill().await.map_err(system("kill"))?;
        }
        Ok(())
    }
}

fn pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

/// Released by the system when the process ends, however it ends. The child does not inherit it.
fn lock(path: &Path) -> Result<File, BrokerError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(system("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(BrokerError::Held(path.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(system("lock")(error)),
    }
}

/// Servers that run on this very configuration file, found by their command line: a stale process id
/// can never name a stranger.
fn orphans(config_file: &Path) -> Vec<Pid> {
    let wanted = config_file.as_os_str().as_encoded_bytes();
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
            let is_server = words.first()?.ends_with(b"nats-server");
            let on_ours = words
                .windows(2)
                .any(|pair| pair == [b"-c".as_slice(), wanted]);
            (is_server && on_ours).then_some(id)
        })
        .filter_map(pid)
        .collect()
}

async fn end_orphans(config_file: &Path) -> Result<(), BrokerError> {
    let deadline = Instant::now() + STOPS_WITHIN;
    let mut asked = false;
    loop {
        let left = orphans(config_file);
        if left.is_empty() {
            return Ok(());
        }
        let signal = if Instant::now() < deadline {
            Signal::TERM
        } else {
            Signal::KILL
        };
        for orphan in left {
            if !asked || signal == Signal::KILL {
                tracing::warn!(
                    pid = orphan.as_raw_nonzero().get(),
                    "ending the nats-server of an earlier hub"
                );
                rustix::process::kill_process(orphan, signal)
                    .or_else(|error| match error {
                        rustix::io::Errno::SRCH => Ok(()),
                        other => Err(other),
                    })
                    .map_err(|error| system("end the orphan")(error.into()))?;
            }
        }
        asked = true;
        sleep(Duration::from_millis(20)).await;
    }
}

/// Launches on the store that is there, or on an empty one if the server does not come up on that. A damaged block
/// keeps it from starting for ever, and all of its streams are refilled. The damaged store is kept until the next one.
async fn launch_on_a_store(
    program: &Path,
    place: &Place,
    config: &str,
) -> Result<Child, BrokerError> {
    let failed = match launch(program, place, config).await {
        Err(failed @ BrokerError::NotReady(_)) if place.store_dir().exists() => failed,
        launched => return launched,
    };
    let aside = place.damaged_store_dir();
    if aside.exists() {
        fs::remove_dir_all(&aside).map_err(system("remove an earlier damaged store"))?;
    }
    fs::rename(place.store_dir(), &aside).map_err(system("set the store aside"))?;
    let Ok(child) = launch(program, place, config).await else {
        // It was not the store.
        let _ = fs::remove_dir_all(place.store_dir());
        fs::rename(&aside, place.store_dir()).map_err(system("put the store back"))?;
        return Err(failed);
    };
    tracing::error!(
        store = %aside.display(),
        "nats-server did not start on its store, which is set aside; every stream is filled again"
    );
    Ok(child)
}

async fn launch(program: &Path, place: &Place, config: &str) -> Result<Child, BrokerError> {
    if TcpStream::connect(("127.0.0.1", place.port)).await.is_ok() {
        return Err(BrokerError::PortTaken(place.port));
    }
    write_private(&place.config_file(), config).map_err(system("configuration"))?;
    let mut command = std::process::Command::new(program);
    command
        .arg("-c")
        .arg(place.config_file())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A group of its own: Ctrl-C at the desk must not stop the broker before the roles.
        .process_group(0);
    let mut child = Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .map_err(system("start nats-server"))?;
    let ready = async {
        loop {
            if TcpStream::connect(("127.0.0.1", place.port)).await.is_ok() {
                return true;
            }
            if !matches!(child.try_wait(), Ok(None)) {
                return false;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    if timeout(READY_WITHIN, ready).await == Ok(true) {
        return Ok(child);
    }
    let _ = child.kill().await;
    Err(BrokerError::NotReady(place.log_file()))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}
