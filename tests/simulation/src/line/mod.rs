//! One process's connection to the simulated broker: where calls get lost.

mod pull;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::stream::unfold;
use shikaku_broker::{
    AckPolicy, Acknowledgement, Answer, BrokerError, ConsumerConfig, Heards, Kept, Line, Messages,
    Outgoing, Port, Pull, PullConfig, Reply, StreamConfig, StreamInfo,
};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use pull::Puller;

use crate::node::Node;
use crate::server::{Refused, Server, ends_batch};

/// How long a call waits for a broker that is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// One process's connection.
#[derive(Clone)]
pub struct Connection {
    pub node: Arc<Node>,
    pub server: Server,
}

fn failed<T>(what: &'static str) -> Result<T, BrokerError> {
    Err(BrokerError::Failed {
        what,
        source: "it is away".into(),
    })
}

/// What becomes of one call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrives,
    LostBefore,
    LostAfter,
}

impl Connection {
    async fn fate(&self) -> Fate {
        self.node.pass().await;
        if !self.node.is_up() {
            return Fate::LostBefore;
        }
        let sky = &self.node.sky;
        let weather = sky.weather();
        if sky.dice.per_mille(weather.broker_lost) {
            Fate::LostBefore
        } else if sky.dice.per_mille(weather.answer_lost) {
            Fate::LostAfter
        } else {
            Fate::Arrives
        }
    }

    /// One question with its answer.
    fn call<'a, T: Send + 'a>(
        &'a self,
        what: &'static str,
        act: impl FnOnce(&Server) -> Result<T, BrokerError> + Send + 'a,
    ) -> Reply<'a, T> {
        async move {
            let fate = self.fate().await;
            if fate == Fate::LostBefore {
                sleep(PATIENCE).await;
                return failed(what);
            }
            let done = act(&self.server);
            if fate == Fate::LostAfter {
                sleep(PATIENCE).await;
                return failed(what);
            }
            // The answer is on its way too.
            self.node.pass().await;
            done
        }
        .boxed()
    }
}

impl Port for Connection {
    fn line(&self) -> watch::Receiver<Line> {
        self.node.line()
    }

    fn connections(&self) -> watch::Receiver<u64> {
        self.node.connections()
    }

