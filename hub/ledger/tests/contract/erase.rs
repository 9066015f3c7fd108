//! Erasure, and that nothing personal lies in clear.

use std::path::Path;

use shikaku_ledger::{AppendError, Batch, Draft, KeyOwner, KeyStoreAt};
use shikaku_schemas::event::{Event, RecordErased};
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{InquiryId, Position, RecordId, StreamId};
use sqlx::Connection as _;

use crate::evidence::chunks;
use crate::place::{Place, answer, events, fresh, numbered, observation, record, timed_out};

crate::on_both_databases!(
    an_erased_record_is_unreadable_and_refuses_more,
    streams_about_an_erased_record_go_with_it,
    no_personal_text_lies_in_clear,
);

crate::in_memory_too!(
    an_erased_record_is_unreadable_and_refuses_more,
    streams_about_an_erased_record_go_with_it,
);

fn erased(record: RecordId, version: u64) -> Draft {
    let event = Event::RecordErased(RecordErased {
        ordered_by: "admin".to_owned(),
        reason: "retention".to_owned(),
    });
    let mut draft = Draft::new(event, StreamId::patient(record), version);
    draft.patient = Some(record);
    draft
}

async fn an_erased_record_is_unreadable_and_refuses_more(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let (one, two) = (record(), record());
    writer
        .append(events(vec![
            numbered(one, 0, "A"),
            numbered(two, 0, "B"),
            erased(one, 1),
        ]))
        .await
        .unwrap();
    let before = ledger.record_keys(&[one]).await.unwrap();
    assert!(before[&one].is_some());
    ledger.erase(one).await.unwrap();
    ledger.erase(one).await.unwrap();
    assert_eq!(
        ledger.record_keys(&[one, record()]).await.unwrap(),
        [(one, None)].into()
    );
    let page = ledger.read_page(Position(0), 9).await.unwrap();
    let opened = ledger.open_events(&page).await.unwrap();
    assert_eq!(opened[0].event, None);
    assert!(opened[1].event.is_some());
    // Who ordered it stays known.
    assert!(matches!(opened[2].event, Some(Event::RecordErased(_))));
    assert_eq!(
        ledger.records(&page[..1]).await.unwrap()[0].data,
        serde_json::Value::Null
    );
    for draft in [numbered(one, 2, "C"), erased(one, 2)] {
        let refused = writer.append(events(vec![draft])).await;
        assert!(
            matches!(refused, Err(AppendError::Erased { .. })),
            "{refused:?}"
        );
    }
    writer.close().await.unwrap();

    let ledger = place.open().await;
    let mut writer = place.write(&ledger).await;
    let refused = writer.append(events(vec![numbered(one, 2, "C")])).await;
    assert!(
        matches!(refused, Err(AppendError::Erased { .. })),
        "{refused:?}"
    );
    writer
        .append(events(vec![numbered(two, 1, "C")]))
        .await
        .unwrap();
    writer.close().await.unwrap();
    let report = ledger.verify(|_| {}).await.unwrap();
    assert_eq!(
        (report.events, report.erased, report.first_bad),
        (4, 1, None)
    );
}

async fn streams_about_an_erased_record_go_with_it(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    let (asked, learnt, other) = (InquiryId(fresh()), InquiryId(fresh()), InquiryId(fresh()));
    let about = |inquiry, version| {
        let mut draft = timed_out(inquiry, version);
        draft.key_of = Some(one);
        draft
    };
    writer
        .append(events(vec![
            numbered(one, 0, "A"),
            about(asked, 0),
            timed_out(learnt, 0),
            timed_out(other, 0),
        ]))
        .await
        .unwrap();
    writer
        .append(events(vec![about(learnt, 1), about(asked, 1)]))
        .await
        .unwrap();
    ledger.erase(one).await.unwrap();
    let page = ledger.read_page(Position(0), 9).await.unwrap();
    let opened = ledger.open_events(&page).await.unwrap();
    let readable: Vec<bool> = opened.iter().map(|opened| opened.event.is_some()).collect();
    assert_eq!(readable, [false, false, false, true, false, false]);
    for draft in [
        about(asked, 2),
        timed_out(learnt, 2),
        about(InquiryId(fresh()), 0),
    ] {
        let refused = writer.append(events(vec![draft])).await;
        assert!(
            matches!(refused, Err(AppendError::Erased { .. })),
            "{refused:?}"
        );
    }
    writer
        .append(events(vec![timed_out(other, 1)]))
        .await
        .unwrap();
    writer.close().await.unwrap();
}

