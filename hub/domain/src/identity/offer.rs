//! Offered links: a ticket arrives that equals exactly one open 未委託 person without public assistance numbers.

use shikaku_schemas::event::{Event, PersonDetails};
use shikaku_schemas::value::{FacilityCode, Month, RecordId};

use crate::text;

/// A record of which no public assistance number is known, open for one month at one facility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPerson {
    /// The record that waits.
    pub record: RecordId,
    /// The facility that asked.
    pub facility: FacilityCode,
    /// The month that is 未委託.
    pub month: Month,
    /// Who.
    pub person: PersonDetails,
    /// 福祉事務所名.
    pub welfare_office: Option<String>,
}

/// A ticket that has just arrived at a facility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Its record.
    pub record: RecordId,
    /// The facility.
    pub facility: FacilityCode,
    /// Its month.
    pub month: Month,
    /// Who holds it.
    pub person: PersonDetails,
    /// 福祉事務所名.
    pub welfare_office: Option<String>,
}

/// The tickets that arrived for this facility in one decision's events, one for each month and office.
pub fn arrivals(record: RecordId, facility: &FacilityCode, events: &[Event]) -> Vec<Arrival> {
    let person = events.iter().rev().find_map(|event| match event {
        Event::Verified(verified) => Some(&verified.person),
        _ => None,
    });
    let Some(person) = person else {
        return Vec::new();
    };
    let mut found: Vec<Arrival> = Vec::new();
    for event in events {
        let Event::CommissionedTicketArrived(ticket) = event else {
            continue;
        };
        let arrival = Arrival {
            record,
            facility: facility.clone(),
            month: ticket.ticket.treatment_month,
            person: person.clone(),
            welfare_office: ticket.welfare_office.clone(),
        };
        if ticket.ticket.institution_matches && !found.contains(&arrival) {
            found.push(arrival);
        }
    }
    found
}

/// The record to offer a link with: the only one that equals the arrival in facility, month, name, birth
/// date, sex and office. Two equal ones are no answer, and what is not stated equals nothing.
pub fn offer(arrival: &Arrival, waiting: &[WaitingPerson]) -> Option<RecordId> {
    let mut equal = waiting
        .iter()
        .filter(|waiting| waiting.record != arrival.record && equals(arrival, waiting))
        .map(|waiting| waiting.record);
    let first = equal.next()?;
    equal.all(|other| other == first).then_some(first)
}

fn equals(arrival: &Arrival, waiting: &WaitingPerson) -> bool {
    let (arrived, open) = (&arrival.person, &waiting.person);
    arrival.facility == waiting.facility
        && arrival.month == waiting.month
        && same(&arrived.name, &open.name, text::name)
        && same(&arrival.welfare_office, &waiting.welfare_office, text::name)
        && arrived.birth_date.is_some()
        && arrived.birth_date == open.birth_date
        && arrived.sex.is_some()
        && arrived.sex == open.sex
}

fn same(left: &Option<String>, right: &Option<String>, fold: fn(&str) -> String) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => fold(left) == fold(right),
        _ => false,
    }
}
