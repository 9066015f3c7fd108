//! When welfare offices register their tickets: until then everybody of theirs is 未委託.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use crate::knobs::Calendar;

impl Calendar {
    /// The calendar of one office, where each has its own.
    pub(crate) fn of(self, office: u64) -> Self {
        let own = [Self::Fifteenth, Self::Twentieth, Self::Weekly, Self::Off];
        match self {
            Self::Mixed => own[usize::try_from(office % 4).unwrap_or_default()],
            one => one,
        }
    }

    /// Whether the ticket of `month` (its first day) is registered at the end of `today`. `person` tells people of
    /// one office apart.
    pub(crate) fn is_registered(self, person: u64, month: Date, today: Date) -> bool {
        self.registered_on(person, month)
            .is_none_or(|registered| registered <= today)
    }

    /// Since when it is registered; `None`: it always was.
    pub(crate) fn registered_on(self, person: u64, month: Date) -> Option<Date> {
        let day = match self {
            Self::Off | Self::Mixed => return None,
            Self::Fifteenth => 15,
            Self::Twentieth => 20,
            Self::Weekly => return Some(weekly(person, month)),
        };
        month.checked_add((day - 1).days()).ok()
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
            |calendar: Calendar, day| calendar.is_registered(5, may, date(2026, 5, day));
        assert!(registered(Calendar::Off, 1));
        assert!(!registered(Calendar::Fifteenth, 14));
        assert!(registered(Calendar::Fifteenth, 15));
        assert!(!registered(Calendar::Twentieth, 19));
        assert!(registered(Calendar::Twentieth, 20));
        // Decided on Wednesday the 6th, registered on Monday the 11th.
        assert!(!registered(Calendar::Weekly, 11));
        assert!(registered(Calendar::Weekly, 12));
        let june = date(2026, 6, 1);
        assert!(!Calendar::Fifteenth.is_registered(0, june, date(2026, 5, 31)));
    }

    #[test]
    fn four_offices_side_by_side_each_have_a_way_of_their_own() {
        let ways = [801, 802, 803, 804].map(|office| Calendar::Mixed.of(office));
        let own = [
            Calendar::Twentieth,
            Calendar::Weekly,
            Calendar::Off,
            Calendar::Fifteenth,
        ];
        assert_eq!(ways, own);
        assert_eq!(Calendar::Weekly.of(801), Calendar::Weekly);
    }

    #[test]
    fn everybody_is_registered_before_the_month_ends() {
        for person in 0..50 {
            for month in 1..=12 {
                let first = date(2026, month, 1);
                assert!(Calendar::Weekly.is_registered(person, first, first.last_of_month()));
            }
        }
    }
}
