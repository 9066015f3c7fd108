//! Appending and reading back.

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use shikaku_ledger::{AppendError, Batch};
use shikaku_schemas::event::Event;
use shikaku_schemas::value::{InquiryId, Position, RecordId, StreamId};

use crate::place::{Place, events, fresh, numbered, record, timed_out};

crate::on_both_databases!(
    events_come_back_in_order_and_open,
    a_stale_or_early_version_is_a_conflict,
    nothing_of_a_refused_batch_stays,
    the_clock_of_the_ledger_never_goes_back,
    commits_are_announced,
    random_batches_keep_every_promise,
    an_empty_batch_commits_nothing_and_harms_nothing,
);

crate::in_memory_too!(
    events_come_back_in_order_and_open,
    a_stale_or_early_version_is_a_conflict,
    nothing_of_a_refused_batch_stays,
    the_clock_of_the_ledger_never_goes_back,
    commits_are_announced,
    random_batches_keep_every_promise,
    an_empty_batch_commits_nothing_and_harms_nothing,
);

async fn events_come_back_in_order_and_open(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let (one, two) = (record(), record());
    let inquiry = InquiryId(fresh());
    let batch = vec![
        numbered(one, 0, "A"),
        numbered(two, 0, "B"),
        numbered(one, 1, "C"),
        timed_out(inquiry, 0),
    ];
    let done = writer.append(events(batch.clone())).await.unwrap();
    assert_eq!((done.first, done.last), (Position(1), Position(4)));
    let done = writer
        .append(events(vec![numbered(two, 1, "D")]))
        .await
        .unwrap();
    assert_eq!((done.first, done.last), (Position(5), Position(5)));
    writer.close().await.unwrap();

    // From scratch, as after a restart.
    let ledger = {
        drop(ledger);
        place.open().await
    };
    let page = ledger.read_page(Position(0), 4).await.unwrap();
    let opened = ledger.open_events(&page).await.unwrap();
    for (at, (draft, opened)) in batch.iter().zip(&opened).enumerate() {
        assert_eq!(opened.event.as_ref(), Some(&draft.event));
        assert_eq!(opened.head.position, Position(at as u64 + 1));
        assert_eq!(opened.head.stream, draft.stream);
        assert_eq!(opened.head.stream_version, draft.expected_version + 1);
        assert_eq!(opened.head.kind, draft.event.kind());
        assert_eq!(opened.head.facility, draft.facility);
        assert_eq!(opened.head.patient, draft.patient);
    }
    assert_eq!(ledger.read_page(Position(4), 10).await.unwrap().len(), 1);
    assert_eq!(ledger.head().await.unwrap().position, Position(5));

    let kind = page[0].head.kind.clone();
    let of_kind = ledger
        .read_kinds(Position(1), &[&kind, "verified"], 9)
        .await
        .unwrap();
    assert!(!of_kind.is_empty());
    assert!(of_kind.iter().all(|event| event.head.kind == kind));
    assert!(
        of_kind
            .iter()
            .all(|event| event.head.position > Position(1))
    );
    let none = ledger.read_kinds(Position(0), &["verified"], 9).await;
    assert!(none.unwrap().is_empty());
    let last = page.last().unwrap().head.recorded_at;
    let at = ledger.position_at(last).await.unwrap();
    assert!(at < Position(4), "{at} is before all of that moment");
    let later = last + jiff::SignedDuration::from_hours(1);
    assert_eq!(ledger.position_at(later).await.unwrap(), Position(5));

    let streams = [
        StreamId::patient(one),
        StreamId::patient(two),
        StreamId::from("person-none"),
    ];
    let loaded = ledger.load_streams(&streams).await.unwrap();
    let versions = |stream| {
        let found: &Vec<shikaku_ledger::StoredEvent> = &loaded[stream];
        found
            .iter()
            .map(|e| (e.head.stream_version, e.head.position.0))
            .collect::<Vec<_>>()
    };
    assert_eq!(versions(&streams[0]), [(1, 1), (2, 3)]);
    assert_eq!(versions(&streams[1]), [(1, 2), (2, 5)]);
    assert!(!loaded.contains_key(&streams[2]));

    let told = ledger.records(&page[..1]).await.unwrap();
    assert_eq!(told[0].data["patient_number"], "A");
    assert_eq!(page[0].on_log().sealed_bytes().unwrap(), page[0].sealed);
    let report = ledger.verify(|_| {}).await.unwrap();
    assert_eq!((report.events, report.first_bad), (5, None));
}

/// T6: of many at once about one patient none is dropped.
async fn a_stale_or_early_version_is_a_conflict(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let one = record();
    writer
        .append(events(vec![numbered(one, 0, "A")]))
        .await
        .unwrap();
    for version in [0, 2, 7] {
        let refused = writer
            .append(events(vec![numbered(one, version, "B")]))
            .await;
        let stream = StreamId::patient(one);
        assert!(matches!(refused, Err(AppendError::Conflict { stream: s }) if s == stream));
    }
    let twice = events(vec![numbered(one, 1, "B"), numbered(one, 1, "C")]);
    assert!(matches!(
        writer.append(twice).await,
        Err(AppendError::Conflict { .. })
    ));
    writer
        .append(events(vec![numbered(one, 1, "B")]))
        .await
        .unwrap();

    // A new writer knows no versions yet and asks for them.
    writer.close().await.unwrap();
    let mut writer = place.write(&ledger).await;
    let refused = writer.append(events(vec![numbered(one, 1, "C")])).await;
    assert!(matches!(refused, Err(AppendError::Conflict { .. })));
    writer
        .append(events(vec![numbered(one, 2, "C")]))
        .await
        .unwrap();
    assert_eq!(ledger.head().await.unwrap().position, Position(3));
    writer.close().await.unwrap();
}

