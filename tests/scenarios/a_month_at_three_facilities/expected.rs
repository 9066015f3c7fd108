//! What has to be known on which day, worked out from the town and the offices' habits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::site::FACILITIES;
use super::town::{TicketKey, Town};

/// A day of 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day {
    month: i8,
    day: i8,
}

/// A month of 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(i8);

const LENGTHS: [i8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Day {
    pub(super) const fn new(month: i8, day: i8) -> Self {
        Self { month, day }
    }

    /// `2026-05-01`, with or without a time behind.
    pub(super) fn read(text: &str) -> Self {
        let (month, day) = (text[5..7].parse(), text[8..10].parse());
        Self::new(month.unwrap(), day.unwrap())
    }

    pub(super) const fn next(self) -> Self {
        match self.day < LENGTHS[self.month as usize - 1] {
            true => Self::new(self.month, self.day + 1),
            false => Self::new(self.month + 1, 1),
        }
    }

    /// Both included.
    pub(super) fn until(self, last: Self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |day| Some(day.next()))
            .take_while(move |day| *day <= last)
    }

    /// The 5th of May 2026 is one.
    fn is_tuesday(self) -> bool {
        let before: i16 = LENGTHS
            .iter()
            .take(usize::try_from(self.month - 1).unwrap())
            .map(|it| i16::from(*it))
            .sum();
        (before + i16::from(self.day)) % 7 == 6
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2026-{:02}-{:02}", self.month, self.day)
    }
}

impl Month {
    pub(super) const fn new(month: i8) -> Self {
        Self(month)
    }

    pub(super) fn of(day: Day) -> Self {
        Self(day.month)
    }

    pub(super) fn before(self) -> Self {
        Self(self.0 - 1)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2026-{:02}", self.0)
    }
}

/// A calendar: who waits, and how many tickets everybody else has.
pub(super) type Shown = (BTreeSet<String>, BTreeMap<String, usize>);

/// What a facility knows of a month. People by their index.
#[derive(Default)]
struct Known {
    arrived: BTreeSet<usize>,
    waiting: BTreeSet<usize>,
    last: Option<Day>,
}

pub(super) struct Expected<'a> {
    town: &'a Town,
    known: BTreeMap<(usize, Month), Known>,
    runs: BTreeSet<(usize, Month, Day)>,
}

impl<'a> Expected<'a> {
    pub(super) fn of(town: &'a Town) -> Self {
        Self {
            town,
            known: BTreeMap::new(),
            runs: BTreeSet::new(),
        }
    }

    /// What is fetched before the desk opens. At the facility `empty` nothing comes.
    pub(super) fn morning(&mut self, day: Day, empty: Option<usize>) -> Vec<(usize, Month)> {
        let mut runs = Vec::new();
        for facility in 0..FACILITIES.len() {
            let present = Month::of(day);
            for month in [present, present.before()] {
                let known = self.known.entry((facility, month)).or_default();
                if !is_due(day, month, known.last, !known.waiting.is_empty()) {
                    continue;
                }
                known.last = Some(day);
                runs.push((facility, month));
                self.runs.insert((facility, month, day));
                if empty == Some(facility) {
                    continue;
                }
                for (index, person) in self.town.people.iter().enumerate() {
                    if person.is_registered(facility, month, day) {
                        known.arrived.insert(index);
                        known.waiting.remove(&index);
                    }
                }
            }
        }
        runs
    }

    /// What the cards of a day tell. How many visits there were up to now.
    pub(super) fn afternoon(&mut self, day: Day) -> usize {
        for visit in self.town.visits.iter().filter(|it| it.day == day) {
            let person = &self.town.people[visit.person];
            let month = match visit.late {
                true => Month::of(day).before(),
                false => Month::of(day),
            };
            let known = self.known.entry((visit.facility, month)).or_default();
            if person.is_registered(visit.facility, month, day) {
                known.arrived.insert(visit.person);
            } else if ["valid", "not-commissioned"].contains(&person.standing.as_str()) {
                known.waiting.insert(visit.person);
            }
        }
        self.town.visits.iter().filter(|it| it.day <= day).count()
    }

    pub(super) fn calendar(&self, facility: usize, month: Month) -> Shown {
        let Some(known) = self.known.get(&(facility, month)) else {
            return Shown::default();
        };
        let people = &self.town.people;
        let waiting = known
            .waiting
            .iter()
            .map(|index| people[*index].name.clone());
        let arrived = known.arrived.iter().map(|index| &people[*index]);
        let arrived = arrived.map(|person| (person.name.clone(), person.tickets.len()));
        (waiting.collect(), arrived.collect())
    }

    /// What was fetched on which day.
    pub(super) fn runs(&self) -> &BTreeSet<(usize, Month, Day)> {
        &self.runs
    }

    /// Everything that the facilities know in the end.
    pub(super) fn tickets(&self) -> BTreeSet<TicketKey> {
        let mut keys = BTreeSet::new();
        for ((facility, month), known) in &self.known {
            for person in known.arrived.iter().map(|index| &self.town.people[*index]) {
                for issue in &person.tickets {
                    let (payer, recipient) = (person.payer.clone(), person.recipient.clone());
                    keys.insert((*facility, *month, payer, recipient, issue.clone()));
                }
            }
        }
        keys
    }
}

/// The day after an office registered (the 1st, the 15th, the 20th, each Monday of one that registers weekly) and the day
/// before claims close always; in between while anyone waits. After the 10th of the next month nobody waits here.
fn is_due(day: Day, month: Month, last: Option<Day>, anyone_waits: bool) -> bool {
    let within = Month::of(day) == month;
    let closes = Day::new(month.0 + 1, 10);
    if day > closes {
        return false;
    }
    let seen =
        |it: &Day| *it == Day::new(month.0, 2) || [16, 21].contains(&it.day) || it.is_tuesday();
    let mut fixed: Vec<Day> = Day::new(month.0, 1)
        .until(Day::new(
            month.0,
            LENGTHS[usize::try_from(month.0 - 1).unwrap()],
        ))
        .filter(seen)
        .collect();
    fixed.push(Day::new(month.0 + 1, 9));
    let missed = |it: &Day| *it <= day && last.is_none_or(|last| last < *it);
    let begun = fixed[0] <= day;
    debug_assert!(within || day.month == month.0 + 1);
    fixed.iter().any(missed) || (begun && anyone_waits && last != Some(day))
}
