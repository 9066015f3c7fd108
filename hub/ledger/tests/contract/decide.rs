//! What is committed beside events: answers, identity keys, cases.

use shikaku_ledger::{AppendError, Batch, CaseChange, IdentityKey, InboxRow, KeyKind};
use shikaku_schemas::event::CaseReason;
use shikaku_schemas::observation::CommitOutcome;
use shikaku_schemas::value::{CaseId, FacilityCode, Position, RecordId};

use crate::place::{FACILITY, Place, answer, events, fresh, numbered, observation, record};

crate::on_both_databases!(
    an_answer_is_given_once_and_for_ever,
    what_is_set_aside_can_be_answered_later,
    an_identity_key_leads_to_one_record,
    a_key_let_go_can_be_taken_by_another,
    cases_open_close_and_keep_their_queue,
);

crate::in_memory_too!(
    an_answer_is_given_once_and_for_ever,
    what_is_set_aside_can_be_answered_later,
    an_identity_key_leads_to_one_record,
    a_key_let_go_can_be_taken_by_another,
    cases_open_close_and_keep_their_queue,
);

fn inbox(rows: Vec<InboxRow>) -> Batch {
    Batch {
        inbox: rows,
        ..Batch::default()
    }
}

async fn an_answer_is_given_once_and_for_ever(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let (one, two) = (observation(), observation());
    let mut recorded = answer(one, CommitOutcome::Recorded);
    (recorded.first, recorded.last) = (Some(Position(1)), Some(Position(1)));
    let mut batch = events(vec![numbered(record(), 0, "A")]);
    batch.inbox = vec![recorded.clone(), answer(two, CommitOutcome::NothingNew)];
    writer.append(batch).await.unwrap();
    for outcome in [CommitOutcome::Recorded, CommitOutcome::Waiting] {
        let mut again = events(vec![numbered(record(), 0, "B")]);
        again.inbox = vec![answer(one, outcome)];
        let refused = writer.append(again).await;
        assert!(
            matches!(refused, Err(AppendError::AlreadyAnswered)),
            "{refused:?}"
        );
    }
    let known = ledger.inbox(&[one, two, observation()]).await.unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!(known[&one], recorded);
    assert_eq!(known[&two].outcome, CommitOutcome::NothingNew);
    assert_eq!(ledger.head().await.unwrap().position, Position(1));
    let twice = inbox(vec![answer(fresh_id(), CommitOutcome::Parked); 2]);
    assert!(matches!(
        writer.append(twice).await,
        Err(AppendError::Unlawful(_))
    ));
    let mut early = answer(observation(), CommitOutcome::Recorded);
    early.last = Some(Position(9));
    let refused = writer.append(inbox(vec![early])).await;
    assert!(matches!(refused, Err(AppendError::Unlawful(_))));
    writer.close().await.unwrap();
}

fn fresh_id() -> shikaku_schemas::value::ObservationId {
    observation()
}

async fn what_is_set_aside_can_be_answered_later(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let ids: Vec<_> = (0..5).map(|_| observation()).collect();
    for id in &ids {
        let mut parked = answer(*id, CommitOutcome::Parked);
        parked.reason = Some("unknown validity code".to_owned());
        parked.observation = Some(b"{\"name\":\"canary\"}".to_vec());
        writer.append(inbox(vec![parked])).await.unwrap();
    }
    let page = ledger
        .inbox_by_outcome(CommitOutcome::Parked, None, 3)
        .await
        .unwrap();
    assert_eq!(
        page.iter()
            .map(|row| row.observation_id)
            .collect::<Vec<_>>(),
        ids[..3]
    );
    assert_eq!(
        page[0].observation.as_deref(),
        Some(b"{\"name\":\"canary\"}".as_slice())
    );
    assert_eq!(page[0].reason.as_deref(), Some("unknown validity code"));
    let rest = ledger
        .inbox_by_outcome(CommitOutcome::Parked, Some(ids[2]), 9)
        .await
        .unwrap();
    assert_eq!(rest.len(), 2);

    let mut done = events(vec![numbered(record(), 0, "A")]);
    let mut recorded = answer(ids[1], CommitOutcome::Recorded);
    (recorded.first, recorded.last) = (Some(Position(1)), Some(Position(1)));
    recorded.observation = Some(b"must not be kept".to_vec());
    done.inbox = vec![recorded];
    writer.append(done).await.unwrap();
    let known = ledger.inbox(&ids[1..2]).await.unwrap();
    assert_eq!(known[&ids[1]].outcome, CommitOutcome::Recorded);
    assert_eq!(known[&ids[1]].observation, None);
    assert_eq!(known[&ids[1]].reason, None);
    let left = ledger
        .inbox_by_outcome(CommitOutcome::Parked, None, 9)
        .await
        .unwrap();
    assert_eq!(left.len(), 4);
    writer.close().await.unwrap();
}

fn key(kind: KeyKind, byte: u8) -> IdentityKey {
    IdentityKey {
        kind,
        scope: "main".to_owned(),
        digest: [byte; 32],
    }
}

