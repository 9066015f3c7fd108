//! Two times, 未委託 months, and a naive replay beside the real one.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
use shikaku_schemas::event::{Event, EventHead};
use shikaku_schemas::observation::AnswerValidity;
use shikaku_schemas::value::{
    EventId, FacilityCode, Month, Position, QualificationId, RecordId, StreamId, Validity,
};
use uuid::Uuid;

use super::*;
use crate::patient::tests::convergence::arb_arrivals;
use crate::patient::tests::{
    APRIL_10, HERE, MAY_11, Story, a1, a1_without_numbers, card, ended, insurance, ticket,
    with_ticket,
};

const NUMBERS: [&str; 3] = ["12137014", "4820155", "30072"];

/// A story as the ledger would hand it out: one second between events.
fn opened(story: &Story) -> Vec<Opened> {
    let record = RecordId(Uuid::from_u128(7));
    let first: Timestamp = "2026-04-01T00:00:00Z".parse().unwrap();
    (1u64..)
        .zip(&story.events)
        .map(|(at, (origin, event))| {
            let head = EventHead {
                position: Position(at),
                event_id: EventId(Uuid::from_u128(u128::from(at))),
                stream: StreamId::patient(record),
                stream_version: at,
                kind: event.kind().to_owned(),
                schema_version: 1,
                recorded_at: first + i64::try_from(at).unwrap().seconds(),
                facility: origin.facility.clone(),
                patient: Some(record),
                observation_id: None,
                evidence: None,
                as_of: origin.as_of,
            };
            (head, Some(event.clone()))
        })
        .collect()
}

fn on(day: Date) -> HistoryQuestion {
    HistoryQuestion {
        valid_on: Some(day),
        ..HistoryQuestion::default()
    }
}

fn text(history: &History) -> String {
    serde_json::to_string(history).unwrap()
}

/// April known with numbers and ticket, then 未委託 in May.
fn april_then_waiting() -> Story {
    Story::given([
        card(
            APRIL_10,
            AnswerValidity::Valid,
            [with_ticket(a1(), ticket(APRIL_10))],
        ),
        card(
            MAY_11,
            AnswerValidity::NotCommissioned,
            [a1_without_numbers()],
        ),
    ])
}

#[test]
fn a_not_commissioned_month_carries_no_number_and_april_still_does() {
    let events = opened(&april_then_waiting());
    let may = history(&events, &on(MAY_11));
    for number in NUMBERS {
        assert!(!text(&may).contains(number));
    }
    assert_eq!(may.qualifications.len(), 1);
    assert!(may.qualifications[0].numbers_hidden);
    assert_eq!(may.qualifications[0].qualification_id, None);
    assert!(may.not_commissioned[0].waiting);
    assert_eq!(may.verifications.len(), 1);
    assert_eq!(may.verifications[0].validity, Validity::NotCommissioned);

    let april = history(&events, &on(APRIL_10));
    for number in NUMBERS {
        assert!(text(&april).contains(number));
    }
    assert!(april.not_commissioned.is_empty());
}

#[test]
fn everything_known_names_the_months_that_told_the_numbers() {
    let all = history(&opened(&april_then_waiting()), &HistoryQuestion::default());
    assert_eq!(all.qualifications[0].known_in_months, [Month::of(APRIL_10)]);
    assert!(!all.qualifications[0].numbers_hidden);
    assert_eq!(all.tickets.len(), 1);
    assert_eq!(all.verifications.len(), 2);
}

#[test]
fn a_later_ticket_of_the_month_shows_its_numbers_again() {
    let mut story = april_then_waiting();
    story.sees(card(
        date(2026, 5, 18),
        AnswerValidity::Valid,
        [with_ticket(a1(), ticket(MAY_11))],
    ));
    let may = history(&opened(&story), &on(MAY_11));
    assert!(!may.qualifications[0].numbers_hidden);
    assert_eq!(may.tickets.len(), 1);
    assert!(!may.not_commissioned[0].waiting);
}

