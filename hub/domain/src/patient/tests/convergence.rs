//! Any permutation and repetition of the same answers ends in the same knowledge, and `evolve` takes anything.

use std::collections::BTreeSet;

use proptest::prelude::*;
use shikaku_schemas::value::Method;

use super::*;

/// What two records that know the same must agree in: no order of arrival, and no note of which of several
/// equal answers told a thing first.
fn knowledge(state: &PatientState) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    for known in &state.qualifications {
        let lost = known.loss.as_ref().filter(|_| known.is_lost());
        let end = lost.map(|loss| super::super::evolve::loss_rank(&loss.lost));
        let superseded = known.is_superseded();
        facts.insert(format!(
            "{:?} {:?} {:?} {end:?} {superseded} {:?}",
            known.id, known.details, known.person, known.valid_as_of
        ));
    }
    for known in &state.tickets {
        let content = (&known.content.ticket, &known.content.welfare_office);
        facts.insert(format!("{:?} {content:?} {:?}", known.key(), known.as_of));
    }
    for month in &state.months {
        facts.insert(format!("{} waiting {}", month.month, month.is_waiting()));
    }
    facts.insert(format!("{:?} {:?}", state.person, state.verified_as_of));
    facts
}

/// What a reader that knows no centre's time takes from the stream, event by event, must be the same: the last
/// word about anything is the newest knowledge.
fn last_words(events: &[(Origin, Event)]) -> BTreeSet<String> {
    let mut words = std::collections::BTreeMap::new();
    for (_, event) in events {
        match event {
            Event::QualificationGranted(observed) | Event::QualificationResumed(observed) => {
                words.insert(format!("{}", observed.qualification_id), "valid".to_owned());
            }
            Event::QualificationLost(lost) => {
                words.insert(
                    format!("{}", lost.qualification_id),
                    format!("lost {:?}", lost.ended_on),
                );
            }
            Event::CommissionedTicketArrived(ticket) | Event::CommissionedTicketRevised(ticket) => {
                words.insert(
                    format!("{:?}", ticket.key()),
                    format!("{:?}", ticket.ticket),
                );
                if ticket.ticket.institution_matches {
                    words.insert(
                        format!("{}", ticket.ticket.treatment_month),
                        "yes".to_owned(),
                    );
                }
            }
            Event::NotCommissionedObserved(notice) => {
                words.insert(format!("{}", notice.month), "pending".to_owned());
            }
            _ => {}
        }
    }
    words
        .into_iter()
        .map(|(about, word)| format!("{about} {word}"))
        .collect()
}

/// Few days and hours, so that answers of the same second and month are common.
fn arb_day() -> impl Strategy<Value = Date> {
    (4i8..=6, 0i8..4).prop_map(|(month, week)| date(2026, month, 1 + week * 7))
}

fn arb_assistance(day: Date) -> impl Strategy<Value = AnswerRecord> {
    let numbers = prop_oneof![
        Just(a1()),
        Just(a1_of("12997011", "1234566")),
        Just(a1_without_numbers())
    ];
    let tickets = proptest::collection::vec((0u64..2, 0u8..2, any::<bool>()), 0..3);
    let end = proptest::option::of(arb_day());
    (numbers, tickets, end, 0u8..2).prop_map(move |(mut record, tickets, end, office)| {
        for (yen, kind, matches) in tickets {
            let mut ticket = ticket(day);
            ticket.self_pay_yen = Some(yen);
            ticket.institution_matches = matches;
            if !matches {
                ticket.institution_code = Some(InstitutionCode("1319900000".to_owned()));
            }
            if kind == 1 {
                ticket.treatment_type = Some(TreatmentType::Inpatient);
            }
            record.tickets.push(ticket);
        }
        record.disqualified_on = end;
        if office == 1 {
            record.issuer_name = Some("隣町福祉事務所".to_owned());
        }
        record
    })
}

fn arb_insurance() -> impl Strategy<Value = AnswerRecord> {
    (proptest::option::of(arb_day()), 0u8..2).prop_map(|(end, copay)| {
        let mut record = insurance();
        record.disqualified_on = end;
        record.copay_percent = Some(copay * 10 + 20);
        record
    })
}

