//! Taking messages over a connection, and settling them.

use std::time::Duration;

use futures::FutureExt as _;
use shikaku_broker::{AckKind, Acker, BrokerError, Kept, Message, Place, Pull, Reply};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Connection, Fate, failed};
use crate::server::Next;

pub(super) struct Puller {
    pub(super) connection: Connection,
    pub(super) stream: String,
    pub(super) consumer: String,
    pub(super) born: u64,
    pub(super) pull: Pull,
    pub(super) explicit: bool,
}

impl Puller {
    pub(super) async fn next(&self) -> Result<Message, BrokerError> {
        let node = &self.connection.node;
        let sky = &node.sky;
        loop {
            node.pass().await;
            if !node.is_up() {
                sleep(self.pull.heartbeat * 2).await;
                return failed("go on giving messages");
            }
            let server = &self.connection.server;
            match server.next(&self.stream, &self.consumer, self.born) {
                Next::Gone => {
                    sleep(self.pull.heartbeat * 2).await;
                    return failed("go on giving messages");
                }
                Next::Wait(changed, until) => {
                    let mut line = node.line();
                    line.mark_unchanged();
                    let until = until.unwrap_or(Instant::now() + self.pull.expires);
                    tokio::select! {
                        biased;
                        () = changed.notified() => {}
                        _ = line.changed() => {}
                        () = sleep_until(until) => {}
                    }
                }
                Next::Message(kept, subject, pending) => {
                    if sky.dice.per_mille(sky.weather().broker_lost / 4) {
                        // Lost on the way: with acknowledgements it comes again, without there is a gap.
                        continue;
                    }
                    return Ok(self.message(kept, subject, pending));
                }
            }
        }
    }

    fn message(&self, kept: Kept, subject: String, pending: u64) -> Message {
        let settler = Settler {
            connection: self.connection.clone(),
            stream: self.stream.clone(),
            consumer: self.consumer.clone(),
            born: self.born,
            sequence: kept.sequence,
            explicit: self.explicit,
        };
        Message {
            subject,
            headers: Some(kept.headers),
            payload: kept.payload,
            place: Some(Place {
                sequence: kept.sequence,
                pending,
            }),
            acker: Box::new(settler),
        }
    }
}

struct Settler {
    connection: Connection,
    stream: String,
    consumer: String,
    born: u64,
    sequence: u64,
    explicit: bool,
}

impl Acker for Settler {
    fn settle(&self, kind: AckKind, confirmed: bool) -> Reply<'_, ()> {
        async move {
            let fate = self.connection.fate().await;
            if fate == Fate::LostBefore {
                return match confirmed {
                    true => failed("take an acknowledgement"),
                    false => Ok(()),
                };
            }
            let now = Instant::now();
            let again = match kind {
                AckKind::Nak(delay) => Some(now + delay.unwrap_or_default()),
                AckKind::Progress => Some(now + Duration::from_secs(60)),
                _ => None,
            };
            if self.explicit {
                let (stream, consumer) = (&self.stream, &self.consumer);
                let server = &self.connection.server;
                server.settle(stream, consumer, self.born, self.sequence, again);
            }
            match fate {
                Fate::LostAfter if confirmed => failed("take an acknowledgement"),
                _ => Ok(()),
            }
        }
        .boxed()
    }
}
