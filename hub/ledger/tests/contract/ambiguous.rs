//! The line breaks around COMMIT.

use std::time::Duration;

use shikaku_ledger::{AppendError, Batch, Database, KeyStoreAt, LedgerOptions};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{Position, RecordId};

use crate::place::{Place, answer, events, numbered, observation, record};
use crate::proxy::{Fault, Proxy};

async fn behind_a_proxy() -> (Place, Proxy) {
    let mut place = Place::on_postgres().await;
    let server = place.server.as_ref().unwrap();
    let proxy = Proxy::start(&server.socket()).await;
    let url = server.url("hub_keys");
    let mut options: LedgerOptions = place.options.clone();
    options.keys.store = KeyStoreAt::Postgres { url };
    options.database = Database::Postgres {
        url: proxy.url("hub"),
    };
    place.options = options;
    (place, proxy)
}

/// Twenty events, so that the message is no small one.
fn many(record: RecordId, from: u64) -> Batch {
    events(
        (from..from + 20)
            .map(|version| numbered(record, version, "A"))
            .collect(),
    )
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_recognised() {
    let (place, proxy) = behind_a_proxy().await;
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    writer.append(many(one, 0)).await.unwrap();
    proxy.set(Fault::LoseAnswer);
    let done = writer.append(many(one, 20)).await.unwrap();
    assert_eq!((done.first, done.last), (Position(21), Position(40)));
    assert_eq!(ledger.head().await.unwrap().position, Position(40));
    writer.append(many(one, 40)).await.unwrap();
    writer.close().await.unwrap();
    let report = ledger.verify(|_| {}).await.unwrap();
    assert_eq!((report.events, report.first_bad), (60, None));
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_unavailable_and_can_be_repeated() {
    let (place, proxy) = behind_a_proxy().await;
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    writer.append(many(one, 0)).await.unwrap();
    proxy.set(Fault::LoseRequest);
    let refused = writer.append(many(one, 20)).await;
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(ledger.head().await.unwrap().position, Position(20));
    let done = writer.append(many(one, 20)).await.unwrap();
    assert_eq!(done.last, Position(40));
    writer.close().await.unwrap();
}

/// T5: a command has one effect and one answer.
#[tokio::test]
async fn a_commit_of_unknown_outcome_is_told_by_the_inbox_later() {
    let (place, proxy) = behind_a_proxy().await;
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    writer.append(many(one, 0)).await.unwrap();
    proxy.set(Fault::LoseAnswerAndDie);
    let id = observation();
    let mut batch = many(one, 20);
    batch.inbox = vec![answer(id, CommitOutcome::Recorded)];
    let unknown = writer.append(batch.clone()).await;
    assert!(
        matches!(unknown, Err(AppendError::Ambiguous(_))),
        "{unknown:?}"
    );
    proxy.set(Fault::None);
    assert_eq!(writer.recover().await.unwrap().position, Position(40));
    let known = ledger.inbox(&[id]).await.unwrap();
    assert_eq!(known[&id].outcome, CommitOutcome::Recorded);
    assert!(matches!(
        writer.append(batch).await,
        Err(AppendError::Conflict { .. })
    ));
    writer.append(many(one, 40)).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(ledger.verify(|_| {}).await.unwrap().first_bad, None);
}

/// An append that is given up half-way leaves no doubt behind.
#[tokio::test]
async fn a_dropped_append_is_found_out_by_the_next() {
    let (place, _proxy) = behind_a_proxy().await;
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    writer.append(many(one, 0)).await.unwrap();
    let mut next = 20;
    for polls in 1..40 {
        {
            let mut append = std::pin::pin!(writer.append(many(one, next)));
            for _ in 0..polls {
                if futures::poll!(append.as_mut()).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let head = writer.recover().await.unwrap();
        assert!(head.position.0 == next || head.position.0 == next + 20);
        next = head.position.0;
    }
    let done = writer.append(many(one, next)).await.unwrap();
    assert_eq!(done.last.0, next + 20);
    writer.close().await.unwrap();
    assert_eq!(ledger.verify(|_| {}).await.unwrap().first_bad, None);
}

/// T5: a command has one effect and one answer.
/// A commit that waits for a standby is there for all to see once its session is ended, whether the standby has it or
/// not. It is told only when the standby has.
#[tokio::test]
async fn a_commit_that_the_standby_lacks_is_not_told() {
    let place = Place::on_postgres().await;
    let server = place.server.as_ref().unwrap();
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    writer.append(many(one, 0)).await.unwrap();
    let wait_for = "ALTER SYSTEM SET synchronous_standby_names = 'nobody'";
    server.run("postgres", wait_for).await;
    server.run("postgres", "SELECT pg_reload_conf()").await;
    let mut next = 20;
    let told = loop {
        let told = tokio::select! {
            told = writer.append(many(one, next)) => told,
            never = end_what_waits(&place) => match never {},
        };
        match told {
            // The server had not read the setting yet.
            Ok(_) if next < 400 => next += 20,
            told => break told,
        }
    };
    assert!(matches!(told, Err(AppendError::Ambiguous(_))), "{told:?}");
    let wait_no_more = "ALTER SYSTEM RESET synchronous_standby_names";
    server.run("postgres", wait_no_more).await;
    server.run("postgres", "SELECT pg_reload_conf()").await;
    crate::place::until("the writer knows", async || writer.recover().await.is_ok()).await;
    assert_eq!(writer.head().position, Position(next + 20));
    assert_eq!(ledger.head().await.unwrap().position, Position(next + 20));
    writer.close().await.unwrap();
}

/// As an operator may do who sees a session hang.
async fn end_what_waits(place: &Place) -> std::convert::Infallible {
    loop {
        place
            .intrude(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE application_name = 'shikaku-writer' AND wait_event = 'SyncRep'",
            )
            .await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_standby_whose_server_is_gone_without_a_word_connects_again() {
    let (place, proxy) = behind_a_proxy().await;
    let (_ledger, writer) = place.begin().await;
    let other = place.open().await;
    let mut standby = Box::pin(place.write(&other));
    let early = tokio::time::timeout(Duration::from_millis(700), standby.as_mut()).await;
    assert!(early.is_err(), "two writers at once");
    proxy.set(Fault::Gone);
    drop(writer);
    let second = tokio::time::timeout(Duration::from_secs(20), standby).await;
    assert_eq!(second.expect("it connects again").head().term, 2);
}

/// T13: a database that may forget a commit is refused by its setting's name.
/// A standby that was promoted has settings of its own.
#[tokio::test]
async fn a_writer_that_meets_a_server_that_may_forget_commits_nothing() {
    let place = Place::on_postgres().await;
    let server = place.server.as_ref().unwrap();
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    writer.append(many(one, 0)).await.unwrap();
    let forget = "ALTER DATABASE hub SET synchronous_commit = local";
    server.run("postgres", forget).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shikaku-writer'";
    server.run("postgres", end).await;
    let recovered = writer.recover().await;
    assert!(
        matches!(recovered, Err(AppendError::Unavailable(_))),
        "{recovered:?}"
    );
    assert_eq!(ledger.head().await.unwrap().position, Position(20));
    let keep = "ALTER DATABASE hub RESET synchronous_commit";
    server.run("postgres", keep).await;
    writer.recover().await.unwrap();
    assert_eq!(
        writer.append(many(one, 20)).await.unwrap().last,
        Position(40)
    );
    writer.close().await.unwrap();
}
