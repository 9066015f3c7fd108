//! Given, when, then: one test per rule.

use jiff::civil::date;
use shikaku_schemas::event::{
    CaseReason, Event, IdentityCaseOpened, MergeUndone, PersonDetails, PersonLinked,
    PersonUnlinked, PersonsMerged,
};
use shikaku_schemas::observation::{AnswerRecord, AnswerValidity, OqsAnswer};
use shikaku_schemas::value::{
    CaseId, FacilityCode, Method, Month, ObservationId, PersonId, RecordId, Sex,
};
use uuid::Uuid;

use super::*;
use crate::patient::tests::{
    HERE, MAY_11, Story, a1, a1_of, a1_without_numbers, by, card, facility, insurance, person,
    ticket, with_ticket,
};

const ONE: RecordId = RecordId(Uuid::from_u128(1));
const TWO: RecordId = RecordId(Uuid::from_u128(2));

fn answer(records: impl IntoIterator<Item = AnswerRecord>) -> OqsAnswer {
    card(MAY_11, AnswerValidity::Valid, records)
}

fn numbered(mut record: AnswerRecord) -> AnswerRecord {
    record.reference_number = Some("004417".into());
    record
}

fn kinds(answer: &OqsAnswer) -> Vec<KeyKind> {
    keys_of(answer, &facility())
        .iter()
        .map(|key| key.kind)
        .collect()
}

/// Every key of `answer`, those of `known` kinds leading to its record.
fn found(answer: &OqsAnswer, known: &[(KeyKind, RecordId, PersonDetails)]) -> Vec<Found> {
    keys_of(answer, &facility())
        .into_iter()
        .map(|key| {
            let hit = known.iter().find(|(kind, ..)| *kind == key.kind);
            let hit = hit.map(|(_, record, person)| (*record, person.clone()));
            (key, hit)
        })
        .collect()
}

fn resolved(answer: &OqsAnswer, known: &[(KeyKind, RecordId, PersonDetails)]) -> Resolution {
    resolve(answer, &found(answer, known))
}

fn case(reason: CaseReason, candidates: &[RecordId]) -> Resolution {
    Resolution::Case {
        reason,
        candidates: candidates.to_vec(),
    }
}

#[test]
fn every_number_is_a_key_and_a_name_only_without_any() {
    assert_eq!(
        kinds(&answer([insurance(), numbered(a1())])),
        [KeyKind::Chart, KeyKind::Assistance, KeyKind::Insurance]
    );
    assert_eq!(
        kinds(&answer([a1_without_numbers()])),
        [KeyKind::Provisional]
    );
    assert_eq!(
        kinds(&answer([numbered(a1_without_numbers())])),
        [KeyKind::Chart]
    );
}

#[test]
fn not_commissioned_teaches_no_assistance_key() {
    let planted = card(MAY_11, AnswerValidity::NotCommissioned, [a1()]);
    assert_eq!(kinds(&planted), [KeyKind::Provisional]);
    let combined = card(MAY_11, AnswerValidity::NotCommissioned, [insurance(), a1()]);
    assert_eq!(kinds(&combined), [KeyKind::Insurance]);
}

#[test]
fn keys_do_not_depend_on_width_or_spaces() {
    let mut wide = insurance();
    wide.numbers.symbol = Some("５１".to_owned());
    let mut narrow = insurance();
    narrow.numbers.symbol = Some(" 51".to_owned());
    assert_eq!(
        keys_of(&answer([wide]), &facility()),
        keys_of(&answer([narrow]), &facility())
    );
    let mut small = a1_without_numbers();
    small.person.name_kana = Some("ハト　ミノリ".to_owned());
    assert_eq!(
        keys_of(&answer([small]), &facility()),
        keys_of(&answer([a1_without_numbers()]), &facility())
    );
}

#[test]
fn an_absent_branch_is_not_00() {
    let mut zero = insurance();
    zero.numbers.branch = Some("00".to_owned());
    let mut absent = insurance();
    absent.numbers.branch = None;
    assert_ne!(
        keys_of(&answer([zero]), &facility()),
        keys_of(&answer([absent]), &facility())
    );
}

#[test]
fn provisional_people_are_of_one_facility() {
    let mut elsewhere = facility();
    elsewhere.code = FacilityCode::from("1319900000");
    let answer = answer([a1_without_numbers()]);
    assert_ne!(keys_of(&answer, &facility()), keys_of(&answer, &elsewhere));
}

