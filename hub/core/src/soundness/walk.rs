//! The broker checks what it stored when it reads it, and not before: each message is asked for once a day, and after
//! each time the broker was away.

use std::time::Duration;

use futures::future::try_join_all;
use shikaku_broker::{Broker, BrokerError, StreamInfo};
use shikaku_schemas::topology::StreamSpec;
use tokio::time::Instant;

use super::Damage;

const AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// Messages of a stream that are asked for at one look: a million within half an hour.
const STRETCH: u64 = 4096;
/// Asked for at once.
const AT_ONCE: u64 = 64;

/// How far a stream has been read.
#[derive(Default)]
pub(super) struct Walk {
    born: i128,
    read: u64,
    ended: Option<Instant>,
}

impl Walk {
    /// Reads the next stretch.
    pub(super) async fn go_on(
        &mut self,
        broker: &Broker,
        stream: &StreamSpec,
    ) -> Result<Option<Damage>, BrokerError> {
        if self.ended.is_some_and(|ended| ended.elapsed() < AGAIN) {
            return Ok(None);
        }
        let info = match broker.stream(&stream.name).await {
            Ok(info) => info,
            Err(BrokerError::StreamMissing) => return Ok(None),
            Err(error) => return Err(error),
        };
        if self.born != info.created_ns || self.ended.is_some() {
            *self = Self {
                born: info.created_ns,
                ..Self::default()
            };
        }
        let next = info.first_sequence.max(self.read + 1);
        let end = info.last_sequence.min(next + STRETCH - 1);
        let mut at = next;
        while at <= end {
            let upto = end.min(at + AT_ONCE - 1);
            let missing = missing(broker, stream, at..=upto).await?;
            if let Some(sequence) = missing
                && is_damage(&broker.stream(&stream.name).await?, &info, sequence)
            {
                return Ok(Some(Damage::Unreadable { sequence }));
            }
            self.read = upto;
            at = upto + 1;
        }
        self.ended = (end == info.last_sequence).then(Instant::now);
        Ok(None)
    }
}

/// A message went missing, and the stream neither let go of it meanwhile nor has room for a hole.
fn is_damage(now: &StreamInfo, before: &StreamInfo, missing: u64) -> bool {
    let whole = now.last_sequence + 1 - now.first_sequence == now.messages;
    now.created_ns == before.created_ns
        && (now.first_sequence..=now.last_sequence).contains(&missing)
        && whole
}

/// The first message that the broker can't give.
async fn missing(
    broker: &Broker,
    stream: &StreamSpec,
    sequences: std::ops::RangeInclusive<u64>,
) -> Result<Option<u64>, BrokerError> {
    let asked = sequences.map(|sequence| async move {
        match broker.message_at(&stream.name, sequence).await {
            Ok(_) => Ok(None),
            Err(BrokerError::MessageMissing) => Ok(Some(sequence)),
            Err(error) => Err(error),
        }
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().next())
}
