//! NATS behind the port.

mod connection;
mod refusal;

use std::time::Duration;

use async_nats::jetstream::consumer::Config as ConsumerConfig;
use async_nats::jetstream::consumer::pull::Config as PullConfig;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config as StreamConfig, RawMessageErrorKind, Stream};
use async_nats::jetstream::{self, AckKind, Context, ErrorCode};
use async_nats::{Client, Request};
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;

use crate::BrokerError;
use crate::message::{Acker, Answer, Heard, Kept, Message, Outgoing, Place, Stored, StreamInfo};
use crate::port::{Acknowledgement, Heards, Line, Messages, Port, Pull, Reply};
use refusal::{failed, not_stored};

pub(crate) use connection::connect;

/// A connection to a NATS server.
pub(crate) struct Nats {
    client: Client,
    jetstream: Context,
    line: watch::Receiver<Line>,
    connections: watch::Receiver<u64>,
}

impl Nats {
    async fn find(&self, name: &str) -> Result<Stream, BrokerError> {
        self.jetstream
            .get_stream(name)
            .await
            .map_err(|error| match error.kind() {
                GetStreamErrorKind::JetStream(refusal)
                    if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    BrokerError::StreamMissing
                }
                _ => failed("tell of a stream")(error),
            })
    }
}

impl Port for Nats {
    fn line(&self) -> watch::Receiver<Line> {
        self.line.clone()
    }

    fn connections(&self) -> watch::Receiver<u64> {
        self.connections.clone()
    }

