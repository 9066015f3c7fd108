//! A month of 医療券 at three facilities with two terminals each, by simulated terminals and a wall clock that is put
//! from day to day, from the 1st of May to the 10th of June.
//!
//! The offices register on the 15th, on the 20th, weekly and at once; the hub fetches by itself. What the ticket
//! calendar has to say, and on which days what is asked for, is worked out here from the town and from nothing of the
//! hub's ([`expected`]). On the way one answer comes empty, and one terminal dies with a job at the centre.
//! `make month PATIENTS=2000` plays the long form.

mod expected;
mod site;
mod told;
mod town;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use shikaku_tests::chance::number;
use shikaku_tests::checker;

use expected::{Day, Expected, Month};
use site::Site;

/// The calendar is asked for on these days, after the desk has closed.
const LOOKED_AT: [Day; 5] = [
    Day::new(5, 1),
    Day::new(5, 14),
    Day::new(5, 16),
    Day::new(5, 21),
    Day::new(6, 10),
];
/// The days of the short form: on those between the clock does not stop.
const SOME_DAYS: [Day; 13] = [
    Day::new(5, 1),
    Day::new(5, 2),
    Day::new(5, 9),
    Day::new(5, 14),
    Day::new(5, 16),
    EMPTY,
    EMPTY.next(),
    DEATH,
    Day::new(5, 22),
    Day::new(6, 1),
    LATE,
    Day::new(6, 9),
    Day::new(6, 10),
];
/// At the second facility every 一括取得 of this day comes empty.
const EMPTY: Day = Day::new(5, 18);
/// At the third facility the terminal that has this day's job dies.
const DEATH: Day = Day::new(5, 21);
/// A check of May's is handed over.
const LATE: Day = Day::new(6, 8);

#[test]
fn is_right_on_every_day_that_matters() {
    let begin = Instant::now();
    let patients = u32::try_from(number("SHIKAKU_MONTH_PATIENTS", 150)).unwrap();
    let days: Vec<Day> = match std::env::var("SHIKAKU_MONTH_DAYS").as_deref() {
        Ok("all") => Day::new(5, 1).until(Day::new(6, 10)).collect(),
        _ => SOME_DAYS.into(),
    };
    let mut site = Site::start(patients, &days);
    let town = site.town(&days);
    let mut expected = Expected::of(&town);
    let mut calendars = 0;
    for day in days {
        let empty = (day == EMPTY).then_some(1);
        match day {
            EMPTY => site.restart_terminals(1, &["bulk-mistake=empty"]),
            DEATH => site.restart_terminals(2, &["working-rounds=2"]),
            _ => {}
        }
        site.put_clock(day, "06:30");
        let runs = expected.morning(day, empty);
        if day == DEATH {
            site.kill_terminal_of(2, day, Month::of(day));
        }
        site.await_runs(day, &runs, empty);
        match day {
            EMPTY => site.restart_terminals(1, &[]),
            DEATH => {
                assert_eq!(site.terminals_asking(2, day).len(), 2, "the other goes on");
                site.restart_terminals(2, &[]);
            }
            _ => {}
        }
        site.put_clock(day, "17:30");
        site.await_visits(expected.afternoon(day));
        if LOOKED_AT.contains(&day) {
            calendars += compare(&site, &expected, day);
        }
        let (runs, seconds) = (runs.len(), begin.elapsed().as_secs());
        println!("{day}: {runs} runs, {} events, {seconds} s", site.last());
    }
    let (events, asked) = whole(&mut site, &expected);
    println!(
        "{patients} patients, {events} events, {asked} 一括取得, {} tickets, {calendars} calendars compared, {} s",
        expected.tickets().len(),
        begin.elapsed().as_secs()
    );
}

/// Every facility's calendar of the present month and the one before; how many.
#[track_caller]
fn compare(site: &Site, expected: &Expected, day: Day) -> usize {
    let mut compared = 0;
    for facility in 0..site::FACILITIES.len() {
        for month in [Month::of(day), Month::of(day).before()] {
            let shown = site.calendar(facility, month);
            let right = expected.calendar(facility, month);
            assert_eq!(
                shown, right,
                "the calendar of {month} at facility {facility} on {day}"
            );
            compared += 1;
        }
    }
    compared
}

/// Nothing was lost, repeated or withdrawn. How many events there are, and how many runs were asked for.
#[track_caller]
fn whole(site: &mut Site, expected: &Expected) -> (usize, usize) {
    let asked = site.requests();
    let names: BTreeSet<_> = asked.iter().map(|it| (&it.terminal, &it.file)).collect();
    assert_eq!(names.len(), asked.len(), "a request was taken twice");
    let mut runs: BTreeMap<(usize, Month, Day), usize> = BTreeMap::new();
    for it in asked
        .iter()
        .filter(|it| it.file.starts_with("OQSmutic01req"))
    {
        *runs
            .entry((it.facility, it.month.unwrap(), it.day))
            .or_default() += 1;
    }
    assert!(
        runs.values().all(|times| *times == 1),
        "asked twice: {runs:?}"
    );
    let runs: BTreeSet<_> = runs.into_keys().collect();
    assert_eq!(&runs, expected.runs(), "on other days than expected");

    let log = site.log();
    for (event, position) in log.iter().zip(1u64..) {
        assert_eq!(event["position"], position);
    }
    let mut arrived: BTreeMap<town::TicketKey, usize> = BTreeMap::new();
    for event in log {
        let kind = event["type"].as_str().unwrap();
        assert_ne!(kind, "commissioned-ticket-withdrawn", "{event}");
        assert_ne!(kind, "inquiry-uncertain", "{event}");
        assert_ne!(kind, "inquiry-timed-out", "{event}");
        if kind == "commissioned-ticket-arrived" {
            *arrived.entry(site::ticket_of(event)).or_default() += 1;
        }
    }
    assert!(
        arrived.values().all(|times| *times == 1),
        "a ticket arrived twice"
    );
    let arrived: BTreeSet<_> = arrived.into_keys().collect();
    let tickets = expected.tickets();
    let difference: Vec<_> = arrived.symmetric_difference(&tickets).take(5).collect();
    assert!(difference.is_empty(), "lost or invented: {difference:?}");
    let events = log.len();
    checker::folder_equation(&site.hub);
    let proof = site.hub.run(&["audit", "verify"]);
    assert_eq!(proof.code, 0, "{proof:?}");
    checker::copied(&site.hub, site.last());
    let parked = site.hub.ok(&["parked", "list", "--json"]);
    assert_eq!(parked.last_object()["parked"], serde_json::json!([]));
    (events, runs.len())
}
