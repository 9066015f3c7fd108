//! Whatever is done to the tables behind the ledger's back is found, with its position.

use shikaku_ledger::{Ledger, LedgerError, VerifyReport, Writer};
use shikaku_schemas::clock::{SystemClock, SystemRandomness};
use shikaku_schemas::value::{Position, RecordId};
use std::sync::Arc;

use crate::place::{Place, events, numbered, record, until};

crate::on_both_databases!(
    a_changed_event_is_found,
    a_removed_event_is_found,
    an_inserted_event_is_found,
    a_reordered_event_is_found,
    a_truncated_ledger_is_found_and_not_written_over,
    a_missing_last_event_is_seen_after_a_crash,
    a_rewritten_history_is_found,
    a_forged_head_is_found,
    a_lost_key_is_found,
    a_head_row_that_does_not_follow_is_found,
);

/// Twelve events of four streams in six commits; signed heads at 6 and 12.
pub(crate) struct Story {
    pub(crate) ledger: Ledger,
    pub(crate) records: Vec<RecordId>,
    /// Statements that set the head row to what it was after so many events.
    heads: Vec<(u64, String)>,
}

pub(crate) async fn tell(place: &Place) -> Story {
    let (ledger, mut writer) = place.begin().await;
    let records: Vec<RecordId> = (0..4).map(|_| record()).collect();
    let mut heads = Vec::new();
    for commit in 0..6u64 {
        let at = |n: u64| (records[usize::try_from(n % 4).unwrap()], n / 4);
        let drafts =
            [commit * 2, commit * 2 + 1].map(|n| numbered(at(n).0, at(n).1, &format!("{n}")));
        writer.append(events(drafts.to_vec())).await.unwrap();
        heads.push((commit * 2 + 2, head_statement(place).await));
        if commit == 2 {
            let signed = place.options.proof_dir.join("heads.jsonl");
            until("the head at 6 is signed", async || {
                std::fs::read_to_string(&signed).is_ok_and(|text| text.contains("\"position\":6,"))
            })
            .await;
        }
    }
    writer.close().await.unwrap();
    let report = ledger.verify(|_| {}).await.unwrap();
    assert_eq!(
        (report.events, report.first_bad, report.last_signed),
        (12, None, Position(12))
    );
    assert!(report.heads >= 2, "{}", report.heads);
    Story {
        ledger,
        records,
        heads,
    }
}

/// An intruder's note of the head row.
async fn head_statement(place: &Place) -> String {
    let (term, commits, position, chain, peaks): (i64, i64, i64, Vec<u8>, Vec<u8>) = {
        let sql = "SELECT term, commits, position, chain, peaks FROM head";
        match &place.server {
            Some(server) => {
                use sqlx::Connection as _;
                let url = server.url("hub");
                let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
                sqlx::query_as(sql)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap()
            }
            None => {
                let path = place.folder.path().join("ledger.db");
                sqlx::query_as(sql)
                    .fetch_one(&mut place.sqlite(&path).await)
                    .await
                    .unwrap()
            }
        }
    };
    let (chain, peaks) = (
        place.bytes(&hex::encode(chain)),
        place.bytes(&hex::encode(peaks)),
    );
    format!(
        "UPDATE head SET term = {term}, commits = {commits}, position = {position}, \
         chain = {chain}, peaks = {peaks};"
    )
}

impl Story {
    async fn verify(&self) -> VerifyReport {
        self.ledger.verify(|_| {}).await.unwrap()
    }

    async fn first_bad(&self) -> u64 {
        let report = self.verify().await;
        report.first_bad.expect("the intrusion is found").position.0
    }

    pub(crate) fn head_at(&self, position: u64) -> &str {
        let found = self.heads.iter().find(|(at, _)| *at == position);
        &found.expect("a commit ended there").1
    }
}

async fn a_changed_event_is_found(place: &Place) {
    let story = tell(place).await;
    let changes = [
        (12, format!("payload = {}", place.bytes(&"00".repeat(60)))),
        (11, "recorded_at = recorded_at + 1".to_owned()),
        (9, "facility = NULL".to_owned()),
        (8, "type = 'verified'".to_owned()),
        (7, "as_of = 0".to_owned()),
        (5, "evidence = ''".to_owned()),
        (3, format!("leaf = {}", place.bytes(&"00".repeat(32)))),
        (2, "schema_version = 2".to_owned()),
    ];
    for (position, change) in changes {
        place
            .intrude(&format!(
                "UPDATE events SET {change} WHERE position = {position}"
            ))
            .await;
        assert_eq!(story.first_bad().await, position, "{change}");
    }
}

async fn a_removed_event_is_found(place: &Place) {
    let story = tell(place).await;
    place
        .intrude("DELETE FROM events WHERE position = 12")
        .await;
    assert_eq!(story.first_bad().await, 12);
    place.intrude("DELETE FROM events WHERE position = 4").await;
    assert_eq!(story.first_bad().await, 4);
    // Closing the gap does not help.
    for position in 5..12 {
        place
            .intrude(&format!(
                "UPDATE events SET position = {position} - 1 WHERE position = {position}"
            ))
            .await;
    }
    assert_eq!(story.first_bad().await, 4);
    place.intrude("DELETE FROM events").await;
    assert_eq!(story.first_bad().await, 1);
}

const COPY: &str = "INSERT INTO events SELECT NEW, EVENT, 'case-x', 1, type, schema_version, recorded_at, \
     facility, patient, observation_id, evidence, as_of, payload, leaf FROM events WHERE position = 3";