async fn no_personal_text_lies_in_clear(place: &Place) {
    const CANARY: &str = "CANARY-7f3a-秘密太郎";
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    let mut parked = answer(observation(), CommitOutcome::Parked);
    parked.observation = Some(CANARY.as_bytes().to_vec());
    let batch = Batch {
        events: vec![numbered(one, 0, CANARY), numbered(one, 1, CANARY)],
        inbox: vec![parked],
        evidence: chunks(place, CANARY.repeat(50).as_bytes(), 700),
        ..Batch::default()
    };
    writer.append(batch).await.unwrap();
    let owner = KeyOwner::Record(one);
    let keys = ledger.keys(std::slice::from_ref(&owner)).await.unwrap();
    let key = *keys[&owner].as_ref().unwrap().as_bytes();
    writer.close().await.unwrap();
    let traces = [
        CANARY.as_bytes(),
        "秘密太郎".as_bytes(),
        b"patient_number",
        key.as_slice(),
    ];
    let none = vec![false; traces.len()];
    assert_eq!(found_in(place.folder.path(), &traces), none);
    assert!(
        lies_in(&place.options.proof_dir, b"\"position\":2"),
        "the search finds what is there"
    );
    if let Some(server) = &place.server {
        // What is still in memory only belongs to the search.
        server.run("hub", "CHECKPOINT").await;
        assert_eq!(found_in(server.folder(), &traces), none);
        let stream = StreamId::patient(one).0;
        assert!(
            lies_in(server.folder(), stream.as_bytes()),
            "the search finds what is there"
        );
    }
}

/// Whether bytes lie anywhere in a folder's files.
fn lies_in(folder: &Path, trace: &[u8]) -> bool {
    found_in(folder, &[trace]) == [true]
}

/// Which of some byte strings lie anywhere in a folder's files.
fn found_in(folder: &Path, traces: &[&[u8]]) -> Vec<bool> {
    let mut found = vec![false; traces.len()];
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder)
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
        {
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                search(&std::fs::read(path).unwrap_or_default(), traces, &mut found);
            }
        }
    }
    found
}

fn search(bytes: &[u8], traces: &[&[u8]], found: &mut [bool]) {
    let mut begins = [false; 256];
    for trace in traces {
        begins[usize::from(trace[0])] = true;
    }
    for (at, byte) in bytes.iter().enumerate() {
        if begins[usize::from(*byte)] {
            for (trace, found) in traces.iter().zip(found.iter_mut()) {
                *found = *found || bytes[at..].starts_with(trace);
            }
        }
    }
}

/// A destroyed key must not linger in the file.
#[tokio::test]
async fn a_destroyed_key_leaves_no_bytes_behind() {
    let place = Place::on_sqlite();
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    writer
        .append(events(vec![numbered(one, 0, "A")]))
        .await
        .unwrap();
    let KeyStoreAt::Sqlite { path } = &place.options.keys.store else {
        unreachable!("an embedded key store")
    };
    let mut connection = place.sqlite(path).await;
    let wrapped: Vec<u8> = sqlx::query_scalar("SELECT wrapped FROM keys")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    assert!(lies_in(place.folder.path(), &wrapped));
    ledger.erase(one).await.unwrap();
    writer.close().await.unwrap();
    assert!(!lies_in(place.folder.path(), &wrapped));
}
