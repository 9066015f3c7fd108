//! What the connection itself keeps.

use std::time::Duration;

use futures::StreamExt as _;
use shikaku_broker::{
    AckKind, AckPolicy, Broker, BrokerOptions, HeaderMap, Message, Outgoing, Pull, PullConfig,
    RetentionPolicy, StreamConfig,
};

use crate::broker::{Server, password};
use crate::stage::until;

const STREAM: &str = "TASKS";
const DURABLE: &str = "terminal";

/// Makes the stream and stores one message in it, which is its first.
async fn store_first(broker: &Broker, body: &'static str) {
    let stream = StreamConfig {
        name: STREAM.to_owned(),
        subjects: vec!["shikaku.task.>".to_owned()],
        retention: RetentionPolicy::WorkQueue,
        ..StreamConfig::default()
    };
    let durable = PullConfig {
        durable_name: Some(DURABLE.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ..PullConfig::default()
    };
    broker.create_stream(stream).await.unwrap();
    broker.create_consumer(STREAM, durable).await.unwrap();
    let message = Outgoing {
        subject: "shikaku.task.any".to_owned(),
        headers: HeaderMap::new(),
        payload: body.into(),
    };
    let stored = broker.send(message).await.unwrap().await.unwrap();
    assert_eq!(stored.sequence, 1);
}

async fn pull_one(broker: &Broker) -> Message {
    let pull = Pull {
        batch: 1,
        heartbeat: Duration::from_secs(5),
        expires: Duration::from_secs(30),
    };
    let mut messages = broker.messages(STREAM, DURABLE, pull).await.unwrap();
    messages.next().await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_settles_nothing_over_a_later_line() {
    let mut server = Server::start();
    let options = BrokerOptions {
        url: server.url(),
        user: "hub".to_owned(),
        password: password("hub"),
        ca_file: None,
    };
    let broker = Broker::connect(options).await.unwrap();
    until("the line is up", async || broker.is_up().then_some(())).await;
    store_first(&broker, "the one that is lost").await;
    let lost = pull_one(&broker).await;

    let mut connections = broker.connections.clone();
    connections.mark_unchanged();
    server.kill();
    server.restart(true);
    connections.changed().await.unwrap();
    store_first(&broker, "another in its place").await;
    let other = pull_one(&broker).await;
    assert_eq!(other.place.unwrap().sequence, lost.place.unwrap().sequence);

    assert!(lost.double_ack_with(AckKind::Ack).await.is_err());
    assert_eq!(broker.stream(STREAM).await.unwrap().messages, 1);
    other.double_ack_with(AckKind::Ack).await.unwrap();
    until("it is settled", async || {
        let info = broker.stream(STREAM).await.unwrap();
        (info.messages == 0).then_some(())
    })
    .await;
}