async fn an_inserted_event_is_found(place: &Place) {
    let story = tell(place).await;
    let event = match place.server {
        Some(_) => "gen_random_uuid()",
        None => "'0197b0f0-0000-7000-8000-000000000001'",
    };
    let insert = |at: &str| COPY.replace("NEW", at).replace("EVENT", event);
    place.intrude(&insert("13")).await;
    assert_eq!(story.first_bad().await, 13);
    for position in (6..=13).rev() {
        place
            .intrude(&format!(
                "UPDATE events SET position = position + 1 WHERE position = {position}"
            ))
            .await;
    }
    place
        .intrude("DELETE FROM events WHERE position = 14")
        .await;
    place.intrude(&insert("6")).await;
    assert_eq!(story.first_bad().await, 6);
}

async fn a_reordered_event_is_found(place: &Place) {
    let story = tell(place).await;
    for (from, to) in [(8, 99), (9, 8), (99, 9)] {
        place
            .intrude(&format!(
                "UPDATE events SET position = {to} WHERE position = {from}"
            ))
            .await;
    }
    assert_eq!(story.first_bad().await, 8);
}

async fn a_truncated_ledger_is_found_and_not_written_over(place: &Place) {
    let story = tell(place).await;
    let truncate = format!(
        "DELETE FROM events WHERE position > 10; {}",
        story.head_at(10)
    );
    place.intrude(&truncate).await;
    assert_eq!(story.first_bad().await, 11);
    let ledger = place.open().await;
    let refused = Writer::acquire(&ledger, Arc::new(SystemClock), Arc::new(SystemRandomness)).await;
    let Err(LedgerError::Proof { position, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(position, Position(11));
}

/// The process dies before the second is over: only the pending head knows of the last commit.
async fn a_missing_last_event_is_seen_after_a_crash(place: &Place) {
    let story = tell(place).await;
    let path = place.options.proof_dir.join("heads.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: String = text
        .lines()
        .filter(|line| !line.contains("\"position\":12,"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&path, kept).unwrap();
    assert_eq!(story.verify().await.first_bad, None);
    let truncate = format!(
        "DELETE FROM events WHERE position > 10; {}",
        story.head_at(10)
    );
    place.intrude(&truncate).await;
    assert_eq!(story.first_bad().await, 11);
}

/// Somebody who can write everything in the database, and compute every digest, still lacks the signed heads.
async fn a_rewritten_history_is_found(place: &Place) {
    let story = tell(place).await;
    place
        .intrude(&format!(
            "DELETE FROM events WHERE position > 6; {}",
            story.head_at(6)
        ))
        .await;
    let mut elsewhere = place.options.clone();
    elsewhere.proof_dir = place.folder.path().join("elsewhere");
    let forger = Ledger::open(&elsewhere).await.unwrap();
    let mut writer = place.write(&forger).await;
    for n in 6..12u64 {
        let draft = numbered(
            story.records[usize::try_from(n % 4).unwrap()],
            n / 4,
            "forged",
        );
        writer.append(events(vec![draft])).await.unwrap();
    }
    writer.close().await.unwrap();
    assert_eq!(forger.verify(|_| {}).await.unwrap().first_bad, None);
    let report = story.verify().await;
    let bad = report.first_bad.unwrap();
    assert_eq!(bad.position, Position(7), "{bad:?}");
    assert!(bad.reason.contains("signed"), "{bad:?}");
}

async fn a_forged_head_is_found(place: &Place) {
    let story = tell(place).await;
    let path = place.options.proof_dir.join("heads.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let forged = text.replace("\"recorded_at\":\"2026", "\"recorded_at\":\"2025");
    assert_ne!(forged, text);
    std::fs::write(&path, forged).unwrap();
    assert!(story.verify().await.first_bad.is_some());
    std::fs::write(&path, text.replacen("\"root\":\"", "\"root\":\"x", 1)).unwrap();
    assert!(story.verify().await.first_bad.is_some());
    std::fs::write(&path, text.replacen('{', "{,}\n{", 1)).unwrap();
    assert!(story.verify().await.first_bad.is_some());
    std::fs::write(&path, text).unwrap();
    assert_eq!(story.verify().await.first_bad, None);
}

async fn a_lost_key_is_found(place: &Place) {
    let story = tell(place).await;
    drop(story);
    let sql = "DELETE FROM keys";
    match &place.server {
        Some(server) => server.run("hub_keys", sql).await,
        None => {
            let path = place.folder.path().join("keys/keys.db");
            sqlx::query(sql)
                .execute(&mut place.sqlite(&path).await)
                .await
                .unwrap();
        }
    }
    let ledger = place.open().await;
    let report = ledger.verify(|_| {}).await.unwrap();
    assert_eq!(report.first_bad.unwrap().position, Position(1));
}

async fn a_head_row_that_does_not_follow_is_found(place: &Place) {
    let story = tell(place).await;
    let zero = place.bytes(&"00".repeat(32));
    place
        .intrude(&format!("UPDATE head SET chain = {zero}"))
        .await;
    assert!(story.verify().await.first_bad.is_some());
    let ledger = place.open().await;
    let refused = Writer::acquire(&ledger, Arc::new(SystemClock), Arc::new(SystemRandomness)).await;
    assert!(
        matches!(refused, Err(LedgerError::Proof { .. })),
        "{refused:?}"
    );
}
