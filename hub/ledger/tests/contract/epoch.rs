//! A database put back from an older backup goes on in a new epoch, and in no other way.

use std::sync::Arc;

use shikaku_ledger::{AppendError, Ledger, LedgerError, Writer};
use shikaku_schemas::clock::{SystemClock, SystemRandomness};
use shikaku_schemas::value::Position;

use crate::place::{Place, events, numbered};
use crate::tamper::{Story, tell};

crate::on_both_databases!(
    what_was_put_back_goes_on_in_a_new_epoch,
    a_backup_older_than_an_epoch_gets_a_later_one,
    what_is_no_whole_history_begins_no_epoch,
    a_change_before_the_epoch_is_found,
    an_epoch_that_the_database_alone_tells_of_voids_nothing,
    a_writer_that_meets_an_older_database_is_fenced,
    terms_of_an_epoch_are_above_all_that_a_backup_forgot,
);

/// The tables as a backup of after six events has them.
async fn put_back(place: &Place, story: &Story) {
    let sql = format!(
        "DELETE FROM events WHERE position > 6; {}",
        story.head_at(6)
    );
    place.intrude(&sql).await;
}

async fn acquire(ledger: &Ledger) -> Result<Writer, LedgerError> {
    Writer::acquire(ledger, Arc::new(SystemClock), Arc::new(SystemRandomness)).await
}

async fn begin_epoch(place: &Place) -> Result<u32, LedgerError> {
    let begun = Ledger::begin_epoch(&place.options, 0, &SystemClock).await;
    begun.map(|identity| identity.epoch)
}

/// T32: a backup restores on a fresh machine.
async fn what_was_put_back_goes_on_in_a_new_epoch(place: &Place) {
    let story = tell(place).await;
    put_back(place, &story).await;
    let refused = acquire(&story.ledger).await;
    assert!(
        matches!(refused, Err(LedgerError::Proof { .. })),
        "{refused:?}"
    );

    assert_eq!(begin_epoch(place).await.unwrap(), 2);
    let late = acquire(&story.ledger).await;
    assert!(
        matches!(late, Err(LedgerError::OtherEpoch { found: 2, known: 1 })),
        "{late:?}"
    );

    let ledger = Ledger::open(&place.options).await.unwrap();
    let mut writer = acquire(&ledger).await.unwrap();
    let next = numbered(story.records[2], 1, "again");
    assert_eq!(
        writer.append(events(vec![next])).await.unwrap().first,
        Position(7)
    );
    writer.close().await.unwrap();
    let report = ledger.verify(|_| {}).await.unwrap();
    assert_eq!(
        (report.first_bad.clone(), report.events, report.last_signed),
        (None, 7, Position(7))
    );
    assert_eq!(report.identity.epoch, 2);
    assert!(report.heads >= 2 && report.voided >= 1, "{report:?}");
}

async fn a_backup_older_than_an_epoch_gets_a_later_one(place: &Place) {
    let story = tell(place).await;
    put_back(place, &story).await;
    assert_eq!(begin_epoch(place).await.unwrap(), 2);
    let ledger = Ledger::open(&place.options).await.unwrap();
    let mut writer = acquire(&ledger).await.unwrap();
    let next = numbered(story.records[2], 1, "again");
    writer.append(events(vec![next])).await.unwrap();
    writer.close().await.unwrap();
    put_back(place, &story).await;
    place.intrude("DELETE FROM genesis WHERE epoch = 2").await;
    assert_eq!(begin_epoch(place).await.unwrap(), 3);
    let report = Ledger::open(&place.options)
        .await
        .unwrap()
        .verify(|_| {})
        .await
        .unwrap();
    assert_eq!((report.first_bad, report.events), (None, 6));
    // On a machine that is gone a later one may have begun, of which `LOG` still tells.
    let begun = Ledger::begin_epoch(&place.options, 7, &SystemClock).await;
    assert_eq!(begun.unwrap().epoch, 8);
}

async fn what_is_no_whole_history_begins_no_epoch(place: &Place) {
    let story = tell(place).await;
    put_back(place, &story).await;
    place.intrude("DELETE FROM events WHERE position = 3").await;
    let refused = begin_epoch(place).await;
    let at = Position(3);
    assert!(
        matches!(refused, Err(LedgerError::Proof { position, .. }) if position == at),
        "{refused:?}"
    );
    let ledger = Ledger::open(&place.options).await.unwrap();
    assert_eq!(ledger.identity().epoch, 1);
}

/// Whoever can write the database, and nothing else, cuts events off and calls it a restore. On a machine where somebody
/// who holds the key says that it was one, it is.
async fn an_epoch_that_the_database_alone_tells_of_voids_nothing(place: &Place) {
    let story = tell(place).await;
    put_back(place, &story).await;
    let forged = "INSERT INTO genesis SELECT 2, store_id, 6, created_at FROM genesis";
    place.intrude(forged).await;
    let ledger = Ledger::open(&place.options).await.unwrap();
    let bad = ledger.verify(|_| {}).await.unwrap().first_bad.unwrap();
    assert_eq!(bad.position, Position(7));
    let refused = acquire(&ledger).await;
    assert!(
        matches!(refused, Err(LedgerError::Proof { .. })),
        "{refused:?}"
    );

    let accepted = Ledger::accept_epoch(&place.options).await.unwrap();
    assert_eq!(accepted.epoch, 2);
    let ledger = Ledger::open(&place.options).await.unwrap();
    assert_eq!(ledger.verify(|_| {}).await.unwrap().first_bad, None);
    acquire(&ledger).await.unwrap().close().await.unwrap();
}

/// The head that was signed at six in the first epoch still counts in the second.
async fn a_change_before_the_epoch_is_found(place: &Place) {
    let story = tell(place).await;
    put_back(place, &story).await;
    begin_epoch(place).await.unwrap();
    place
        .intrude("UPDATE events SET schema_version = 2 WHERE position = 2")
        .await;
    let ledger = Ledger::open(&place.options).await.unwrap();
    let bad = ledger.verify(|_| {}).await.unwrap().first_bad.unwrap();
    assert_eq!(bad.position, Position(2));
}

async fn a_writer_that_meets_an_older_database_is_fenced(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let record = crate::place::record();
    let first = numbered(record, 0, "1");
    writer.append(events(vec![first])).await.unwrap();
    let backup = "UPDATE head SET commits = commits - 1";
    place.intrude(backup).await;
    let recovered = writer.recover().await;
    assert!(
        matches!(recovered, Err(AppendError::Fenced)),
        "{recovered:?}"
    );
    let second = numbered(record, 1, "2");
    assert!(writer.append(events(vec![second])).await.is_err());
    assert_eq!(ledger.head().await.unwrap().position, Position(1));
}

/// Simulation, seed 103 with restores: the backup was one term older, so that the new epoch's first term was that of a
/// writer which lived through the restore, and nothing else had changed.
async fn terms_of_an_epoch_are_above_all_that_a_backup_forgot(place: &Place) {
    let (ledger, writer) = place.begin().await;
    let before = writer.head().term;
    writer.close().await.unwrap();
    place.intrude("UPDATE head SET term = 0").await;
    begin_epoch(place).await.unwrap();
    let after = ledger.head().await.unwrap().term;
    assert!(after > before + (1 << 31), "{after} after {before}");
}