#[test]
fn a_ticket_before_a_newer_not_commissioned_loses_its_numbers() {
    let story = Story::given([
        card(
            MAY_11,
            AnswerValidity::Valid,
            [with_ticket(a1(), ticket(MAY_11))],
        ),
        card(
            date(2026, 5, 20),
            AnswerValidity::NotCommissioned,
            [a1_without_numbers()],
        ),
    ]);
    for question in [HistoryQuestion::default(), on(MAY_11)] {
        let history = history(&opened(&story), &question);
        assert_eq!(history.tickets.len(), 1);
        for number in NUMBERS {
            assert!(!text(&history).contains(number));
        }
    }
}

#[test]
fn what_was_known_then_stays_known_then() {
    let events = opened(&april_then_waiting());
    let before = events
        .iter()
        .rfind(|(head, _)| head.as_of == Some(crate::patient::tests::at(APRIL_10, 9)))
        .map(|(head, _)| head.clone())
        .unwrap();
    for known_at in [
        KnownAt::Position(before.position),
        KnownAt::Time(before.recorded_at),
    ] {
        let then = history(
            &events,
            &HistoryQuestion {
                known_at: Some(known_at),
                ..on(MAY_11)
            },
        );
        assert!(then.not_commissioned.is_empty());
        assert!(text(&then).contains("4820155"));
        assert_eq!(then.position, before.position);
    }
}

#[test]
fn a_loss_ends_with_the_day_before_it() {
    let story = Story::given([
        card(APRIL_10, AnswerValidity::Valid, [insurance()]),
        card(
            MAY_11,
            AnswerValidity::Lost,
            [ended(insurance(), date(2026, 4, 30))],
        ),
    ]);
    let events = opened(&story);
    let covered = |day| !history(&events, &on(day)).qualifications.is_empty();
    assert!(covered(date(2026, 4, 29)));
    assert!(!covered(date(2026, 4, 30)));
    let all = history(&events, &HistoryQuestion::default());
    assert_eq!(all.qualifications[0].validity, Validity::Lost);
    assert_eq!(
        all.qualifications[0].details.valid_to,
        Some(date(2026, 4, 29))
    );
}

#[test]
fn a_resumed_qualification_has_a_gap() {
    let mut again = a1();
    again.qualified_on = Some(date(2026, 6, 1));
    let story = Story::given([
        card(APRIL_10, AnswerValidity::Valid, [a1()]),
        card(
            MAY_11,
            AnswerValidity::Lost,
            [ended(a1(), date(2026, 5, 1))],
        ),
        card(date(2026, 6, 3), AnswerValidity::Valid, [again]),
    ]);
    let events = opened(&story);
    let covered = |day| !history(&events, &on(day)).qualifications.is_empty();
    assert!(covered(date(2026, 4, 30)) && covered(date(2026, 6, 1)));
    assert!(!covered(MAY_11));
    let all = history(&events, &HistoryQuestion::default());
    assert_eq!(all.qualifications[0].periods.len(), 2);
    assert_eq!(all.qualifications[0].validity, Validity::Valid);
}

#[test]
fn another_facility_of_the_record_is_told_apart() {
    let events = opened(&april_then_waiting());
    let question = |facility: &str| HistoryQuestion {
        facility: Some(FacilityCode::from(facility)),
        ..HistoryQuestion::default()
    };
    assert_eq!(history(&events, &question(HERE)).verifications.len(), 2);
    let elsewhere = history(&events, &question("1319900000"));
    assert!(elsewhere.verifications.is_empty() && elsewhere.tickets.is_empty());
}

#[test]
fn an_erased_record_has_a_history_without_content() {
    let events: Vec<Opened> = opened(&april_then_waiting())
        .into_iter()
        .map(|(head, _)| (head, None))
        .collect();
    let history = history(&events, &HistoryQuestion::default());
    assert!(history.erased);
    assert!(history.qualifications.is_empty() && history.verifications.is_empty());
}

const WINDOW: i64 = 120;

fn window() -> impl Iterator<Item = Date> {
    (0..WINDOW).map(|days| date(2026, 3, 20) + days.days())
}

