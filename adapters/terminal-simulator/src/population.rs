//! Everybody whom the centre knows: the town's own people, and as many generated ones as a test wants. Generated
//! people are made anew whenever they are looked at, so a hundred thousand of them need no memory.

use jiff::ToSpan as _;
use jiff::civil::date;

use crate::decode::Question;
use crate::number::{payer_number, recipient_number};
use crate::person::{Assistance, Insurance, Person, Standing, TicketPlan, TreatmentType};
use crate::town::{OFFICE, OTHER_INSTITUTION, town};

/// Numbers of the four offices of the generated people.
const OFFICES: [u16; 4] = [801, 802, 803, 804];
/// Their recipient numbers begin here.
const FIRST_RECIPIENT: u32 = 100_000;
/// Their insurance numbers begin here.
const FIRST_INSURED: u32 = 7_000_000;
/// More would not have a recipient number each.
const MOST: u32 = 3_000_000;

/// Everybody.
#[derive(Debug, Clone)]
pub(crate) struct Population {
    own: Vec<Person>,
    generated: u32,
    seed: u64,
}

impl Population {
    /// The town and `generated` people beside it, always the same for a seed.
    pub(crate) fn new(generated: u32, seed: u64) -> Self {
        Self {
            own: town(),
            generated: generated.min(MOST),
            seed,
        }
    }

    /// Everybody, always in the same order.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = Person> + '_ {
        let generated = (0..self.generated).map(|place| generated(place, self.seed));
        self.own.iter().cloned().chain(generated)
    }

    /// By what a scenario calls somebody: an id of the town, or `generated-N`.
    pub(crate) fn named(&self, id: &str) -> Option<Person> {
        let place = id
            .strip_prefix("generated-")
            .and_then(|place| place.parse().ok())
            .filter(|place| *place < self.generated);
        place
            .map(|place| generated(place, self.seed))
            .or_else(|| self.own.iter().find(|person| person.id == id).cloned())
    }

    /// By the two numbers of either half.
    pub(crate) fn numbered(&self, insurer: &str, number: &str) -> Option<Person> {
        let has = |person: &Person| holds(person, insurer, number).is_some();
        let generated = place(insurer, number)
            .filter(|place| *place < self.generated)
            .map(|place| generated(place, self.seed));
        self.own
            .iter()
            .find(|person| has(person))
            .cloned()
            .or(generated)
            .filter(has)
    }

    /// Who is asked for: numbers and birth date agree.
    pub(crate) fn asked(&self, question: &Question) -> Option<Person> {
        let insurer = question.insurer_number.as_deref()?;
        let number = question.number.as_deref()?;
        self.numbered(insurer, number)
            .filter(|person| question.birth_date == Some(person.birth_date))
    }
}

/// Which half two numbers are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Insurance,
    Assistance,
}

/// Whose half the numbers are.
pub(crate) fn holds(person: &Person, insurer: &str, number: &str) -> Option<Half> {
    let assistance = person.assistance.as_ref();
    let insurance = person.insurance.as_ref();
    if assistance
        .is_some_and(|half| half.payer_number == insurer && half.recipient_number == number)
    {
        Some(Half::Assistance)
    } else if insurance.is_some_and(|half| half.insurer_number == insurer && half.number == number)
    {
        Some(Half::Insurance)
    } else {
        None
    }
}

/// The place of a generated person, told by their numbers.
fn place(insurer: &str, number: &str) -> Option<u32> {
    let office = OFFICES
        .iter()
        .position(|office| payer_number(*office) == insurer);
    match office {
        Some(office) => {
            let body: u32 = number.get(..6)?.parse().ok()?;
            let row = body.checked_sub(FIRST_RECIPIENT)?;
            row.checked_mul(4)?.checked_add(u32::try_from(office).ok()?)
        }
        None => number.parse::<u32>().ok()?.checked_sub(FIRST_INSURED),
    }
}