    fn say(&self, message: Outgoing) -> Reply<'_, ()> {
        async move {
            let Outgoing {
                subject,
                headers,
                payload,
            } = message;
            let said = if headers.is_empty() {
                self.client.publish(subject, payload).await
            } else {
                self.client
                    .publish_with_headers(subject, headers, payload)
                    .await
            };
            said.map_err(failed("take a message"))
        }
        .boxed()
    }

    fn flush(&self) -> Reply<'_, ()> {
        async move { self.client.flush().await.map_err(failed("flush")) }.boxed()
    }

    fn request(&self, message: Outgoing, within: Duration) -> Reply<'_, Answer> {
        async move {
            let mut request = Request::new().payload(message.payload);
            if !message.headers.is_empty() {
                request = request.headers(message.headers);
            }
            let request = request.timeout(Some(within));
            let answer = self.client.send_request(message.subject, request).await;
            Ok(answer.map_err(failed("answer"))?.payload)
        }
        .boxed()
    }

    fn subscribe(&self, subject: String, queue: Option<String>) -> Reply<'_, Heards> {
        async move {
            let subscribed = match queue {
                Some(queue) => self.client.queue_subscribe(subject, queue).await,
                None => self.client.subscribe(subject).await,
            };
            let heard = |message: async_nats::Message| Heard {
                subject: message.subject.to_string(),
                payload: message.payload,
                reply: message.reply.map(|reply| reply.to_string()),
            };
            Ok(subscribed.map_err(failed("listen"))?.map(heard).boxed())
        }
        .boxed()
    }

    fn send(&self, message: Outgoing) -> Reply<'_, Acknowledgement> {
        async move {
            let Outgoing {
                subject,
                headers,
                payload,
            } = message;
            let sent = self
                .jetstream
                .publish_with_headers(subject, headers, payload);
            let acknowledgement = sent.await.map_err(failed("take a message"))?;
            let stored = async move {
                let ack = acknowledgement.await.map_err(not_stored)?;
                Ok(Stored {
                    sequence: ack.sequence,
                    duplicate: ack.duplicate,
                })
            };
            Ok(stored.boxed())
        }
        .boxed()
    }

    fn stream(&self, name: String) -> Reply<'_, StreamInfo> {
        async move {
            let stream = self.find(&name).await?;
            let info = stream.cached_info();
            Ok(StreamInfo {
                config: info.config.clone(),
                created_ns: info.created.unix_timestamp_nanos(),
                created: info.created.to_string(),
                first_sequence: info.state.first_sequence,
                last_sequence: info.state.last_sequence,
                messages: info.state.messages,
            })
        }
        .boxed()
    }

    fn create_stream(&self, config: StreamConfig) -> Reply<'_, ()> {
        async move {
            let made = self.jetstream.create_stream(config).await;
            made.map(drop).map_err(failed("make a stream"))
        }
        .boxed()
    }

    fn update_stream(&self, config: StreamConfig) -> Reply<'_, ()> {
        async move {
            let changed = self.jetstream.update_stream(config).await;
            changed.map(drop).map_err(failed("change a stream"))
        }
        .boxed()
    }

    fn delete_stream(&self, name: String) -> Reply<'_, ()> {
        async move {
            let deleted = self.jetstream.delete_stream(name).await;
            deleted.map(drop).map_err(failed("delete a stream"))
        }
        .boxed()
    }

    fn message_at(&self, stream: String, sequence: u64) -> Reply<'_, Kept> {
        async move {
            let stream = self.find(&stream).await?;
            match stream.get_raw_message(sequence).await {
                Ok(message) => Ok(kept(message)),
                Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => {
                    Err(BrokerError::MessageMissing)
                }
                Err(error) => Err(failed("give a message back")(error)),
            }
        }
        .boxed()
    }

    fn last_message(&self, stream: String, subject: String) -> Reply<'_, Option<Kept>> {
        async move {
            let stream = self.find(&stream).await?;
            match stream.get_last_raw_message_by_subject(&subject).await {
                Ok(message) => Ok(Some(kept(message))),
                Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => {
                    Ok(None)
                }
                Err(error) => Err(failed("give a message back")(error)),
            }
        }
        .boxed()
    }

    fn consumer(&self, stream: String, name: String) -> Reply<'_, ConsumerConfig> {
        async move {
            let consumer: jetstream::consumer::PullConsumer = self
                .jetstream
                .get_consumer_from_stream(name, stream)
                .await
                .map_err(failed("tell of a consumer"))?;
            Ok(consumer.cached_info().config.clone())
        }
        .boxed()
    }

    fn create_consumer(&self, stream: String, config: PullConfig) -> Reply<'_, String> {
        async move {
            let consumer = self
                .jetstream
                .create_consumer_on_stream(config, stream)
                .await;
            let consumer = consumer.map_err(failed("make a consumer"))?;
            Ok(consumer.cached_info().name.clone())
        }
        .boxed()
    }

    fn delete_consumer(&self, stream: String, name: String) -> Reply<'_, ()> {
        async move {
            let deleted = self
                .jetstream
                .delete_consumer_from_stream(name, stream)
                .await;
            deleted.map(drop).map_err(failed("delete a consumer"))
        }
        .boxed()
    }

    fn reset_consumer(&self, stream: String, name: String, sequence: u64) -> Reply<'_, ()> {
        async move {
            let stream = self.find(&stream).await?;
            let reset = stream.reset_consumer(&name, Some(sequence)).await;
            reset.map(drop).map_err(failed("reset a consumer"))
        }
        .boxed()
    }

    fn messages(&self, stream: String, consumer: String, pull: Pull) -> Reply<'_, Messages> {
        async move {
            let consumer: jetstream::consumer::PullConsumer = self
                .jetstream
                .get_consumer_from_stream(consumer, stream)
                .await
                .map_err(failed("tell of a consumer"))?;
            let messages = consumer
                .stream()
                .max_messages_per_batch(pull.batch)
                .heartbeat(pull.heartbeat)
                .expires(pull.expires)
                .messages()
                .await
                .map_err(failed("let messages be pulled"))?;
            let pulled = |message: Result<jetstream::Message, _>| {
                message
                    .map(incoming)
                    .map_err(failed("go on giving messages"))
            };
            Ok(messages.map(pulled).boxed())
        }
        .boxed()
    }
}

fn kept(message: jetstream::message::StreamMessage) -> Kept {
    Kept {
        sequence: message.sequence,
        headers: message.headers,
        payload: message.payload,
    }
}

fn incoming(message: jetstream::Message) -> Message {
    let place = message.info().ok().map(|info| Place {
        sequence: info.stream_sequence,
        pending: info.pending,
    });
    let (message, acker) = message.split();
    Message {
        subject: message.subject.to_string(),
        headers: message.headers,
        payload: message.payload,
        place,
        acker: Box::new(acker),
    }
}

impl Acker for jetstream::message::Acker {
    fn settle(&self, kind: AckKind, confirmed: bool) -> Reply<'_, ()> {
        async move {
            let told = match confirmed {
                true => self.double_ack_with(kind).await,
                false => self.ack_with(kind).await,
            };
            told.map_err(|source| BrokerError::Failed {
                what: "take an acknowledgement",
                source,
            })
        }
        .boxed()
    }
}