#[test]
fn an_unknown_person_is_new_and_provisional_without_a_number() {
    let known = answer([a1()]);
    assert_eq!(
        resolved(&known, &[]),
        Resolution::New {
            provisional: false,
            keys: keys_of(&known, &facility()),
        }
    );
    let unnamed = answer([a1_without_numbers()]);
    assert_eq!(
        resolved(&unnamed, &[]),
        Resolution::New {
            provisional: true,
            keys: keys_of(&unnamed, &facility()),
        }
    );
}

#[test]
fn a_known_person_learns_its_new_keys() {
    let answer = answer([numbered(a1())]);
    let Resolution::Existing { record, new_keys } =
        resolved(&answer, &[(KeyKind::Assistance, ONE, person())])
    else {
        panic!("known by its numbers");
    };
    assert_eq!(record, ONE);
    assert_eq!(new_keys.len(), 1);
    assert_eq!(new_keys[0].kind, KeyKind::Chart);
}

#[test]
fn a_chart_number_must_agree_in_birth_date() {
    let answer = answer([numbered(a1())]);
    for birth_date in [Some(date(1971, 9, 16)), None] {
        let other = PersonDetails {
            birth_date,
            ..person()
        };
        assert_eq!(
            resolved(&answer, &[(KeyKind::Chart, ONE, other)]),
            case(CaseReason::BirthDateDiffers, &[ONE])
        );
    }
    let renamed = PersonDetails {
        name: Some("見本　実里".to_owned()),
        ..person()
    };
    assert!(matches!(
        resolved(&answer, &[(KeyKind::Chart, ONE, renamed)]),
        Resolution::Existing { record: ONE, .. }
    ));
}

#[test]
fn a_number_with_another_name_or_sex_is_reused() {
    let other_name = PersonDetails {
        name: Some("辻本　航".to_owned()),
        ..person()
    };
    let other_sex = PersonDetails {
        sex: Some(Sex::Male),
        ..person()
    };
    for known in [other_name, other_sex] {
        assert_eq!(
            resolved(&answer([a1()]), &[(KeyKind::Assistance, ONE, known)]),
            case(CaseReason::NumberReused, &[ONE])
        );
    }
}

#[test]
fn spelling_is_no_other_person() {
    let same = [
        PersonDetails {
            name: Some("波戸 実里".to_owned()),
            ..person()
        },
        PersonDetails {
            name: Some("●戸　実里".to_owned()),
            ..person()
        },
        PersonDetails {
            name: Some("波戸　實里".to_owned()),
            ..person()
        },
        PersonDetails {
            name: None,
            ..person()
        },
        PersonDetails {
            sex: Some(Sex::Unset),
            ..person()
        },
        PersonDetails {
            sex: None,
            ..person()
        },
    ];
    for known in same {
        assert!(
            matches!(
                resolved(
                    &answer([a1()]),
                    &[(KeyKind::Assistance, ONE, known.clone())]
                ),
                Resolution::Existing { record: ONE, .. }
            ),
            "{known:?}"
        );
    }
}

#[test]
fn twins_without_a_branch_are_told_apart_by_name() {
    let twin = PersonDetails {
        name: Some("波戸　光".to_owned()),
        ..person()
    };
    let mut without_branch = insurance();
    without_branch.numbers.branch = None;
    assert_eq!(
        resolved(
            &answer([without_branch]),
            &[(KeyKind::Insurance, ONE, twin.clone())]
        ),
        case(CaseReason::NumberReused, &[ONE])
    );
    assert!(matches!(
        resolved(&answer([insurance()]), &[(KeyKind::Insurance, ONE, twin)]),
        Resolution::Existing { record: ONE, .. }
    ));
}

#[test]
fn keys_that_lead_to_different_records_need_a_person() {
    let known = [
        (KeyKind::Assistance, TWO, person()),
        (KeyKind::Insurance, ONE, person()),
    ];
    assert_eq!(
        resolved(&answer([insurance(), a1()]), &known),
        case(CaseReason::KeysDisagree, &[ONE, TWO])
    );
}

#[test]
fn names_never_join_records() {
    let provisional = keys_of(&answer([a1_without_numbers()]), &facility());
    let with_numbers = keys_of(&answer([a1()]), &facility());
    assert!(with_numbers.iter().all(|key| !provisional.contains(key)));
}

