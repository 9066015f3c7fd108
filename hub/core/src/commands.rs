//! Commands over request and reply, `shikaku.cmd.<facility>.<kind>`.

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use shikaku_broker::{Broker, Heard};
use shikaku_schemas::command::{CommandEnvelope, CommandReply};
use tokio_util::sync::CancellationToken;

use crate::HubHandle;
use crate::error::Cause;

const SUBJECTS: &str = "shikaku.cmd.>";
/// Commands in flight; further ones wait in the subscription.
const AT_ONCE: usize = 64;

/// Answers until `cancel`.
pub(crate) async fn run(
    broker: Broker,
    hub: HubHandle,
    cancel: CancellationToken,
) -> Result<(), Cause> {
    let mut requests = broker.queue_subscribe(SUBJECTS, "hub").await?;
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            Some(done) = running.next(), if !running.is_empty() => done?,
            request = requests.next(), if running.len() < AT_ONCE => {
                let request = request.ok_or("the subscription to commands ended")?;
                running.push(answer(&broker, &hub, request).boxed());
            }
        }
    }
}

async fn answer(broker: &Broker, hub: &HubHandle, request: Heard) -> Result<(), Cause> {
    let Some(to) = request.reply else {
        return Ok(());
    };
    let reply = match serde_json::from_slice::<CommandEnvelope>(&request.payload) {
        Ok(envelope) if request.subject.ends_with(envelope.command.kind()) => {
            hub.command(envelope).await
        }
        Ok(_) => refused(
            "subject-differs",
            "件名と内容が一致しません / subject and body differ",
        ),
        Err(_) => refused("malformed", "命令を読めません / the command can't be read"),
    };
    broker.publish(to, serde_json::to_vec(&reply)?).await?;
    Ok(())
}

/// A refusal by the name of its rule.
pub(crate) fn refused(rule: &str, message: &str) -> CommandReply {
    CommandReply::Refused {
        rule: rule.to_owned(),
        message: message.to_owned(),
    }
}
