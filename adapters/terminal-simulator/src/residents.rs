//! The town as a list: who lives there, and when whose tickets are registered. What a test or a demonstration holds
//! the hub's words against.

use jiff::civil::Date;
use serde::Serialize;

use crate::centre::{Centre, office};
use crate::knobs::Knobs;
use crate::person::Standing;
use crate::population::spread;
use crate::scenario::Scenario;

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resident {
    /// What scenarios call them.
    pub id: String,
    /// 氏名.
    pub name: String,
    /// The one institution that treats them; `None`: every one.
    pub institution: Option<String>,
    /// What the centre answers.
    pub standing: Standing,
    /// 公費負担者番号.
    pub payer_number: Option<String>,
    /// 受給者番号.
    pub recipient_number: Option<String>,
    /// 交付番号 of each ticket of a month that names the institution.
    pub tickets: Vec<String>,
    /// Since when the tickets of the month are registered; `None`: they always were.
    pub registered_on: Option<Date>,
}

/// Everybody, as of `month` (its first day).
pub fn residents(scenario: &Scenario, knobs: &Knobs, month: Date) -> Vec<Resident> {
    let centre = Centre::new(scenario, knobs);
    let everybody = centre.everybody().map(|(person, institution)| {
        let calendar = knobs.calendar.of(office(&person));
        let half = person.assistance.as_ref();
        let tickets = half.iter().flat_map(|half| &half.tickets);
        let tickets = tickets
            .filter(|ticket| ticket.other_institution.is_none() && !ticket.out_of_term)
            .map(|ticket| ticket.issue_number.clone());
        Resident {
            institution: institution.map(str::to_owned),
            standing: person.standing,
            payer_number: half.map(|half| half.payer_number.clone()),
            recipient_number: half.map(|half| half.recipient_number.clone()),
            tickets: tickets.collect(),
            registered_on: calendar.registered_on(spread(&person.id), month),
            id: person.id,
            name: person.name,
        }
    });
    everybody.collect()
}
