//! `LOG` is the ledger's copy, whatever happens to it, to the broker and to the hub.

use async_nats::jetstream;
use futures::future::join_all;
use shikaku_core::HubError;
use shikaku_schemas::observation::CommitOutcome;

use crate::seen::{file, somebody};
use crate::stage::{Stage, until};

const AT: &str = "2026-05-11T00:15:00Z";

async fn see(stage: &Stage, range: std::ops::Range<u32>) {
    let seen: Vec<_> = range
        .map(|n| file("t1", &format!("{n}"), somebody(n).with_ticket(AT)))
        .collect();
    join_all(seen.iter().map(|seen| stage.publish(seen))).await;
    for seen in &seen {
        assert_eq!(stage.told(seen).await, CommitOutcome::Recorded);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_log_is_filled_again_while_the_hub_runs() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    see(&stage, 0..150).await;
    stage.log_equals_ledger().await;
    let jetstream = jetstream::new(stage.tester.clone());
    jetstream.delete_stream("LOG").await.unwrap();
    see(&stage, 150..160).await;
    stage.log_equals_ledger().await;
    // Also when nothing is committed any more.
    jetstream.delete_stream("LOG").await.unwrap();
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
}

/// T12: the relay copies each event once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_another_story_is_thrown_away() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    see(&stage, 0..5).await;
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
    // Behind the hub's back: one more message than there are events.
    let jetstream = jetstream::new(stage.tester.clone());
    jetstream
        .publish("shikaku.log.verified", "{}".into())
        .await
        .unwrap()
        .await
        .unwrap();
    let hub = stage.hub().await;
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
    // And one message in place of another.
    let stream = jetstream.get_stream("LOG").await.unwrap();
    let last = stream.cached_info().state.last_sequence;
    stream.delete_message(last).await.unwrap();
    let hub = stage.hub().await;
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
}

/// A hub of an earlier epoch that slept through a restore and wakes copies the same events under its own epoch; readers
/// of a mixed `LOG` would begin anew for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_with_messages_of_an_earlier_epoch_is_thrown_away() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    see(&stage, 0..5).await;
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
    let jetstream = jetstream::new(stage.tester.clone());
    let mut log = jetstream.get_stream("LOG").await.unwrap();
    let info = log.info().await.unwrap().clone();
    let mut messages = Vec::new();
    for sequence in 1..=info.state.last_sequence {
        messages.push(log.get_raw_message(sequence).await.unwrap());
    }
    jetstream.delete_stream("LOG").await.unwrap();
    jetstream.create_stream(info.config).await.unwrap();
    for message in messages {
        let mut headers = message.headers;
        if message.sequence > 3 {
            headers.insert("shikaku-epoch", "0");
        }
        let copy = jetstream.publish_with_headers(message.subject, headers, message.payload);
        copy.await.unwrap().await.unwrap();
    }
    let hub = stage.hub().await;
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
}

/// Seeds 1007629 and 1012787 of the simulation: two histories of one epoch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_log_remembers_more_of_is_not_written_on() {
    let mut stage = Stage::new().await;
    let hub = stage.hub().await;
    see(&stage, 0..5).await;
    hub.stop().await.unwrap();
    stage.back_up();
    let hub = stage.hub().await;
    see(&stage, 5..10).await;
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
    let told = stage.events().await.len() as u64;

    stage.put_back_on_a_new_machine().await;
    let left = stage.events().await.len() as u64;
    assert!(left < told);
    for _ in 0..2 {
        let (_, _cancel, ended) = stage.stand_by();
        let refused = ended.await.unwrap();
        let expected = (told, left);
        assert!(
            matches!(refused, Err(HubError::PutBack { told, ledger }) if (told, ledger) == expected),
            "{refused:?}"
        );
    }
    assert_eq!(stage.events().await.len() as u64, left);
    let jetstream = jetstream::new(stage.tester.clone());
    let mut log = jetstream.get_stream("LOG").await.unwrap();
    assert_eq!(log.info().await.unwrap().state.last_sequence, told);

    stage.begin_epoch().await;
    let hub = stage.hub().await;
    see(&stage, 10..12).await;
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
}

/// T12: the relay copies each event once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_message_between_two_batches_is_noticed() {
    let stage = Stage::new().await;
    let hub = stage.hub().await;
    see(&stage, 0..5).await;
    stage.log_equals_ledger().await;
    let jetstream = jetstream::new(stage.tester.clone());
    for n in 0..3 {
        let foreign = jetstream.publish("shikaku.log.verified", "{}".into());
        foreign.await.unwrap().await.unwrap();
        see(&stage, 5 + n..6 + n).await;
        stage.log_equals_ledger().await;
    }
    hub.stop().await.unwrap();
}

/// T1: no acknowledged event is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hubs_and_brokers_die_and_every_file_is_recorded_once() {
    let mut stage = Stage::new().await;
    let mut hub = stage.hub().await;
    for round in 0..6 {
        let range = round * 40..(round + 1) * 40;
        let seen: Vec<_> = range
            .clone()
            .map(|n| file("t1", &format!("{n}"), somebody(n).with_ticket(AT)))
            .collect();
        join_all(seen.iter().map(|seen| stage.publish(seen))).await;
        match round % 3 {
            0 => {
                hub.abort().await;
                hub = stage.hub().await;
            }
            1 => {
                stage.server.kill();
                stage.server.restart(false);
            }
            _ => {
                stage.server.kill();
                stage.server.restart(true);
            }
        }
        // As the spool does: what nobody answered is published again.
        join_all(seen.iter().map(|seen| stage.publish(seen))).await;
        for seen in &seen {
            stage.told(seen).await;
        }
    }
    let events = stage.events().await;
    let verified = events
        .iter()
        .filter(|event| event.head.kind == "verified")
        .count();
    assert_eq!(verified, 240);
    stage.log_equals_ledger().await;
    hub.stop().await.unwrap();
}

/// T14: a broker or a node of it lost: streams are refilled, consumers go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_broker_gets_its_streams_and_durables_again() {
    let mut stage = Stage::new().await;
    let hub = stage.hub().await;
    see(&stage, 0..3).await;
    stage.server.kill();
    stage.server.restart(true);
    let jetstream = jetstream::new(stage.tester.clone());
    for (stream, durable) in [
        ("OBSERVATIONS", "intake"),
        ("TASKS", "terminal-1319912349-t2"),
        ("FEED_DEPARTMENT", "ward-3"),
    ] {
        until("the durable is there", || async {
            let found = jetstream
                .get_consumer_from_stream::<jetstream::consumer::pull::Config, _, _>(
                    durable, stream,
                )
                .await;
            found.ok()
        })
        .await;
    }
    stage.log_equals_ledger().await;
    see(&stage, 3..6).await;
    hub.stop().await.unwrap();
}
