//! Days that a qualification covers, as its events tell them one after the other.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shikaku_schemas::event::{QualificationDetails, QualificationLost};

/// One covered period. Both ends inclusive; none = open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First covered day.
    pub valid_from: Option<Date>,
    /// Last covered day.
    pub valid_to: Option<Date>,
    /// It ended on an unknown day, and was found ended on this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_ended_on: Option<Date>,
}

impl Period {
    fn of(details: &QualificationDetails) -> Self {
        Self {
            valid_from: details.valid_from,
            valid_to: details.valid_to,
            found_ended_on: None,
        }
    }

    /// Whether it covers `day`.
    pub fn covers(&self, day: Date) -> bool {
        self.valid_from.is_none_or(|from| from <= day)
            && self.valid_to.is_none_or(|last| day <= last)
            && self.found_ended_on.is_none_or(|found| day < found)
    }

    fn last_known_day(&self) -> Option<Date> {
        self.valid_to.or(self.found_ended_on)
    }
}

/// The periods of one qualification, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Periods(pub(super) Vec<Period>);

impl Periods {
    /// Granted or amended: the present period is what the newest answer says.
    pub(super) fn state(&mut self, details: &QualificationDetails) {
        self.0.pop();
        self.0.push(Period::of(details));
    }

    /// Valid again: a new period behind the old one, or the old one without its end when the new start
    /// does not lie behind it.
    pub(super) fn resume(&mut self, details: &QualificationDetails) {
        let ended = self.0.last().and_then(Period::last_known_day);
        let apart = matches!((ended, details.valid_from), (Some(end), Some(start)) if start > end);
        if !apart {
            self.0.pop();
        }
        self.0.push(Period::of(details));
    }

    /// Ended.
    pub(super) fn lose(&mut self, lost: &QualificationLost) {
        if let Some(period) = self.0.last_mut() {
            period.valid_to = lost.valid_to.or(period.valid_to);
            period.found_ended_on = lost.valid_to.is_none().then_some(lost.confirmed_on);
        }
    }

    pub(super) fn covers(&self, day: Date) -> bool {
        self.0.iter().any(|period| period.covers(day))
    }
}
