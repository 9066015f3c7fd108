//! A stand-in for the 資格確認端末, for demonstrations and tests.
//!
//! It owns the folders `req/`, `res/` and `face/` below one root: it takes single inquiries
//! (`OQSsiquc01req_*`) out of `req/` and answers them in `res/`, and drops face files as people of a small
//! invented town come to the desk. [`Knobs`] make it behave as badly as terminals in the field do.
//!
//! It shares no line of reading or writing with the hub: what both get wrong in the same way would
//! never be found. So it depends on no other crate of this workspace, and never will.
//!
//! To add a situation: a person in [`town()`], and a step in `src/day.toml` if the demonstration should show it.
//! To add a misbehaviour: a knob in `knobs.rs`.

mod answer;
mod config;
mod decode;
mod element;
mod folder;
mod knobs;
mod number;
mod person;
mod run;
mod scenario;
mod town;

pub use answer::{Answered, render_answer, render_face};
pub use config::{SimulatorOptions, TicketShown, WallClock};
pub use decode::{Question, QuestionError, read_question};
pub use folder::Folders;
pub use knobs::{
    CharacterCode, CombinedOrder, Encoding, KnobError, Knobs, Names, NotCommissionedForm, Numbers,
    Order, Silence, Spelling, Tickets, Writing,
};
pub use number::{check_digit, institution_code, payer_number, recipient_number};
pub use person::{Assistance, Insurance, Person, Standing, TicketPlan, TreatmentType};
pub use run::{Simulator, SimulatorError};
pub use scenario::{Means, Scenario, ScenarioError, Step, When};
pub use town::{INSTITUTION, OFFICE, OTHER_INSTITUTION, stranger, town};