async fn nothing_of_a_refused_batch_stays(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let (one, two) = (record(), record());
    writer
        .append(events(vec![numbered(one, 0, "A")]))
        .await
        .unwrap();
    let refused = writer
        .append(events(vec![numbered(two, 0, "B"), numbered(one, 0, "C")]))
        .await;
    assert!(matches!(refused, Err(AppendError::Conflict { .. })));
    assert_eq!(ledger.head().await.unwrap().position, Position(1));
    let again = writer
        .append(events(vec![numbered(two, 0, "B")]))
        .await
        .unwrap();
    assert_eq!(again.first, Position(2));
    writer.close().await.unwrap();
}

/// T20: a clock that jumps moves no position, and is told.
async fn the_clock_of_the_ledger_never_goes_back(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    place.clock.set(1_800_000_000_000_005);
    let first = writer
        .append(events(vec![numbered(record(), 0, "A")]))
        .await
        .unwrap();
    place.clock.set(1_700_000_000_000_000);
    let second = writer
        .append(events(vec![numbered(record(), 0, "B")]))
        .await
        .unwrap();
    assert_eq!(second.recorded_at, first.recorded_at);
    writer.close().await.unwrap();
    let mut writer = place.write(&ledger).await;
    let third = writer
        .append(events(vec![numbered(record(), 0, "C")]))
        .await
        .unwrap();
    assert_eq!(third.recorded_at, first.recorded_at);
    let page = ledger.read_page(Position(0), 10).await.unwrap();
    assert_eq!(
        page[0].head.recorded_at.as_microsecond(),
        1_800_000_000_000_005
    );
    writer.close().await.unwrap();
}

async fn commits_are_announced(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let mut committed = ledger.committed();
    assert_eq!(*committed.borrow_and_update(), Position(0));
    writer
        .append(events(vec![numbered(record(), 0, "A")]))
        .await
        .unwrap();
    committed.changed().await.unwrap();
    assert_eq!(*committed.borrow(), Position(1));
    assert_eq!(writer.head().position, Position(1));
    writer.close().await.unwrap();
}

/// T3: positions gapless and strictly increasing.
/// Any sequence of batches over a few streams, some of them stale: positions stay gapless, what was accepted is
/// there once and in order, what was refused is not there.
async fn random_batches_keep_every_promise(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let records: Vec<RecordId> = (0..5).map(|_| record()).collect();
    let steps = proptest::collection::vec(
        proptest::collection::vec((0..5usize, -1..=1i64), 0..12),
        60..=60,
    );
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let steps = steps.new_tree(&mut runner).unwrap().current();
    let mut versions = [0i64; 5];
    let mut accepted: Vec<(RecordId, String)> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let mut next = versions;
        let mut is_lawful = true;
        let mut batch = Vec::new();
        let mut said = Vec::new();
        for (at, (which, slip)) in step.iter().enumerate() {
            // Mostly right, sometimes one too low or too high.
            let slip = if number % 4 == 0 { *slip } else { 0 };
            let version = (next[*which] + slip).max(0);
            is_lawful &= version == next[*which];
            next[*which] += 1;
            let word = format!("{number}-{at}");
            let version = u64::try_from(version).unwrap();
            batch.push(numbered(records[*which], version, &word));
            said.push((records[*which], word));
        }
        match writer.append(events(batch)).await {
            Ok(done) => {
                assert!(is_lawful, "batch {number} had to be refused");
                assert_eq!(done.first.0, accepted.len() as u64 + 1);
                versions = next;
                accepted.extend(said);
                assert_eq!(done.last.0, accepted.len() as u64);
            }
            Err(AppendError::Conflict { .. }) => assert!(!is_lawful, "batch {number} was lawful"),
            Err(other) => panic!("batch {number}: {other}"),
        }
    }
    let page = ledger.read_page(Position(0), 10_000).await.unwrap();
    let opened = ledger.open_events(&page).await.unwrap();
    let found: Vec<(RecordId, String)> = opened
        .into_iter()
        .map(|opened| match opened.event {
            Some(Event::PatientNumbered(data)) => {
                (opened.head.patient.unwrap(), data.patient_number.0)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, accepted);
    writer.close().await.unwrap();
    let report = ledger.verify(|_| {}).await.unwrap();
    assert_eq!(
        (report.events, report.first_bad),
        (accepted.len() as u64, None)
    );
    assert_eq!(report.last_signed.0, accepted.len() as u64);
}

async fn an_empty_batch_commits_nothing_and_harms_nothing(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let done = writer.append(Batch::default()).await.unwrap();
    assert_eq!((done.first, done.last), (Position(1), Position(0)));
    writer
        .append(events(vec![numbered(record(), 0, "A")]))
        .await
        .unwrap();
    writer.close().await.unwrap();
    assert_eq!(ledger.verify(|_| {}).await.unwrap().first_bad, None);
}
