//! Commands to the hub that runs on this `data_dir`, over its socket: one JSON line each way.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shikaku_core::jobs::JobProgress;
use shikaku_schemas::clock::{Clock as _, Randomness as _, SystemClock, SystemRandomness};
use shikaku_schemas::command::{Command, CommandEnvelope, CommandReply};
use shikaku_schemas::value::InquiryId;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;
use uuid::Uuid;

use crate::answer::Refused;
use crate::config::Config;
use crate::words;

const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// The socket's place. A path through the open folder, since a socket's own may have 107 bytes only.
pub struct SocketPath {
    folder: File,
}

impl SocketPath {
    /// Name of the socket in `data_dir`.
    pub const NAME: &str = "hub.sock";

    /// Opens the folder.
    ///
    /// # Errors
    /// There is no `data_dir`.
    pub fn open(data_dir: &Path) -> std::io::Result<Self> {
        File::open(data_dir).map(|folder| Self { folder })
    }

    /// Valid as long as `self` lives.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!(
            "/proc/self/fd/{}/{}",
            self.folder.as_raw_fd(),
            Self::NAME
        ))
    }
}

/// Gives one command and waits for its answer.
///
/// # Errors
/// No hub runs here, or it does not answer in time.
pub async fn command(config: &Config, command: Command) -> anyhow::Result<CommandReply> {
    command_as(config, SystemRandomness.id(SystemClock.now()), command).await
}

/// The same under an id of the caller's: given again, it is answered as before and done once.
///
/// # Errors
/// As [`command`].
pub async fn command_as(
    config: &Config,
    command_id: Uuid,
    command: Command,
) -> anyhow::Result<CommandReply> {
    let envelope = CommandEnvelope {
        command_id,
        by: crate::who::me(),
        command,
    };
    ask(config, &envelope).await
}

/// A question about a job under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProgressQuestion {
    /// The job.
    pub progress_of: InquiryId,
}

/// How far a job has come.
///
/// # Errors
/// As [`command`].
pub async fn progress(config: &Config, job: InquiryId) -> anyhow::Result<JobProgress> {
    ask(config, &ProgressQuestion { progress_of: job }).await
}

async fn ask<T: DeserializeOwned>(config: &Config, question: &impl Serialize) -> anyhow::Result<T> {
    let absent = |_| Refused::from(words::NO_HUB);
    let socket = SocketPath::open(&config.data_dir).map_err(absent)?;
    let mut stream = UnixStream::connect(socket.path()).await.map_err(absent)?;
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    let mut reply = String::new();
    let talk = async {
        let (read, mut write) = stream.split();
        write.write_all(&line).await?;
        BufReader::new(read).read_line(&mut reply).await
    };
    timeout(ANSWERS_WITHIN, talk)
        .await
        .context("ハブが応答しません / the hub does not answer")?
        .context("ハブとの接続が切れました / the line to the hub broke")?;
    serde_json::from_str(&reply).context("ハブの応答を読めません / the hub's answer cannot be read")
}
