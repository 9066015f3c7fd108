//! On which days a month is fetched by itself.

use jiff::civil::{Date, Weekday};
use shikaku_schemas::group::WelfareOffice;
use shikaku_schemas::value::Month;

use crate::sequencer::FIRST_MONTH;

/// 医療券 of a month are claimed until this day of the next one.
const CLAIMS_CLOSE: i8 = 10;
/// An office that does not say registers about then.
const USUAL_DAY: i8 = 15;
/// Older months are looked at as long.
pub(super) const MONTHS_BACK: usize = 6;

/// Whether a month is to be fetched today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Whoever waits.
    Run,
    /// If anyone is 未委託, or a ticket is missing that a second run has to confirm.
    IfOpen,
    /// Not today.
    No,
}

/// The last days of a month's runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Last {
    /// On which one was asked for and taken.
    pub(super) asked: Option<Date>,
    /// Of the newest that settled the month: one that was refused, or came short, tells nothing of it.
    pub(super) settled: Option<Date>,
}

/// What to do today about `month`.
pub(super) fn need(today: Date, month: Month, offices: &[WelfareOffice], last: Last) -> Need {
    if month < FIRST_MONTH || month > Month::of(today) || last.asked == Some(today) {
        return Need::No;
    }
    let since = |day: Date| today >= day && last.settled.is_none_or(|last| last < day);
    let visible = visible_days(month, offices);
    let closes = closes(month);
    // A day before claims close, so that a second run can still confirm what vanished.
    let before_close = closes.yesterday().unwrap_or(closes);
    if today > closes {
        let week_ago = today.saturating_sub(jiff::Span::new().days(7));
        return match last.asked.is_none_or(|last| last <= week_ago) {
            true => Need::IfOpen,
            false => Need::No,
        };
    }
    if visible.iter().any(|day| since(*day)) || since(before_close) {
        return Need::Run;
    }
    match visible.iter().any(|day| today >= *day) {
        true => Need::IfOpen,
        false => Need::No,
    }
}

fn closes(month: Month) -> Date {
    let next = month.last_day().tomorrow().unwrap_or(Date::MAX);
    next.with().day(CLAIMS_CLOSE).build().unwrap_or(next)
}

/// The days on which what the offices registered can be seen: the day after; a weekly one registers on Mondays.
fn visible_days(month: Month, offices: &[WelfareOffice]) -> Vec<Date> {
    let after = |day: i8| {
        let last = month.last_day();
        let registered = month.first_day().with().day(day).build().unwrap_or(last);
        registered.tomorrow().unwrap_or(registered)
    };
    let mut days = Vec::new();
    for office in offices {
        match office.registers.as_deref() {
            Some("weekly") => days.extend(
                month
                    .first_day()
                    .series(jiff::Span::new().days(1))
                    .take_while(|day| *day <= month.last_day())
                    .filter(|day| day.weekday() == Weekday::Monday)
                    .filter_map(|monday| monday.tomorrow().ok()),
            ),
            told => days.push(after(
                told.and_then(|day| day.parse().ok()).unwrap_or(USUAL_DAY),
            )),
        }
    }
    if days.is_empty() {
        days.push(after(USUAL_DAY));
    }
    days
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const MAY: Month = Month {
        year: 2026,
        month: 5,
    };

    fn office(registers: &str) -> WelfareOffice {
        WelfareOffice {
            name: "見本市福祉事務所".to_owned(),
            payer_numbers: Vec::new(),
            phone: None,
            registers: Some(registers.to_owned()),
        }
    }

    fn on(month: i8, day: i8, last: Option<(i8, i8)>) -> Need {
        let last = last.map(|(month, day)| date(2026, month, day));
        let offices = [office("15"), office("20")];
        need(date(2026, month, day), MAY, &offices, both(last))
    }

    fn both(last: Option<Date>) -> Last {
        Last {
            asked: last,
            settled: last,
        }
    }

    #[test]
    fn what_failed_or_came_short_is_fetched_again_the_next_day() {
        let offices = [office("15"), office("20")];
        let ask = |month, day, settled: Option<Date>| {
            let last = Last {
                asked: Some(date(2026, month, day).yesterday().unwrap()),
                settled,
            };
            need(date(2026, month, day), MAY, &offices, last)
        };
        assert_eq!(ask(5, 17, None), Need::Run);
        assert_eq!(ask(5, 17, Some(date(2026, 5, 16))), Need::IfOpen);
        assert_eq!(ask(6, 10, Some(date(2026, 6, 1))), Need::Run);
        assert_eq!(ask(6, 12, None), Need::No, "older ones weekly");
    }

    #[test]
    fn nothing_is_fetched_before_anybody_registers() {
        assert_eq!(on(5, 1, None), Need::No);
        assert_eq!(on(5, 15, None), Need::No);
        assert_eq!(on(4, 30, None), Need::No);
    }

    #[test]
    fn it_is_fetched_the_day_after_each_office_registers_and_daily_while_anyone_waits() {
        assert_eq!(on(5, 16, None), Need::Run);
        assert_eq!(on(5, 16, Some((5, 16))), Need::No);
        assert_eq!(on(5, 17, Some((5, 16))), Need::IfOpen);
        assert_eq!(on(5, 21, Some((5, 20))), Need::Run);
        assert_eq!(on(5, 25, Some((5, 16))), Need::Run, "the hub was down");
    }

    #[test]
    fn it_is_fetched_before_claims_close_and_older_ones_weekly() {
        assert_eq!(on(6, 8, Some((6, 1))), Need::IfOpen);
        assert_eq!(on(6, 9, Some((6, 1))), Need::Run);
        assert_eq!(on(6, 10, Some((6, 9))), Need::IfOpen);
        assert_eq!(on(6, 12, Some((6, 10))), Need::No);
        assert_eq!(on(6, 17, Some((6, 10))), Need::IfOpen);
    }

    #[test]
    fn a_weekly_office_is_fetched_the_day_after_each_monday() {
        let weekly = [office("weekly")];
        let ask = |day, last| need(date(2026, 5, day), MAY, &weekly, both(last));
        assert_eq!(ask(4, None), Need::No);
        assert_eq!(ask(5, None), Need::Run);
        assert_eq!(ask(6, Some(date(2026, 5, 5))), Need::IfOpen);
        assert_eq!(ask(12, Some(date(2026, 5, 11))), Need::Run);
    }

    #[test]
    fn no_month_before_the_first_is_fetched() {
        let month = Month {
            year: 2023,
            month: 9,
        };
        let today = date(2023, 10, 9);
        assert_eq!(need(today, month, &[], Last::default()), Need::No);
    }
}
