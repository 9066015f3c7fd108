//! The table of `schemas::topology`, tried on the real server.

use async_nats::jetstream::{self, consumer::pull, stream};
use futures::StreamExt as _;
use serde_json::json;

use crate::server::{Server, User};

const FEED: &str = "shikaku.feed.department.1319912349.assistance-changed";

/// What the hub provisions, as far as this test needs it.
async fn provision(hub: &User) {
    let jetstream = jetstream::new(hub.client.clone());
    for (name, subject) in [
        ("FEED_DEPARTMENT", "shikaku.feed.department.>"),
        ("FEED_RECEIPT", "shikaku.feed.receipt.>"),
        ("LOG", "shikaku.log.*"),
        ("OBSERVATIONS", "shikaku.obs.>"),
        ("PARKED", "shikaku.parked.*"),
    ] {
        let made = jetstream.create_stream(stream::Config {
            name: name.to_owned(),
            subjects: vec![subject.to_owned()],
            ..stream::Config::default()
        });
        made.await.unwrap();
    }
    for (stream, durable) in [("FEED_DEPARTMENT", "ward-3"), ("FEED_RECEIPT", "receipt-a")] {
        let made = jetstream.create_consumer_on_stream(
            pull::Config {
                durable_name: Some(durable.to_owned()),
                ..pull::Config::default()
            },
            stream,
        );
        made.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_reads_its_feed_and_asks_its_own_state() {
    let server = Server::start();
    let hub = server.connect("hub").await;
    provision(&hub).await;
    let mut ward = server.connect("ward-3").await;

    let credentials = server.credentials("ward-3");
    assert_eq!(credentials["stream"], "FEED_DEPARTMENT");
    assert_eq!(credentials["durable"], "ward-3");
    let info = ward
        .asks("$JS.API.CONSUMER.INFO.FEED_DEPARTMENT.ward-3", "")
        .await;
    assert_eq!(info["name"], "ward-3", "{info}");

    let publisher = jetstream::new(hub.client.clone());
    publisher
        .publish(FEED, "{\"assistance\":\"yes\"}".into())
        .await
        .unwrap()
        .await
        .unwrap();
    let durable: jetstream::consumer::PullConsumer = jetstream::new(ward.client.clone())
        .get_consumer_from_stream("ward-3", "FEED_DEPARTMENT")
        .await
        .unwrap();
    let mut fetched = durable.fetch().max_messages(1).messages().await.unwrap();
    let message = fetched.next().await.unwrap().unwrap();
    assert_eq!(message.subject.as_str(), FEED);
    message.double_ack().await.unwrap();

    // Whoever answers learns from the subject who asks, not from what the asker says.
    let mut projections = server.connect("projections").await;
    let mut asked = projections
        .client
        .subscribe("shikaku.svc-of.>")
        .await
        .unwrap();
    // An answer on the same line: the server has read the subscription before.
    projections.asks("$JS.API.STREAM.INFO.LOG", "").await;
    let responder = tokio::spawn(async move {
        let request = asked.next().await.unwrap();
        let answer = json!({ "subject": request.subject.as_str() }).to_string();
        let reply = request.reply.unwrap();
        projections
            .client
            .publish(reply, answer.into())
            .await
            .unwrap();
        projections.client.flush().await.unwrap();
        projections
    });
    let answer = ward
        .asks("shikaku.svc.department.1319912349.state", "{}")
        .await;
    assert_eq!(answer["subject"], "shikaku.svc-of.ward-3.state");
    responder.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_is_refused_what_is_not_its_own() {
    let server = Server::start();
    let hub = server.connect("hub").await;
    provision(&hub).await;
    type Case = (
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    );
    let cases: [Case; 6] = [
        (
            "ward-3",
            &[
                "$JS.API.CONSUMER.MSG.NEXT.FEED_RECEIPT.receipt-a",
                "$JS.API.CONSUMER.CREATE.FEED_DEPARTMENT",
                "$JS.API.DIRECT.GET.FEED_DEPARTMENT",
                "$JS.API.STREAM.INFO.FEED_DEPARTMENT",
                "shikaku.svc.receipt.1319912349.state",
                "shikaku.svc-of.receipt-a.state",
                FEED,
            ],
            &[">", "shikaku.>", "$JS.>", "_INBOX_hub.>"],
        ),
        (
            "terminal",
            &[
                "shikaku.obs.1319912349.card-reader.r1.card-presented",
                "shikaku.committed.1319912349.terminal.t1",
                "shikaku.log.verified",
                "shikaku.cmd.group.link-records",
                "shikaku.keys.open",
                "$JS.API.STREAM.MSG.GET.OBSERVATIONS",
                "$JS.API.CONSUMER.CREATE.OBSERVATIONS",
                "$JS.API.CONSUMER.MSG.NEXT.OBSERVATIONS.intake",
            ],
            &["shikaku.>", "shikaku.task.>", "_INBOX.>", "_INBOX_hub.>"],
        ),
        (
            "card-reader",
            &[
                "shikaku.obs.1319912349.terminal.t1.oqs-answer",
                "shikaku.evidence.1319912349.card-reader.r1",
                "shikaku.committed.1319912349.card-reader.r1",
                "shikaku.parked.terminal",
                "shikaku.cmd.group.link-records",
                "shikaku.keys.open",
                "$JS.API.STREAM.INFO.TASKS",
                "$JS.API.CONSUMER.MSG.NEXT.OBSERVATIONS.intake",
            ],
            &[
                "shikaku.>",
                "shikaku.obs.>",
                "shikaku.task.>",
                "_INBOX_terminal.>",
            ],
        ),
        (
            "projections",
            &[
                "shikaku.log.verified",
                "shikaku.obs.1319912349.terminal.t1.oqs-answer",
                "shikaku.cmd.group.link-records",
                "$JS.API.STREAM.CREATE.SPY",
                "$JS.API.STREAM.PURGE.LOG",
                "$JS.API.CONSUMER.CREATE.FEED_RECEIPT",
                "$JS.API.CONSUMER.CREATE.OBSERVATIONS",
                "$JS.API.CONSUMER.MSG.NEXT.FEED_RECEIPT.receipt-a",
            ],
            &["shikaku.obs.>", "shikaku.cmd.>", "_INBOX_hub.>"],
        ),
        (
            "api",
            &[
                "shikaku.log.verified",
                "shikaku.feed.receipt.1319912349.verified",
                "$JS.API.INFO",
                "$JS.API.DIRECT.GET.LOG",
            ],
            &["shikaku.>", "_INBOX_projections.>"],
        ),
        (
            "operator",
            &[
                "shikaku.keys.open",
                "shikaku.parked.hub",
                "$JS.API.STREAM.MSG.GET.LOG",
                "$JS.API.STREAM.DELETE.PARKED",
            ],
            &["shikaku.>", "_INBOX_hub.>"],
        ),
    ];
    for (name, publishes, subscribes) in cases {
        let mut user = server.connect(name).await;
        for subject in publishes {
            user.must_not_publish(subject).await;
        }
        for subject in subscribes {
            user.must_not_subscribe(subject).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hubs_answers_reach_whoever_asks() {
    let server = Server::start();
    let hub = server.connect("hub").await;
    let mut requests = hub.client.subscribe("shikaku.>").await.unwrap();
    hub.client.flush().await.unwrap();
    let answering = tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            if let Some(reply) = request.reply {
                hub.client.publish(reply, "{}".into()).await.unwrap();
            }
        }
    });
    for (name, subject) in [
        ("api", "shikaku.cmd.1319912349.inquire-ticket"),
        ("operator", "shikaku.cmd.group.link-records"),
        ("projections", "shikaku.keys.open"),
    ] {
        server.connect(name).await.asks(subject, "{}").await;
    }
    answering.abort();
}
