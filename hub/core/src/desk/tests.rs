use serde_json::{Value, json};

use super::*;

const AT: &str = "2026-05-11T00:15:00Z";

fn facility() -> Facility {
    serde_json::from_value(json!({
        "code": "1319912349", "name": "見本病院",
        "terminal": [{ "id": "t1", "root": "/x" }, { "id": "t2", "root": "/y" }],
        "desk": [{ "id": "desk-1", "terminal": "t1",
            "reader": [{ "id": "r1", "name": "One" }, { "id": "r2", "name": "Two" }] }],
    }))
    .unwrap()
}

fn seen(n: u128, device: &str, after_s: i64, kind: &str, body: &Value) -> Observation {
    let at: Timestamp = AT.parse().unwrap();
    serde_json::from_value(json!({
        "observation_id": ObservationId(uuid::Uuid::from_u128(n)),
        "facility": "1319912349", "source": "card-reader", "device": device, "sequence": 1,
        "seen_at": at + SignedDuration::from_secs(after_s), "as_of": null, "evidence": null,
        "kind": kind, "body": body,
    }))
    .unwrap()
}

fn card(n: u128, reader: &str, after_s: i64) -> Observation {
    let body = json!({ "desk": "desk-1", "card": "hospital", "patient": "00012345" });
    seen(n, reader, after_s, "card-presented", &body)
}

fn taken(n: u128, presented: u128, after_s: i64) -> Observation {
    let body = json!({ "desk": "desk-1", "card": "hospital", "reason": "taken",
        "presented": uuid::Uuid::from_u128(presented) });
    seen(n, "r1", after_s, "card-removed", &body)
}

fn face(n: u128, terminal: &str, after_s: i64) -> Observation {
    let body = json!({ "folder": "face", "method": "card", "confirmed_on": "2026-05-11",
        "rejected": false, "records": [] });
    seen(n, terminal, after_s, "oqs-answer", &body)
}

fn beside(desks: &Desks, n: u128) -> usize {
    desks.beside(&ObservationId(uuid::Uuid::from_u128(n))).len()
}

#[test]
fn a_face_file_is_shown_with_the_cards_of_its_own_desk() {
    let (desks, facility) = (Desks::new(), facility());
    let news = desks.note(&facility, &card(1, "r1", 0), None).unwrap();
    assert_eq!(news.ended, None);
    desks.note(&facility, &card(2, "r2", 1), None);
    assert_eq!(desks.note(&facility, &face(3, "t1", 30), None), None);
    desks.note(&facility, &face(4, "t2", 30), None);
    assert_eq!(beside(&desks, 3), 2, "both cards of the desk");
    assert_eq!(beside(&desks, 4), 0, "another desk's terminal");
}

#[test]
fn a_card_taken_a_moment_ago_still_counts_and_an_old_one_does_not() {
    let (desks, facility) = (Desks::new(), facility());
    desks.note(&facility, &card(1, "r1", 0), None);
    let news = desks.note(&facility, &taken(2, 1, 10), None).unwrap();
    assert_eq!(news.ended, Some(CardEnd::Taken));
    assert_eq!(
        news.shown.patient.as_ref().map(PatientNumber::as_str),
        Some("00012345"),
        "the removal says again whose card it was"
    );
    for (n, after_s) in [(3, 60), (4, 71)] {
        desks.note(&facility, &face(n, "t1", after_s), None);
    }
    assert_eq!((beside(&desks, 3), beside(&desks, 4)), (1, 0));
}

#[test]
fn a_face_file_from_before_the_card_has_no_company() {
    let (desks, facility) = (Desks::new(), facility());
    desks.note(&facility, &card(1, "r1", 60), None);
    desks.note(&facility, &face(2, "t1", 50), None);
    assert_eq!(beside(&desks, 2), 0);
}

#[test]
fn a_late_removal_of_an_earlier_card_takes_nothing_away() {
    let (desks, facility) = (Desks::new(), facility());
    desks.note(&facility, &card(1, "r1", 0), None);
    desks.note(&facility, &card(2, "r1", 20), None);
    desks.note(&facility, &taken(3, 1, 10), None);
    desks.note(&facility, &face(4, "t1", 300), None);
    assert_eq!(beside(&desks, 4), 1);
}

#[test]
fn a_reader_nobody_configured_takes_no_room() {
    let (desks, facility) = (Desks::new(), facility());
    desks.note(&facility, &card(1, "stranger", 0), None);
    assert!(desks.state().readers.is_empty());
}