#[test]
fn a_local_copy_teaches_no_number() {
    let copy = by(Method::LocalCopy, answer([insurance(), a1()]));
    let Resolution::New { provisional, keys } = resolved(&copy, &[]) else {
        panic!("nobody knows it");
    };
    assert!(provisional);
    assert!(matches!(&keys[..], [key] if key.kind == KeyKind::Provisional));
    assert!(matches!(
        resolved(&copy, &[(KeyKind::Provisional, ONE, person())]),
        Resolution::Existing { record: ONE, .. }
    ));
    let Resolution::Existing { new_keys, .. } =
        resolved(&copy, &[(KeyKind::Insurance, ONE, person())])
    else {
        panic!("found by its insurance");
    };
    assert!(new_keys.is_empty());
}

fn waiting(record: RecordId) -> WaitingPerson {
    WaitingPerson {
        record,
        facility: FacilityCode::from(HERE),
        month: Month::of(MAY_11),
        person: person(),
        welfare_office: Some("見本市福祉事務所".to_owned()),
    }
}

fn arrived() -> Arrival {
    let answer = answer([with_ticket(a1(), ticket(MAY_11))]);
    let events = Story::default().sees(answer);
    let mut arrivals = arrivals(ONE, &FacilityCode::from(HERE), &events);
    assert_eq!(arrivals.len(), 1);
    arrivals.remove(0)
}

#[test]
fn a_ticket_that_equals_one_waiting_person_offers_a_link() {
    assert_eq!(offer(&arrived(), &[waiting(TWO)]), Some(TWO));
}

#[test]
fn no_link_is_offered_when_two_equal_or_anything_differs() {
    let three = RecordId(Uuid::from_u128(3));
    assert_eq!(offer(&arrived(), &[waiting(TWO), waiting(three)]), None);
    assert_eq!(offer(&arrived(), &[waiting(ONE)]), None, "itself");
    let mut others = vec![waiting(TWO); 6];
    others[0].month = Month::of(date(2026, 4, 1));
    others[1].facility = FacilityCode::from("1319900000");
    others[2].person.name = Some("波戸　光".to_owned());
    others[3].person.birth_date = None;
    others[4].person.sex = Some(Sex::Male);
    others[5].welfare_office = None;
    for other in others {
        assert_eq!(offer(&arrived(), &[other]), None);
    }
}

#[test]
fn a_ticket_of_another_institution_is_no_arrival() {
    let mut other = ticket(MAY_11);
    other.institution_matches = false;
    let events = Story::default().sees(answer([with_ticket(a1_of("12997011", "1234566"), other)]));
    assert_eq!(arrivals(ONE, &FacilityCode::from(HERE), &events), []);
}

fn opened(observation_id: Option<ObservationId>) -> case::CaseState {
    opened_because(CaseReason::KeysDisagree, observation_id)
}

fn opened_because(reason: CaseReason, observation_id: Option<ObservationId>) -> case::CaseState {
    let mut state = case::CaseState::default();
    let open = case::CaseCommand::Open(IdentityCaseOpened {
        case: CaseId(Uuid::from_u128(5)),
        reason,
        facility: FacilityCode::from(HERE),
        observation_id,
        candidates: vec![ONE],
    });
    for event in case::decide(&state, open.clone()).unwrap() {
        case::evolve(&mut state, &event);
    }
    assert_eq!(
        case::decide(&state, open),
        Err(case::CaseRejection::AlreadyOpened)
    );
    state
}

fn close(decision: case::CaseDecision) -> case::CaseCommand {
    case::CaseCommand::Close {
        decision,
        by: "officer".to_owned(),
    }
}

#[test]
fn a_case_is_closed_once_with_a_record_in_question_or_a_new_one() {
    use case::CaseDecision::{Candidate, Declined, New};
    let waits = opened(Some(ObservationId(Uuid::from_u128(6))));
    assert_eq!(
        case::decide(&waits, close(Candidate(TWO))),
        Err(case::CaseRejection::NotACandidate)
    );
    assert_eq!(
        case::decide(&waits, close(Declined)),
        Err(case::CaseRejection::RecordNeeded)
    );
    assert!(case::decide(&waits, close(New(TWO))).is_ok());
    let mut state = waits;
    for event in case::decide(&state, close(Candidate(ONE))).unwrap() {
        case::evolve(&mut state, &event);
    }
    assert_eq!(
        state,
        case::CaseState::Closed {
            record: Some(ONE),
            gone: false
        }
    );
    assert_eq!(
        case::decide(&state, close(Candidate(ONE))),
        Err(case::CaseRejection::NotOpen)
    );
}