/// Spreads neighbours apart.
fn mix(seed: u64, place: u32) -> u64 {
    let mut state = seed
        .wrapping_add(u64::from(place) + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

fn spelt(place: u32, digits: [&str; 10]) -> String {
    place
        .to_string()
        .bytes()
        .map(|digit| digits[usize::from(digit - b'0')])
        .collect()
}

fn generated(place: u32, seed: u64) -> Person {
    let dice = mix(seed, place);
    let kanji = ["零", "壱", "弐", "参", "四", "五", "六", "七", "八", "九"];
    let kana = ["ｱ", "ｲ", "ｳ", "ｴ", "ｵ", "ｶ", "ｷ", "ｸ", "ｹ", "ｺ"];
    let office = OFFICES[usize::try_from(place % 4).unwrap_or_default()];
    let is_combined = dice.is_multiple_of(5);
    let born = i64::try_from(dice % 30_000).unwrap_or_default();
    Person {
        id: format!("generated-{place}"),
        name: format!("町中　{}", spelt(place, kanji)),
        name_kana: format!("ﾏﾁﾅｶ {}", spelt(place, kana)),
        sex: if dice.is_multiple_of(2) { '1' } else { '2' },
        birth_date: date(1930, 1, 1)
            .checked_add(born.days())
            .expect("thirty thousand days after 1930 is a date"),
        reference_number: (!dice.is_multiple_of(3)).then(|| format!("G{place:07}")),
        insurance: is_combined.then(|| insurance(place)),
        assistance: Some(Assistance {
            payer_number: payer_number(office),
            recipient_number: recipient_number(FIRST_RECIPIENT + place / 4),
            office: OFFICE.to_owned(),
            since: date(2025, 4, 1),
            tickets: tickets(place, dice, is_combined),
        }),
        standing: match dice % 100 {
            0 => Standing::Lost,
            1 => Standing::LostWithNewer,
            _ => Standing::Valid,
        },
        card_registered: true,
    }
}

fn tickets(place: u32, dice: u64, combined: bool) -> Vec<TicketPlan> {
    let mut first = TicketPlan::outpatient(&format!("{place:07}"));
    first.combined = combined;
    if dice.is_multiple_of(11) {
        first.treatment_type = TreatmentType::Dispensing;
        first.prescriber = Some(OTHER_INSTITUTION.to_owned());
    }
    let mut tickets = vec![first];
    if dice.is_multiple_of(7) {
        tickets.push(TicketPlan {
            treatment_type: TreatmentType::Dental,
            combined,
            ..TicketPlan::outpatient(&format!("9{place:07}"))
        });
    }
    tickets
}

fn insurance(place: u32) -> Insurance {
    Insurance {
        classification: "01".to_owned(),
        insurer_number: "06139992".to_owned(),
        insurer_name: "見本健康保険組合".to_owned(),
        symbol: Some("５２".to_owned()),
        number: (FIRST_INSURED + place).to_string(),
        branch: Some("01".to_owned()),
        since: date(2019, 4, 1),
        copay_percent: Some(30),
    }
}

/// A number that tells people apart, the same in every run.
pub(crate) fn spread(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everybody_is_found_by_their_numbers() {
        let people = Population::new(3000, 7);
        for person in people.everybody() {
            let assistance = person.assistance.as_ref();
            let pair = assistance.map(|half| (&half.payer_number, &half.recipient_number));
            if let Some((payer, recipient)) = pair {
                assert_eq!(people.numbered(payer, recipient), Some(person.clone()));
            }
            if let Some(half) = &person.insurance {
                let found = people.numbered(&half.insurer_number, &half.number);
                assert_eq!(found.as_ref(), Some(&person));
            }
            assert_eq!(people.named(&person.id), Some(person));
        }
        assert_eq!(people.named("generated-3000"), None);
        assert_eq!(people.numbered("12998019", "9999999"), None);
    }

    #[test]
    fn the_same_seed_makes_the_same_people() {
        let people = |seed| Population::new(500, seed).everybody().collect::<Vec<_>>();
        assert_eq!(people(1), people(1));
        assert_ne!(people(1), people(2));
        let numbers: HashSet<_> = people(1)
            .into_iter()
            .filter_map(|person| person.assistance)
            .map(|half| (half.payer_number, half.recipient_number))
            .collect();
        assert_eq!(numbers.len(), 515);
    }
}
