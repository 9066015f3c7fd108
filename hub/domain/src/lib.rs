//! What the hub decides, and nothing else: pure, synchronous, total.
//!
//! * [`patient`] — one patient record: what an answer of the centre changes about it.
//! * [`identity`] — which record an answer is about; persons that join records; cases for people.
//! * [`inquiry`] — the life of one request to a terminal.
//! * [`calendar`] — who waits for which ticket of a month, what arrived, changed, vanished.
//! * [`settlement`] — what a complete 一括取得 run says of its month.
//! * [`history`] — what covered a day, as it was known at a moment.
//! * [`aggregate`] — the one place that speaks cqrs-es.
//!
//! Every part has the same shape: `decide(&State, Command) -> Result<Vec<Event>, Rejection>` and
//! `evolve(&mut State, …, &Event)`. Time, ids and outside answers arrive inside the command. `evolve`
//! records and never judges, takes any sequence of events, and accepts a payload whose key is gone.
//! Nothing here opens a file, a socket or a clock.
//!
//! To add a rule: write its given/when/then test beside the others of its part, then mend `decide`.

pub mod aggregate;
pub mod calendar;
pub mod facility;
pub mod history;
pub mod identity;
pub mod inquiry;
pub mod patient;
pub mod settlement;
mod text;

pub use facility::FacilityFacts;
