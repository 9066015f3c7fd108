//! What a simulator is told.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use tokio::sync::mpsc;

use crate::centre::{Centre, Place};
use crate::knobs::Knobs;
use crate::scenario::Scenario;

/// Tells what time it is; whoever runs the simulator lends it theirs.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Somebody shows a ticket at the desk: the desk now asks the centre through the hub. The simulator can't,
/// since requests come from the hospital's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketShown {
    /// Who, as scenarios call them.
    pub person: String,
    /// 公費負担者番号.
    pub payer_number: String,
    /// 受給者番号.
    pub recipient_number: String,
    /// 生年月日.
    pub birth_date: Date,
}

/// What a simulator is told.
pub struct SimulatorOptions {
    /// Holds `req/`, `res/` and `face/`; made when missing.
    pub root: PathBuf,
    /// The day that it plays.
    pub scenario: Scenario,
    /// How it behaves.
    pub knobs: Knobs,
    /// The centre behind it, shared by the terminals of a group; `None` makes one of its own.
    pub centre: Option<Arc<Centre>>,
    /// Where time comes from.
    pub clock: WallClock,
    /// How much faster than the clock the day passes; `None` takes the scenario's own.
    pub speed: Option<f64>,
    /// Who is told of tickets shown at the desk. Such a step is skipped when nobody is, or when the
    /// receiver is full.
    pub desk: Option<mpsc::Sender<TicketShown>>,
}

impl SimulatorOptions {
    /// Where the terminal stands, at a time.
    pub(crate) fn place(&self, at: DateTime) -> Place<'_> {
        Place {
            institution: &self.scenario.institution,
            at,
            knobs: &self.knobs,
        }
    }

    /// Now, in Japan.
    pub(crate) fn now(&self) -> DateTime {
        Offset::constant(9).to_datetime((self.clock)())
    }
}
