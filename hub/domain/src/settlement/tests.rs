//! Given, when, then: one test per rule.

use shikaku_schemas::event::{Event, MonthSettled, TicketKey};
use shikaku_schemas::value::{InquiryId, Month, Position, RecordId, TicketKind};
use uuid::Uuid;

use super::*;

const MAY: Month = Month {
    year: 2026,
    month: 5,
};

fn run(n: u128) -> InquiryId {
    InquiryId(Uuid::from_u128(n))
}

fn ticket(n: u128, last_seen: u64) -> SettlementTicket {
    SettlementTicket {
        record: RecordId(Uuid::from_u128(n)),
        record_version: 3,
        key: TicketKey {
            kind: TicketKind::Medical,
            institution_code: None,
            treatment_month: MAY,
            treatment_type: None,
            payer_number: None,
            recipient_number: None,
            prescriber_code: None,
            issue_number: None,
        },
        last_seen: Position(last_seen),
        withdrawn: false,
        arrived: false,
        revised: false,
    }
}

/// Ten tickets; of the first, nothing was seen since position 40.
fn settle(n: u128, submitted: u64, previous: Option<u64>) -> SettleMonth {
    let mut tickets = vec![ticket(1, 40)];
    tickets.extend((2..=10).map(|n| ticket(n, submitted + 10)));
    SettleMonth {
        month: MAY,
        run: run(n),
        complete: true,
        units: 9,
        submitted: Position(submitted),
        previous_submitted: previous.map(Position),
        tickets,
        waiting: 4,
        vanishing_percent: 20,
        accepted: None,
    }
}

fn settled(state: &mut MonthlySettlement, command: &SettleMonth) -> MonthSettled {
    let events = decide(state, command).unwrap();
    for event in &events {
        evolve(state, event);
    }
    match &events[..] {
        [Event::MonthSettled(settled)] => settled.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_run_withdraws_nothing_and_remembers_what_it_missed() {
    let mut state = MonthlySettlement::default();
    let command = settle(1, 100, None);
    assert_eq!(
        withdrawals(&state, &command),
        Vec::<&SettlementTicket>::new()
    );
    let told = settled(&mut state, &command);
    assert_eq!(
        (told.withdrawn, told.missing, told.waiting),
        (0, Some(1), 4)
    );
}

#[test]
fn a_second_complete_run_withdraws_what_both_missed() {
    let mut state = MonthlySettlement::default();
    settled(&mut state, &settle(1, 100, None));
    let command = settle(2, 200, Some(100));
    let gone: Vec<_> = withdrawals(&state, &command)
        .iter()
        .map(|ticket| ticket.record.0.as_u128())
        .collect();
    assert_eq!(gone, [1]);
    let told = settled(&mut state, &command);
    assert_eq!((told.withdrawn, told.missing), (1, Some(0)));
}

#[test]
fn what_was_seen_between_the_runs_needs_another_run() {
    let mut state = MonthlySettlement::default();
    settled(&mut state, &settle(1, 100, None));
    let mut command = settle(2, 200, Some(100));
    command.tickets[0].last_seen = Position(150);
    let told = settled(&mut state, &command);
    assert_eq!((told.withdrawn, told.missing), (0, Some(1)));
}

#[test]
fn an_incomplete_run_and_a_known_one_settle_nothing() {
    let mut state = MonthlySettlement::default();
    let mut command = settle(1, 100, None);
    command.complete = false;
    let incomplete = Err(SettlementRejection::RunIncomplete);
    assert_eq!(decide(&state, &command), incomplete);
    settled(&mut state, &settle(1, 100, None));
    let again = Err(SettlementRejection::AlreadySettled);
    assert_eq!(decide(&state, &settle(1, 100, None)), again);
}

#[test]
fn an_empty_answer_withdraws_nothing_whoever_has_looked() {
    let mut state = MonthlySettlement::default();
    settled(&mut state, &settle(1, 100, None));
    let mut command = settle(2, 200, Some(100));
    command.units = 0;
    command.accepted = Some(Position(200));
    let empty = Err(SettlementRejection::EmptyAnswer);
    assert_eq!(decide(&state, &command), empty);
    command.tickets.clear();
    assert_eq!(settled(&mut state, &command).withdrawn, 0);
}

#[test]
fn a_large_share_vanishing_waits_for_a_person() {
    let state = MonthlySettlement::default();
    let mut command = settle(1, 100, None);
    for ticket in &mut command.tickets[..3] {
        ticket.last_seen = Position(40);
    }
    let many = Err(SettlementRejection::TooManyVanished);
    assert_eq!(decide(&state, &command), many);
    command.accepted = Some(Position(100));
    assert!(decide(&state, &command).is_ok());
}

#[test]
fn what_vanishes_after_a_person_has_looked_is_looked_at_again() {
    let mut state = MonthlySettlement::default();
    let gone_at_first = |command: &mut SettleMonth| {
        for ticket in &mut command.tickets[..3] {
            ticket.last_seen = Position(40);
        }
        command.accepted = Some(Position(100));
    };
    let mut first = settle(1, 100, None);
    gone_at_first(&mut first);
    settled(&mut state, &first);
    let mut second = settle(2, 200, Some(100));
    gone_at_first(&mut second);
    for ticket in &mut second.tickets[3..6] {
        ticket.last_seen = Position(150);
    }
    let many = Err(SettlementRejection::TooManyVanished);
    assert_eq!(decide(&state, &second), many);
    second.accepted = Some(Position(200));
    let told = settled(&mut state, &second);
    assert_eq!((told.withdrawn, told.missing), (3, Some(3)));
}