fn taking(keys: Vec<(IdentityKey, RecordId)>) -> Batch {
    Batch {
        identity_keys: keys,
        ..Batch::default()
    }
}

async fn an_identity_key_leads_to_one_record(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let (one, two) = (record(), record());
    let (chart, assistance) = (key(KeyKind::Chart, 1), key(KeyKind::Assistance, 1));
    writer
        .append(taking(vec![
            (chart.clone(), one),
            (assistance.clone(), one),
        ]))
        .await
        .unwrap();
    // The same again, with a new one beside it, is harmless.
    let new = key(KeyKind::Insurance, 2);
    let mut batch = taking(vec![
        (chart.clone(), one),
        (new.clone(), one),
        (new.clone(), one),
    ]);
    batch.events = vec![numbered(one, 0, "A")];
    writer.append(batch).await.unwrap();
    // Another record is refused, and with it the whole batch.
    let mut batch = taking(vec![(key(KeyKind::Chart, 3), two), (chart.clone(), two)]);
    batch.events = vec![numbered(two, 0, "B")];
    let refused = writer.append(batch).await;
    assert!(
        matches!(refused, Err(AppendError::IdentityTaken)),
        "{refused:?}"
    );
    let refused = writer.append(taking(vec![
        (key(KeyKind::Chart, 4), one),
        (key(KeyKind::Chart, 4), two),
    ]));
    assert!(matches!(refused.await, Err(AppendError::IdentityTaken)));

    let asked = [
        chart.clone(),
        key(KeyKind::Chart, 3),
        assistance.clone(),
        new.clone(),
    ];
    let found = ledger.resolve(&asked).await.unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.values().all(|found| *found == one));
    assert_eq!(ledger.head().await.unwrap().position, Position(1));
    writer.close().await.unwrap();
}

async fn a_key_let_go_can_be_taken_by_another(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let (one, two) = (record(), record());
    let waiting = key(KeyKind::Waiting, 5);
    writer
        .append(taking(vec![(waiting.clone(), one)]))
        .await
        .unwrap();
    let mut batch = taking(vec![(waiting.clone(), two)]);
    batch.released_keys = vec![waiting.clone()];
    writer.append(batch).await.unwrap();
    assert_eq!(
        ledger
            .resolve(std::slice::from_ref(&waiting))
            .await
            .unwrap()[&waiting],
        two
    );
    let released = Batch {
        released_keys: vec![waiting.clone()],
        ..Batch::default()
    };
    writer.append(released).await.unwrap();
    assert!(ledger.resolve(&[waiting]).await.unwrap().is_empty());
    writer.close().await.unwrap();
}

async fn cases_open_close_and_keep_their_queue(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let (case, other) = (CaseId(fresh()), CaseId(fresh()));
    let candidates = vec![record(), record()];
    let ids: Vec<_> = (0..4).map(|_| observation()).collect();
    let opened = |case, observation_id| CaseChange::Opened {
        case,
        facility: FacilityCode::from(FACILITY),
        reason: CaseReason::NumberReused,
        observation_id,
        candidates: candidates.clone(),
    };
    let waits = |id| InboxRow {
        case: Some(case),
        observation: Some(b"waiting".to_vec()),
        ..answer(id, CommitOutcome::Waiting)
    };
    let mut batch = events(vec![numbered(record(), 0, "A")]);
    batch.cases = vec![opened(case, Some(ids[0])), opened(other, None)];
    batch.inbox = vec![waits(ids[0]), waits(ids[1])];
    writer.append(batch).await.unwrap();
    writer
        .append(inbox(vec![waits(ids[3]), waits(ids[2])]))
        .await
        .unwrap();
    assert_eq!(
        ledger.waiting_in(case).await.unwrap(),
        [ids[0], ids[1], ids[3], ids[2]]
    );

    let mut again = events(vec![numbered(record(), 0, "C")]);
    again.cases = vec![opened(case, None)];
    let refused = writer.append(again).await;
    assert!(
        matches!(refused, Err(AppendError::Unlawful(_))),
        "{refused:?}"
    );

    let found = ledger.cases(true).await.unwrap();
    assert_eq!(found.len(), 2);
    let found = found.iter().find(|row| row.case == case).unwrap();
    assert_eq!(found.reason, CaseReason::NumberReused);
    assert_eq!(found.candidates, candidates);
    assert_eq!((found.opened, found.closed), (Position(1), None));
    assert_eq!(found.observation_id, Some(ids[0]));

    let mut batch = events(vec![numbered(record(), 0, "B")]);
    batch.cases = vec![CaseChange::Closed { case }];
    batch.inbox = ids
        .iter()
        .map(|id| answer(*id, CommitOutcome::NothingNew))
        .collect();
    writer.append(batch).await.unwrap();
    assert_eq!(ledger.cases(true).await.unwrap().len(), 1);
    let all = ledger.cases(false).await.unwrap();
    assert_eq!(all.len(), 2);
    let closed = all.iter().find(|row| row.case == case).unwrap();
    assert_eq!(closed.closed, Some(Position(2)));
    assert!(ledger.waiting_in(case).await.unwrap().is_empty());
    writer.close().await.unwrap();
}
