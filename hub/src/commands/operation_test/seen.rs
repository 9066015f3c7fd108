//! What was seen, against what had to be.

use shikaku_core::query::InquiryView;
use shikaku_schemas::value::{Coverage, Validity};

use super::report::State;
use super::scenario::Expected;
use crate::words::{self, Words};

/// What was seen.
pub(super) struct Seen {
    /// In words.
    pub(super) text: String,
    /// How the step ended.
    pub(super) state: State,
    /// Inquiries and positions in the ledger.
    pub(super) evidence: Vec<String>,
}

impl Seen {
    /// Without evidence.
    pub(super) fn new(state: State, text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            state,
            evidence: Vec::new(),
        }
    }

    /// Says more.
    pub(super) fn saying(mut self, words: Words) -> Self {
        self.says(&words.to_string());
        self
    }

    fn says(&mut self, more: &str) {
        self.text = format!("{}、{more}", self.text.trim_end_matches('。'));
    }

    /// Not what the step is about, whatever came.
    pub(super) fn not_done(mut self, why: Words) -> Self {
        if self.state == State::Passed {
            self.state = State::NotDone;
        }
        self.saying(why)
    }

    /// One thing more must hold.
    pub(super) fn and(mut self, holds: bool, what: Words) -> Self {
        match holds {
            true => return self.saying(what),
            false if self.state == State::Passed => self.state = State::Failed,
            false => {}
        }
        self.says(&format!("{}: {what}", words::MISSING));
        self
    }
}

/// Whether it was as expected.
pub(super) fn passed(fits: bool) -> State {
    match fits {
        true => State::Passed,
        false => State::Failed,
    }
}

/// The cell of figures 2.2.1-10 and -11 that a valid answer to a ticket shows.
fn cell(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Combined => "combined-ticket-valid",
        _ => "assistance-only-ticket-valid",
    }
}

/// What an inquiry came to.
pub(super) fn judged(view: &InquiryView, wanted: Expected) -> Seen {
    let answered = matches!(view.state, "answered" | "resolved");
    let whole = view.job.as_ref().filter(|job| job.is_complete());
    let shown_code = view.display.as_ref().map(|shown| shown.code);
    let hides = view
        .display
        .as_ref()
        .is_some_and(|shown| !shown.shows.numbers);
    let fits = match wanted {
        Expected::Answer(validity, coverage) => {
            view.validity == Some(validity)
                && coverage.is_none_or(|it| shown_code == Some(cell(it)))
                && (validity != Validity::NotCommissioned || hides)
        }
        Expected::Ticket(_) | Expected::NewPatient => view.validity == Some(Validity::Valid),
        Expected::Units(units) => whole.is_some_and(|job| job.units == units),
        Expected::Tickets => whole.is_some_and(|job| job.units > 0),
        Expected::Registered => true,
        Expected::Held => !view.medical.is_empty(),
        Expected::Attested | Expected::Shown => false,
    };
    let mut said = vec![format!(
        "{} / {}",
        words::inquiry_state(view.state),
        view.state
    )];
    said.extend(view.validity.map(|it| words::validity(it).to_string()));
    let shown = view.display.as_ref();
    said.extend(shown.map(|shown| shown.japanese.trim_end_matches('。').to_owned()));
    if let Some(job) = &view.job {
        said.push(format!("{} {}", words::UNITS, job.units));
    }
    for held in &view.medical {
        said.push(words::scope(held.scope).to_string());
    }
    said.extend(view.code.clone());
    Seen {
        evidence: vec![
            format!("inquiry {}", view.inquiry),
            format!("position {}", view.position),
        ],
        ..Seen::new(passed(answered && fits), said.join("、"))
    }
}

/// What must be seen, in words.
pub(super) fn expected(wanted: Expected) -> String {
    match wanted {
        Expected::Attested => words::TO_BE_ATTESTED.to_string(),
        Expected::Answer(validity, None) => words::validity(validity).to_string(),
        Expected::Answer(validity, Some(coverage)) => format!(
            "{} ({})",
            words::validity(validity),
            words::coverage(coverage)
        ),
        Expected::Ticket(kind) => format!(
            "{} ({})",
            words::validity(Validity::Valid),
            words::ticket_kind(kind)
        ),
        Expected::NewPatient => format!(
            "{} ({})",
            words::validity(Validity::Valid),
            words::NEW_PATIENT
        ),
        Expected::Units(units) => format!("{} ({} {units})", words::WHOLE_RESULT, words::UNITS),
        Expected::Tickets => format!("{} ({} ≥ 1)", words::WHOLE_RESULT, words::UNITS),
        Expected::Registered => words::TO_BE_REGISTERED.to_string(),
        Expected::Held => words::TO_BE_HELD.to_string(),
        Expected::Shown => words::TO_BE_SHOWN.to_string(),
    }
}
