//! Commands from the command line, over `data_dir/hub.sock`: one JSON line each way.
//!
//! Who commands is what the system says of the peer, never what the peer says of itself.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use shikaku_core::HubHandle;
use shikaku_schemas::command::{CommandEnvelope, CommandReply};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::roles::Roles;
use crate::client::{ProgressQuestion, SocketPath};

/// A list of as many rows as one command may have.
const LINE_AT_MOST: u64 = 512 * 1024;
const CALLERS_AT_MOST: usize = 64;
const QUIET_AT_MOST: Duration = Duration::from_secs(60);

/// Binds the socket and serves it as a task of `roles`.
///
/// # Errors
/// It can't be bound.
pub fn serve(data_dir: &Path, hub: HubHandle, roles: &mut Roles) -> anyhow::Result<()> {
    let folder = SocketPath::open(data_dir).context("hub.sock")?;
    let path = folder.path();
    // Left behind by a killed hub; whoever is here holds the lock or the ledger.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).context("hub.sock")?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).context("hub.sock")?;
    let cancel = roles.cancel();
    roles.spawn("socket", async move {
        accept(listener, hub, cancel).await;
        let _ = std::fs::remove_file(folder.path());
        Ok(())
    });
    Ok(())
}

async fn accept(listener: UnixListener, hub: HubHandle, cancel: CancellationToken) {
    let mut callers = JoinSet::new();
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            Some(_) = callers.join_next() => {}
            accepted = listener.accept(), if callers.len() < CALLERS_AT_MOST => match accepted {
                Ok((stream, _)) => {
                    let hub = hub.clone();
                    callers.spawn(async move {
                        if let Err(error) = talk(stream, &hub).await {
                            tracing::debug!(%error, "a caller at the socket went away");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a caller at the socket was lost");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
    callers.shutdown().await;
}

async fn talk(stream: UnixStream, hub: &HubHandle) -> anyhow::Result<()> {
    let by = crate::who::user_name(stream.peer_cred()?.uid());
    let (read, mut write) = stream.into_split();
    let mut reader = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut reader).take(LINE_AT_MOST);
        let reading = limited.read_until(b'\n', &mut line);
        let read = tokio::time::timeout(QUIET_AT_MOST, reading).await??;
        if read == 0 {
            return Ok(());
        }
        let mut line = match serde_json::from_slice::<ProgressQuestion>(&line) {
            Ok(asked) => serde_json::to_vec(&hub.jobs().progress(asked.progress_of))?,
            Err(_) => serde_json::to_vec(&command(&line, &by, hub).await)?,
        };
        line.push(b'\n');
        write.write_all(&line).await?;
    }
}

async fn command(line: &[u8], by: &str, hub: &HubHandle) -> CommandReply {
    match serde_json::from_slice::<CommandEnvelope>(line) {
        Ok(envelope) => {
            let by = by.to_owned();
            hub.command(CommandEnvelope { by, ..envelope }).await
        }
        Err(_) => CommandReply::Refused {
            rule: "not-a-command".to_owned(),
            message: "命令の形ではありません / this is no command".to_owned(),
        },
    }
}