fn arb_answer() -> impl Strategy<Value = OqsAnswer> {
    let validity = prop_oneof![
        4 => Just(AnswerValidity::Valid),
        2 => Just(AnswerValidity::Lost),
        1 => Just(AnswerValidity::LostWithNewer),
        2 => Just(AnswerValidity::NotCommissioned),
        1 => Just(AnswerValidity::Multiple),
        1 => Just(AnswerValidity::NotFound),
    ];
    let method = prop_oneof![
        3 => Just(Method::Card),
        3 => Just(Method::Ticket),
        1 => Just(Method::Bulk),
        1 => Just(Method::LocalCopy),
    ];
    (arb_day(), 9i8..11).prop_flat_map(move |(day, hour)| {
        (
            validity.clone(),
            method.clone(),
            proptest::option::weighted(0.8, arb_assistance(day)),
            proptest::option::weighted(0.4, arb_insurance()),
        )
            .prop_map(move |(validity, method, assistance, insured)| {
                let mut records: Vec<_> = insured.into_iter().chain(assistance).collect();
                if records.is_empty() {
                    records.push(a1());
                }
                let mut answer = by(method, card(day, validity, records));
                answer.executed_at = Some(at(day, hour));
                answer
            })
    })
}

/// Answers, and the same ones shuffled with some of them repeated.
pub(crate) fn arb_arrivals() -> impl Strategy<Value = (Vec<OqsAnswer>, Vec<OqsAnswer>)> {
    proptest::collection::vec(arb_answer(), 1..9).prop_flat_map(|answers| {
        let again = proptest::sample::subsequence(answers.clone(), 0..=answers.len());
        (Just(answers.clone()), again).prop_flat_map(|(answers, again)| {
            let all: Vec<_> = answers.iter().cloned().chain(again).collect();
            (Just(answers), Just(all).prop_shuffle())
        })
    })
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: asked.cases.max(500),
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..asked
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_order_with_repeats_ends_in_the_same_knowledge((answers, arrivals) in arb_arrivals()) {
        let mut in_order = answers;
        in_order.sort_by_key(|answer| answer.executed_at);
        let straight = Story::given(in_order);
        let shuffled = Story::given(arrivals);
        prop_assert_eq!(knowledge(&straight.state), knowledge(&shuffled.state));
        prop_assert_eq!(last_words(&straight.events), last_words(&shuffled.events));
    }

    #[test]
    fn state_is_the_replay_of_its_events((_, arrivals) in arb_arrivals()) {
        let story = Story::given(arrivals);
        let replayed = replay(story.events.iter().map(|(origin, event)| (origin.clone(), Some(event))));
        prop_assert_eq!(&story.state, &replayed);
        let stored = serde_json::to_string(&story.state).unwrap();
        prop_assert_eq!(&story.state, &serde_json::from_str(&stored).unwrap());
    }

    #[test]
    fn every_answer_is_verified_once_and_last(answers in proptest::collection::vec(arb_answer(), 1..6)) {
        let mut story = Story::default();
        for answer in answers {
            let events = story.sees(answer);
            verified(&events);
        }
    }

    #[test]
    fn no_event_of_a_waiting_half_carries_a_number(answer in arb_answer()) {
        let mut answer = answer;
        answer.validity = Some(AnswerValidity::NotCommissioned);
        let text = serde_json::to_string(&Story::default().sees(answer)).unwrap();
        for number in ["12137014", "4820155", "12997011", "1234566", "30072"] {
            prop_assert!(!text.contains(number));
        }
    }

    /// Events of other histories, in any order, some without their payload: recorded without a panic.
    #[test]
    fn evolve_takes_any_sequence(
        (_, one) in arb_arrivals(),
        (_, other) in arb_arrivals(),
        picks in proptest::collection::vec((any::<proptest::sample::Index>(), any::<bool>()), 0..60),
    ) {
        let mut events = Story::given(one).events;
        events.extend(Story::given(other).events);
        let state = replay(picks.iter().map(|(pick, gone)| {
            let (origin, event) = &events[pick.index(events.len())];
            let origin = if *gone { Origin::default() } else { origin.clone() };
            (origin, (!gone).then_some(event))
        }));
        let again = command(card(MAY_11, AnswerValidity::Valid, [a1()]));
        let decided = decide(&state, PatientCommand::RecordVerification(Box::new(again)));
        prop_assert!(decided.is_ok());
    }
}