#[test]
fn vanished_tickets_are_gone_or_a_mistake_and_nobody_is_joined_by_them() {
    use case::CaseDecision::{Candidate, Declined, Gone};
    let asked = || opened_because(CaseReason::TicketsVanished, None);
    for (decision, gone) in [(Gone, true), (Declined, false)] {
        let mut state = asked();
        for event in case::decide(&state, close(decision)).unwrap() {
            case::evolve(&mut state, &event);
        }
        assert_eq!(state, case::CaseState::Closed { record: None, gone });
    }
    let joined = case::decide(&asked(), close(Candidate(ONE)));
    assert_eq!(joined, Err(case::CaseRejection::NotACandidate));
    let offered = case::decide(&opened(None), close(Gone));
    assert_eq!(offered, Err(case::CaseRejection::NothingVanished));
}

#[test]
fn an_offered_link_may_be_declined() {
    let events = case::decide(&opened(None), close(case::CaseDecision::Declined)).unwrap();
    assert!(matches!(&events[0], Event::IdentityCaseClosed(closed) if closed.record.is_none()));
}

const PERSON: PersonId = PersonId(Uuid::from_u128(11));
const OTHER: PersonId = PersonId(Uuid::from_u128(12));

fn link(person: PersonId, record: RecordId) -> person::PersonCommand {
    person::PersonCommand::Link(PersonLinked {
        person,
        record,
        by: "officer".to_owned(),
        reason: "same human".to_owned(),
    })
}

fn merge(into: PersonId, from: PersonId) -> PersonsMerged {
    PersonsMerged {
        into,
        from,
        by: "officer".to_owned(),
        reason: "same human".to_owned(),
    }
}

#[test]
fn a_record_is_linked_once_and_can_be_let_go() {
    use person::{PersonCommand, PersonRejection, PersonState, decide, evolve};
    let unlink = || {
        PersonCommand::Unlink(PersonUnlinked {
            person: PERSON,
            record: ONE,
            by: "officer".to_owned(),
            reason: "mistaken".to_owned(),
        })
    };
    let mut state = PersonState::default();
    assert_eq!(decide(&state, unlink()), Err(PersonRejection::NotLinked));
    let linked = decide(&state, link(PERSON, ONE)).unwrap();
    evolve(&mut state, &linked[0]);
    assert_eq!(
        decide(&state, link(PERSON, ONE)),
        Err(PersonRejection::AlreadyLinked)
    );
    let unlinked = decide(&state, unlink()).unwrap();
    evolve(&mut state, &unlinked[0]);
    assert_eq!(state, PersonState::default());
}

#[test]
fn a_merge_joins_histories_and_its_undo_parts_them_again() {
    use person::{PersonCommand, PersonRejection, PersonState, Persons, decide, evolve};
    let mut state = PersonState::default();
    assert_eq!(
        decide(&state, PersonCommand::Merge(merge(PERSON, PERSON))),
        Err(PersonRejection::SamePerson)
    );
    let undo = || {
        PersonCommand::UndoMerge(MergeUndone {
            into: PERSON,
            from: OTHER,
            by: "officer".to_owned(),
            reason: "mistaken".to_owned(),
        })
    };
    assert_eq!(decide(&state, undo()), Err(PersonRejection::NotMerged));
    let mut persons = Persons::default();
    for command in [
        link(PERSON, ONE),
        PersonCommand::Merge(merge(PERSON, OTHER)),
    ] {
        let event = &decide(&state, command).unwrap()[0];
        evolve(&mut state, event);
        persons.evolve(event);
    }
    let linked = decide(&PersonState::default(), link(OTHER, TWO)).unwrap();
    persons.evolve(&linked[0]);
    assert_eq!(persons.person_of(TWO), Some(OTHER));
    for record in [ONE, TWO] {
        assert_eq!(persons.records_with(record), [ONE, TWO].into());
    }
    assert_eq!(
        decide(&state, PersonCommand::Merge(merge(PERSON, OTHER))),
        Err(PersonRejection::AlreadyMerged)
    );
    persons.evolve(&decide(&state, undo()).unwrap()[0]);
    assert_eq!(persons.records_with(ONE), [ONE].into());
}

#[test]
fn a_circle_of_merges_is_read_without_end() {
    let mut persons = person::Persons::default();
    for event in [
        Event::PersonsMerged(merge(PERSON, OTHER)),
        Event::PersonsMerged(merge(OTHER, PERSON)),
    ] {
        persons.evolve(&event);
    }
    assert_eq!(persons.records_with(ONE), [ONE].into());
}
