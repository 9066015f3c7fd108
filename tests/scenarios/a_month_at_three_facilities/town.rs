//! The town as the simulator tells it, and who comes to which desk when.

use serde_json::Value;

use super::LATE;
use super::expected::{Day, Month};
use super::site::FACILITIES;

/// Facility, 診療年月, 公費負担者番号, 受給者番号 and 交付番号.
pub(super) type TicketKey = (usize, Month, String, String, String);

pub(super) struct Person {
    pub(super) id: String,
    pub(super) name: String,
    /// Where they are treated; `None`: everywhere.
    pub(super) facility: Option<usize>,
    pub(super) standing: String,
    pub(super) payer: String,
    pub(super) recipient: String,
    pub(super) tickets: Vec<String>,
    /// When the tickets of each month are registered; before it began where there is no day.
    registered: Vec<(Month, Option<Day>)>,
}

/// Somebody comes with a card.
pub(super) struct Visit {
    pub(super) day: Day,
    pub(super) time: String,
    /// Index of the person.
    pub(super) person: usize,
    pub(super) facility: usize,
    /// At the facility's first or second terminal.
    pub(super) terminal: usize,
    /// The terminal hands over a check of last month, which it had not handed over yet.
    pub(super) late: bool,
}

pub(super) struct Town {
    pub(super) people: Vec<Person>,
    pub(super) visits: Vec<Visit>,
}

impl Person {
    /// Of the lines that `sim people` printed for each month.
    pub(super) fn of(lines: &[(Month, &Value)]) -> Self {
        let (_, line) = lines[0];
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let institution = line["institution"].as_str();
        Self {
            id: text("id"),
            name: text("name"),
            facility: institution.map(|code| FACILITIES.iter().position(|it| *it == code).unwrap()),
            standing: text("standing"),
            payer: text("payer_number"),
            recipient: text("recipient_number"),
            tickets: line["tickets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|number| number.as_str().unwrap().to_owned())
                .collect(),
            registered: lines
                .iter()
                .map(|(month, line)| (*month, line["registered_on"].as_str().map(Day::read)))
                .collect(),
        }
    }

    /// Whether a ticket of theirs for `month` can be seen by `facility` at the end of `day`.
    pub(super) fn is_registered(&self, facility: usize, month: Month, day: Day) -> bool {
        let on = self.registered.iter().find(|(of, _)| *of == month);
        let (_, on) = on.expect("a month of the scenario");
        self.standing == "valid"
            && !self.tickets.is_empty()
            && self.facility.is_none_or(|own| own == facility)
            && on.is_none_or(|on| on <= day)
    }
}

/// Nine of ten generated people come once in May, on one of `days`; the others are known by their tickets only. In
/// June a check of May's comes late: somebody whose office registers nothing.
pub(super) fn visits(people: &[Person], days: &[Day]) -> Vec<Visit> {
    let desk: Vec<Day> = days
        .iter()
        .copied()
        .filter(|day| *day < Day::new(5, 27))
        .collect();
    let mut visits = Vec::new();
    for (index, person) in people.iter().enumerate() {
        let Some(number) = person.id.strip_prefix("generated-") else {
            continue;
        };
        let number: u32 = number.parse().unwrap();
        let Some(facility) = person.facility.filter(|_| number % 10 != 9) else {
            continue;
        };
        let minute = number % 420;
        visits.push(Visit {
            day: desk[usize::try_from(number / 12).unwrap() * 5 % desk.len()],
            time: format!("{:02}:{:02}:00", 9 + minute / 60, minute % 60),
            person: index,
            facility,
            terminal: usize::from(number % 2 == 1),
            late: false,
        });
    }
    let late = people.iter().position(|it| it.id == "not-commissioned-new");
    visits.push(Visit {
        day: LATE,
        time: "10:00:00".to_owned(),
        person: late.unwrap(),
        facility: 0,
        terminal: 0,
        late: true,
    });
    visits
}
