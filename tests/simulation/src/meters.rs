//! What the program itself counts: the few meters that the checker reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit,
};

const FILES: &str = "shikaku_terminal_files_total";
const WAITING: &str = "shikaku_spool_pending";

/// The meters of all terminals.
#[derive(Debug, Clone, Default)]
pub struct Meters(Arc<Mutex<BTreeMap<String, u64>>>);

/// One meter.
struct Meter {
    meters: Meters,
    name: String,
}

impl Meters {
    fn read(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A terminal's adapter starts: its counts begin anew.
    pub fn forget(&self, terminal: &str) {
        let of_it = format!("{terminal} ");
        self.read().retain(|name, _| !name.starts_with(&of_it));
    }

    /// Entries in the spool of a terminal; `None` while its publisher has not said.
    pub fn waiting(&self, terminal: &str) -> Option<u64> {
        self.read().get(&format!("{terminal} waiting")).copied()
    }

    /// Both sides of the folder equation.
    pub fn equation(&self, terminal: &str) -> (u64, u64) {
        let read = self.read();
        let count = |outcome: &str| {
            let count = read.get(&format!("{terminal} {outcome}"));
            count.copied().unwrap_or_default()
        };
        let ended = count("event") + count("duplicate") + count("quarantined");
        (count("seen"), ended)
    }

    fn meter(&self, key: &Key) -> Arc<Meter> {
        let label = |wanted: &str| {
            let mut labels = key.labels();
            labels.find(|label| label.key() == wanted)
        };
        let terminal = label("terminal").or(label("device"));
        let terminal = terminal.map_or("", |label| label.value());
        let outcome = label("outcome").map_or("waiting", |label| label.value());
        Arc::new(Meter {
            meters: self.clone(),
            name: format!("{terminal} {outcome}"),
        })
    }
}

impl Recorder for Meters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        match key.name() == FILES {
            true => Counter::from_arc(self.meter(key)),
            false => Counter::noop(),
        }
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        match key.name() == WAITING {
            true => Gauge::from_arc(self.meter(key)),
            false => Gauge::noop(),
        }
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

impl CounterFn for Meter {
    fn increment(&self, by: u64) {
        *self.meters.read().entry(self.name.clone()).or_default() += by;
    }

    fn absolute(&self, value: u64) {
        self.meters.read().insert(self.name.clone(), value);
    }
}

impl GaugeFn for Meter {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it counts entries"
    )]
    fn set(&self, value: f64) {
        self.absolute(value as u64);
    }
}