    fn say(&self, message: Outgoing) -> Reply<'_, ()> {
        async move {
            if self.fate().await != Fate::LostBefore {
                self.server.say(message, None);
            }
            Ok(())
        }
        .boxed()
    }

    fn flush(&self) -> Reply<'_, ()> {
        self.call("flush", |_| Ok(()))
    }

    fn request(&self, message: Outgoing, within: Duration) -> Reply<'_, Answer> {
        async move {
            let fate = self.fate().await;
            if fate == Fate::LostBefore {
                sleep(within).await;
                return failed("answer");
            }
            let answer = if ends_batch(&message) {
                let text = match self.server.end_batch(message) {
                    Ok(sequence) => format!("{{\"seq\":{sequence}}}"),
                    Err(Refused::NoStream) => "{\"error\":{\"err_code\":10059}}".to_owned(),
                    Err(_) => "{\"error\":{\"err_code\":10071}}".to_owned(),
                };
                Some(text.into())
            } else {
                let (inbox, answer) = self.server.inbox();
                self.server.say(message, Some(inbox));
                timeout(within, answer).await.ok().and_then(Result::ok)
            };
            match answer {
                Some(answer) if fate == Fate::Arrives => {
                    self.node.pass().await;
                    Ok(answer)
                }
                Some(_) => {
                    sleep(within).await;
                    failed("answer")
                }
                None => failed("answer"),
            }
        }
        .boxed()
    }

    fn subscribe(&self, subject: String, queue: Option<String>) -> Reply<'_, Heards> {
        async move {
            self.node.pass().await;
            let heards = self.server.subscribe(&self.node, subject, queue);
            let node = self.node.clone();
            let heards = unfold((heards, node), async |(mut heards, node)| {
                let heard = heards.recv().await?;
                node.pass().await;
                Some((heard, (heards, node)))
            });
            Ok(heards.boxed())
        }
        .boxed()
    }

    fn send(&self, message: Outgoing) -> Reply<'_, Acknowledgement> {
        async move {
            let fate = self.fate().await;
            let stored = (fate != Fate::LostBefore).then(|| self.server.store(message));
            let node = self.node.clone();
            let acknowledgement = async move {
                match stored {
                    Some(Ok(stored)) if fate == Fate::Arrives => {
                        node.pass().await;
                        Ok(stored)
                    }
                    Some(Err(Refused::WrongLastSequence(last))) => {
                        node.pass().await;
                        Err(BrokerError::OutOfSequence { last })
                    }
                    Some(Err(_)) => {
                        node.pass().await;
                        failed("take a message")
                    }
                    _ => {
                        sleep(PATIENCE).await;
                        failed("confirm a message")
                    }
                }
            };
            Ok(acknowledgement.boxed())
        }
        .boxed()
    }

    fn stream(&self, name: String) -> Reply<'_, StreamInfo> {
        self.call("tell of a stream", move |server| {
            server.stream(&name).ok_or(BrokerError::StreamMissing)
        })
    }

    fn create_stream(&self, config: StreamConfig) -> Reply<'_, ()> {
        self.call("make a stream", |server| {
            server.create_stream(config);
            Ok(())
        })
    }

    fn update_stream(&self, config: StreamConfig) -> Reply<'_, ()> {
        self.call("change a stream", |server| {
            server.update_stream(config);
            Ok(())
        })
    }

    fn delete_stream(&self, name: String) -> Reply<'_, ()> {
        self.call("delete a stream", move |server| {
            server.delete_stream(&name);
            Ok(())
        })
    }

    fn message_at(&self, stream: String, sequence: u64) -> Reply<'_, Kept> {
        self.call("give a message back", move |server| {
            match server.message_at(&stream, sequence) {
                Some(kept) => Ok(kept),
                None => Err(BrokerError::MessageMissing),
            }
        })
    }

    fn last_message(&self, stream: String, subject: String) -> Reply<'_, Option<Kept>> {
        self.call("give a message back", move |server| {
            match server.stream(&stream) {
                Some(_) => Ok(server.last_message(&stream, &subject)),
                None => Err(BrokerError::StreamMissing),
            }
        })
    }

    fn consumer(&self, stream: String, name: String) -> Reply<'_, ConsumerConfig> {
        self.call("tell of a consumer", move |server| {
            match server.consumer(&stream, &name) {
                Some(config) => Ok(config),
                None => failed("tell of a consumer"),
            }
        })
    }

    fn create_consumer(&self, stream: String, config: PullConfig) -> Reply<'_, String> {
        self.call("make a consumer", move |server| {
            match server.create_consumer(&stream, config) {
                Some(name) => Ok(name),
                None => failed("make a consumer"),
            }
        })
    }

    fn delete_consumer(&self, stream: String, name: String) -> Reply<'_, ()> {
        self.call("delete a consumer", move |server| {
            match server.delete_consumer(&stream, &name) {
                true => Ok(()),
                false => failed("delete a consumer"),
            }
        })
    }

    fn reset_consumer(&self, _: String, _: String, _: u64) -> Reply<'_, ()> {
        self.call("reset a consumer", |_| failed("reset a consumer"))
    }

    fn messages(&self, stream: String, consumer: String, pull: Pull) -> Reply<'_, Messages> {
        async move {
            let found = self.call("let messages be pulled", |server| {
                let born = server.born(&stream);
                match (born, server.consumer(&stream, &consumer)) {
                    (Some(born), Some(config)) => Ok((born, config.ack_policy)),
                    _ => failed("let messages be pulled"),
                }
            });
            let (born, policy) = found.await?;
            let puller = Puller {
                connection: self.clone(),
                stream: stream.clone(),
                consumer: consumer.clone(),
                born,
                pull,
                explicit: policy != AckPolicy::None,
            };
            let messages = unfold(Some(puller), async |puller| {
                let puller = puller?;
                match puller.next().await {
                    Ok(message) => Some((Ok(message), Some(puller))),
                    // After an error there is nothing more.
                    Err(error) => Some((Err(error), None)),
                }
            });
            Ok(messages.boxed())
        }
        .boxed()
    }
}