/// Covered days, painted day by day: slow, and with nothing in common with the real one.
#[derive(Default)]
struct Naive {
    past: BTreeSet<Date>,
    present: BTreeSet<Date>,
    end: Option<Date>,
}

fn naive(events: &[Opened], until: Position, id: QualificationId) -> BTreeSet<Date> {
    let mut days = Naive::default();
    let span = |from: Option<Date>, to: Option<Date>| -> BTreeSet<Date> {
        window()
            .filter(|day| from.is_none_or(|from| from <= *day))
            .filter(|day| to.is_none_or(|to| *day <= to))
            .collect()
    };
    for (head, event) in events {
        if head.position > until {
            continue;
        }
        match event {
            Some(Event::QualificationGranted(seen) | Event::QualificationAmended(seen))
                if seen.qualification_id == id =>
            {
                days.present = span(seen.details.valid_from, seen.details.valid_to);
                days.end = seen.details.valid_to;
            }
            Some(Event::QualificationResumed(seen)) if seen.qualification_id == id => {
                if days.end.is_some() && seen.details.valid_from > days.end {
                    days.past.append(&mut days.present);
                }
                days.present = span(seen.details.valid_from, seen.details.valid_to);
                days.end = seen.details.valid_to;
            }
            Some(Event::QualificationLost(lost)) if lost.qualification_id == id => {
                let last = lost.valid_to.unwrap_or_else(|| lost.confirmed_on - 1.day());
                let from = window()
                    .find(|day| days.present.contains(day))
                    .unwrap_or(Date::MAX);
                if lost.valid_to.is_some() {
                    let start = started(events, head.position, id).unwrap_or(Date::MIN);
                    days.present = span(Some(start), Some(last));
                } else {
                    days.present.retain(|day| *day >= from && *day <= last);
                }
                days.end = lost.valid_to.or(days.end).or(Some(lost.confirmed_on));
            }
            _ => {}
        }
    }
    days.past.union(&days.present).copied().collect()
}

/// The start that the last statement before `until` gave.
fn started(events: &[Opened], until: Position, id: QualificationId) -> Option<Date> {
    events
        .iter()
        .filter(|(head, _)| head.position < until)
        .filter_map(|(_, event)| match event {
            Some(
                Event::QualificationGranted(seen)
                | Event::QualificationAmended(seen)
                | Event::QualificationResumed(seen),
            ) if seen.qualification_id == id => Some(seen.details.valid_from),
            _ => None,
        })
        .next_back()
        .flatten()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn it_equals_a_naive_replay((_, arrivals) in arb_arrivals(), cut in any::<prop::sample::Index>()) {
        let story = Story::given(arrivals);
        let events = opened(&story);
        let until = events[cut.index(events.len())].0.position;
        let question = |valid_on| HistoryQuestion {
            valid_on,
            known_at: Some(KnownAt::Position(until)),
            facility: None,
        };
        let all = history(&events, &question(None));
        prop_assert_eq!(&all, &history(&events, &question(None)));
        let ids: BTreeSet<_> = events.iter().filter_map(|(_, event)| match event {
            Some(Event::QualificationGranted(seen)) => Some(seen.qualification_id),
            _ => None,
        }).collect();
        for day in window() {
            let expected = ids.iter().filter(|id| naive(&events, until, **id).contains(&day)).count();
            let told = history(&events, &question(Some(day)));
            prop_assert_eq!(told.qualifications.len(), expected, "{}", day);
        }
    }

    #[test]
    fn no_waiting_month_carries_a_number((_, arrivals) in arb_arrivals()) {
        let events = opened(&Story::given(arrivals));
        for month in [4, 5, 6] {
            let told = history(&events, &on(date(2026, month, 15)));
            if told.not_commissioned.iter().any(|month| month.waiting) {
                let text = text(&told);
                for number in ["12137014", "4820155", "12997011", "1234566", "30072"] {
                    prop_assert!(!text.contains(number));
                }
            }
        }
    }
}
