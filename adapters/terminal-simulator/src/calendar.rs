//! When welfare offices register their tickets: until then everybody of theirs is 未委託.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use crate::knobs::Calendar;

impl Calendar {
    /// Whether the ticket of `month` (its first day) is registered at the end of `today`. `person` tells people of
    /// one office apart, `office` offices.
    pub(crate) fn is_registered(self, office: u64, person: u64, month: Date, today: Date) -> bool {
        let day = match self {
            Self::Off => return true,
            Self::Fifteenth => 15,
            Self::Twentieth => 20,
            Self::Weekly => return weekly(person, month) <= today,
            Self::Mixed => {
                let own = [Self::Fifteenth, Self::Twentieth, Self::Weekly, Self::Off];
                let place = usize::try_from(office % 4).unwrap_or_default();
                return own[place].is_registered(office, person, month, today);
            }
        };
        month
            .checked_add((day - 1).days())
            .is_ok_and(|registered| registered <= today)
    }
}

/// An office that registers each Monday what it decided in the week before, visible from the next working day.
fn weekly(person: u64, month: Date) -> Date {
    let decided = i64::try_from(person % 21).unwrap_or_default();
    month
        .checked_add(decided.days())
        .and_then(|decided| decided.nth_weekday(1, Weekday::Monday))
        .and_then(|monday| monday.checked_add(1.day()))
        .unwrap_or(month)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn tickets_appear_on_their_day() {
        let may = date(2026, 5, 1);
        let registered =
            |calendar: Calendar, day| calendar.is_registered(0, 5, may, date(2026, 5, day));
        assert!(registered(Calendar::Off, 1));
        assert!(!registered(Calendar::Fifteenth, 14));
        assert!(registered(Calendar::Fifteenth, 15));
        assert!(!registered(Calendar::Twentieth, 19));
        assert!(registered(Calendar::Twentieth, 20));
        // Decided on Wednesday the 6th, registered on Monday the 11th.
        assert!(!registered(Calendar::Weekly, 11));
        assert!(registered(Calendar::Weekly, 12));
        let june = date(2026, 6, 1);
        assert!(!Calendar::Fifteenth.is_registered(0, 0, june, date(2026, 5, 31)));
    }

    #[test]
    fn everybody_is_registered_before_the_month_ends() {
        for person in 0..50 {
            for month in 1..=12 {
                let first = date(2026, month, 1);
                assert!(Calendar::Weekly.is_registered(0, person, first, first.last_of_month()));
            }
        }
    }
}
